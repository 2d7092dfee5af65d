"""The curve board of a job: who is given up, decided in memory the moment a value is reported.

The board keeps what the running trials reported and asks its rule about each report: our own `PruneRule`,
`HalvingRule` or `OutlookRule`, or the `StoppingRule` that a tuning service defines. Each rule has a `Judge`
of its own module, and none walks over the history of the job: a report costs microseconds, whatever went
before.

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

import operator
from math import isinf, nan
from typing import TYPE_CHECKING

from astraml_lab.metrics.averages import Averages
from astraml_lab.metrics.extrapolation import Convex, DecayCurve
from astraml_lab.metrics.halving import HalvingRule, SuccessiveHalving
from astraml_lab.metrics.hyperband import Hyperband
from astraml_lab.metrics.outlook import Outlook, OutlookRule
from astraml_lab.metrics.percentiles import Percentiles, PruneRule
from astraml_lab.metrics.running import Ending, Running
from astraml_lab.spec import StoppingKind, StoppingRule, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astraml_lab.metrics.judge import Judge

Rule = PruneRule | HalvingRule | OutlookRule | StoppingRule

_JUDGES: dict[StoppingKind | type[Rule], Callable[..., Judge]] = {
    PruneRule: Percentiles,
    HalvingRule: SuccessiveHalving,
    OutlookRule: Outlook,
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
        metric: As given.
    """

    def __init__(
        self,
        metric: str,
        *,
        maximize: bool,
        rule: Rule | None = None,
        patience: int | None = None,
    ) -> None:
        self.metric = metric
        self._patience = patience
        self._better: Callable[[float, float], bool] = operator.gt if maximize else operator.lt
        self._judge = _judge_of(rule or PruneRule(), metric, maximize=maximize)
        self._of_a_vendor = isinstance(rule, StoppingRule)
        self._by_time = isinstance(rule, StoppingRule) and rule.by_time
        self._running: dict[int, Running] = {}

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
            cut_short: It was pruned or stopped before. A trial that is neither has failed.
        """
        trial = self._running.pop(number, None) or Running()
        if self._judge is not None and self.goes_by(_end(complete=complete, cut_short=cut_short)):
            self._judge.learn(number, trial, complete=complete)

    def again(self, number: int) -> None:
        """Forget a trial that failed and begins again: it showed nothing."""
        trial = self._running.pop(number, None)
        if self._judge is not None and trial is not None:
            self._judge.forget(number, trial)

    def goes_by(self, state: TrialState) -> bool:
        """Return whether trials that ended in a state are a measure for others."""
        return self._judge is not None and state in self._judge.goes_by

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
        trial = Running()
        trial.values.update((step, self._usable(value)) for step, value in curve)
        trial.last_step = max(trial.values, default=trial.last_step)
        if self._by_time:
            share = seconds / max(1, len(trial.values))
            trial.times = {step: share * index for index, step in enumerate(sorted(trial.values), start=1)}
        if self._judge is not None and self.goes_by(_end(complete=complete, cut_short=cut_short)):
            self._judge.recall(number, trial, complete=complete)

    def _usable(self, value: float) -> float:
        """Return what a value counts as: to the services an infinite one is no objective, just as NaN."""
        return nan if self._of_a_vendor and isinf(value) else value

    def _impatience(self, trial: Running, step: int) -> str:
        reports = "1 report" if trial.stale == 1 else f"{trial.stale} reports"
        if trial.best is None:
            return f"ended at step {step}: {self.metric} was no number in {reports}"
        best = f"{self.metric} {trial.best:.4g} (step {trial.best_step})"
        return f"ended at step {step}: {best} was not improved in {reports}"


def _end(*, complete: bool, cut_short: bool) -> TrialState:
    cut = TrialState.PRUNED if cut_short else TrialState.FAILED
    return TrialState.COMPLETE if complete else cut


def _judge_of(rule: Rule, metric: str, *, maximize: bool) -> Judge | None:
    if isinstance(rule, PruneRule) and rule.kind == "off":
        return None
    judge = _JUDGES[rule.kind if isinstance(rule, StoppingRule) else type(rule)]
    return judge(rule, metric, maximize=maximize)
