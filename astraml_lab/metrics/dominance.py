"""Giving up with several objectives: what many others beat in everything, at the same rung.

Rungs as in successive halving (`halving.py`). The order at a rung is by how many of the trials that came so
far beat a trial, being as good in every objective and better in one: the rank of Fonseca and Fleming (1993),
which an arrival changes in one pass. What nobody beats goes on, whatever part of the front it stands for; of
the others those that are among the best `1/reduction`, as in multi-objective successive halving (Schmucker et
al., 2021, arXiv 2106.12639).

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.metrics.running import BEFORE_ALL_STEPS, Ending, apart
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from astraml_lab.spec import Objective

_ROOM = 16

_SHARE_OF_LONGEST = 20
"""Where nobody names the first rung, it lies at this share of the longest run, rounded up."""


@dataclass(frozen=True)
class DominanceRule:
    """When a trial is given up that others beat in every objective.

    Attributes:
        min_resource: The step of the first rung; None for a twentieth of the longest complete trial.
        reduction: One of so many goes on although it is beaten, and the rungs' steps grow by the same factor.
        startup_trials: Nothing is given up before so many trials are complete.
    """

    min_resource: int | None = None
    reduction: int = 2
    startup_trials: int = 5


@dataclass
class _Trial:
    """A trial that runs: its losses by step, smaller being better, and the rungs that it came to."""

    latest: list[float]
    shown: dict[int, tuple[float, ...]] = field(default_factory=dict)
    last_step: int = BEFORE_ALL_STEPS
    rung: int = 0
    ending: Ending | None = None


class FrontBoard:
    """Decides on the reports of all objectives of a job.

    An objective counts as the last number that was reported of it: one that is known from the start, such as
    a model's size, needs one report. Before there is one of each, nothing is decided. A step is the furthest
    that any of them has; on a falling one nothing is decided.

    Args:
        objectives: Two or more.
        rule: When a trial is given up.
    """

    def __init__(self, objectives: Sequence[Objective], rule: DominanceRule | None = None) -> None:
        self._names = [objective.metric for objective in objectives]
        self._signs = [-1.0 if objective.maximize else 1.0 for objective in objectives]
        self._at = {name: index for index, name in enumerate(self._names)}
        self._rule = rule or DominanceRule()
        self._least = self._rule.min_resource
        self._furthest = BEFORE_ALL_STEPS
        self._complete = 0
        self._running: dict[int, _Trial] = {}
        self._early: list[tuple[int, _Trial]] = []
        self._rungs: list[_Standing] = []

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
        if trial.ending is None and self._take(trial, values, step) and self._least is not None:
            trial.ending = self._climb(number, trial, trial.last_step)
        return trial.ending

    def curve(self, _number: int) -> list[tuple[int, float]]:
        """Return no curve: there is not one objective."""
        return []

    def shown(self, number: int) -> tuple[float, ...] | None:
        """Return what a running trial's objectives are by now, if all are known."""
        trial = self._running.get(number)
        if trial is None or any(math.isnan(loss) for loss in trial.latest):
            return None
        return tuple(sign * loss for sign, loss in zip(self._signs, trial.latest, strict=True))

    def finish(self, number: int, *, complete: bool, cut_short: bool = False) -> None:  # noqa: ARG002 - as of `Board`
        """Forget a running trial; what it showed at rungs stays."""
        trial = self._running.pop(number, None)
        self._complete += complete
        if trial is None:
            return
        if self._least is None:
            self._early.append((number, trial))
        if complete:
            self._furthest = max(self._furthest, trial.last_step)
            if self._least is None and self._complete >= self._rule.startup_trials:
                self._open()

    def again(self, number: int) -> None:
        """Forget a trial that failed and begins again: it showed nothing."""
        trial = self._running.pop(number, None)
        for rung in range(trial.rung if trial is not None else 0):
            self._rungs[rung].remove(number)

    def goes_by(self, state: TrialState) -> bool:
        """Return whether trials that ended in a state are a measure for others: all but those that failed."""
        return state in {TrialState.COMPLETE, TrialState.PRUNED, TrialState.STOPPED}

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
            if self._take(trial, values, step) and self._least is not None:
                self._climb(number, trial, step, deciding=False)
        self.finish(number, complete=complete)

    def _take(self, trial: _Trial, values: Mapping[str, float], step: int) -> bool:
        """Fold a report in; return whether there is something to decide on."""
        for name, value in values.items():
            at = self._at.get(name)
            if at is not None and math.isfinite(value):
                trial.latest[at] = self._signs[at] * value
        rises = step >= trial.last_step
        trial.last_step = max(step, trial.last_step)
        if any(map(math.isnan, trial.latest)):
            return False
        if self._least is None:
            trial.shown[trial.last_step] = tuple(trial.latest)
        return rises

    def _open(self) -> None:
        """Say where the rungs lie, and have everybody take their places there."""
        self._least = max(1, math.ceil(self._furthest / _SHARE_OF_LONGEST))
        for number, trial in [*self._early, *self._running.items()]:
            latest = trial.latest
            for step, losses in trial.shown.items():
                trial.latest = list(losses)
                self._climb(number, trial, step, deciding=False)
            trial.latest, trial.shown = latest, {}
        self._early.clear()

    def _due(self, rung: int) -> int:
        return int((self._least or 1) * self._rule.reduction**rung)

    def _climb(self, number: int, trial: _Trial, step: int, *, deciding: bool = True) -> Ending | None:
        while step >= self._due(trial.rung):
            if trial.rung == len(self._rungs):
                self._rungs.append(_Standing(len(self._names)))
            standing = self._rungs[trial.rung]
            by = standing.add(number, trial.latest)
            trial.rung += 1
            # at the last step that complete trials reached, giving up would save nothing
            if deciding and self._complete >= self._rule.startup_trials and step < self._furthest:
                limit = standing.limit(self._rule.reduction)
                if by > limit:
                    return Ending("pruned", self._verdict(trial, by, limit, standing))
        return None

    def _verdict(self, trial: _Trial, by: int, limit: int, standing: _Standing) -> str:
        best, losses = standing.best_of_those_that_beat(trial.latest)
        pairs = zip(self._names, self._signs, trial.latest, losses, strict=True)
        told = [(name, *_both(sign * own, sign * its)) for name, sign, own, its in pairs]
        own = ", ".join(f"{name} {value}" for name, value, _ in told)
        its = ", ".join(value for _, _, value in told)
        due, share = self._due(trial.rung - 1), self._rule.reduction
        return (
            f"pruned at step {trial.last_step}: {by} of {len(standing)} trials that came to step {due} are "
            f"better in every objective, as trial {best} with {its} to its {own}; "
            f"the best 1/{share} {'are beaten by none' if not limit else f'are beaten by at most {limit}'}"
        )


