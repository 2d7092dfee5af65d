"""Points of a search space as rows of numbers, and back.

A number is a share of its range, in its logarithm where it is drawn so. What moves in steps is widened by
half a step at either end, so that each of its values has an equal share. A categorical column holds the index
of the choice: only whether two are the same means anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Number:
    """A number from `low` to `high`."""

    low: float
    high: float
    step: float | None
    log: bool
    whole: bool

    @property
    def moves(self) -> int:
        """How many values there are; 0 where they are not counted."""
        return 0 if self.step is None else round((self.high - self.low) / self.step) + 1

    @cached_property
    def _edges(self) -> tuple[float, float]:
        margin = (self.step or 0.0) / 2
        low, high = self.low - margin, self.high + margin
        return (math.log(low), math.log(high)) if self.log else (low, high)

    def shares(self, values: Sequence[Any]) -> Array:
        low, high = self._edges
        given = np.array(values, dtype=float)
        return np.clip(((np.log(given) if self.log else given) - low) / (high - low), 0.0, 1.0)

    def raw(self, shares: Array) -> Array:
        low, high = self._edges
        found = low + shares * (high - low)
        found = np.exp(found) if self.log else found
        if self.step is not None:
            found = self.low + np.round((found - self.low) / self.step) * self.step
        return np.clip(found, self.low, self.high)

    def nearest(self, column: Array) -> Array:
        """Return the shares of the nearest values that exist."""
        return column if self.step is None else self.shares(self.raw(column))  # type: ignore[arg-type]  # an array is fine

    def value(self, share: float) -> Any:
        found = float(self.raw(np.array([share]))[0])
        return round(found) if self.whole else found


@dataclass(frozen=True)
class _Choice:
    """One of several choices."""

    distribution: CategoricalDistribution

    @property
    def moves(self) -> int:
        return len(self.distribution.choices)

    def shares(self, values: Sequence[Any]) -> Array:
        return np.array([self.distribution.to_internal_repr(value) for value in values], dtype=float)

    def nearest(self, column: Array) -> Array:
        return column

    def value(self, share: float) -> Any:
        return self.distribution.choices[int(share)]


class Encoding:
    """The columns of a space.

    Args:
        space: Optuna's distributions by name; none of them holds a single value.

    Attributes:
        names: The columns' names, sorted.
        categorical: Which columns are categorical, shape (d,).
        moves: How many values a column has, 0 where they are not counted, shape (d,).
        choices: The same of categorical columns, 0 for all others.
    """

    def __init__(self, space: Mapping[str, BaseDistribution]) -> None:
        self.names = tuple(sorted(space))
        self._axes = [_axis(space[name]) for name in self.names]
        self.categorical = np.array([isinstance(axis, _Choice) for axis in self._axes], dtype=bool)
        self.moves = np.array([axis.moves for axis in self._axes])
        self.choices = np.where(self.categorical, self.moves, 0)
        self._stepped = [
            index
            for index, axis in enumerate(self._axes)
            if isinstance(axis, _Number) and axis.step is not None
        ]

    def rows(self, points: Sequence[Mapping[str, Any]]) -> Array:
        """Return points that hold every name as rows, shape (n, d)."""
        found = np.empty((len(points), len(self.names)))
        for index, (name, axis) in enumerate(zip(self.names, self._axes, strict=True)):
            found[:, index] = axis.shares([point[name] for point in points])
        return found

    def share(self, name: str, value: Any) -> float:
        """Return what stands for one value; NaN for one that the space does not have."""
        try:
            return float(self._axes[self.names.index(name)].shares([value])[0])
        except (ValueError, TypeError):
            return math.nan

    def point(self, row: Array) -> dict[str, Any]:
        """Return the values that a row stands for, as Optuna takes them."""
        return {
            name: axis.value(share) for name, axis, share in zip(self.names, self._axes, row, strict=True)
        }

    def snapped(self, rows: Array) -> Array:
        """Return rows of values that exist: the model has to judge what will be run."""
        found = rows.copy()
        for index in self._stepped:
            found[:, index] = self._axes[index].nearest(rows[:, index])
        return found

    def spread(self, uniform: Array) -> Array:
        """Return the rows of points in the unit cube, shape (n, d): all choices and steps alike likely."""
        found = uniform.copy()
        counts = self.moves[self.categorical]
        found[:, self.categorical] = np.minimum(np.floor(uniform[:, self.categorical] * counts), counts - 1)
        return self.snapped(found)


def _axis(its: BaseDistribution) -> _Number | _Choice:
    if isinstance(its, CategoricalDistribution):
        return _Choice(its)
    if isinstance(its, IntDistribution):
        return _Number(its.low, its.high, its.step, its.log, whole=True)
    if isinstance(its, FloatDistribution):
        return _Number(its.low, its.high, its.step, its.log, whole=False)
    raise TypeError(f"no distribution of Optuna's: {its!r}")
