"""The median rules of SageMaker and Vertex AI: worse than the others were on average so far.

A trial is given up where its value is worse than the median of the running averages of the finished trials,
taken up to where it stands. The two services differ in two points, one flag:

- SageMaker compares the *current* value, with those finished trials that came as far ("Stop Training Jobs
  Early" in its developer guide).
- Vertex compares the *best* value so far, with all finished trials: of a shorter one counts the average of
  all its values (`StudySpec.MedianAutomatedStoppingSpec` in its API; Golovin et al., Google Vizier, 2017).

Both: strictly worse, never at a trial's first value, and with at least `min_trials` finished ones, pruned
and stopped ones among them. "How far" is the step, which without steps of its own is the ordinal of the
report, or the seconds since the trial's start.
"""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_right
from math import inf
from typing import TYPE_CHECKING, ClassVar

from astraml_lab.metrics.columns import Column
from astraml_lab.metrics.judge import FINISHED, Judge
from astraml_lab.metrics.running import Ending, apart, trials_in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.metrics.running import Running
    from astraml_lab.spec import StoppingRule, TrialState

_MEDIAN = 0.5
_FEW = 64
"""So many averages are worked out in tens of microseconds."""
_PAUSE = 0.1
"""Seconds of a trial between two looks by time, where there are more: no two reports share a column then."""


class _Past:
    """A finished trial: its running average after each value."""

    __slots__ = ("_averages", "_positions", "number")

    def __init__(self, number: int, trial: Running) -> None:
        self.number = number
        self._positions = array("d")
        self._averages = array("d")
        total = 0.0
        for count, (position, value) in enumerate(trial.points(), start=1):
            total += value
            self._positions.append(position)
            self._averages.append(total / count)

    def __len__(self) -> int:
        return len(self._positions)

    def at(self, position: float, *, all_the_way: bool) -> float | None:
        """Return the average up to a position; None where it has none, or did not come so far and has to."""
        if all_the_way and self._positions[-1] < position:
            return None
        found = bisect_right(self._positions, position)
        return self._averages[found - 1] if found else None


class _Averages(Column):
    """The averages at one position, of the first `seen` finished trials."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0


class Averages(Judge):
    """Gives up by the services' median rules.

    Each position that is asked about has a column, which takes in each finished trial once: a report costs a
    comparison and, now and then, the insertion of those that finished since. By time no two reports share a
    position, so with many finished trials a look is due at most every tenth of a second of a trial.

    Args:
        rule: The rule, of the kind `averages`.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    goes_by: ClassVar[frozenset[TrialState]] = FINISHED

    def __init__(self, rule: StoppingRule, metric: str, *, maximize: bool) -> None:
        self._rule = rule
        self._metric = metric
        self._maximize = maximize
        self._better: Callable[[float, float], bool] = operator.gt if maximize else operator.lt
        self._past: list[_Past] = []
        self._columns: dict[float, _Averages] = {}

    def learn(self, number: int, trial: Running, *, complete: bool) -> None:  # noqa: ARG002 - both count
        """Add a finished trial; its early end makes no difference."""
        past = _Past(number, trial)
        if len(past):
            self._past.append(past)

    def decide(self, _number: int, trial: Running, value: float) -> Ending | None:
        """Compare the trial with the median."""
        rule, step = self._rule, trial.last_step
        if len(self._past) < rule.min_trials or len(trial.values) <= 1:
            return None
        given = trial.best if rule.best_so_far else value
        if given is None:
            return None
        here = trial.times[step] if rule.by_time else step
        if rule.by_time and self._is_too_soon(trial, here):
            return None
        column = self._column(here)
        if len(column.values) < max(1, rule.min_trials):
            return None
        limit = column.limit(_MEDIAN)
        if not self._better(limit, given):  # also where either is NaN
            return None
        return Ending("pruned", self._verdict(trial, given, limit, here))

    def _is_too_soon(self, trial: Running, here: float) -> bool:
        if len(self._past) <= _FEW:
            return False
        before = -inf if trial.memory is None else trial.memory
        if here - before < _PAUSE:
            return True
        trial.memory = here
        return False

    def _column(self, here: float) -> _Averages:
        column = None if self._rule.by_time else self._columns.get(here)
        if column is None:
            column = _Averages()
            if not self._rule.by_time:
                self._columns[here] = column
        past, all_the_way = self._past, not self._rule.best_so_far
        if column.seen < len(past):
            for one in past[column.seen :]:
                average = one.at(here, all_the_way=all_the_way)
                if average is not None:
                    column.values.append(average)
            column.seen = len(past)
        return column

    def _verdict(self, trial: Running, given: float, limit: float, here: float) -> str:
        value, median = apart(given, limit)
        way = not self._rule.best_so_far
        compared = [one.number for one in self._past if one.at(here, all_the_way=way) is not None]
        best = self._rule.best_so_far and trial.best_step != trial.last_step
        what = f"best {self._metric} {value} (step {trial.best_step})" if best else f"{self._metric} {value}"
        where = f"{here:.4g} s" if self._rule.by_time else f"step {trial.last_step}"
        side = "below" if self._maximize else "above"
        return (
            f"pruned at {where}: {what} is {side} {median}, the median of the averages up to there of "
            f"{trials_in_words(compared)}"
        )
