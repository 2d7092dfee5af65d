"""Asynchronous successive halving: at each rung, only the best of those that came so far go on.

The rungs lie ever further apart. A trial that reaches one leaves its value there, and passes if it is among
the best `1/reduction` of the values left so far (Li et al., 2020, arXiv 1810.05934). The decisions are those
of Optuna's `SuccessiveHalvingPruner` (a differential test holds it), without its walk over all trials.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, ClassVar

from astraml_lab.metrics.judge import FINISHED, Judge
from astraml_lab.metrics.running import BEFORE_ALL_STEPS, Ending, apart
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.metrics.running import Running

_SHARE_OF_LONGEST = 100
"""Where nobody names the first rung, it lies at this share of the longest run, as in Optuna."""


@dataclass(frozen=True)
class HalvingRule:
    """When successive halving gives a trial up; the defaults are Optuna's.

    Attributes:
        min_resource: The step of the first rung; None for a hundredth of the longest complete trial when the
            first decision is due, and nobody is given up before one is complete.
        reduction: One of so many trials passes a rung, and the rungs' steps grow by the same factor.
        min_early_stopping_rate: So many of the first rungs are left out.
        bootstrap_count: So many trials that come to a rung first do not pass it.
    """

    min_resource: int | None = None
    reduction: int = 4
    min_early_stopping_rate: int = 0
    bootstrap_count: int = 0


@dataclass
class Place:
    """Where a trial stands.

    Attributes:
        bracket: Whose rungs it climbs; 0 where there is one bracket only.
        due: The step of the rung that it comes to next.
        left: Its values at the rungs that it came to, as they are ordered there.
    """

    bracket: int
    due: float
    left: list[float] = field(default_factory=list)


class Halving(Judge):
    """Gives up by the values at rungs; a subclass says where these lie.

    A report costs a comparison; at a rung, the insertion of a value into the ordered ones of the rung. A
    failed trial's values stay, as they were no failures; those of a trial that begins again do not.

    Args:
        metric: The objective's name.
        maximize: Whether greater is better.
        reduction: One of so many trials passes a rung.
        bootstrap_count: So many trials that come to a rung first do not pass it.
    """

    goes_by: ClassVar[frozenset[TrialState]] = FINISHED | {TrialState.FAILED}

    def __init__(self, metric: str, *, maximize: bool, reduction: int, bootstrap_count: int = 0) -> None:
        self._metric = metric
        self._sign = -1.0 if maximize else 1.0
        self._reduction = reduction
        self._bootstrap_count = bootstrap_count
        self._rungs: dict[tuple[int, int], list[float]] = {}

    @abstractmethod
    def _place(self, number: int) -> Place | None:
        """Return where a trial begins; None while nobody knows where the rungs lie."""

    @abstractmethod
    def _due(self, bracket: int, rung: int) -> float:
        """Return the step of a rung; infinite where there is none."""

    def _whose(self, _bracket: int) -> str:
        """Say, for a reason, whose rungs these are."""
        return ""

    def decide(self, number: int, trial: Running, value: float) -> Ending | None:
        """Send the trial through the rungs that it has reached, up to the first that holds it back."""
        place: Place | None = trial.memory
        if place is None:
            place = trial.memory = self._place(number)
            if place is None:
                return None
        return self._climb(place, trial.last_step, value)

    def forget(self, _number: int, trial: Running) -> None:
        """Take its values out of the rungs."""
        place: Place | None = trial.memory
        if place is not None:
            for rung, value in enumerate(place.left):
                values = self._rungs[place.bracket, rung]
                del values[bisect_left(values, value)]

    def _climb(self, place: Place, step: int, value: float) -> Ending | None:
        if step < place.due:
            return None
        if isnan(value):
            return Ending("pruned", f"pruned at step {step}: {self._metric} is no number")
        signed = self._sign * value
        while step >= place.due:
            rung = len(place.left)
            values = self._rungs.setdefault((place.bracket, rung), [])
            insort(values, signed)
            place.left.append(signed)
            if len(values) <= self._bootstrap_count:
                return Ending("pruned", self._too_early(step, place, len(values)))
            limit = values[max(1, len(values) // self._reduction) - 1]
            if signed > limit:
                return Ending("pruned", self._verdict(step, value, self._sign * limit, place, len(values)))
            place.due = self._due(place.bracket, rung + 1)
        return None

    def _replay(self, number: int, curve: Sequence[tuple[int, float]]) -> None:
        """Have a trial that is over take its place at the rungs that it reached."""
        place = self._place(number)
        if place is None:
            return
        for step, value in curve:
            if self._climb(place, step, value) is not None:
                # It went on from here, whatever the others' values are by now
                place.due = self._due(place.bracket, len(place.left))

    def _verdict(self, step: int, value: float, limit: float, place: Place, trials: int) -> str:
        given, allowed = apart(value, limit)
        of = "trial" if trials == 1 else "trials"
        best = f"the best 1/{self._reduction} of {trials} {of}"
        return (
            f"pruned at step {step}: {self._metric} {given} is not among {best} "
            f"that came to step {place.due:g}, the limit is {allowed}{self._whose(place.bracket)}"
        )

    def _too_early(self, step: int, place: Place, trials: int) -> str:
        return (
            f"pruned at step {step}: it is one of the first {self._bootstrap_count} trials that came to step "
            f"{place.due:g}, number {trials}, by which later ones are measured{self._whose(place.bracket)}"
        )


class SuccessiveHalving(Halving):
    """Asynchronous successive halving (ASHA) in one bracket.

    Args:
        rule: The rule.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    def __init__(self, rule: HalvingRule, metric: str, *, maximize: bool) -> None:
        super().__init__(
            metric, maximize=maximize, reduction=rule.reduction, bootstrap_count=rule.bootstrap_count
        )
        self._skipped = rule.min_early_stopping_rate
        self._least = rule.min_resource
        self._furthest = BEFORE_ALL_STEPS

    def learn(self, _number: int, trial: Running, *, complete: bool) -> None:
        """See how far a complete trial went: what it showed at its rungs is there by now."""
        if complete:
            self._furthest = max(self._furthest, trial.last_step)

    def recall(self, number: int, trial: Running, *, complete: bool) -> None:
        """Have it take its place at the rungs, too, as far as they lie where they did then."""
        self._replay(number, sorted(trial.values.items()))
        self.learn(number, trial, complete=complete)

    def _place(self, _number: int) -> Place | None:
        if self._least is None:
            if self._furthest == BEFORE_ALL_STEPS:
                return None
            self._least = max(1, self._furthest // _SHARE_OF_LONGEST)
        return Place(0, self._due(0, 0))

    def _due(self, _bracket: int, rung: int) -> float:
        return float((self._least or 1) * self._reduction ** (self._skipped + rung))
