"""Made-up names for jobs without one: easy to say, easy to complete with Tab."""

from __future__ import annotations

import secrets

_HOW = (
    "amber bold brisk calm clear cosy deft eager fair fleet fond glad keen kind lucid mild neat noble plain"
)
_WHO = "badger crane dove finch fox heron ibis koala lark lynx marten otter owl panda robin seal stoat tern"


def made_up_name() -> str:
    """Return a name such as `keen-otter-417`."""
    how, who = secrets.choice(_HOW.split()), secrets.choice(_WHO.split())
    return f"{how}-{who}-{secrets.randbelow(900) + 100}"
