"""The Pareto front, from our own values."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from astraml_lab.spec import Objective

MOST_OF_A_VOLUME = 3
"""With more objectives a volume takes too long for something that is always shown."""


class Front:
    """A front of two or more objectives that grows trial by trial; adding costs O(front)."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._numbers: list[int] = []
        self._losses = np.empty((0, len(objectives)))
        self._best = np.full(len(objectives), np.inf)
        self._worst = np.full(len(objectives), -np.inf)
        self._hypervolume: float | None = None

    @property
    def hypervolume(self) -> float | None:
        """How much the front dominates of the box from the best value to the worst of each objective, 0 to 1.

        The worst values of all trials are the reference point. `None` as long as some objective has a single
        value, and with more than three objectives.
        """
        span = self._worst - self._best
        if not (span > 0.0).all() or len(span) > MOST_OF_A_VOLUME:
            return None
        if self._hypervolume is None:
            shares = (self._losses - self._best) / span
            self._hypervolume = dominated(shares, np.ones(len(span)))
        return self._hypervolume

    @property
    def numbers(self) -> tuple[int, ...]:
        """The trials on the front, in order."""
        return tuple(self._numbers)

    def add(self, number: int, values: Sequence[float]) -> bool:
        """Add a trial and return whether it is on the front now."""
        point = _losses([values], self._objectives)[0]
        if np.isnan(point).any():
            return False
        if np.isfinite(point).all():
            self._best, self._worst = np.minimum(self._best, point), np.maximum(self._worst, point)
            self._hypervolume = None
        if _beats(self._losses, point).any():
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


def dominated(points: ArrayLike, reference: ArrayLike) -> float:
    """Return the volume that points dominate below a reference, smaller being better in every column.

    After While, Bradstreet & Barone, A fast way of calculating exact hypervolumes, 2012: what each point
    adds is its box without what those after it dominate of that.

    Args:
        points: Shape (n, d); what is not below the reference everywhere, or is no number, adds nothing.
        reference: Shape (d,).
    """
    worst = np.asarray(reference, dtype=np.float64)
    given = np.asarray(points, dtype=np.float64).reshape(-1, len(worst))
    return _volume(given[(given < worst).all(axis=1)], worst)


def _volume(points: NDArray[np.float64], worst: NDArray[np.float64]) -> float:
    points = np.unique(points, axis=0)
    front = points[[not _beats(points, point).any() for point in points]]
    if len(worst) == 2:  # noqa: PLR2004 - an area is a sum of strips
        ends = np.append(front[1:, 0], worst[0])
        return float(((ends - front[:, 0]) * (worst[1] - front[:, 1])).sum()) if len(front) else 0.0
    alone = (worst - front).prod(axis=1)
    return float(
        sum(
            box - _volume(np.maximum(front[index + 1 :], point), worst)
            for index, (box, point) in enumerate(zip(alone, front, strict=True))
        )
    )
