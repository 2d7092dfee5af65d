"""The user's part of a traceback: our own frames left out, its length bounded."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import astraml_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = str(Path(astraml_lab.__file__).parent) + os.sep
_RUNS = str(Path(__file__).parent) + os.sep
_MOST_FRAMES = 30
_MOST_CHARACTERS = 20_000


def user_traceback(error: BaseException) -> str:
    """Format `error` and its causes with the frames of the user's code and of what it called."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    for part in _chain(report):
        _trim(part.stack)
    text = "".join(report.format())
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n  … {left_out} characters left out …\n{text[-half:]}"


def _chain(report: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting = [report]
    while waiting:
        part = waiting.pop()
        yield part
        linked = (part.__cause__, part.__context__, *(part.exceptions or ()))
        waiting += [link for link in linked if link is not None]


def _trim(stack: traceback.StackSummary) -> None:
    """Keep what is below the last frame that runs user code, without frames of ours; keep both ends."""
    start = max((index for index, frame in enumerate(stack) if frame.filename.startswith(_RUNS)), default=-1)
    kept = [frame for frame in stack[start + 1 :] if not frame.filename.startswith(_OURS)]
    if len(kept) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        gap = traceback.FrameSummary(f"… {len(kept) - 2 * half} frames left out …", 0, "…", line="")
        kept = [*kept[:half], gap, *kept[-half:]]
    stack[:] = kept
