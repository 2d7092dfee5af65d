"""Names of jobs: made-up ones, easy to say and to complete with Tab, and how a person types a name."""

from __future__ import annotations

import re
import secrets
import shlex

_HOW = (
    "amber bold brisk calm clear cosy deft eager fair fleet fond glad keen kind lucid mild neat noble plain"
)
_WHO = "badger crane dove finch fox heron ibis koala lark lynx marten otter owl panda robin seal stoat tern"


def made_up_name() -> str:
    """Return a name such as `keen-otter-417`."""
    how, who = secrets.choice(_HOW.split()), secrets.choice(_WHO.split())
    return f"{how}-{who}-{secrets.randbelow(900) + 100}"


def tune_line(command: str, name: str, project: str = "default", rest: str = "") -> str:
    """Return what to type for a job: `%tune resume digits`."""
    words = [f"%tune {command}", shlex.quote(name), rest]
    words += [] if project == "default" else [f"--project {shlex.quote(project)}"]
    return " ".join(word for word in words if word)


def file_name(name: str) -> str:
    """Return a job's name as that of a file."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:100] or "job"
