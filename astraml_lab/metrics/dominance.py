"""Giving up with several objectives: what a complete trial will most likely beat in everything.

A trial is looked at on the steps 1, 2, 3, 4, 5, 7, 9, 12, … ever further apart. The end of each objective is
forecast from the complete trials as with one objective (`forecast.py`); a trial is given up where the chance
that one of the front of the complete trials is as good or better in all of them is above 70 %: less than 30 %
are left for it to come to the front. With two objectives that chance is exact, what lies below the front's
stairs; with more it is that of the likeliest single one, which is never above it. The objectives' errors are
taken for independent.

Early dominance alone, as in multi-objective successive halving (Schmucker et al., 2021, arXiv 2106.12639),
ends trials that would have come to the front: a sampler that proposes near it has all of them cross there.

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.metrics.followed import ENOUGH, LOOKS_FROM, NEWEST, Followed
from astraml_lab.metrics.forecast import Ends, Forecast
from astraml_lab.metrics.running import BEFORE_ALL_STEPS, Ending
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from astraml_lab.spec import Objective

    Point = tuple[float, ...]

_STAIRS = 2
"""With so many objectives a front is a flight of stairs."""


@dataclass(frozen=True)
class DominanceRule:
    """When a trial is given up that another will beat in every objective.

    Attributes:
        chance: That no complete trial does, below which it is given up.
        startup_trials: Nothing is given up before so many trials are complete, three at least.
    """

    chance: float = 0.3
    startup_trials: int = 5


@dataclass(slots=True)
class _Trial:
    """A trial that runs: its objectives as they are, greater being better, and once all are known by step."""

    latest: list[float]
    curves: list[Followed] = field(default_factory=list)
    last_step: int = BEFORE_ALL_STEPS
    ending: Ending | None = None


class FrontBoard:
    """Decides on the reports of all objectives of a job.

    An objective counts as the last number that was reported of it: one that is known from the start, such as
    a model's size, needs one report. Before there is one of each, nothing is decided. A step is the furthest
    that any of them has; on a falling one, and where one is no number, nothing is decided. Decisions follow
    from the reports alone; a board that is restored decides as the one before it.

    Args:
        objectives: Two or more.
        rule: When a trial is given up.
    """

    def __init__(self, objectives: Sequence[Objective], rule: DominanceRule | None = None) -> None:
        self._names = [objective.metric for objective in objectives]
        self._signs = [1.0 if objective.maximize else -1.0 for objective in objectives]
        self._at = {name: index for index, name in enumerate(self._names)}
        self._rule = rule or DominanceRule()
        self._furthest = BEFORE_ALL_STEPS
        self._complete = 0
        self._running: dict[int, _Trial] = {}
        self._marks: dict[int, list[tuple[int, Point]]] = {}
        self._ends: dict[int, list[Ends]] = {}
        self._front: dict[int, Point] = {}

    def report(self, number: int, values: Mapping[str, float], step: int) -> Ending | None:
        """Take in what a trial reported of its objectives, and decide at once.

        A trial that goes on after its end gets the same verdict again.

        Args:
            number: The trial.
            values: By metric; what is no objective is left out.
            step: The furthest step of these.
        """
        trial = self._running.get(number)
        if trial is None:
            trial = self._running[number] = _Trial([math.nan] * len(self._names))
        if trial.ending is None and self._take(trial, values, step):
            trial.ending = self._look(trial)
        return trial.ending

    def curve(self, _number: int) -> list[tuple[int, float]]:
        """Return no curve: there is not one objective."""
        return []

    def finish(self, number: int, *, complete: bool, cut_short: bool = False) -> None:  # noqa: ARG002 - as of `Board`
        """Forget a running trial; a complete one is what others are measured by."""
        trial = self._running.pop(number, None)
        if trial is None or not complete or not trial.curves:
            return
        self._complete += 1
        self._furthest = max(self._furthest, trial.last_step)
        end = tuple(trial.latest)
        for marks in zip(*(curve.marks for curve in trial.curves), strict=True):
            each = [(level, rise, last) for (_, level, rise), last in zip(marks, end, strict=True)]
            insort(self._marks.setdefault(marks[0][0], []), (number, sum(each, ())))
        self._ends.clear()
        if not any(_as_good(known, end) for known in self._front.values()):
            front = {n: known for n, known in self._front.items() if not _as_good(end, known)}
            self._front = dict(sorted([*front.items(), (number, end)], key=itemgetter(1)))

    def again(self, number: int) -> None:
        """Forget a trial that failed and begins again."""
        self._running.pop(number, None)

    def goes_by(self, state: TrialState) -> bool:
        """Return whether trials that ended in a state are a measure for others: complete ones."""
        return state is TrialState.COMPLETE

    def restore(
        self, number: int, reports: Iterable[tuple[int, Mapping[str, float]]], *, complete: bool
    ) -> None:
        """Take in a trial that ended before this board was made.

        Args:
            number: The trial.
            reports: Its steps in order, with what was reported of the objectives there.
            complete: It came to its own end.
        """
        trial = self._running[number] = _Trial([math.nan] * len(self._names))
        for step, values in reports:
            self._take(trial, values, step)
        self.finish(number, complete=complete)

    def _take(self, trial: _Trial, values: Mapping[str, float], step: int) -> bool:
        """Fold a report in; return whether the trial is to be looked at."""
        known = {at: value for name, value in values.items() if (at := self._at.get(name)) is not None}
        numbers = {at: self._signs[at] * value for at, value in known.items() if math.isfinite(value)}
        for at, value in numbers.items():
            trial.latest[at] = value
        if step < trial.last_step:
            return False
        trial.last_step = step
        if len(numbers) < len(known):
            return False
        if not trial.curves:
            if any(map(math.isnan, trial.latest)):
                return False
            trial.curves = [Followed(ahead=int(step == 0)) for _ in self._names]
        due = False
        for curve, value in zip(trial.curves, trial.latest, strict=True):
            due = curve.take(step, value)
        if due:
            for curve in trial.curves:
                curve.mark()
        return due

    def _look(self, trial: _Trial) -> Ending | None:
        """Decide on a trial that has just been marked."""
        rung = trial.curves[0].marks[-1][0]
        # At the last step that complete trials reached, giving up would save nothing
        if self._complete < self._rule.startup_trials or trial.last_step >= self._furthest:
            return None
        if rung * LOOKS_FROM < self._furthest or not (ends := self._ends_at(rung)):
            return None
        forecasts = [
            its.forecast(*curve.marks[-1][1:]) for its, curve in zip(ends, trial.curves, strict=True)
        ]
        chance = beaten(forecasts, self._front.values())
        if not 1 - chance < self._rule.chance:  # also where there is none: values are beyond all numbers
            return None
        return Ending("pruned", self._verdict(trial, forecasts, chance))

    def _ends_at(self, rung: int) -> list[Ends]:
        """Return how each objective goes on from a rung; nothing where too few complete trials tell."""
        ends = self._ends.get(rung)
        if ends is None:
            marks = self._marks.get(rung, ())[-NEWEST:]
            columns = np.array([point for _, point in marks]).T
            enough = len(marks) >= ENOUGH
            ends = [Ends(*columns[at : at + 3]) for at in range(0, len(columns), 3)] if enough else []
            self._ends[rung] = ends
        return ends

    def _verdict(self, trial: _Trial, forecasts: Sequence[Forecast], chance: float) -> str:
        told = zip(self._names, self._signs, forecasts, strict=True)
        own = ", ".join(f"{name} {sign * its.mean:.4g} ± {its.spread:.1g}" for name, sign, its in told)
        by = max(self._front, key=lambda number: (_beaten_by(forecasts, self._front[number]), -number))
        others = zip(self._signs, self._front[by], strict=True)
        its = ", ".join(f"{sign * value:.4g}" for sign, value in others)
        return (
            f"pruned at step {trial.last_step}: it goes to about {own} by step {self._furthest}; another, "
            f"most likely trial {by} with {its}, is as good or better in every objective with a chance of "
            f"{100 * chance:.0f} %"
        )


def _as_good(one: Point, other: Point) -> bool:
    return all(own >= its for own, its in zip(one, other, strict=True))


def beaten(forecasts: Sequence[Forecast], front: Collection[Point]) -> float:
    """Return how likely a trial ends no better than one of a front in any objective.

    Args:
        forecasts: Where it ends, by objective.
        front: One point or more of which none is as good as another in all, in ascending order.
    """
    if len(forecasts) > _STAIRS:
        return max(_beaten_by(forecasts, point) for point in front)
    up_to, beside = (
        its.chances_below(ends) for its, ends in zip(forecasts, zip(*front, strict=True), strict=True)
    )
    return sum((high - low) * other for low, high, other in zip([0.0, *up_to], up_to, beside, strict=False))


def _beaten_by(forecasts: Sequence[Forecast], point: Point) -> float:
    """Return how likely a trial ends no better than one point in any objective."""
    return math.prod(its.chances_below([end])[0] for its, end in zip(forecasts, point, strict=True))
