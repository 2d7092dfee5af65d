"""Min-max downsampling: fewer points that draw the same picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_BUDGET = 4  # the ends, the minimum and the maximum


def downsample(steps: NDArray[np.float64], values: NDArray[np.float64], budget: int) -> NDArray[np.intp]:
    """Choose at most `budget` points: the lowest and highest of equally wide stretches, and both ends.

    A chart that is `budget / 2` pixels wide looks the same with them as with all points, spikes included.

    Args:
        steps: Ascending positions on the axis.
        values: Finite values, one for each position.
        budget: At least 4.

    Returns:
        Ascending indices into both arrays.
    """
    if budget < SMALLEST_BUDGET:
        raise ValueError(f"a budget of {budget} points is too small; give at least {SMALLEST_BUDGET}")
    count = len(steps)
    if count <= budget:
        return np.arange(count)
    stretches = (budget - 2) // 2
    place = (steps - steps[0]) * (stretches / (steps[-1] - steps[0]))
    stretch = np.minimum(place.astype(np.intp), stretches - 1)
    by_value = np.lexsort((values, stretch))  # stretches in their order; within one, the lowest value first
    turns = np.flatnonzero(np.diff(stretch)) + 1  # where each further stretch begins, also within `by_value`
    lowest = by_value[np.concatenate(([0], turns))]
    highest = by_value[np.concatenate((turns, [count])) - 1]
    keep = np.zeros(count, dtype=np.bool_)
    keep[lowest] = keep[highest] = keep[0] = keep[-1] = True
    return np.flatnonzero(keep)
