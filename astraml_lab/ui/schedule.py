"""When which dashboard is due: decisions about moments that are handed in, without a thread or a clock."""

from __future__ import annotations

import math
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
PERIOD = 0.25
"""The least time between two starts of the same item, whoever asks and however often."""
FIRST_RETRY, LAST_RETRY = 1.0, 30.0
"""The pause after a first failure; each further one doubles it, up to the last."""


class Schedule(Generic[T]):
    """Which items are to be looked after, and when next. Not thread-safe."""

    def __init__(self) -> None:
        self._at: dict[T, float] = {}
        # They outlive what they are about being let go: asked for again at once, it still keeps the rate.
        self._started: WeakKeyDictionary[T, float] = WeakKeyDictionary()
        self._failures: WeakKeyDictionary[T, int] = WeakKeyDictionary()

    def ask(self, item: T, now: float) -> None:
        """Look after the item as soon as its rate allows."""
        self._at[item] = min(self._at.get(item, math.inf), max(now, self._soonest(item)))

    def discard(self, item: T) -> None:
        """Let the item go, also while it is being looked after."""
        self._at.pop(item, None)

    def due(self, now: float) -> list[T]:
        """Return the items whose time has come."""
        return [item for item, at in self._at.items() if at <= now]

    def next_at(self) -> float:
        """Return when the next item is due; infinite where none is."""
        return min(self._at.values(), default=math.inf)

    def begin(self, item: T, now: float) -> bool:
        """Note that the item is looked after from now on; `False` where it has been let go."""
        if item not in self._at:
            return False
        self._started[item] = now
        self._at[item] = math.inf  # asked for meanwhile, it gets a moment again
        return True

    def succeeded(self, item: T, pause: float | None) -> None:
        """Note the item's own wish: seconds from its start to the next, or `None` to be let go."""
        self._failures.pop(item, None)
        asked = self._at.get(item)
        if asked is None:
            return
        if pause is not None:
            wished = self._started[item] + max(PERIOD, pause)
            self._at[item] = min(asked, wished)
        elif asked == math.inf:
            del self._at[item]

    def failed(self, item: T) -> bool:
        """Plan another attempt; whether this failure is the first in a row."""
        count = self._failures[item] = self._failures.get(item, 0) + 1
        asked = self._at.get(item)
        if asked is not None:
            pause = min(FIRST_RETRY * 2.0 ** min(count - 1, 10), LAST_RETRY)
            self._at[item] = min(max(asked, self._soonest(item)), self._started[item] + pause)
        return count == 1

    def _soonest(self, item: T) -> float:
        least = FIRST_RETRY if self._failures.get(item) else PERIOD
        return self._started.get(item, -math.inf) + least
