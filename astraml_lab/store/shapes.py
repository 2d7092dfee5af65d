"""What the rows of each table look like: how a row that was read without its table is known and believed."""

from __future__ import annotations

import json
from types import NoneType
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
        self._columns = columns
        # by the types of a row's cells, for rows are many and their types few: see `_plan`
        self._plans: dict[tuple[type, ...], Sequence[int] | None] = {}
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
        if not self._least <= len(cells) <= len(self._columns):
            return None
        row = [*cells, *self._defaults[len(cells) :]]
        if self._alias is not None and row[self._alias] is None:
            row[self._alias] = number
        types = tuple(map(type, row))
        if types not in self._plans:
            self._plans[types] = self._plan(types)
        wholes = self._plans[types]
        if wholes is None:
            return None
        for index in wholes:
            row[index] = float(row[index])
        fitting = tuple(row)
        return fitting if self._believe is None or self._believe(fitting) else None

    def _plan(self, types: Sequence[type]) -> Sequence[int] | None:
        """Return where whole numbers stand that SQLite made of floats; None if the types do not fit."""
        wholes = []
        for index, (column, given) in enumerate(zip(self._columns, types, strict=True)):
            wanted = column.type.python_type
            if wanted is float and given is int:
                wholes.append(index)
            elif given is not wanted and not (given is NoneType and column.nullable):
                return None
        return wholes


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
