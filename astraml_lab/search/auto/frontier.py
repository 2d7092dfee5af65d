"""What several objectives gain at a point: the expected growth of the volume that the front dominates.

The part of the space that nothing dominates is cut into boxes; for independent objectives each box's share of
the expected improvement is a product of one-dimensional ones, so that all of it is exact and quick (Yang et
al., Efficient computation of expected hypervolume improvement, Journal of Global Optimization 2019).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Mask = NDArray[np.bool_]

    Box = tuple[tuple[int, int], ...]

_NOTHING = 1e-300
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
_FARTHEST = 38.0
"""So many standard deviations away a normal density is 0."""


def beating(points: Array) -> Mask:
    """Return which points, shape (n, d), beat which others: an array of shape (n, n)."""
    at_most = (points[:, None] <= points[None]).all(axis=2)
    return np.asarray(at_most & ~at_most.T, dtype=bool)


@dataclass(frozen=True)
class Frontier:
    """The best that is believed of several objectives, smaller being better.

    Attributes:
        edges: Where boxes begin and end in each objective: minus infinity, the front's values, the
            reference.
        lower: The index of each box's lower edge in each objective, shape (k, d).
        upper: The same of its upper edge.
    """

    edges: tuple[Array, ...]
    lower: Counts
    upper: Counts

    @classmethod
    def of(cls, points: Array, reference: Array) -> Frontier:
        """Cut what no point dominates into boxes.

        Args:
            points: What the front is made from, shape (n, d).
            reference: Nothing counts that is not below it in every objective, shape (d,).
        """
        inside = points[(points < reference).all(axis=1)]
        front = inside[~beating(inside).any(axis=0)]
        each = [np.unique(front[:, column], return_inverse=True) for column in range(len(reference))]
        edges = tuple(
            np.concatenate([[-np.inf], values, [end]])
            for (values, _), end in zip(each, reference, strict=True)
        )
        ranks = [tuple(int(of[row]) + 1 for _, of in each) for row in range(len(front))]
        boxes = np.array(_boxes(ranks, [len(one) - 1 for one in edges]), dtype=int)
        return cls(edges, boxes[:, :, 0], boxes[:, :, 1])

    def log_gain(self, means: Array, deviations: Array) -> Array:
        """Return the logarithm of the expected growth of the dominated volume.

        Args:
            means: Of each objective at each candidate, shape (d, m).
            deviations: The same.
        """
        found = np.ones((means.shape[1], len(self.lower)))
        for column, edges in enumerate(self.edges):
            below = _improvements(means[column], deviations[column], edges)
            found *= below[:, self.upper[:, column]] - below[:, self.lower[:, column]]
        gains: Array = np.log(np.maximum(found.sum(axis=1), _NOTHING))
        return gains

    def chance(self, means: Array, deviations: Array) -> float:
        """Return how likely it is that nothing dominates a candidate; `means` of shape (d,)."""
        found = np.ones(len(self.lower))
        for column, edges in enumerate(self.edges):
            open_end = np.concatenate([edges[:-1], [np.inf]])
            below = ndtr((open_end - means[column]) / deviations[column])
            found *= below[self.upper[:, column]] - below[self.lower[:, column]]
        return float(found.sum())


def _improvements(means: Array, deviations: Array, edges: Array) -> Array:
    """Return E[max(edge - f, 0)] for each candidate and edge, shape (m, edges)."""
    z = (edges[None, 1:] - means[:, None]) / deviations[:, None]
    found = np.zeros((len(means), len(edges)))
    np.maximum(z, -_FARTHEST, out=z)
    inner = np.exp(-0.5 * z * z)
    inner *= _DENSITY
    inner += z * ndtr(z)
    inner *= deviations[:, None]
    np.maximum(inner, 0.0, out=found[:, 1:])
    return found


def _boxes(points: list[tuple[int, ...]], ends: list[int]) -> list[Box]:
    """Return disjoint boxes that hold all that no point dominates.

    The last objective is cut into slabs: in each, what was met below it dominates the rest. A box that goes
    on through several slabs is one.

    Args:
        points: Their edges' indices.
        ends: The last edge of each objective.
    """
    if len(ends) == 1:
        return [((0, min([one[0] for one in points], default=ends[0])),)]
    bounds = sorted({0, *(one[-1] for one in points)})
    begun: Mapping[Box, int] = {}
    found: list[Box] = []
    for bound in bounds:
        met = [one[:-1] for one in points if one[-1] <= bound]
        going_on = _boxes(met, ends[:-1])
        found += [(*box, (since, bound)) for box, since in begun.items() if box not in set(going_on)]
        begun = {box: begun.get(box, bound) for box in going_on}
    return found + [(*box, (since, ends[-1])) for box, since in begun.items()]
