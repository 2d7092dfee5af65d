"""Trying again: what another process is in the way of for a moment is no reason to give up."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, TypeVar

from astraml_lab.errors import AstramlError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
TRIES = 6
_FIRST, _LONGEST = 0.5, 30.0
"""Seconds: the first pause is at most the one, no pause is longer than the other."""


def patiently(action: Callable[[], T], *, told: Callable[[str], object]) -> T:
    """Do something, up to six times while it fails for a reason that passes: a locked store, say.

    Pauses are drawn from 0 to 0.5 s x 2^n, 30 s at most, and are no shorter than what the error asks for.

    Args:
        action: What to do; it must be safe to repeat.
        told: Takes a sentence before each pause.
    """
    for attempt in range(TRIES - 1):
        try:
            return action()
        except AstramlError as error:
            least = _asks_for(error)
            if least is None:
                raise
            drawn = random.uniform(0, min(_LONGEST, _FIRST * 2**attempt))  # noqa: S311 - no secret
            pause = max(least, drawn)
            told(f"{error}; trying again in {pause:.1f} s (try {attempt + 2} of {TRIES})")
        threading.Event().wait(pause)
    return action()


def _asks_for(error: AstramlError) -> float | None:
    """Return the seconds to wait before a retry, or None where that is no use."""
    if isinstance(error, StoreUnavailable):
        from astraml_lab.store.engine import is_busy

        return 0.0 if is_busy(error.__cause__) else None
    if not getattr(error, "retryable", False):
        return None
    return float(getattr(error, "retry_after", None) or 0)
