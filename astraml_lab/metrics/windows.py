"""Thirty-second windows: what a metric did, in constant memory per half minute.

A point folds at once into the window that its time falls in, [k w, (k + 1) w) counted from the epoch, so that
the windows of all trials line up. A point that arrives for an older window than the newest one is *late*: it
is folded where it belongs and raises that window's revision. A window is *sealed* once it ends at or before
the trial's watermark; after that only a higher revision changes it.

Nothing here locks: the caller holds the job's lock.
"""

from __future__ import annotations

from math import inf

from astraml_lab.spec.views import WindowRow

WINDOW_SECONDS = 30.0
"""The width of a window unless the job asks for another."""
WINDOW_RETENTION = 48 * 3600.0
"""How long a window stays open for late points, and in memory."""
LATENESS = 120.0
"""How far the watermark stays behind a running trial's newest point."""
FUTURE_TOLERANCE = 300.0
"""How far ahead of its arrival a point's time may be before it is not believed."""

COARSER_TIER = 300.0  # every width must divide it, or five-minute windows could not be merged from it


class Window:
    """The mutable side of a `WindowRow`; written by `WindowSeries.fold` only."""

    __slots__ = (
        "changed",
        "count",
        "end",
        "first_seq",
        "first_step",
        "first_ts",
        "last",
        "last_seq",
        "last_step",
        "last_ts",
        "maximum",
        "minimum",
        "nonfinite",
        "revision",
        "start",
        "total",
    )

    def __init__(self, start: float, width: float) -> None:
        self.start = start
        self.end = start + width
        self.count = 0
        self.total = 0.0
        self.minimum = inf
        self.maximum = -inf
        self.last = 0.0
        self.first_ts = inf
        self.first_seq = 0
        self.first_step: int | None = None
        self.last_ts = -inf
        self.last_seq = 0
        self.last_step: int | None = None
        self.nonfinite = 0
        self.revision = 0
        self.changed = False

    def row(self) -> WindowRow:
        """Copy the window as it is now."""
        seen = self.count > 0
        return WindowRow(
            start=self.start,
            width=self.end - self.start,
            count=self.count,
            total=self.total,
            minimum=self.minimum if seen else None,
            maximum=self.maximum if seen else None,
            last=self.last if seen else None,
            first_ts=self.first_ts if seen else None,
            first_seq=self.first_seq,
            first_step=self.first_step,
            last_ts=self.last_ts if seen else None,
            last_seq=self.last_seq,
            last_step=self.last_step,
            nonfinite=self.nonfinite,
            revision=self.revision,
        )


class WindowSeries:
    """The windows of one metric of one trial.

    Attributes:
        width: Seconds per window.
        late_dropped: Points that came after their window had expired; they are in no window.
        clamped: Points whose time lay too far ahead of their arrival; they count at their arrival.
    """

    __slots__ = ("_changed", "_newest", "_windows", "clamped", "late_dropped", "width")

    def __init__(self, width: float = WINDOW_SECONDS) -> None:
        if width <= 0 or COARSER_TIER % width:
            raise ValueError(f"a window of {width!r} s does not divide 300 s; try 10, 15, 30 or 60")
        self.width = float(width)
        self.late_dropped = 0
        self.clamped = 0
        self._newest = Window(-inf, 0.0)  # holds no point, and every point is newer
        self._windows: dict[float, Window] = {}
        self._changed: list[Window] = []

    @property
    def newest_ts(self) -> float:
        """A time that the newest point has reached; minus infinity before the first."""
        return max(self._newest.last_ts, self._newest.start)

    def fold(
        self, value: float, ts: float, seq: int, step: int | None = None, arrived: float | None = None
    ) -> None:
        """Add one point.

        Args:
            value: NaN and infinities are only counted.
            ts: When it was measured, in seconds since the epoch, UTC.
            seq: Its number among the trial's points; decides which of two points at one `ts` is the last.
            step: The training step that it belongs to.
            arrived: When it came here, if that may be another time than `ts`.
        """
        if arrived is not None and ts > arrived + FUTURE_TOLERANCE:
            ts = arrived
            self.clamped += 1
        window = self._newest
        if not window.start <= ts < window.end:
            found = self._window_at(ts)
            if found is None:
                self.late_dropped += 1
                return
            window = found
        if not window.changed:
            window.changed = True
            self._changed.append(window)
        if not -inf < value < inf:
            window.nonfinite += 1
            return
        window.count += 1
        window.total += value
        if value < window.minimum:  # noqa: PLR1730 - calling min() costs as much as the rest of the fold
            window.minimum = value
        if value > window.maximum:  # noqa: PLR1730 - likewise
            window.maximum = value
        if ts > window.last_ts or (ts == window.last_ts and seq > window.last_seq):
            window.last = value
            window.last_ts = ts
            window.last_seq = seq
            window.last_step = step
        if ts < window.first_ts or (ts == window.first_ts and seq < window.first_seq):
            window.first_ts = ts
            window.first_seq = seq
            window.first_step = step

    def drain(self) -> list[WindowRow]:
        """Return the windows that changed since the last call, oldest change first."""
        changed, self._changed = self._changed, []
        for window in changed:
            window.changed = False
        return [window.row() for window in changed]

    def snapshot(self) -> list[WindowRow]:
        """Return every window that is not expired, by time."""
        return [self._windows[start].row() for start in sorted(self._windows)]

    def _window_at(self, ts: float) -> Window | None:
        """Find or open the window of a point that is not in the newest one; None if it is expired."""
        start = ts // self.width * self.width
        newest = self._newest
        if start > newest.start:
            self._newest = self._open(start)
            self._expire()
            return self._newest
        if start + self.width <= newest.end - WINDOW_RETENTION:
            return None
        window = self._windows.get(start) or self._open(start)
        window.revision += 1
        return window

    def _open(self, start: float) -> Window:
        window = self._windows[start] = Window(start, self.width)
        return window

    def _expire(self) -> None:
        """Forget what fell out of the retention; one that a late point opened may stay a little longer."""
        oldest_end = self._newest.end - WINDOW_RETENTION
        while True:
            oldest = next(iter(self._windows.values()))
            if oldest.end > oldest_end:
                return
            del self._windows[oldest.start]
