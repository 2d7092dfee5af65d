"""Windows and curves: batches in, arrays out."""

from __future__ import annotations

import json
import math
import sys
import zlib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import delete, func, select

from astraml_lab.spec.views import CurveView, WindowRow
from astraml_lab.store.engine import BulkInsert
from astraml_lab.store.tables import curves, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection, Row

    RollUp = Callable[[Sequence[WindowRow], float], Iterable[WindowRow]]
    SeriesKey = tuple[int, int, str]  # generation, trial, metric

_FIELDS = [column.name for column in windows.columns][3:]
_ROW = [windows.c[field.name] for field in fields(WindowRow)]
POINTS = windows.c.count + windows.c.nonfinite
_insert_windows = BulkInsert(windows)
_insert_curves = BulkInsert(curves, binary=frozenset({"steps", "points"}))


def window_row(key: SeriesKey, window: WindowRow) -> list[Any]:
    """Return a window as a row of the table."""
    return [*key, *(_storable(getattr(window, name)) for name in _FIELDS)]


def _storable(value: Any) -> Any:
    # the database's JSON knows neither NaN nor infinity; a sum can overflow where no point was infinite
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else math.copysign(sys.float_info.max, value)
    return value


def save_windows(connection: Connection, rows: Sequence[list[Any]]) -> None:
    """Write windows, each a `window_row`, or what they have become."""
    if rows:
        _insert_windows(connection, json.dumps(rows, separators=(",", ":"), allow_nan=False))


def save_curves(connection: Connection, batch: Mapping[SeriesKey, tuple[bytes, bytes]]) -> None:
    """Write whole curves, each two blobs of `float64`, in place of what was there."""
    rows: list[list[Any]] = []
    blobs: list[bytes] = []
    offset = 0
    for key, (steps, points) in batch.items():
        rows.append([*key, offset, len(steps), offset + len(steps), len(points)])
        blobs += (steps, points)
        offset += len(steps) + len(points)
    if rows:
        _insert_curves(connection, json.dumps(rows, separators=(",", ":")), b"".join(blobs))


def to_blob(values: Any) -> bytes:
    """Return numbers as little-endian float64."""
    return np.ascontiguousarray(values, dtype="<f8").tobytes()


def load_curves(
    connection: Connection, generation_id: int, trial: int | None, metric: str | None
) -> tuple[CurveView, ...]:
    """Return curves of a generation, by trial and metric."""
    query = select(curves).where(curves.c.generation_id == generation_id)
    if trial is not None:
        query = query.where(curves.c.trial == trial)
    if metric is not None:
        query = query.where(curves.c.metric == metric)
    rows = connection.execute(query.order_by(curves.c.trial, curves.c.metric))
    return tuple(_curve(row) for row in rows)


def metric_names(connection: Connection, generation_id: int, trials: Collection[int]) -> tuple[str, ...]:
    """Return the metrics of which some of these trials have a curve, by name."""
    mine = (curves.c.generation_id == generation_id) & curves.c.trial.in_(trials)
    query = select(curves.c.metric).where(mine).distinct().order_by(curves.c.metric)
    return tuple(connection.scalars(query))


def _curve(row: Row[Any]) -> CurveView:
    # nothing counts the reports of a stored curve; who draws one has to see that it has grown
    revision = zlib.crc32(row.points, zlib.crc32(row.steps))
    return CurveView(row.trial, row.metric, _array(row.steps), _array(row.points), revision)


def _array(blob: bytes) -> NDArray[np.float64]:
    whole = len(blob) - len(blob) % 8  # a damaged blob still gives what it has
    return np.frombuffer(blob[:whole], dtype="<f8").astype(np.float64, copy=False)


def load_series(
    connection: Connection, key: SeriesKey, width: float | None, roll_up: RollUp | None
) -> tuple[float, tuple[WindowRow, ...]]:
    """Return the windows of one tier of a series, by time, and its width; `Store.load_series` says which."""
    widths = sorted(connection.scalars(select(windows.c.width).where(*belongs_to(key)).distinct()))
    if width is None:
        covering = (each for each in widths if _covers(connection, key, each, widths))
        width = next(covering, 0.0)
    chain = [width]
    for each in reversed(widths):
        if each < chain[0] and chain[0] % each == 0:
            chain.insert(0, each)
    return width, tuple(_up_to_date(connection, key, chain, -math.inf, roll_up))


def _covers(connection: Connection, key: SeriesKey, width: float, widths: Sequence[float]) -> bool:
    """Whether no wider tier begins with points that this one has lost."""
    for wider in widths:
        if wider <= width:
            continue
        oldest = select(windows.c.start, POINTS).where(*belongs_to(key, wider)).order_by(windows.c.start)
        start, points = connection.execute(oldest.limit(1)).one()
        same_time = (windows.c.start >= start) & (windows.c.start < start + wider)
        held = connection.scalar(select(func.sum(POINTS)).where(*belongs_to(key, width), same_time))
        if (held or 0) < points:
            return False
    return True


def _up_to_date(
    connection: Connection, key: SeriesKey, widths: Sequence[float], since: float, roll_up: RollUp | None
) -> list[WindowRow]:
    """Return the last tier of `widths`, with what it has not taken in yet merged from those before it."""
    *narrower, width = widths
    rows = load_windows(connection, *belongs_to(key, width), windows.c.start >= since)
    if not narrower or roll_up is None:
        return rows
    # the newest row may have been merged before all that belongs to it was sealed
    newest = rows[-1].start if rows else since
    known = {row.start: row for row in rows}
    for row in roll_up(_up_to_date(connection, key, narrower, newest, roll_up), width):
        if row.start not in known or _size(row) > _size(known[row.start]):
            known[row.start] = row
    return list(known.values())


def _size(row: WindowRow) -> int:
    return row.count + row.nonfinite


def load_windows(connection: Connection, *where: ColumnElement[bool]) -> list[WindowRow]:
    """Return windows by time."""
    rows = connection.execute(select(*_ROW).where(*where).order_by(windows.c.start))
    return [WindowRow(*row) for row in rows]


def belongs_to(key: SeriesKey, width: float | None = None) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on windows of one series, of one width."""
    generation_id, trial, metric = key
    mine = (
        windows.c.generation_id == generation_id,
        windows.c.trial == trial,
        windows.c.metric == metric,
    )
    return mine if width is None else (*mine, windows.c.width == width)


def clear(connection: Connection, generation_id: int, trial: int) -> None:
    """Forget the windows and curves of a trial: an attempt that failed leaves nothing to the next one."""
    for table in (windows, curves):
        connection.execute(
            delete(table).where(table.c.generation_id == generation_id, table.c.trial == trial)
        )
