"""What Python's fault handler writes into a trial's log when its process crashes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import astraml_lab

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 200
"""It writes up to 100 frames, and a list of modules that is cut into as many lines as it needs."""
_OURS = str(Path(astraml_lab.__file__).parent)
_BEGIN = "Fatal Python error"
_MODULES = "Extension modules:"
_MODULES_END = re.compile(r"\(total: \d+\)$")


def last_words(lines: Sequence[str]) -> str:
    """Return what the fault handler wrote last, without our frames and the list of modules; else nothing."""
    begin, end = _place(lines)
    said = [line for line in lines[begin:end] if _OURS not in line]
    said = said[: next((n for n, line in enumerate(said) if line.startswith(_MODULES)), None)]
    return "\n".join(said).rstrip() + "\n" if said else ""


def without_last_words(lines: Sequence[str]) -> list[str]:
    """Return the lines but for what the fault handler wrote, in this attempt and in those before."""
    left = list(lines)
    while (place := _place(left))[0] < len(left):
        del left[slice(*place)]
    return left


def _place(lines: Sequence[str]) -> tuple[int, int]:
    """Return where the last begins and ends; it ends with the list of modules, or else with the log."""
    begin = next((n for n in reversed(range(len(lines))) if lines[n].startswith(_BEGIN)), len(lines))
    listed = next((n for n in range(begin, len(lines)) if lines[n].startswith(_MODULES)), len(lines))
    ends = (n + 1 for n in range(listed, len(lines)) if _MODULES_END.search(lines[n]))
    return begin, next(ends, len(lines))
