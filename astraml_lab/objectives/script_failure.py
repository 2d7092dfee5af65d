"""How a script failed, in words and by kind."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

from astraml_lab.errors import AstramlError
from astraml_lab.process import how_it_ended
from astraml_lab.spec import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_LINES = 100
_LONGEST = 200
_TRACEBACK = "Traceback (most recent call last):"
_MEMORY = ("MemoryError", "OutOfMemoryError", "CUDA out of memory")
_NO_SPACE = "No space left on device"
FAILURE = "failure.json"
"""Where the process that executes a notebook says why it failed."""


class ScriptFailed(AstramlError):
    """A script ended badly; its own words are in its log.

    Attributes:
        kind: What the job counts it as.
        text: The end of what it wrote to its standard error: mostly a traceback.
    """

    def __init__(self, message: str, kind: FailureKind, text: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.text = text


def failure_of(
    name: str,
    code: int,
    errors: str,
    said: Path | None,
    *,
    out_of_memory: bool,
    clean: Callable[[str], str],
) -> ScriptFailed:
    """Return how a script failed.

    Args:
        name: What the script is called.
        code: Its exit code as in `subprocess`.
        errors: The end of its standard error.
        said: The file in which its service lets it say why.
        out_of_memory: The system killed a process meanwhile because memory ran out.
        clean: Takes secrets out of a text.
    """
    text = _last_traceback(errors)
    last = (text.strip().splitlines() or [""])[-1].strip()
    if code < 0:
        how = "was killed by the system because memory ran out" if out_of_memory else how_it_ended(code)
        kind = FailureKind.OOM if out_of_memory else FailureKind.CRASHED
        return ScriptFailed(f"{name} {how}", kind, text)
    words = clean(_read(said) or last)  # before it is cut: half a secret is not found
    kind = FailureKind.OOM if any(sign in last for sign in _MEMORY) else FailureKind.EXCEPTION
    shown = f": {words[:_LONGEST]}" if words else ""
    failed = ScriptFailed(f"{name} ended with exit code {code}{shown}", kind, text)
    if _NO_SPACE in last:
        failed.__cause__ = OSError(errno.ENOSPC, _NO_SPACE)
    return failed


def _last_traceback(errors: str) -> str:
    lines = errors.splitlines()
    starts = [index for index, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    kept = lines[starts[-1] :] if starts else lines
    return "\n".join(kept[-_MOST_LINES:])


def _read(file: Path | None) -> str:
    if file is None or not file.is_file():
        return ""
    with file.open(encoding="utf-8", errors="replace") as opened:
        return " ".join(opened.read(1024).split())


def notebook_failure(name: str, said: Path, error: ScriptFailed, *, out_of_memory: bool) -> ScriptFailed:
    """Return how a notebook failed, where what executed it has said so; else the error itself.

    Args:
        name: What the notebook is called.
        said: The file in which that is.
        error: How the process that executed it ended.
        out_of_memory: The system killed a process meanwhile because memory ran out.
    """
    try:
        found = json.loads(said.read_text(encoding="utf-8"))
        raised, words, cell, text = (found[key] for key in ("name", "said", "cell", "text"))
    except (OSError, ValueError, TypeError, KeyError):
        return error
    where = f"{name}, cell [{cell}]" if cell else name
    line = next(iter(words.strip().splitlines()), "")
    reason = ": ".join(filter(None, (where, raised, line[:_LONGEST])))
    if not raised:  # the kernel is gone
        why = " because memory ran out" if out_of_memory else ""
        return ScriptFailed(f"{reason}{why}", FailureKind.OOM if out_of_memory else FailureKind.CRASHED)
    of_memory = any(sign in f"{raised}: {words}" for sign in _MEMORY)
    failed = ScriptFailed(reason, FailureKind.OOM if of_memory else FailureKind.EXCEPTION, text)
    if _NO_SPACE in words:
        failed.__cause__ = OSError(errno.ENOSPC, _NO_SPACE)
    return failed
