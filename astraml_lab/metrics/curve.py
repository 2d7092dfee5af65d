"""The true curve of a metric by step, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.metrics.downsampling import downsample

if TYPE_CHECKING:
    from numpy.typing import NDArray

CURVE_LIMIT = 1000
SMALLEST_LIMIT = 10


class Curve:
    """Up to `limit` points by step, whatever was reported.

    Adding is amortised O(1): a full curve is thinned to half by `downsample`, over stretches that stand for
    equally many *reported* points (each kept point has a weight), so that neither the beginning nor a gap in
    the steps costs resolution elsewhere. The first, last, lowest and highest point always survive.

    A step that is reported again takes its new value. That is exact for the newest step; an older one may
    have outlived a thinning as the lowest or highest of its stretch, and the runner-up is no longer known.

    Attributes:
        revision: Rises with every point.
    """

    __slots__ = (
        "_last_step",
        "_limit",
        "_old_steps",
        "_old_values",
        "_room",
        "_steps",
        "_values",
        "_weights",
        "revision",
    )

    def __init__(self, limit: int = CURVE_LIMIT) -> None:
        if limit < SMALLEST_LIMIT:
            raise ValueError(f"a curve of {limit} points is too short; give at least {SMALLEST_LIMIT}")
        self._limit = limit
        self._room = limit  # what the old points leave to the new ones
        self._last_step: float = -inf
        # What outlived a thinning is packed and weighted. The points since then weigh 1, and stay in lists:
        # appending to one costs an eighth of storing into an array.
        self._old_steps: NDArray[np.float64] = np.empty(0)
        self._old_values: NDArray[np.float64] = np.empty(0)
        self._weights: NDArray[np.float64] = np.empty(0)
        self._steps: list[float] = []
        self._values: list[float] = []
        self.revision = 0

    def __len__(self) -> int:
        return len(self._old_steps) + len(self._steps)

    def add(self, step: float, value: float) -> None:
        """Put a finite value at a step; a step that already has one takes the new value."""
        self.revision += 1
        if step > self._last_step:
            self._last_step = step
            self._steps.append(step)
            self._values.append(value)
        else:
            self._place(step, value)
        if len(self._steps) > self._room:
            self._thin()

    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Copy the curve: ascending steps, and their values."""
        steps = np.array(self._steps, dtype=np.float64)
        values = np.array(self._values, dtype=np.float64)
        return np.concatenate((self._old_steps, steps)), np.concatenate((self._old_values, values))

    def best(self, *, maximize: bool) -> tuple[float, float] | None:
        """Find the first best point, as (step, value); None while the curve is empty."""
        steps, values = self.arrays()
        if not len(steps):
            return None
        index = values.argmax() if maximize else values.argmin()
        return float(steps[index]), float(values[index])

    def _place(self, step: float, value: float) -> None:
        """Put a value at a step that is not beyond the newest one, which is always among the new points."""
        if step < self._steps[0]:
            self._place_among_old(step, value)
            return
        index = bisect_left(self._steps, step)
        if self._steps[index] == step:
            self._values[index] = value
        else:
            self._steps.insert(index, step)
            self._values.insert(index, value)

    def _place_among_old(self, step: float, value: float) -> None:
        index = int(self._old_steps.searchsorted(step))
        if index < len(self._old_steps) and self._old_steps[index] == step:
            self._old_values[index] = value
            return
        self._old_steps = np.insert(self._old_steps, index, step)
        self._old_values = np.insert(self._old_values, index, value)
        self._weights = np.insert(self._weights, index, 1.0)
        self._room -= 1

    def _thin(self) -> None:
        """Halve all but the newest step: its value may be taken back, and must not have cost a point."""
        steps, values = self.arrays()
        reported = np.concatenate((self._weights, np.ones(len(self._steps)))).cumsum()[:-1]
        keep = downsample(reported, values[:-1], self._limit // 2 - 1)
        self._old_steps, self._old_values = steps[keep], values[keep]
        self._weights = np.diff(reported[keep], prepend=0.0)
        del self._steps[:-1], self._values[:-1]
        self._room = self._limit - len(keep)
