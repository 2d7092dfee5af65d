"""Pruning as Optuna does it: worse than a quantile of the complete trials at the same step.

The decisions are those of Optuna's `MedianPruner` and `PercentilePruner` (a differential test holds it),
without its walk over all trials: each step has one column with the values of the completed trials, brought
into order when somebody asks about it. A report is compared with one number.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Literal

from astraml_lab.metrics.columns import Column
from astraml_lab.metrics.judge import Judge
from astraml_lab.metrics.running import Ending, apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.metrics.running import Running


@dataclass(frozen=True)
class PruneRule:
    """When a trial is given up.

    Attributes:
        kind: `median` prunes the worse half at each step; `percentile` keeps the best `percentile` per cent.
        percentile: Read by `percentile` only.
        startup_trials: Nothing is pruned before so many trials are complete.
        warmup_steps: Nothing is pruned at a lower step.
        interval: Steps between two looks at the same trial.
    """

    kind: Literal["off", "median", "percentile"] = "median"
    percentile: float = 25.0
    startup_trials: int = 5
    warmup_steps: int = 0
    interval: int = 1


class Percentiles(Judge):
    """Prunes by a `PruneRule`.

    Args:
        rule: The rule; not `off`.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    def __init__(self, rule: PruneRule, metric: str, *, maximize: bool) -> None:
        self._rule = rule
        self._metric = metric
        self._maximize = maximize
        self._better: Callable[[float, float], bool] = operator.gt if maximize else operator.lt
        kept = 50.0 if rule.kind == "median" else rule.percentile
        self._quantile = (100 - kept if maximize else kept) / 100
        self._needed = max(1, rule.startup_trials)
        self._completed = 0
        self._columns: dict[int, Column] = {}

    def learn(self, _number: int, trial: Running, *, complete: bool) -> None:  # noqa: ARG002 - all are complete
        """Add it to the columns of its steps."""
        self._completed += 1
        columns = self._columns
        for step, value in trial.values.items():
            if not isnan(value):
                column = columns.get(step)
                if column is None:
                    column = columns[step] = Column()
                column.values.append(value)

    def decide(self, _number: int, trial: Running, _value: float) -> Ending | None:
        """Decide like Optuna's `PercentilePruner.prune`, in its order."""
        if self._completed < self._needed:
            return None
        rule, step = self._rule, trial.last_step
        if step < rule.warmup_steps:
            return None
        look = step - (step - rule.warmup_steps) % rule.interval  # the newest step at which a look is due
        if trial.previous_step >= look:
            return None
        if trial.best is None:
            return Ending("pruned", f"pruned at step {step}: {self._metric} was never a number")
        column = self._columns.get(step)
        limit = nan if column is None else column.limit(self._quantile)
        if column is None or not self._better(limit, trial.best):  # also where the limit is NaN
            return None
        return Ending("pruned", self._verdict(trial, trial.best, limit, len(column.values)))

    def _verdict(self, trial: Running, best: float, limit: float, trials: int) -> str:
        given, allowed = apart(best, limit)
        now = trial.best_step == trial.last_step
        what = f"{self._metric} {given}" if now else f"best {self._metric} {given} (step {trial.best_step})"
        side = "below" if self._maximize else "above"
        of = f"{trials} trial" if trials == 1 else f"{trials} trials"
        if self._rule.kind == "median":
            measure = f"the median {allowed} of {of}"
        else:
            measure = f"{allowed}, the limit of the best {self._rule.percentile:g} % of {of}"
        return f"pruned at step {trial.last_step}: {what} is {side} {measure}"
