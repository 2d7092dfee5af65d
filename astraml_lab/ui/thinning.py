"""A few that stand for many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def thinned(items: Iterable[Any], limit: int) -> list[Any]:
    """Choose at most `limit`, which is 2 or more, of many: evenly, the first and the last among them."""
    every = list(items)
    if len(every) <= limit:
        return every
    return [every[place * (len(every) - 1) // (limit - 1)] for place in range(limit)]
