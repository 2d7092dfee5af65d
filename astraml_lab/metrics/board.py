"""The curve board of a job: who is pruned, decided in memory the moment a value is reported.

The decisions are those of Optuna's `MedianPruner` and `PercentilePruner` (a differential test holds it),
without its walk over all trials: each step has one column with the values of the completed trials, brought
into order when somebody asks about it. A report is compared with one number. A `worthwhile` rule prunes less.

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

import operator
from array import array
from bisect import insort
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MANY_NEW = 32  # from here on sorting a column anew is cheaper than inserting one by one
BEFORE_ALL_STEPS = -1  # Optuna's steps begin at 0


@dataclass(frozen=True)
class PruneRule:
    """When a trial is given up.

    Attributes:
        kind: `median` prunes the worse half at each step; `percentile` keeps the best `percentile` per cent.
        percentile: Read by `percentile` only.
        startup_trials: Nothing is pruned before so many trials are complete.
        warmup_steps: Nothing is pruned at a lower step.
        interval: Steps between two looks at the same trial.
        worthwhile: Nothing is pruned at the last step that complete trials reached, which would save nothing.
    """

    kind: Literal["off", "median", "percentile"] = "median"
    percentile: float = 25.0
    startup_trials: int = 5
    warmup_steps: int = 0
    interval: int = 1
    worthwhile: bool = False


@dataclass(frozen=True)
class Ending:
    """The board's verdict that a trial is over, and why in one sentence."""

    kind: Literal["pruned", "patience"]
    reason: str


class Board:
    """Decides on the objective's reports of all trials of a job.

    Args:
        metric: The objective's name, for the reasons.
        maximize: Whether greater is better.
        rule: When a trial is pruned.
        patience: A trial ends after so many reports without a better value; None for never.
    """

    def __init__(
        self, metric: str, *, maximize: bool, rule: PruneRule | None = None, patience: int | None = None
    ) -> None:
        self._metric = metric
        self._maximize = maximize
        self._rule = rule or PruneRule()
        self._patience = patience
        self._better: Callable[[float, float], bool] = operator.gt if maximize else operator.lt
        kept = 50.0 if self._rule.kind == "median" else self._rule.percentile
        self._quantile = (100 - kept if maximize else kept) / 100
        self._needed = max(1, self._rule.startup_trials)
        self._prunes = self._rule.kind != "off"
        self._completed = 0
        self._furthest = BEFORE_ALL_STEPS
        self._running: dict[int, _Running] = {}
        self._columns: dict[int, _Column] = {}

    def report(self, number: int, value: float, step: int) -> Ending | None:
        """Take in a value and decide at once.

        A repeated step replaces its value; a falling step is taken in, and nothing is decided on it. A trial
        that goes on after its end gets the same verdict again.
        """
        trial = self._running.get(number)
        if trial is None:
            trial = self._running[number] = _Running()
        if trial.ending is not None:
            return trial.ending
        if step < trial.last_step:
            trial.take_falling(step, value, self._better)
            return None
        trial.take(step, value, self._better)
        if self._prunes and self._completed >= self._needed:
            trial.ending = self._prune(trial, step)
        if self._patience is not None and trial.ending is None and trial.stale >= self._patience:
            trial.ending = Ending("patience", self._impatience(trial, step))
        return trial.ending

    def curve(self, number: int) -> list[tuple[int, float]]:
        """List every (step, value) of a running trial, by step and not thinned."""
        trial = self._running.get(number)
        return sorted(trial.values.items()) if trial else []

    def finish(self, number: int, *, complete: bool) -> None:
        """Forget a running trial; a complete one is from now on a measure for the others."""
        trial = self._running.pop(number, None)
        if not complete:
            return
        self._completed += 1
        if trial is None or not self._prunes:
            return
        columns = self._columns
        self._furthest = max(self._furthest, *trial.values, BEFORE_ALL_STEPS)
        for step, value in trial.values.items():
            if not isnan(value):
                column = columns.get(step)
                if column is None:
                    column = columns[step] = _Column()
                column.values.append(value)

    def restore(self, number: int, curve: Iterable[tuple[int, float]], *, complete: bool) -> None:
        """Take in a trial that ended before this board was made."""
        trial = self._running[number] = _Running()
        trial.values.update(curve)
        self.finish(number, complete=complete)

    def _prune(self, trial: _Running, step: int) -> Ending | None:
        """Decide like Optuna's `PercentilePruner.prune`, in its order."""
        rule = self._rule
        if step < rule.warmup_steps or (rule.worthwhile and step >= self._furthest):
            return None
        look = step - (step - rule.warmup_steps) % rule.interval  # the newest step at which a look is due
        if trial.previous_step >= look:
            return None
        if trial.best is None:
            return Ending("pruned", f"pruned at step {step}: {self._metric} was never a number")
        column = self._columns.get(step)
        if column is None:
            return None
        limit = column.limit(self._quantile)
        if not self._better(limit, trial.best):  # also where the limit is NaN
            return None
        return Ending("pruned", self._verdict(trial, trial.best, limit, len(column.values)))

    def _verdict(self, trial: _Running, best: float, limit: float, trials: int) -> str:
        given, allowed = _apart(best, limit)
        now = trial.best_step == trial.last_step
        what = f"{self._metric} {given}" if now else f"best {self._metric} {given} (step {trial.best_step})"
        side = "below" if self._maximize else "above"
        of = f"{trials} trial" if trials == 1 else f"{trials} trials"
        if self._rule.kind == "median":
            measure = f"the median {allowed} of {of}"
        else:
            measure = f"{allowed}, the limit of the best {self._rule.percentile:g} % of {of}"
        return f"pruned at step {trial.last_step}: {what} is {side} {measure}"

    def _impatience(self, trial: _Running, step: int) -> str:
        reports = "1 report" if trial.stale == 1 else f"{trial.stale} reports"
        if trial.best is None:
            return f"ended at step {step}: {self._metric} was no number in {reports}"
        best = f"{self._metric} {trial.best:.4g} (step {trial.best_step})"
        return f"ended at step {step}: {best} was not improved in {reports}"


