"""The curve board of a job: who is given up, decided in memory the moment a value is reported.

The board keeps what the running trials reported and asks its rule about each report: our own `PruneRule`,
or the `StoppingRule` that a tuning service defines. Each rule is a `Judge` of its own module, and none walks
over the history of the job: a report costs microseconds, whatever went before.

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

import operator
from math import isinf, nan
from typing import TYPE_CHECKING

from astraml_lab.metrics.averages import Averages
from astraml_lab.metrics.extrapolation import Convex, DecayCurve
from astraml_lab.metrics.halving import Hyperband
from astraml_lab.metrics.percentiles import Percentiles, PruneRule
from astraml_lab.metrics.running import Ending, Running
from astraml_lab.spec import StoppingKind, StoppingRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astraml_lab.metrics.judge import Judge

_JUDGES: dict[StoppingKind, Callable[..., Judge]] = {
    StoppingKind.AVERAGES: Averages,
    StoppingKind.DECAY_CURVE: DecayCurve,
    StoppingKind.CONVEX: Convex,
    StoppingKind.HYPERBAND: Hyperband,
}


class Board:
    """Decides on the objective's reports of all trials of a job.

    Args:
        metric: The objective's name, for the reasons.
        maximize: Whether greater is better.
        rule: When a trial is given up.
        patience: A trial ends after so many reports without a better value; None for never.

    Attributes:
        counts_cut_short: Whether the rule goes by pruned and stopped trials too.
    """

    def __init__(
        self,
        metric: str,
        *,
        maximize: bool,
        rule: PruneRule | StoppingRule | None = None,
        patience: int | None = None,
    ) -> None:
        self._metric = metric
        self._patience = patience
        self._better: Callable[[float, float], bool] = operator.gt if maximize else operator.lt
        self._judge = _judge_of(rule or PruneRule(), metric, maximize=maximize)
        self._by_time = isinstance(rule, StoppingRule) and rule.by_time
        self._running: dict[int, Running] = {}
        self.counts_cut_short = isinstance(rule, StoppingRule)

    def report(self, number: int, value: float, step: int, seconds: float = 0.0) -> Ending | None:
        """Take in a value and decide at once.

        A repeated step replaces its value; a falling step is taken in, and nothing is decided on it. A trial
        that goes on after its end gets the same verdict again.

        Args:
            number: The trial.
            value: The value.
            step: Its step.
            seconds: How long the trial has run for.
        """
        value = self._usable(value)
        trial = self._running.get(number)
        if trial is None:
            trial = self._running[number] = Running()
        if trial.ending is not None:
            return trial.ending
        if self._by_time:
            trial.times[step] = seconds
        if step < trial.last_step:
            trial.take_falling(step, value, self._better)
            return None
        trial.take(step, value, self._better)
        if self._judge is not None:
            trial.ending = self._judge.decide(number, trial, value)
        if self._patience is not None and trial.ending is None and trial.stale >= self._patience:
            trial.ending = Ending("patience", self._impatience(trial, step))
        return trial.ending

    def curve(self, number: int) -> list[tuple[int, float]]:
        """List every (step, value) of a running trial, by step and not thinned."""
        trial = self._running.get(number)
        return sorted(trial.values.items()) if trial else []

    def finish(self, number: int, *, complete: bool, cut_short: bool = False) -> None:
        """Forget a running trial; what it reported may from now on be a measure for the others.

        Args:
            number: The trial.
            complete: It came to its own end.
            cut_short: It was pruned or stopped before; only vendors' rules learn from such a trial.
        """
        trial = self._running.pop(number, None)
        if self._judge is None:
            return
        if complete or cut_short:
            self._judge.learn(number, trial or Running(), complete=complete)
        else:
            self._judge.forget(number)

    def restore(
        self,
        number: int,
        curve: Iterable[tuple[int, float]],
        *,
        complete: bool,
        cut_short: bool = False,
        seconds: float = 0.0,
    ) -> None:
        """Take in a trial that ended before this board was made.

        Args:
            number: The trial.
            curve: Its steps and values; a rule that goes by time takes them as evenly spread.
            complete: As in `finish`.
            cut_short: As in `finish`.
            seconds: How long the trial ran for.
        """
        trial = self._running[number] = Running()
        trial.values.update((step, self._usable(value)) for step, value in curve)
        trial.last_step = max(trial.values, default=trial.last_step)
        if self._by_time:
            share = seconds / max(1, len(trial.values))
            trial.times = {step: share * index for index, step in enumerate(sorted(trial.values), start=1)}
        self.finish(number, complete=complete, cut_short=cut_short)

    def _usable(self, value: float) -> float:
        """Return what a value counts as: to the services an infinite one is no objective, just as NaN."""
        return nan if self.counts_cut_short and isinf(value) else value

    def _impatience(self, trial: Running, step: int) -> str:
        reports = "1 report" if trial.stale == 1 else f"{trial.stale} reports"
        if trial.best is None:
            return f"ended at step {step}: {self._metric} was no number in {reports}"
        best = f"{self._metric} {trial.best:.4g} (step {trial.best_step})"
        return f"ended at step {step}: {best} was not improved in {reports}"


def _judge_of(rule: PruneRule | StoppingRule, metric: str, *, maximize: bool) -> Judge | None:
    if isinstance(rule, StoppingRule):
        return _JUDGES[rule.kind](rule, metric, maximize=maximize)
    return None if rule.kind == "off" else Percentiles(rule, metric, maximize=maximize)
