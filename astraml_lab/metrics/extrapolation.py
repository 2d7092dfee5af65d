"""Vertex AI's two rules that look ahead, as approximations: what they fit exactly is not published.

Both compare where a trial is going with the best of the finished ones, at the step (or second) that trials
go to: the rule's own maximum, else the furthest that a complete trial came.

- `DecayCurve`: Vertex fits a Gaussian process to the curve and stops a trial with "a very low probability to
  exceed the optimal value found so far" (`StudySpec.DecayCurveAutomatedStoppingSpec`). Here power laws
  `a - b t**-c` with five exponents are fitted to the best value so far, and weighted by how well they fit;
  given up is a trial with five points or more and a chance below 5 %.
- `Convex`: Vertex "computes an overestimate of the objective value at max_num_steps according to the slope
  of the incomplete objective value curve" and stops a trial whose overestimate is worse than the best
  (`StudySpec.ConvexAutomatedStoppingSpec`). Here it is the straight line through the last two values.

A value that replaces an earlier one of the same step counts for the best value, and is no new point of the
fit.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from astraml_lab.metrics.judge import FINISHED, Judge
from astraml_lab.metrics.running import Ending, apart

if TYPE_CHECKING:
    from astraml_lab.metrics.running import Running
    from astraml_lab.spec import StoppingRule, TrialState

_POINTS = 5
_CHANCE = 0.05
_EXPONENTS = (0.25, 0.5, 1.0, 1.5, 2.0)
_ROUGH = 0.01
"""Fits count as no better than to this part of the range of the values: no law is that exact."""
_TENTH = 10
_EARLIEST = 1e-3
"""The first moment of a curve by time, in seconds: a power law has none at 0."""


class _LookingAhead(Judge):
    """What both rules know of the trials that are over.

    Values are kept with a sign that makes greater better.

    Args:
        rule: The rule.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    goes_by: ClassVar[frozenset[TrialState]] = FINISHED

    def __init__(self, rule: StoppingRule, metric: str, *, maximize: bool) -> None:
        self._rule = rule
        self._metric = metric
        self._sign = 1.0 if maximize else -1.0
        self._best = -math.inf
        self._best_of = 0
        self._complete = 0
        self._furthest = 0.0

    def learn(self, number: int, trial: Running, *, complete: bool) -> None:
        """Remember the best last value, and how far complete trials go."""
        points = trial.points()
        if not points:
            return
        self._complete += complete
        last, value = points[-1]
        if complete:
            self._furthest = max(self._furthest, last)
        if self._sign * value > self._best:
            self._best, self._best_of = self._sign * value, number

    def decide(self, _number: int, trial: Running, _value: float) -> Ending | None:
        """Follow the curve, and look ahead where that is worthwhile."""
        step = trial.last_step
        here = max(trial.times[step], _EARLIEST) if self._rule.by_time else float(step)
        if not self._follow(trial, here) or trial.best is None:
            return None
        end = float(self._rule.max_resource or self._furthest)
        if not self._complete or here >= end or self._best == -math.inf:
            return None
        return self._look(trial, here, end)

    @abstractmethod
    def _follow(self, trial: Running, here: float) -> bool:
        """Take in the last value; return whether there is something new to look at."""

    @abstractmethod
    def _look(self, trial: Running, here: float, end: float) -> Ending | None:
        """Decide."""

    def _at(self, here: float) -> str:
        return f"{here:.4g} s" if self._rule.by_time else f"step {here:g}"


class DecayCurve(_LookingAhead):
    """Gives up a trial that will hardly beat the best, if its curve flattens out as power laws do.

    A report costs five updates of running sums, and five predictions from them.
    """

    def _follow(self, trial: Running, here: float) -> bool:
        if trial.memory is None:
            trial.memory = _Laws(here, by_time=self._rule.by_time)
        laws: _Laws = trial.memory
        if trial.best is None or here <= laws.last:
            return False
        laws.add(here, self._sign * trial.best)
        return laws.count >= _POINTS

    def _look(self, trial: Running, here: float, end: float) -> Ending | None:
        laws: _Laws = trial.memory
        chance, middle = laws.outlook(end, self._best)
        if not chance < _CHANCE:  # also where the squares are beyond all numbers
            return None
        best = f"{self._sign * self._best:.4g} (trial {self._best_of})"
        return Ending(
            "pruned",
            f"pruned at {self._at(here)}: best {self._metric} {trial.best:.4g} goes to about "
            f"{self._sign * middle:.4g} by {self._at(end)}, with a chance of {100 * chance:.1g} % to beat "
            f"{best}",
        )