class _Running:
    """What the board knows of a trial that is still running.

    `before` is the best without the last step, so that a repeated step can take its value back in O(1).
    """

    __slots__ = (
        "before",
        "before_step",
        "best",
        "best_step",
        "ending",
        "last_step",
        "previous_step",
        "stale",
        "values",
    )

    def __init__(self) -> None:
        self.values: dict[int, float] = {}
        self.last_step = self.previous_step = BEFORE_ALL_STEPS
        self.best: float | None = None  # None: no number yet, only NaN
        self.best_step = self.before_step = BEFORE_ALL_STEPS
        self.before: float | None = None
        self.stale = 0
        self.ending: Ending | None = None

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


class _Column:
    """The values of the completed trials at one step: in order up to `_settled`, then as they came."""

    __slots__ = ("_limit", "_settled", "values")

    def __init__(self) -> None:
        self.values = array("d")
        self._settled = 0
        self._limit = nan

    def limit(self, quantile: float) -> float:
        """Return the column's quantile, worked out once per change; a column is always asked for the same."""
        if self._settled < len(self.values):
            self._settle()
            self._limit = _quantile(self.values, quantile)
        return self._limit

    def _settle(self) -> None:
        new = self.values[self._settled :]
        if len(new) > MANY_NEW:
            self.values = array("d", sorted(self.values))
        else:
            del self.values[self._settled :]
            for value in new:
                insort(self.values, value)
        self._settled = len(self.values)


def _quantile(ordered: array[float], quantile: float) -> float:
    """Interpolate as `numpy.percentile` does, to its last bit: a tie must be a tie for both."""
    top = len(ordered) - 1
    position = top * quantile
    index = min(int(position), top)
    low, high = ordered[index], ordered[min(index + 1, top)]
    part = position - index
    step = high - low
    return high - step * (1 - part) if part >= 0.5 else low + step * part  # noqa: PLR2004 - numpy's own switch


def _apart(one: float, other: float) -> tuple[str, str]:
    """Write two different numbers with as few digits as show that they differ."""
    for digits in range(4, 18):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts
