"""What the board knows of one running trial, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEFORE_ALL_STEPS = -1  # Optuna's steps begin at 0
_NAMED = 12


@dataclass(frozen=True)
class Ending:
    """The board's verdict that a trial is over, and why in one sentence.

    A trial that ran out of `patience` or used up its whole `budget` is complete; `pruned` is given up.
    """

    kind: Literal["pruned", "patience", "budget"]
    reason: str


class Running:
    """What the board knows of a trial that is still running.

    `before` is the best without the last step, so that a repeated step can take its value back in O(1).
    `times` has the seconds since the trial's start of each step, where a rule asks for them; `memory` is
    whatever a rule keeps of this trial.
    """

    __slots__ = (
        "before",
        "before_step",
        "best",
        "best_step",
        "ending",
        "last_step",
        "memory",
        "previous_step",
        "stale",
        "times",
        "values",
    )

    def __init__(self) -> None:
        self.values: dict[int, float] = {}
        self.times: dict[int, float] = {}
        self.memory: Any = None
        self.last_step = self.previous_step = BEFORE_ALL_STEPS
        self.best: float | None = None  # None: no number yet, only NaN
        self.best_step = self.before_step = BEFORE_ALL_STEPS
        self.before: float | None = None
        self.stale = 0
        self.ending: Ending | None = None

    def points(self) -> list[tuple[float, float]]:
        """List the numbers with their positions, in order: by seconds if they are kept, else by step."""
        times = self.times
        pairs = ((times[step] if times else step, value) for step, value in self.values.items())
        return sorted(pair for pair in pairs if not isnan(pair[1]))

    def take(self, step: int, value: float, better: Callable[[float, float], bool]) -> None:
        """Store the value of a new or repeated last step."""
        old = self.best
        if step > self.last_step:
            self.previous_step, self.last_step = self.last_step, step
            self.before, self.before_step = old, self.best_step
        else:
            self.best, self.best_step = self.before, self.before_step
        self.values[step] = value
        number = not isnan(value)
        if number and (self.best is None or better(value, self.best)):
            self.best, self.best_step = value, step
        improved = number and (old is None or better(value, old))
        self.stale = 0 if improved else self.stale + 1

    def take_falling(self, step: int, value: float, better: Callable[[float, float], bool]) -> None:
        """Store the value of an older step; costs O(steps) only if that step held the best."""
        known = step in self.values
        self.values[step] = value
        if known and step in (self.best_step, self.before_step):
            self._find_best(better)
            return
        if isnan(value):
            return
        if self.before is None or better(value, self.before):
            self.before, self.before_step = value, step
        if self.best is None or better(value, self.best):
            self.best, self.best_step = value, step
            self.stale = 0

    def _find_best(self, better: Callable[[float, float], bool]) -> None:
        self.before, self.before_step = None, BEFORE_ALL_STEPS
        self.best, self.best_step = None, BEFORE_ALL_STEPS
        for step, value in self.values.items():
            if isnan(value):
                continue
            if step != self.last_step and (self.before is None or better(value, self.before)):
                self.before, self.before_step = value, step
            if self.best is None or better(value, self.best):
                self.best, self.best_step = value, step


def apart(one: float, other: float) -> tuple[str, str]:
    """Write two different numbers with as few digits as show that they differ."""
    for digits in range(4, 18):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def trials_in_words(numbers: Sequence[int]) -> str:
    """Name a few trials: `3 trials (0, 4, 5)`."""
    some = ", ".join(map(str, numbers[:_NAMED])) + (", …" if len(numbers) > _NAMED else "")
    return f"{len(numbers)} {'trial' if len(numbers) == 1 else 'trials'} ({some})"