class _Laws:
    """The power laws through the points of one trial, by running means and sums of squares.

    Args:
        first: The first position.
        by_time: Whether positions are seconds since the start, rather than steps that begin anywhere.
    """

    __slots__ = ("_fits", "_high", "_low", "_mean", "_offset", "_spread", "count", "last")

    def __init__(self, first: float, *, by_time: bool) -> None:
        self._offset = 0.0 if by_time else first - 1
        self.count = 0
        self.last = -math.inf
        self._mean = self._spread = 0.0
        self._low, self._high = math.inf, -math.inf
        self._fits = [_Fit(exponent) for exponent in _EXPONENTS]

    def add(self, position: float, value: float) -> None:
        """Take in a point; greater is better."""
        self.last = position
        self.count += 1
        before = value - self._mean
        self._mean += before / self.count
        self._spread += before * (value - self._mean)
        self._low, self._high = min(self._low, value), max(self._high, value)
        place = position - self._offset
        for fit in self._fits:
            fit.add(place**-fit.exponent, before, self.count)

    def outlook(self, end: float, best: float) -> tuple[float, float]:
        """Return the chance to beat the best at a later position, and the likeliest value there."""
        place = end - self._offset
        rough = _ROUGH * (self._high - self._low)
        least = rough * rough * self.count  # `**` raises where a product is infinite
        so_far = (self._mean, self._spread, self.count, least)
        found = [fit.predict(place**-fit.exponent, *so_far) for fit in self._fits]
        smallest = min(rest for _, _, rest in found)
        weights = [(smallest / rest) ** (self.count / 2) for _, _, rest in found]
        total = sum(weights)
        # The best value so far never gets worse
        middles = [max(middle, self._high) for middle, _, _ in found]
        chances = [
            math.erfc((best - middle) / (width * math.sqrt(2))) / 2
            for middle, (_, width, _) in zip(middles, found, strict=True)
        ]
        chance = sum(w * c for w, c in zip(weights, chances, strict=True)) / total
        return chance, sum(w * m for w, m in zip(weights, middles, strict=True)) / total


class _Fit:
    """A straight line through values by `position**-exponent`."""

    __slots__ = ("_both", "_mean", "_spread", "exponent")

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent
        self._mean = self._spread = self._both = 0.0

    def add(self, place: float, value_before: float, count: int) -> None:
        """Take in a point, its value as the difference from the mean of those before it."""
        before = place - self._mean
        self._mean += before / count
        after = place - self._mean
        self._spread += before * after
        self._both += after * value_before

    def predict(
        self, place: float, mean: float, spread: float, count: int, least: float
    ) -> tuple[float, float, float]:
        """Return the value at a place, its standard deviation, and the squares that the line leaves over."""
        slope = self._both / self._spread if self._spread else 0.0
        rest = max(spread - slope * self._both, least, 1e-300)
        away = place - self._mean
        reach = away * away / self._spread if self._spread else 0.0
        width = math.sqrt(rest / (count - 2) * (1 + 1 / count + reach))
        return mean + slope * away, width, rest


class Convex(_LookingAhead):
    """Gives up a trial that would not be the best even if it went on rising as it does now.

    Curves flatten out, so the straight line is an overestimate. Where the last value is worse than the one
    before, the slope is that of the last few; and never is the overestimate worse than the best so far.
    """

    def _follow(self, trial: Running, here: float) -> bool:
        if trial.memory is None:
            trial.memory = _Recent()
        recent: _Recent = trial.memory
        recent.add(here, self._sign * trial.values[trial.last_step])
        enough = len(trial.values) >= self._rule.min_measurements
        return enough and len(recent.points) > 1

    def _look(self, trial: Running, here: float, end: float) -> Ending | None:
        rule = self._rule
        least = end / _TENTH if rule.min_resource is None else rule.min_resource
        if here <= least or self._complete <= rule.min_measurements:
            return None
        points = trial.memory.points
        slope = _slope(points[-2], points[-1]) or _slope(points[0], points[-1])
        top = self._sign * (trial.best or 0.0)
        most = max(top, points[-1][1] + slope * (end - here))
        if most >= self._best:
            return None
        reached, best = apart(self._sign * most, self._sign * self._best)
        side = "below" if self._sign > 0 else "above"
        return Ending(
            "pruned",
            f"pruned at {self._at(here)}: straight on as it goes, {self._metric} comes to {reached} by "
            f"{self._at(end)} at best, {side} the {best} of trial {self._best_of}",
        )


class _Recent:
    """The last points of a trial."""

    __slots__ = ("points",)

    def __init__(self) -> None:
        self.points: deque[tuple[float, float]] = deque(maxlen=_POINTS)

    def add(self, here: float, value: float) -> None:
        """Take in a point, or another value at the last one."""
        if math.isnan(value):
            return
        if self.points and here <= self.points[-1][0]:
            self.points.pop()
        self.points.append((here, value))


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return how fast values get better between two points; 0 where they do not."""
    return max(0.0, (other[1] - one[1]) / (other[0] - one[0]))
