"""The lines of a chart: within the point budget, and only the part that the views do not have yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from astraml_lab.metrics import downsample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from astraml_lab.spec import CurveView, WindowView

POINTS = 250
"""Points per line on the wire: with two pixels each, more than a chart is wide."""
BINS = 100


@dataclass(frozen=True, slots=True)
class Columns:
    """A line: `data` is float32 of shape (columns, points); its first row is x, counted from `origin`."""

    origin: float
    data: NDArray[np.float32]

    def kept_of(self, before: Columns) -> int:
        """Return how many leading points are those of `before`."""
        if self.origin != before.origin or len(self.data) != len(before.data):
            return 0
        size = min(self.data.shape[1], before.data.shape[1])
        same = (self.data[:, :size] == before.data[:, :size]).all(axis=0)
        return size if same.all() else int(same.argmin())


def curve_columns(view: CurveView, budget: int = POINTS) -> Columns:
    """Return a curve by step: x and y."""
    steps, values = view.steps, view.values
    if len(steps) > budget:
        keep = downsample(steps, values, budget) if _ascending(steps) else _thinned(len(steps), budget)
        steps, values = steps[keep], values[keep]
    return Columns(0.0, np.array([steps, values], dtype=np.float32))


def window_columns(view: WindowView, origin: float, budget: int = POINTS) -> Columns:
    """Return windows by time: the middle of each window, its mean, minimum and maximum.

    Neighbours are merged on a grid that does not move while a job runs: old points stay where they are.
    """
    starts, width = view.starts, view.width
    factor = 1
    if len(starts):
        while (starts[-1] - starts[0]) / (width * factor) >= budget:
            factor *= 2
    columns = [starts - origin + width / 2, view.means, view.minima, view.maxima]
    if factor > 1:
        slot = np.floor(starts / (width * factor))
        edges = np.concatenate(([0], np.flatnonzero(np.diff(slot)) + 1))
        weights = np.add.reduceat(view.counts, edges)
        columns = [
            slot[edges] * width * factor - origin + width * factor / 2,
            np.add.reduceat(view.means * view.counts, edges) / weights,
            np.minimum.reduceat(view.minima, edges),
            np.maximum.reduceat(view.maxima, edges),
        ]
    return Columns(origin, np.array(columns, dtype=np.float32))


def _ascending(steps: NDArray[np.float64]) -> bool:
    return bool((np.diff(steps) >= 0).all()) and bool(steps[-1] > steps[0])


def _thinned(count: int, budget: int) -> NDArray[np.intp]:
    """Choose evenly: steps that fall (a trial that starts over) have no stretches to take the ends of."""
    return np.unique(np.linspace(0, count - 1, budget).astype(np.intp))


@dataclass(slots=True)
class Band:
    """The lowest and highest value, by step, of the many trials that get no line of their own."""

    width: float = 1.0
    low: NDArray[np.float64] = field(default_factory=lambda: np.full(BINS, np.inf))
    high: NDArray[np.float64] = field(default_factory=lambda: np.full(BINS, -np.inf))
    trials: int = 0
    revision: int = 0

    def fold(self, steps: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Add the curve of a trial."""
        good = np.isfinite(values) & (steps >= 0)
        steps, values = steps[good], values[good]
        if not len(steps):
            return
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[order]
        while steps[-1] >= self.width * BINS:
            self._widen()
        centres = (np.arange(BINS) + 0.5) * self.width
        inside = (centres >= steps[0]) & (centres <= steps[-1])
        between = np.interp(centres[inside], steps, values)
        self.low[inside] = np.minimum(self.low[inside], between)
        self.high[inside] = np.maximum(self.high[inside], between)
        place = (steps / self.width).astype(np.intp)
        np.minimum.at(self.low, place, values)
        np.maximum.at(self.high, place, values)
        self.trials += 1
        self.revision += 1

    def columns(self) -> Columns:
        """Return the band: x, low, high."""
        used = np.flatnonzero(np.isfinite(self.low))
        # A bin of one step stands for that step, a wider one for its middle.
        x = used * self.width + (0 if self.width == 1 else self.width / 2)
        return Columns(0.0, np.array([x, self.low[used], self.high[used]], dtype=np.float32))

    def _widen(self) -> None:
        half = BINS // 2
        low, high = self.low.reshape(half, 2).min(axis=1), self.high.reshape(half, 2).max(axis=1)
        self.low[:half], self.low[half:] = low, np.inf
        self.high[:half], self.high[half:] = high, -np.inf
        self.width *= 2
