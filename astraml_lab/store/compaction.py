"""Older windows merged into wider ones, generation by generation, so that it can stop in between."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import Integer, cast, delete, func, select

from astraml_lab.store import series
from astraml_lab.store.engine import upsert
from astraml_lab.store.tables import generations, meta, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from astraml_lab.store.series import RollUp, SeriesKey

SEALED_AFTER = 120.0  # a window that ended so long ago is complete, but for late points
_DONE = "compacted_at"


class Compaction:
    """One merger of all windows of a store, in as many steps as it takes.

    Sealed windows are merged into the next wider tier, then those older than their tier keeps are forgotten.
    """

    def __init__(self, roll_up: RollUp, retention: Mapping[float, float]) -> None:
        """Prepare it; nothing is read yet.

        Args:
            roll_up: Merges windows of one metric of one trial, in order of time, into windows of a width.
            retention: How long each tier is kept; windows of other widths are kept as the narrowest tier is.
        """
        self._roll_up = roll_up
        self._retention = retention
        self._tiers = sorted(retention)
        self._left: list[int] | None = None

    def step(self, connection: Connection, now: float, enough: Callable[[], bool] = bool) -> bool:
        """Go on with one generation after the other; return whether all are done.

        Args:
            connection: A write transaction.
            now: Seconds since the epoch.
            enough: Asked after each generation whether to stop.
        """
        if self._left is None:
            self._left = list(connection.scalars(select(generations.c.id)))
        while self._left:
            self._compact(connection, self._left.pop(), now)
            if enough():
                break
        if not self._left:
            connection.execute(upsert(meta), {"key": _DONE, "value": str(now)})
        return not self._left

    def _compact(self, connection: Connection, generation_id: int, now: float) -> None:
        mine = windows.c.generation_id == generation_id
        present = set(connection.scalars(select(windows.c.width).where(mine).distinct()))
        if not present:
            return
        for width in sorted({*present, *self._tiers}):
            wider = next((tier for tier in self._tiers if tier > width and tier % width == 0), None)
            if wider is not None:
                _merge(connection, generation_id, (width, wider), now - SEALED_AFTER, self._roll_up)
        for width in {*present, *self._tiers}:
            keep = self._retention.get(width, self._retention[self._tiers[0]])
            # whole windows of the next tier go together, so that a half of one is never merged again
            horizon = (now - keep) // self._tiers[-1] * self._tiers[-1]
            old = (windows.c.width == width) & (windows.c.start < horizon)
            connection.execute(delete(windows).where(mine, old))


def is_due(connection: Connection, now: float, older_than: float) -> bool:
    """Tell whether the last one is over by so many seconds."""
    last = connection.scalar(select(meta.c.value).where(meta.c.key == _DONE))
    return last is None or now - float(last) >= older_than


def _merge(
    connection: Connection,
    generation_id: int,
    widths: tuple[float, float],
    sealed: float,
    roll_up: RollUp,
) -> None:
    width, wider = widths
    for key, starts in _outgrown(connection, generation_id, widths, sealed).items():
        rows = series.load_windows(
            connection,
            *series.belongs_to(key, width),
            windows.c.start >= min(starts),
            windows.c.start < max(starts) + wider,
            windows.c.start <= sealed - width,
        )
        merged = [window for window in roll_up(rows, wider) if window.start in starts]
        series.save_windows(connection, [series.window_row(key, window) for window in merged])


def _outgrown(
    connection: Connection, generation_id: int, widths: Sequence[float], sealed: float
) -> Mapping[SeriesKey, set[float]]:
    """Return the starts of those wider windows that have fewer points than the windows below them.

    Those are to be made anew: that is the case for a first merge and after a late point, and not once the
    windows below have expired.
    """
    width, wider = widths
    start = cast(windows.c.start / wider, Integer) * wider
    below = (
        select(
            windows.c.trial, windows.c.metric, start.label("start"), func.sum(series.POINTS).label("points")
        )
        .where(windows.c.generation_id == generation_id)
        .where(windows.c.width == width, windows.c.start <= sealed - width)
        .group_by(windows.c.trial, windows.c.metric, start)
        .subquery()
    )
    above = windows.alias()
    same = (
        (above.c.generation_id == generation_id)
        & (above.c.trial == below.c.trial)
        & (above.c.metric == below.c.metric)
        & (above.c.width == wider)
        & (above.c.start == below.c.start)
    )
    query = (
        select(below)
        .outerjoin(above, same)
        .where(func.coalesce(above.c.count + above.c.nonfinite, -1) < below.c.points)
    )
    found: dict[SeriesKey, set[float]] = defaultdict(set)
    for row in connection.execute(query):
        found[generation_id, row.trial, row.metric].add(float(row.start))
    return found
