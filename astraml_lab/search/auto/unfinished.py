"""Where pruned trials would have ended, as the complete curves of the same study tell."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.metrics.followed import ENOUGH, NEWEST
from astraml_lab.metrics.forecast import Ends, level_and_rise
from astraml_lab.search.curves import CURVES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.trial import FrozenTrial

    from astraml_lab.metrics.forecast import Forecast

    Complete = Sequence[tuple[FrozenTrial, float]]


class Unfinished:
    """Forecasts the ends of pruned trials from what a study's trials reported step by step.

    Each curve is read once, and each step at which a trial was pruned is looked at once, until another trial
    is complete.

    Args:
        maximise: Whether higher values are better.
        objective: Which one.
    """

    def __init__(self, *, maximise: bool, objective: int = 0) -> None:
        self._sign = 1.0 if maximise else -1.0  # greater is better in forecasts
        self._objective = objective
        self._curves: dict[int, _Curve] = {}
        self._ends: dict[float, Ends | None] = {}
        self._known = 0, -1

    def last(self, trial: FrozenTrial) -> float | None:
        """Return the last value that a trial reported, if it did and it is a number; greater is better."""
        values = self._curve(trial).values
        reported = trial.intermediate_values
        diverged = bool(reported) and not math.isfinite(reported[max(reported)])
        return values[-1] if values and not diverged else None

    def forecast(self, trial: FrozenTrial, complete: Complete) -> Forecast | None:
        """Return where a trial would have ended; `None` where fewer than three complete curves tell.

        Args:
            trial: A trial of which the last value is known.
            complete: The complete trials and their ends, greater being better.
        """
        complete = complete[-NEWEST:]
        known = len(complete), complete[-1][0].number if complete else -1
        if known != self._known:
            self._ends.clear()
            self._known = known
        curve = self._curve(trial)
        step = curve.steps[-1]
        if step not in self._ends:
            self._ends[step] = self._ends_at(step, complete)
        ends = self._ends[step]
        return None if ends is None else ends.forecast(*curve.at(step))

    def _ends_at(self, step: float, complete: Complete) -> Ends | None:
        curves = ((self._curve(trial), end) for trial, end in complete)
        marks = [(*curve.at(step), end) for curve, end in curves if curve.passes(step)]
        return Ends(*np.array(marks).T) if len(marks) >= ENOUGH else None

    def _curve(self, trial: FrozenTrial) -> _Curve:
        found = self._curves.get(trial.number)
        if found is None:
            reported = self._reported(trial)
            points = [(step, self._sign * value) for step, value in reported if math.isfinite(value)]
            found = self._curves[trial.number] = _Curve(points)
        return found

    def _reported(self, trial: FrozenTrial) -> list[tuple[float, float]]:
        if CURVES in trial.user_attrs:
            return [(row[0], row[1 + self._objective]) for row in trial.user_attrs[CURVES]]
        return sorted(trial.intermediate_values.items())


class _Curve:
    """What a trial reported, and its level and rise at the steps that were asked for."""

    __slots__ = ("_marks", "steps", "values")

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self.steps = [step for step, _ in points]
        self.values = [value for _, value in points]
        self._marks: dict[float, tuple[float, float]] = {}

    def passes(self, step: float) -> bool:
        return bool(self.steps) and self.steps[0] <= step <= self.steps[-1]

    def at(self, step: float) -> tuple[float, float]:
        found = self._marks.get(step)
        if found is None:
            found = self._marks[step] = level_and_rise(self.values[: bisect_right(self.steps, step)])
        return found
