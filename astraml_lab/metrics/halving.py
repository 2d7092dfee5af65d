"""Hyperband: brackets of successive halving, each harder on the trials the earlier it looks at them.

Where both are told the same, the decisions are those of Optuna's `HyperbandPruner` with the same minimum,
maximum and reduction factor (a differential test holds it): asynchronous successive halving (Li et al., 2020)
in the brackets of Hyperband (Li et al., 2018), a trial's bracket drawn by its number. A trial passes a rung
if it is among the best `1/reduction` of those that came so far. Two points go beyond Optuna:

- The maximum is a trial's whole budget: nobody is given up on reaching it, and a trial is complete there if
  the rule names it, as in SageMaker.
- Without a maximum it is the longest run among the trials that are complete when the first rung is due, and
  stays that; until one is complete, nobody is given up.
"""

from __future__ import annotations

import binascii
import math
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.metrics.judge import Judge
from astraml_lab.metrics.running import BEFORE_ALL_STEPS, Ending

if TYPE_CHECKING:
    from astraml_lab.metrics.running import Running
    from astraml_lab.spec import StoppingRule

_STUDY = "default"
"""Stands for the study's name in Optuna's draw of a bracket."""


class Hyperband(Judge):
    """Gives up by successive halving in brackets.

    A report costs a comparison; at a rung, the insertion of a value into the ordered ones of the rung.

    Args:
        rule: The rule, of the kind `hyperband`.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    def __init__(self, rule: StoppingRule, metric: str, *, maximize: bool) -> None:
        self._rule = rule
        self._metric = metric
        self._sign = -1.0 if maximize else 1.0
        self._least = max(1, rule.min_resource or 1)
        self._brackets: _Brackets | None = None
        self._rungs: dict[tuple[int, int], list[float]] = {}
        self._passed: dict[int, list[tuple[int, float]]] = {}
        self._furthest = BEFORE_ALL_STEPS
        self._early: list[tuple[int, list[tuple[int, float]]]] = []
        if rule.max_resource is not None:
            self._open(rule.max_resource)

    def decide(self, number: int, trial: Running, value: float) -> Ending | None:
        """Send the trial through the rungs that it has reached, up to the first that holds it back."""
        step = trial.last_step
        if self._rule.max_resource is not None and step >= self._rule.max_resource:
            return Ending("budget", f"complete at step {step}: hyperband's largest budget of a trial")
        if trial.memory is None:
            if self._brackets is None:
                return None
            trial.memory = self._place(number)
        return self._climb(number, trial.memory, step, value)

    def learn(self, number: int, trial: Running, *, complete: bool) -> None:
        """Keep what it showed at its rungs; the first complete trial may tell how far trials go."""
        if trial.memory is None and trial.values:
            if self._brackets is None:
                self._early.append((number, sorted(trial.values.items())))
            else:
                self._replay(number, sorted(trial.values.items()))
        self._passed.pop(number, None)
        if complete and self._brackets is None:
            self._furthest = max(self._furthest, *trial.values, BEFORE_ALL_STEPS)
            if self._furthest >= self._least:
                self._open(self._furthest)

    def forget(self, number: int) -> None:
        """Take a failed trial's values out of its rungs: it may begin again."""
        passed = self._passed.pop(number, None)
        if not passed or self._brackets is None:
            return
        bracket = self._brackets.of(number)
        for rung, value in passed:
            values = self._rungs[bracket, rung]
            del values[bisect_left(values, value)]

    def _open(self, most: int) -> None:
        self._brackets = _Brackets(self._least, most, self._rule.reduction)
        for number, curve in self._early:
            self._replay(number, curve)
        self._early.clear()

    def _place(self, number: int) -> _Place:
        brackets = self._brackets
        assert brackets is not None  # noqa: S101 - asked for where there are brackets only
        bracket = brackets.of(number)
        return _Place(bracket, brackets.rung(bracket, 0))

    def _climb(self, number: int, place: _Place, step: int, value: float) -> Ending | None:
        brackets = self._brackets
        if brackets is None or step < place.due:
            return None
        if math.isnan(value):
            return Ending("pruned", f"pruned at step {step}: {self._metric} is no number")
        signed = self._sign * value
        while place.due <= step and place.due < brackets.most:
            values = self._rungs.setdefault((place.bracket, place.rung), [])
            insort(values, signed)
            self._passed.setdefault(number, []).append((place.rung, signed))
            kept = max(1, len(values) // self._rule.reduction)
            if signed > values[kept - 1]:
                limit = self._sign * values[kept - 1]
                return Ending("pruned", self._verdict(step, value, limit, place, len(values)))
            place.rung += 1
            place.due = brackets.rung(place.bracket, place.rung)
        return None

    def _replay(self, number: int, curve: list[tuple[int, float]]) -> None:
        """Have a trial that is over take its place at the rungs that it reached."""
        place = self._place(number)
        for step, value in curve:
            if self._climb(number, place, step, value) is not None:
                break
        self._passed.pop(number, None)

    def _verdict(self, step: int, value: float, limit: float, place: _Place, trials: int) -> str:
        brackets = self._brackets
        count = 1 if brackets is None else brackets.count
        share = f"the best 1/{self._rule.reduction} of {trials}"
        of = "trial" if trials == 1 else "trials"
        return (
            f"pruned at step {step}: {self._metric} {value:.6g} is not among {share} {of} that came to step "
            f"{place.due}, the limit is {limit:.6g} (bracket {place.bracket + 1} of {count})"
        )


@dataclass
class _Place:
    """Where a trial stands in its bracket: the rung that it comes to next, at the step `due`."""

    bracket: int
    due: int
    rung: int = 0


class _Brackets:
    """How many brackets there are, whose each trial is, and where their rungs lie.

    Args:
        least: The smallest budget, in steps.
        most: The largest.
        reduction: One of so many trials passes a rung.
    """

    def __init__(self, least: int, most: int, reduction: int) -> None:
        self.most = most
        self._least = least
        self._reduction = reduction
        self.count = math.floor(math.log(max(most, least) / least, reduction)) + 1
        self._shares = [self._share(bracket) for bracket in range(self.count)]

    def of(self, number: int) -> int:
        """Return the bracket of a trial: drawn by its number, in the ratio of Hyperband's budgets."""
        left = binascii.crc32(f"{_STUDY}_{number}".encode()) % sum(self._shares)
        bracket = 0
        while left >= self._shares[bracket]:
            left -= self._shares[bracket]
            bracket += 1
        return bracket

    def rung(self, bracket: int, rung: int) -> int:
        """Return the step of a rung; those of later brackets begin later."""
        return int(self._least * self._reduction ** (bracket + rung))

    def _share(self, bracket: int) -> int:
        power = self.count - 1 - bracket
        return math.ceil(self.count * float(self._reduction) ** power / (power + 1))
