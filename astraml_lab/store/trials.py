"""The trials table: the truth of a trial, written with the journal's last entries in one transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from astraml_lab.spec.state import FailureKind, TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store.engine import upsert
from astraml_lab.store.records import dump
from astraml_lab.store.tables import trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Row

_SAVE = upsert(trials)
_COLUMNS = list(trials.columns)[1:]
_NAMES = [column.name for column in _COLUMNS]
_DOCUMENTS = ("params", "values", "metrics", "notes")


def save(connection: Connection, generation_id: int, record: TrialView) -> None:
    """Write a trial, or what it has become."""
    row = {name: getattr(record, name) for name in _NAMES}
    row["generation_id"] = generation_id
    for name in _DOCUMENTS:
        row[name] = dump(row[name])
    connection.execute(_SAVE, row)


def load(connection: Connection, generation_id: int) -> tuple[TrialView, ...]:
    """Return a generation's trials by number; what cannot be read of one is told in its notes."""
    query = select(*_COLUMNS).where(trials.c.generation_id == generation_id).order_by(trials.c.number)
    try:
        return tuple(_record(row) for row in connection.execute(query).all())
    except DatabaseError:
        # one damaged row spoils a whole result: ask for each alone
        newest = select(func.max(trials.c.number)).where(trials.c.generation_id == generation_id)
        numbers = range((connection.scalar(newest) or 0) + 1)
        alone = (_load_one(connection, generation_id, number) for number in numbers)
        return tuple(record for record in alone if record is not None)


def _load_one(connection: Connection, generation_id: int, number: int) -> TrialView | None:
    mine = (trials.c.generation_id == generation_id) & (trials.c.number == number)
    try:
        row = connection.execute(select(*_COLUMNS).where(mine)).one_or_none()
    except DatabaseError as exc:
        return TrialView(
            number=number,
            state=TrialState.FAILED,
            params={},
            kind=FailureKind.CRASHED,
            reason="its row in the store is damaged",
            notes=(f"unreadable in the store: {exc.orig}",),
        )
    return _record(row) if row else None


def _record(row: Row[Any]) -> TrialView:
    cells: dict[str, Any] = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's documented name
    damaged = [name for name, parse in _PARSERS.items() if not _parse(cells, name, parse)]
    if damaged:
        cells["notes"] += (f"unreadable in the store: {', '.join(damaged)}",)
    return TrialView(**cells)


def _parse(cells: dict[str, Any], name: str, parse: Callable[[Any], Any]) -> bool:
    try:
        cells[name] = parse(cells[name])
    except (ValueError, TypeError):
        cells[name] = _DEFAULTS[name]
        return False
    return True


def _mapping(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def _values(text: str) -> tuple[float, ...] | None:
    values = json.loads(text)
    return None if values is None else tuple(float(value) for value in values)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "state": TrialState,
    "kind": lambda text: text if text is None else FailureKind(text),
    "params": _mapping,
    "values": _values,
    "metrics": _mapping,
    "notes": lambda text: tuple(json.loads(text)),
}
_DEFAULTS: dict[str, Any] = {
    "state": TrialState.FAILED,
    "kind": FailureKind.CRASHED,
    "params": {},
    "values": None,
    "metrics": {},
    "notes": (),
}
