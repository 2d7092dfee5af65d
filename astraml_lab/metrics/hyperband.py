"""Hyperband: brackets of successive halving, each harder on the trials the earlier it looks at them.

Where both are told the same, the decisions are those of Optuna's `HyperbandPruner` with the same minimum,
maximum and reduction factor (a differential test holds it): asynchronous successive halving in the brackets
of Hyperband (Li et al., 2018), a trial's bracket drawn by its number. Two points go beyond Optuna:

- The maximum is a trial's whole budget: nobody is given up on reaching it, and a trial is complete there if
  the rule names it, as in SageMaker.
- Without a maximum it is the longest run among the trials that are complete when the first rung is due, and
  stays that; until one is complete, nobody is given up.
"""

from __future__ import annotations

import binascii
import math
from typing import TYPE_CHECKING

from astraml_lab.metrics.halving import Halving, Place
from astraml_lab.metrics.running import BEFORE_ALL_STEPS, Ending

if TYPE_CHECKING:
    from astraml_lab.metrics.running import Running
    from astraml_lab.spec import StoppingRule

_STUDY = "default"
"""Stands for the study's name in Optuna's draw of a bracket."""


class Hyperband(Halving):
    """Gives up by successive halving in brackets.

    Args:
        rule: The rule, of the kind `hyperband`.
        metric: The objective's name.
        maximize: Whether greater is better.
    """

    def __init__(self, rule: StoppingRule, metric: str, *, maximize: bool) -> None:
        super().__init__(metric, maximize=maximize, reduction=rule.reduction)
        self._most = rule.max_resource
        self._least = max(1, rule.min_resource or 1)
        self._brackets: _Brackets | None = None
        self._furthest = BEFORE_ALL_STEPS
        self._early: list[tuple[int, list[tuple[int, float]]]] = []
        if rule.max_resource is not None:
            self._open(rule.max_resource)

    def decide(self, number: int, trial: Running, value: float) -> Ending | None:
        """Decide by its bracket; at the largest budget that the rule names, it is complete."""
        if self._most is not None and trial.last_step >= self._most:
            reason = f"complete at step {trial.last_step}: hyperband's largest budget of a trial"
            return Ending("budget", reason)
        return super().decide(number, trial, value)

    def learn(self, number: int, trial: Running, *, complete: bool) -> None:
        """Keep what it showed at its rungs; the first complete trial may tell how far trials go."""
        if trial.memory is None and trial.values:
            curve = sorted(trial.values.items())
            if self._brackets is None:
                self._early.append((number, curve))
            else:
                self._replay(number, curve)
        if complete and self._brackets is None:
            self._furthest = max(self._furthest, trial.last_step)
            if self._furthest >= self._least:
                self._open(self._furthest)

    def _open(self, most: int) -> None:
        self._brackets = _Brackets(self._least, most, self._reduction)
        for number, curve in self._early:
            self._replay(number, curve)
        self._early.clear()

    def _place(self, number: int) -> Place | None:
        if self._brackets is None:
            return None
        bracket = self._brackets.of(number)
        return Place(bracket, self._due(bracket, 0))

    def _due(self, bracket: int, rung: int) -> float:
        return math.inf if self._brackets is None else self._brackets.rung(bracket, rung)

    def _whose(self, bracket: int) -> str:
        return f" (bracket {bracket + 1} of {1 if self._brackets is None else self._brackets.count})"


class _Brackets:
    """How many brackets there are, whose each trial is, and where their rungs lie.

    Args:
        least: The smallest budget, in steps.
        most: The largest.
        reduction: One of so many trials passes a rung.
    """

    def __init__(self, least: int, most: int, reduction: int) -> None:
        self._least = least
        self._most = most
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

    def rung(self, bracket: int, rung: int) -> float:
        """Return the step of a rung; those of later brackets begin later, and none at the largest budget."""
        step = self._least * self._reduction ** (bracket + rung)
        return step if step < self._most else math.inf

    def _share(self, bracket: int) -> int:
        power = self.count - 1 - bracket
        return math.ceil(self.count * float(self._reduction) ** power / (power + 1))