class _Standing:
    """The trials that came to a rung: what they showed there, and how many of the others beat each.

    Args:
        objectives: How many there are.
    """

    def __init__(self, objectives: int) -> None:
        self._losses = np.empty((objectives, _ROOM))
        self._beaten = np.zeros(_ROOM, dtype=np.int64)
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, losses: Sequence[float]) -> int:
        """Add a trial, its values smaller being better; return how many others beat it. O(trials)."""
        count = len(self._numbers)
        if count == len(self._beaten):
            self._losses = np.concatenate([self._losses, np.empty_like(self._losses)], axis=1)
            self._beaten = np.concatenate([self._beaten, np.zeros_like(self._beaten)])
        beats, beaten = self._beside(losses)
        self._beaten[:count] += beaten
        self._losses[:, count] = losses
        self._beaten[count] = by = int(np.count_nonzero(beats))
        self._numbers.append(number)
        return by

    def remove(self, number: int) -> None:
        """Take a trial out again."""
        at, count = self._numbers.index(number), len(self._numbers)
        _, beaten = self._beside(self._losses[:, at].tolist())
        self._beaten[:count] -= beaten
        self._losses[:, at : count - 1] = self._losses[:, at + 1 : count].copy()
        self._beaten[at : count - 1] = self._beaten[at + 1 : count].copy()
        del self._numbers[at]

    def limit(self, share: int) -> int:
        """Return by how many the last of the best `1/share` is beaten."""
        count = len(self._numbers)
        best = max(1, count // share) - 1
        return int(np.partition(self._beaten[:count], best)[best])

    def best_of_those_that_beat(self, losses: Sequence[float]) -> tuple[int, list[float]]:
        """Return the number and the losses of a trial that beats one, beaten itself by the fewest."""
        found = np.flatnonzero(self._beside(losses)[0])
        at = int(found[np.argmin(self._beaten[found])])
        return self._numbers[at], self._losses[:, at].tolist()

    def _beside(self, losses: Sequence[float]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return who beats a trial, and whom it beats: as good in all, and better in one."""
        count = len(self._numbers)
        as_good, no_better = np.ones(count, dtype=bool), np.ones(count, dtype=bool)
        for others, own in zip(self._losses, losses, strict=True):
            as_good &= others[:count] <= own
            no_better &= others[:count] >= own
        same = as_good & no_better
        return as_good ^ same, no_better ^ same


def _both(one: float, other: float) -> tuple[str, str]:
    return (f"{one:.4g}", f"{other:.4g}") if one == other else apart(one, other)
