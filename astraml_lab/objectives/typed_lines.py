"""The lines of code that was typed, not read from a file: tracebacks find them in `linecache` alone."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def remember(filename: str, text: str) -> None:
    """Let tracebacks show the lines of `filename`; no time stamp, so that nothing looks for it on disk."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)


def typed_text(filenames: Iterable[str]) -> dict[str, str]:
    """Return the text of those files that no other process can read."""
    return {name: text for name in filenames for text in _typed(linecache.cache.get(name))}


def _typed(entry: Any) -> tuple[str, ...]:
    """Return the text of a complete entry; what was read from a disk has a time stamp."""
    match entry:
        case (_, None, list() as lines, _):
            return ("".join(lines),)
    return ()
