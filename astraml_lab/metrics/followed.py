"""A curve that is looked at on a few steps only, ever further apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite

from astraml_lab.metrics.forecast import level_and_rise
from astraml_lab.metrics.running import BEFORE_ALL_STEPS

_LOOKS = sorted({round(3 ** (power / 4)) for power in range(120)})
LOOKS_FROM = 81
"""Looks begin at this part of the longest complete trial."""
ENOUGH = 3
"""So many complete curves make a forecast."""
NEWEST = 64
"""So many complete curves are looked at: a look costs the same in the thousandth trial."""


@dataclass(slots=True)
class Followed:
    """What is known of a trial that runs; greater is better.

    Attributes:
        ahead: Added to a step: curves that begin with 0 are one step further.
        due: Where in the list of looks the next one is.
        marks: The rungs that it was looked at on, with its level and rise there.
    """

    ahead: int
    last: int = BEFORE_ALL_STEPS
    due: int = 0
    values: list[float] = field(default_factory=list)
    marks: list[tuple[int, float, float]] = field(default_factory=list)

    def take(self, step: int, value: float) -> bool:
        """Take in a value; return whether a look is due."""
        again = step <= self.last
        if isfinite(value):
            if again and self.values:
                self.values[-1] = value
            else:
                self.values.append(value)
        self.last = step
        return step + self.ahead >= _LOOKS[self.due] and bool(self.values)

    def mark(self) -> list[int]:
        """Note what it is now for all rungs that it came to; return these, the newest last."""
        passed = self.due
        while _LOOKS[self.due] <= self.last + self.ahead:
            self.due += 1
        rungs = _LOOKS[passed : self.due]
        self.marks.append((rungs[-1], *level_and_rise(self.values)))
        return rungs
