"""What can still be read of a damaged store: rows that fit our tables, and how many there were."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from astraml_lab.store.pages import Tree, loose_rows
from astraml_lab.store.shapes import Shape
from astraml_lab.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astraml_lab.store.pages import Pages
    from astraml_lab.store.shapes import Row

_ENTRY = (str, str, str, int)  # how a row begins in which SQLite keeps a table: kind, name, table, root


@dataclass
class Found:
    """What was read of one table.

    Attributes:
        rows: The rows, by primary key.
        total: How many there were, as far as the table and its index tell.
        keys: What the index says of a job or a generation, its id last.
    """

    rows: dict[Row, Row] = field(default_factory=dict)
    total: int = 0
    keys: list[list[Any]] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many could not be read."""
        return self.total - len(self.rows)


def salvage(pages: Pages) -> dict[str, Found]:
    """Return all rows that can be read, by table.

    What hangs on its table's root comes first. Where a table is broken, leaves that belong to no tree in
    sight are searched for its rows too; a row is known by its shape.
    """
    schema = Tree(pages, 1)
    roots = {str(row[1]): row[3] for _, row in schema.rows() if tuple(map(type, row[:4])) == _ENTRY}
    known = schema.seen | pages.free()
    found: dict[str, Found] = {}
    broken: list[Shape] = []
    for table in metadata.sorted_tables:
        shape, tree = Shape(table), Tree(pages, roots.get(table.name, 0))
        found[table.name] = Found()
        whole = _take(found[table.name], shape, tree.rows())
        known |= tree.seen
        if tree.broken or not whole:
            broken.append(shape)
    if broken:
        for number, row in loose_rows(pages, known):
            for shape in broken:
                _take(found[shape.name], shape, [(number, row)])
    for name, each in found.items():
        index = Tree(pages, roots.get(f"sqlite_autoindex_{name}_1", 0), index=True)
        each.total = max(len(each.rows), index.count())
        if name in {"jobs", "generations"}:
            each.keys = [key for key in index.keys() if len(key) == 3]  # noqa: PLR2004, SIM118
    series = {key[:2] for name in ("trials", "windows", "curves") for key in found[name].rows}
    found["trials"].total = max(found["trials"].total, len(series))
    return found


def _take(found: Found, shape: Shape, rows: Iterable[tuple[int, Sequence[Any]]]) -> bool:
    """Take the rows that fit; return whether all did."""
    whole = True
    for number, cells in rows:
        row = shape.fit(number, cells)
        if row is None:
            whole = False
            continue
        known = found.rows.setdefault(shape.key(row), row)
        if known is not row and shape.newer(row, known):
            found.rows[shape.key(row)] = row
    return whole


def cut_journals(journal: Found) -> None:
    """Leave of each generation's journal what is whole from its beginning.

    A row's position counts the entries before it, and an entry means what it does only after those.
    """
    ends: defaultdict[int, int] = defaultdict(int)
    for key in sorted(journal.rows):
        generation_id, position = key
        if position == ends[generation_id]:
            ends[generation_id] += len(json.loads(journal.rows[key][2]))
        else:
            ends[generation_id] = -1
            del journal.rows[key]
