"""What one running trial reports, folded as it comes.

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from astraml_lab.metrics.curve import CURVE_LIMIT, Curve
from astraml_lab.metrics.windows import LATENESS, WINDOW_SECONDS, WindowSeries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from astraml_lab.spec.views import WindowRow


class MetricSeries:
    """One metric of one trial.

    Attributes:
        name: As it was reported.
        windows: By time.
        curve: By step; finite values only.
        last: The value of the last report, finite or not.
        last_finite: The last value that was a finite number.
        top_step: The greatest step so far.
        reports: The number of reports.
        nonfinite: How many of them were NaN or infinite.
        drained: The curve's revision at the last drain.
        noted: The kinds of notes that the log has.
    """

    __slots__ = (
        "curve",
        "drained",
        "last",
        "last_finite",
        "name",
        "nonfinite",
        "noted",
        "reports",
        "top_step",
        "windows",
    )

    def __init__(self, name: str, width: float = WINDOW_SECONDS, limit: int = CURVE_LIMIT) -> None:
        self.name = name
        self.windows = WindowSeries(width)
        self.curve = Curve(limit)
        self.last: float | None = None
        self.last_finite: float | None = None
        self.top_step = 0
        self.reports = 0
        self.nonfinite = 0
        self.drained = 0
        self.noted: set[str] = set()

    def best(self, *, maximize: bool) -> float | None:
        """Find the best finite value; a value that its step reported again does not count."""
        point = self.curve.best(maximize=maximize)
        return None if point is None else point[1]


class TrialChanges(NamedTuple):
    """What the writer has to store: by metric name, and only what changed."""

    windows: dict[str, list[WindowRow]]
    curves: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


class TrialMetrics:
    """All metrics of one trial, in the order of their first report."""

    def __init__(self, width: float = WINDOW_SECONDS, limit: int = CURVE_LIMIT) -> None:
        self._width = width
        self._limit = limit
        self._series: dict[str, MetricSeries] = {}
        self._seq = 0
        self._ended = False
        self._notes: list[str] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics' names, the first reported first."""
        return tuple(self._series)

    def get(self, name: str) -> MetricSeries | None:
        """Return a metric, None if it was never reported."""
        return self._series.get(name)

    def points(self, name: str) -> list[tuple[float, float]]:
        """Return the steps and values of a metric by step; none if it was never reported."""
        series = self._series.get(name)
        if series is None:
            return []
        steps, values = series.curve.arrays()
        return list(zip(steps.tolist(), values.tolist(), strict=True))

    @property
    def watermark(self) -> float:
        """The time up to which the windows are sealed; infinity once the trial has ended."""
        if self._ended:
            return inf
        return max((series.windows.newest_ts for series in self._series.values()), default=-inf) - LATENESS

    def end(self) -> None:
        """Seal all windows: the trial reports no more."""
        self._ended = True

    def add(self, name: str, value: float, step: int | None, ts: float, arrived: float | None = None) -> int:
        """Fold one value in.

        Args:
            name: The metric.
            value: NaN and infinities are counted, and folded nowhere.
            step: None counts on from the metric's greatest step, from 1.
            ts: When it was measured, in seconds since the epoch, UTC.
            arrived: When it came here, if it comes from another process.

        Returns:
            The step that the value is stored at.
        """
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = MetricSeries(name, self._width, self._limit)
        if step is None:
            step = series.top_step + 1
        if step > series.top_step or not series.reports:
            series.top_step = step
        else:
            self._note_step(series, step)
        self._seq += 1
        series.reports += 1
        series.last = value
        series.windows.fold(value, ts, self._seq, step, arrived)
        if -inf < value < inf:
            series.last_finite = value
            series.curve.add(step, value)
        else:
            series.nonfinite += 1
        return step

    def drain(self) -> TrialChanges:
        """Return what changed since the last call, for the writer."""
        windows: dict[str, list[WindowRow]] = {}
        curves: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        for name, series in self._series.items():
            rows = series.windows.drain()
            if rows:
                windows[name] = rows
            if series.curve.revision != series.drained:
                series.drained = series.curve.revision
                curves[name] = series.curve.arrays()
        return TrialChanges(windows, curves)

    def take_notes(self) -> list[str]:
        """Return the sentences for the trial's log that came up since the last call; each comes up once."""
        for series in self._series.values():
            if series.windows.late_dropped:
                self._note(series, "late", "came after its window had expired; such values are only counted")
        notes, self._notes = self._notes, []
        return notes

    def _note_step(self, series: MetricSeries, step: int) -> None:
        if step == series.top_step:
            self._note(series, "repeated", f"was reported again at step {step}: the last value counts")
        else:
            self._note(
                series,
                "falling",
                f"went back from step {series.top_step} to {step}: it is stored, and nothing is pruned on it",
            )

    def _note(self, series: MetricSeries, kind: str, sentence: str) -> None:
        if kind not in series.noted:
            series.noted.add(kind)
            self._notes.append(f"`{series.name}` {sentence}")
