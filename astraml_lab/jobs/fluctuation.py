"""Whether the best trials differ at all, as far as their own curves tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_TAIL = 5
"""So many of its last reports a curve shows at least that is not a slope any more; and half of them all."""
_LEAST = 8
"""Shorter curves say nothing."""
_THINNED = 500
"""Of longer curves the extremes are kept rather than every point: they would seem to fluctuate more."""
_BENDS = 6
"""So many bends in all tails together are enough to tell noise from a curve."""


def fluctuation(curves: Iterable[Sequence[float]]) -> float:
    """Return by how much the last reports go up and down around their trend, as a standard deviation.

    It is that of the second differences, which a straight trend does not move: of independent noise it is
    sqrt(6) times the noise's own. A smooth curve bends the same way all along; where the bends do not
    alternate, as noise does about three times in four, nothing is known, and that is 0.

    Args:
        curves: The values of some trials by step.
    """
    bends, turns, pairs = [], 0, 0
    for curve in curves:
        if not _LEAST <= len(curve) < _THINNED:
            continue
        tail: NDArray[np.float64] = np.asarray(curve, dtype=float)[-max(_TAIL, len(curve) // 2) :]
        found = np.diff(tail, 2)
        if not np.isfinite(found).all():
            continue
        bends.append(found)
        turns += int((found[1:] * found[:-1] < 0).sum())
        pairs += len(found) - 1
    every = np.concatenate(bends) if bends else np.empty(0)
    if len(every) < _BENDS or 2 * turns <= pairs:
        return 0.0
    return math.sqrt(float(np.mean(every**2)) / 6)


def alike(values: Sequence[float], noise: float) -> int:
    """Return how many of the best differ from the first by less than noise would make of two equal ones.

    Args:
        values: The values of the best trials, the best first.
        noise: The standard deviation of each.
    """
    if not noise:
        return 1
    return sum(abs(value - values[0]) < math.sqrt(2) * noise for value in values)
