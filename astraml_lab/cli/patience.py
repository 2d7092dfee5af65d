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


class Failures:
    """Counts the failures in a row of something that goes on for long."""

    def __init__(self) -> None:
        self.count = 0

    def over(self) -> None:
        """Begin to count anew: it goes on."""
        self.count = 0


def patiently(
    action: Callable[[], T], *, told: Callable[[str], object], failures: Failures | None = None
) -> T:
    """Do something, up to six times while it fails for a reason that passes: a locked store, say.

    Pauses are drawn from 0 to 0.5 s x 2^n, 30 s at most, and are no shorter than what the error asks for.

    Args:
        action: What to do; it must be safe to repeat.
        told: Takes a sentence before each pause.
        failures: What `action` itself ends while it goes on: failures of an hour ago do not count.
    """
    counted = failures or Failures()
    while True:
        try:
            return action()
        except AstramlError as error:
            least, counted.count = _asks_for(error), counted.count + 1
            if least is None or counted.count >= TRIES:
                raise
            drawn = random.uniform(0, min(_LONGEST, _FIRST * 2 ** (counted.count - 1)))  # noqa: S311 - no secret
            pause = max(least, drawn)
            told(f"{error}; trying again in {pause:.1f} s (try {counted.count + 1} of {TRIES})")
        threading.Event().wait(pause)


def _asks_for(error: AstramlError) -> float | None:
    """Return the seconds to wait before a retry, or None where that is no use."""
    if isinstance(error, StoreUnavailable):
        from astraml_lab.store.engine import is_busy

        return 0.0 if is_busy(error.__cause__) else None
    if not getattr(error, "retryable", False):
        return None
    return float(getattr(error, "retry_after", None) or 0)
