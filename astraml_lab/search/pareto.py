"""The best trial and the Pareto front, from our own values."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from astraml_lab.spec import Objective


def best_index(values: ArrayLike, objective: Objective) -> int | None:
    """Return the position of the best value, the first of equals; `None` if all are NaN or there is none."""
    losses = _losses(values, [objective])[:, 0]
    known = np.flatnonzero(~np.isnan(losses))
    return int(known[np.argmin(losses[known])]) if known.size else None


def front_indices(values: ArrayLike, objectives: Sequence[Objective]) -> list[int]:
    """Return the positions, in order, of the points that no other point beats in every objective.

    Equal points are all on the front; a point with a NaN never is. O(n log n) for one or two objectives.

    Args:
        values: Shape (points, objectives).
        objectives: Which way each is better.
    """
    losses = _losses(values, objectives)
    known = np.flatnonzero(~np.isnan(losses).any(axis=1))
    if not known.size:
        return []
    # Sorted by the first objective, then the next: whatever beats a point stands before it
    order = known[np.lexsort(losses[known].T[::-1])]
    ranked = losses[order]
    kept = _sweep(ranked) if ranked.shape[1] <= 2 else _filter(ranked)  # noqa: PLR2004 - the plane
    return sorted(int(index) for index in order[kept])


class Front:
    """A front of two or more objectives that grows trial by trial; adding costs O(front)."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._numbers: list[int] = []
        self._losses = np.empty((0, len(objectives)))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The trials on the front, in order."""
        return tuple(self._numbers)

    def add(self, number: int, values: Sequence[float]) -> bool:
        """Add a trial and return whether it is on the front now."""
        point = _losses([values], self._objectives)[0]
        if np.isnan(point).any() or _beats(self._losses, point).any():
            return False
        stays = ~((point <= self._losses).all(axis=1) & (point < self._losses).any(axis=1))
        kept = [int(index) for index in np.flatnonzero(stays)]
        place = bisect.bisect([self._numbers[index] for index in kept], number)
        self._numbers = [self._numbers[index] for index in kept]
        self._numbers.insert(place, number)
        self._losses = np.insert(self._losses[stays], place, point, axis=0)
        return True


def _losses(values: ArrayLike, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    signs = np.array([-1.0 if objective.maximize else 1.0 for objective in objectives])
    losses: NDArray[np.float64] = np.asarray(values, dtype=np.float64).reshape(-1, len(signs)) * signs
    return losses


def _beats(others: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.logical_and((others <= point).all(axis=1), (others < point).any(axis=1))


def _sweep(ranked: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Keep, of points sorted by both objectives, those whose second is better than all before, and equals."""
    second = ranked[:, -1]
    record = np.minimum.accumulate(second)
    first = np.ones(len(ranked), dtype=bool)
    first[1:] = second[1:] < record[:-1]
    # Equals of a kept point stand right behind it
    equal = np.zeros(len(ranked), dtype=bool)
    equal[1:] = (ranked[1:] == ranked[:-1]).all(axis=1)
    leader = np.maximum.accumulate(np.where(equal, 0, np.arange(len(ranked))))
    return np.asarray(first[leader])


def _filter(ranked: NDArray[np.float64]) -> NDArray[np.bool_]:
    kept = np.zeros(len(ranked), dtype=bool)
    for index, point in enumerate(ranked):
        kept[index] = not _beats(ranked[kept], point).any()
    return kept
