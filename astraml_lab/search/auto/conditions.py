"""Which columns play a part, as the trials show it: no model needs to be told of a condition.

A column that some trials lack has a parent: a column whose value alone says whether it is there. Where it is
not, it stands at one and the same value, so that the kernel sees the parents' difference and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from astraml_lab.search.auto.encoding import Encoding

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_ABSENT = -1.0


@dataclass(frozen=True)
class _Condition:
    """A column is there where its parent has the value of a trial that has it."""

    column: int
    parent: int
    values: Array
    there: Mask

    def holds(self, parents: Array) -> Mask:
        """Return where it is met; a value that no trial had is taken for the nearest below."""
        at = np.searchsorted(self.values, parents, side="right") - 1
        return self.there[np.maximum(at, 0)]


@dataclass(frozen=True)
class Conditions:
    """All conditions of a space, parents first."""

    conditions: tuple[_Condition, ...] = ()
    still: Array | None = None

    def quieted(self, rows: Array) -> Array:
        """Return rows whose columns that play no part all stand at the same value, shape (n, d)."""
        if self.still is None:
            return rows
        found = rows.copy()
        absent = np.zeros(rows.shape, dtype=bool)
        for its in self.conditions:
            parents = np.where(absent[:, its.parent], _ABSENT, rows[:, its.parent])
            absent[:, its.column] = ~its.holds(parents)
            found[absent[:, its.column], its.column] = self.still[its.column]
        return found


def still(encoding: Encoding) -> Array:
    """Return where columns stand that play no part: in the middle, at the first choice."""
    return np.where(encoding.categorical, 0.0, 0.5)


def learned(encoding: Encoding, rows: Array, there: Mask) -> Conditions | None:
    """Return the conditions that trials follow, or `None` where one value alone does not explain a column.

    Args:
        encoding: The columns.
        rows: The trials, shape (n, d).
        there: Which values a trial has, shape (n, d).
    """
    often = there.sum(axis=0)
    sometimes = [column for column in np.argsort(-often, kind="stable") if 0 < often[column] < len(rows)]
    if not sometimes:
        return Conditions()
    keys = np.where(there, rows, _ABSENT)
    found = []
    for column in sometimes:
        explaining = [
            condition
            for parent in np.flatnonzero((encoding.moves > 0) & (often >= often[column]))
            if parent != column
            and (condition := _explained(keys[:, parent], there[:, column], column, parent)) is not None
            and (encoding.categorical[parent] or _turns(condition) == 1)
        ]
        if not explaining:
            return None
        found.append(min(explaining, key=lambda its: (len(its.values), -often[its.parent])))
    return Conditions(tuple(found), still(encoding))


def _explained(keys: Array, there: Mask, column: np.integer, parent: np.integer) -> _Condition | None:
    values, of = np.unique(keys, return_inverse=True)
    with_it = np.bincount(of, weights=there)
    without = np.bincount(of, weights=~there)
    if ((with_it > 0) & (without > 0)).any():
        return None
    return _Condition(int(column), int(parent), values, with_it > 0)


def _turns(condition: _Condition) -> int:
    return int(np.count_nonzero(np.diff(condition.there.astype(int))))
