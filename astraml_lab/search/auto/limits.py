"""What ended trials say of the constraints that they have to keep to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from optuna.trial import FrozenTrial

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """What is known of the constraints.

    Attributes:
        excesses: How far each constraint is missed, 0 or less where it is kept to, NaN where nobody knows;
            shape (constraints, n).
        kept: Which trials are known to keep to all that they have, shape (n,).
    """

    excesses: Array
    kept: Mask

    @property
    def may_keep(self) -> Mask:
        """Which trials are known to keep to all constraints or, where there is none, may; shape (n,)."""
        known = np.all(self.excesses <= 0.0, axis=0)
        return known if known.any() else self.kept

    def at(self, which: Counts) -> Limits:
        """Return what is known of some trials."""
        return Limits(self.excesses[:, which], self.kept[which])


def no_limits(trials: int) -> Limits:
    """Return that nobody limits anything."""
    return Limits(np.empty((0, trials)), np.ones(trials, dtype=bool))


def excesses_of(trial: FrozenTrial) -> dict[str, float]:
    """Return how far an ended trial misses each constraint that it has."""
    return {name: _number(value) for name, value in trial.constraints.items()}


def limits(found: Sequence[Mapping[str, float]]) -> Limits:
    """Return what ended trials say of their constraints, from the `excesses_of` each."""
    names = sorted({name for each in found for name in each})
    excesses = np.array([[each.get(name, math.nan) for each in found] for name in names])
    kept = np.array([all(value <= 0.0 for value in each.values()) for each in found], dtype=bool)
    return Limits(excesses.reshape(len(names), len(found)), kept)


def _number(value: float) -> float:
    return math.inf if math.isnan(value) else value
