"""The trials table: the truth of a trial, written with the journal's last entries in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from astraml_lab.spec.state import FailureKind, TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store.engine import upsert
from astraml_lab.store.records import checksum, dump
from astraml_lab.store.tables import trials

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sqlalchemy import Connection, Row

_SAVE = upsert(trials)
_COLUMNS = list(trials.columns)[1:-1]
_NAMES = [column.name for column in _COLUMNS]
_TIMES = ("created_at", "started_at", "ended_at")
_DOCUMENTS = ("params", "values", "metrics", "notes")
_FEW = 500
"""So many numbers fit into one question."""
DAMAGED = "its row in the store is damaged"
"""The reason of a trial whose row cannot be read, or is not what was written."""


def save(connection: Connection, generation_id: int, record: TrialView) -> None:
    """Write a trial, or what it has become."""
    connection.execute(_SAVE, _row(generation_id, record))


def save_all(connection: Connection, generation_id: int, records: Iterable[TrialView]) -> None:
    """Write many trials; cheaper than one by one."""
    rows = [_row(generation_id, record) for record in records]
    if rows:
        connection.execute(_SAVE, rows)


def _row(generation_id: int, record: TrialView) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in _NAMES}
    for name in _DOCUMENTS:
        row[name] = dump(row[name])
    for name in _TIMES:
        row[name] = None if row[name] is None else float(row[name])  # as it will be read
    row["checksum"] = checksum(generation_id, *row.values())
    row["generation_id"] = generation_id
    return row


def end_open(connection: Connection, generation_id: int, reason: str, now: float) -> None:
    """End those trials of a generation as STOPPED that wait or run: nobody is left to do it."""
    for record in load(connection, generation_id):
        if not record.state.ended:
            ended = replace(record, state=TrialState.STOPPED, reason=reason, ended_at=now)
            save(connection, generation_id, ended)


def marks(connection: Connection, generation_id: int) -> dict[int, int | None]:
    """Return what tells by number whether a trial has changed: far cheaper to read than the trials.

    A row of an older version has no mark, and a table with damage none at all.
    """
    mine = trials.c.generation_id == generation_id
    try:
        rows = connection.execute(select(trials.c.number, trials.c.checksum).where(mine)).all()
        return dict(map(tuple, rows))
    except DatabaseError:
        return {}


def load(
    connection: Connection, generation_id: int, numbers: Collection[int] | None = None
) -> tuple[TrialView, ...]:
    """Return a generation's trials by number; what cannot be read of one is told in its notes.

    Args:
        connection: Where they are.
        generation_id: The generation.
        numbers: Only these, where they are few.
    """
    mine = trials.c.generation_id == generation_id
    if numbers is not None and len(numbers) <= _FEW:
        mine &= trials.c.number.in_(numbers)
    try:
        rows = connection.execute(select(trials).where(mine).order_by(trials.c.number)).all()
        return tuple(_record(row) for row in rows)
    except DatabaseError:
        # one damaged row spoils a whole result: ask for each alone
        newest = connection.scalar(select(func.max(trials.c.number)).where(mine))
        alone = (_load_one(connection, generation_id, number) for number in range((newest or 0) + 1))
        return tuple(record for record in alone if record is not None)


def _load_one(connection: Connection, generation_id: int, number: int) -> TrialView | None:
    mine = (trials.c.generation_id == generation_id) & (trials.c.number == number)
    try:
        row = connection.execute(select(trials).where(mine)).one_or_none()
    except DatabaseError as exc:
        return _unreadable(TrialView(number, TrialState.FAILED, {}), str(exc.orig))
    return _record(row) if row else None


def _record(row: Row[Any]) -> TrialView:
    generation_id, *values, stored = tuple(row)
    # before the cells are parsed; a row of an older version has none
    doubtful = stored is not None and stored != checksum(generation_id, *values)
    cells: dict[str, Any] = dict(zip(_NAMES, values, strict=True))
    damaged = [name for name, parse in _PARSERS.items() if not _parse(cells, name, parse)]
    if damaged:
        cells["notes"] += (f"unreadable in the store: {', '.join(damaged)}",)
    view = TrialView(**cells)
    return _unreadable(view, "it is not what was written") if doubtful else view


def _unreadable(view: TrialView, why: str) -> TrialView:
    """Return what is left of a trial whose row cannot be believed: no result may come out of it."""
    return replace(
        view,
        state=TrialState.FAILED,
        kind=FailureKind.CRASHED,
        reason=DAMAGED,
        values=None,
        notes=(*view.notes, f"unreadable in the store: {why}"),
    )


def _parse(cells: dict[str, Any], name: str, parse: Callable[[Any], Any]) -> bool:
    try:
        cells[name] = parse(cells[name])
    except (ValueError, TypeError):
        cells[name] = _DEFAULTS[name]
        return False
    return True


def _mapping(text: str) -> dict[str, Any]:
    return dict(from_json(text))


def _values(text: str) -> tuple[float, ...] | None:
    values = from_json(text)
    return None if values is None else tuple(float(value) for value in values)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "state": TrialState,
    "kind": lambda text: text if text is None else FailureKind(text),
    "params": _mapping,
    "values": _values,
    "metrics": _mapping,
    "notes": lambda text: tuple(from_json(text)),
}
_DEFAULTS: dict[str, Any] = {
    "state": TrialState.FAILED,
    "kind": FailureKind.CRASHED,
    "params": {},
    "values": None,
    "metrics": {},
    "notes": (),
}
