"""`--prune auto`: a trial is given up when it will hardly beat the best, as this job's own curves tell.

A trial is looked at on the steps 1, 2, 3, 4, 5, 7, 9, 12, 16, 21, 27, … only, ever further apart:

- As long as fewer than three trials are complete there is a floor, as in asynchronous successive halving: at
  the steps 1, 3, 9, 27, … the worse half of those that came there is given up, of three at least, and not
  before one is complete.
- Then the end of a curve is forecast from the complete ones (`forecast.py`), and a trial that beats the best
  of them with a chance below 10 % is given up.
- It stands back at steps where ranks say little: where, among the better complete trials, those at the step
  agree with the final ones by less than 0.5 (Spearman), it lets all go on to a later one. Bohdal et al. 2023
  (PASHA) go by the stability of ranks in the same way.

One trial in eight is let through whatever its forecast, so that not only survivors are measured by, and
nobody is given up at the last step that complete trials reached, where that would save nothing.

Decisions follow from the values and the order of reports alone; a board that is restored decides as the one
before it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from astraml_lab.metrics.followed import ENOUGH, LOOKS_FROM, NEWEST, Followed
from astraml_lab.metrics.forecast import Ends, Forecast
from astraml_lab.metrics.judge import FINISHED, Judge
from astraml_lab.metrics.running import BEFORE_ALL_STEPS, Ending, apart
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from astraml_lab.metrics.running import Running

_FLOOR = frozenset(3**power for power in range(31))
_FEWEST = 3
_KEPT = 0.5
"""The floor lets this part of the trials pass, where so many came at least."""
_SIFTED = 9
"""It holds nobody back after so many: the next ones make forecasts possible."""
_FLOOR_FROM = 27
"""It begins at this part of the longest complete trial."""
_CHANCE = 0.1
"""Of one look of up to a dozen, at which the chances to be wrong add up: forecasts are wide for it."""
_SHOWN = 0.001
_AUDITED, _LET_THROUGH = 8, 5
"""One of so many trials goes on to its end, whatever its forecast: all others' ends are survivors'."""
_AGREE = 0.5


@dataclass(frozen=True)
class OutlookRule:
    """Give a trial up when it will hardly beat the best.

    Attributes:
        best: A trial's value is the best of its curve, rather than the last.
    """

    best: bool = False


@dataclass(slots=True)
class _Curve(Followed):
    """What is known of a trial that runs.

    Attributes:
        left: What it left at the rungs of the floor.
    """

    left: list[tuple[int, float]] = field(default_factory=list)


class Outlook(Judge):
    """Gives up by the chance to beat the best.

    Args:
        rule: The rule.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    goes_by: ClassVar[frozenset[TrialState]] = FINISHED | {TrialState.FAILED}

    def __init__(self, rule: OutlookRule, metric: str, *, maximize: bool) -> None:
        self._rule = rule
        self._metric = metric
        self._maximize = maximize
        self._sign = 1.0 if maximize else -1.0
        self._complete = self._cut_short = 0
        self._furthest = BEFORE_ALL_STEPS
        self._best = -inf
        self._best_of = 0
        self._marks: dict[int, list[tuple[int, float, float, float]]] = {}
        self._ends: dict[int, Ends] = {}
        self._floor: dict[int, list[float]] = {}

    def decide(self, number: int, trial: Running, value: float) -> Ending | None:
        """Follow the curve, and look at it where that is due."""
        curve: _Curve | None = trial.memory
        if curve is None:
            curve = trial.memory = self._begin(trial.last_step)
        rungs = len(curve.left)
        if not self._follow(curve, trial.last_step, value) or trial.last_step >= self._furthest:
            return None
        if self._complete < ENOUGH:
            return self._held_by_floor(curve) if len(curve.left) > rungs else None
        if number % _AUDITED == _LET_THROUGH:
            return None
        rung, level, rise = curve.marks[-1]
        ends = self._ends_at(rung) if rung * LOOKS_FROM >= self._furthest else None
        if ends is None or ends.agreement < _AGREE:
            return None
        forecast = ends.forecast(level, rise)
        chance = forecast.chance(self._best)
        if not chance < _CHANCE:
            return None
        return Ending("pruned", self._verdict(trial.last_step, level, forecast, chance, ends))

    def learn(self, number: int, trial: Running, *, complete: bool) -> None:
        """Add a complete curve to those that ends are forecast from."""
        curve: _Curve | None = trial.memory
        self._cut_short += not complete
        if curve is None or not complete or not curve.values:
            return
        end = max(curve.values) if self._rule.best else curve.values[-1]
        self._complete += 1
        self._furthest = max(self._furthest, curve.last)
        if (end, -number) > (self._best, -self._best_of):
            self._best, self._best_of = end, number
        for rung, level, rise in curve.marks:
            insort(self._marks.setdefault(rung, []), (number, level, rise, end))
        self._ends.clear()

    def recall(self, number: int, trial: Running, *, complete: bool) -> None:
        """Have its curve pass the rungs once more, without a decision."""
        points = sorted(trial.values.items())
        if points:
            curve = trial.memory = self._begin(points[0][0])
            for step, value in points:
                self._follow(curve, step, value)
        self.learn(number, trial, complete=complete)

    def forget(self, _number: int, trial: Running) -> None:
        """Take its values out of the floor."""
        curve: _Curve | None = trial.memory
        for rung, value in curve.left if curve else ():
            values = self._floor[rung]
            del values[bisect_left(values, value)]

    def _begin(self, step: int) -> _Curve:
        return _Curve(ahead=int(step == 0))

    def _follow(self, curve: _Curve, step: int, value: float) -> bool:
        """Take in a value; return whether the curve is to be looked at."""
        value = self._sign * value
        if self._rule.best and curve.values:
            value = max(value, curve.values[-1])  # NaN stays what it is
        if not curve.take(step, value):
            return False
        for rung in curve.mark():
            if rung in _FLOOR:
                level = curve.marks[-1][1]
                insort(self._floor.setdefault(rung, []), level)
                curve.left.append((rung, level))
        return True

    def _ends_at(self, rung: int) -> Ends | None:
        ends = self._ends.get(rung)
        if ends is None:
            marks = self._marks.get(rung, ())[-NEWEST:]
            if len(marks) < ENOUGH:
                return None
            _, levels, rises, last = np.array(marks).T
            ends = self._ends[rung] = Ends(levels, rises, last)
        return ends

    def _held_by_floor(self, curve: _Curve) -> Ending | None:
        """Give up the worse half at a rung of the floor, at the look that came to it."""
        rung, level = curve.left[-1]
        values = self._floor[rung]
        if len(values) < _FEWEST or self._cut_short >= _SIFTED or rung * _FLOOR_FROM < self._furthest:
            return None
        limit = values[-max(1, int(len(values) * _KEPT))]
        if level >= limit:
            return None
        given, allowed = apart(self._sign * level, self._sign * limit)
        return Ending(
            "pruned",
            f"pruned at step {curve.last}: {self._metric} {given} is in the worse half of {len(values)} "
            f"trials that came to step {rung}, the limit is {allowed}; "
            f"forecasts need {ENOUGH} complete trials",
        )

    def _verdict(self, step: int, level: float, forecast: Forecast, chance: float, ends: Ends) -> str:
        percent = f"{100 * chance:.2g}" if chance >= _SHOWN else f"less than {100 * _SHOWN:g}"
        end = f"{self._sign * forecast.mean:.4g} ± {forecast.spread:.1g} by step {self._furthest}"
        best = f"{self._sign * self._best:.4g} (trial {self._best_of})"
        return (
            f"pruned at step {step}: {self._metric} {self._sign * level:.4g} goes to about {end}, with a "
            f"chance of {percent} % to beat {best}; ranks at step {step} agree with the final ones by "
            f"{ends.agreement:.2f} in {ends.count} trials"
        )
