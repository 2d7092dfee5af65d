"""Replacing a function of a class for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def replaced(owner: type, name: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Put what `wrap` makes of a class's own function in its place, where it has one."""
    original = vars(owner).get(name)
    if original is None:
        yield
        return
    ours = wrap(original)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        if vars(owner).get(name) is ours:
            setattr(owner, name, original)
