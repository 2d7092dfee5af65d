"""What the rows of each table look like: how a row that was read without its table is known and believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer

from astraml_lab.store.health import sound_journal, sound_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Column, Table

    Row = tuple[Any, ...]  # in the order of the table's columns


class Shape:
    """The columns of a table, as a record on disk has them."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        columns, primary = list(table.columns), list(table.primary_key)
        self._checks = [_check(column) for column in columns]
        # a row of an older version ends before the columns that came later
        self._least = sum(column.info.get("schema", 1) == 1 for column in columns)
        self._defaults = [_default(column) for column in columns]
        self._key = [columns.index(column) for column in primary]
        # SQLite keeps such a key as the number of the row, and NULL in its place
        self._alias = self._key[0] if len(primary) == 1 and isinstance(primary[0].type, Integer) else None
        self._believe = _BELIEVED.get(self.name)
        self._age = [columns.index(table.columns[name]) for name in _AGES.get(self.name, ())]

    def key(self, row: Row) -> Row:
        """Return a row's primary key."""
        return tuple(row[index] for index in self._key)

    def newer(self, row: Row, other: Row) -> bool:
        """Tell which of two rows with the same key was written later, where that can be told."""
        return self._ages(row) > self._ages(other)

    def _ages(self, row: Row) -> list[float]:
        return [row[index] or 0.0 for index in self._age]

    def fit(self, number: int, cells: Sequence[Any]) -> Row | None:
        """Return a record as a row of this table; None if it is none, or not what was written."""
        if not self._least <= len(cells) <= len(self._checks):
            return None
        row = [*cells, *self._defaults[len(cells) :]]
        if self._alias is not None and row[self._alias] is None:
            row[self._alias] = number
        try:
            whole = tuple(check(cell) for check, cell in zip(self._checks, row, strict=True))
        except TypeError:
            return None
        return whole if self._believe is None or self._believe(whole) else None


def _check(column: Column[Any]) -> Callable[[Any], Any]:
    kind, nullable = column.type.python_type, column.nullable

    def check(cell: Any) -> Any:
        if kind is float and type(cell) is int:
            return float(cell)  # how SQLite writes a whole one
        if type(cell) is kind or (cell is None and nullable):
            return cell
        raise TypeError(column.name)

    return check


def _default(column: Column[Any]) -> Any:
    default: Any = column.server_default
    return None if default is None else column.type.python_type(default.arg)


def _is_journal(row: Row) -> bool:
    try:
        return sound_journal(row) and isinstance(json.loads(row[2]), list)
    except ValueError:
        return False


_BELIEVED: dict[str, Callable[[Row], bool]] = {"trials": sound_trial, "journal": _is_journal}
_AGES = {"leases": ("fence",), "trials": ("attempt", "ended_at"), "windows": ("revision",)}
"""The columns by which the later of two versions of a row is known."""
