"""An append-only log per generation: entries are buffered and committed as one row with their companions."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Text, bindparam, insert, select

from astraml_lab.errors import StoreUnavailable
from astraml_lab.store import leases as ownership
from astraml_lab.store.engine import MENDING
from astraml_lab.store.records import checksum
from astraml_lab.store.tables import journal, leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from astraml_lab.store.records import Lease
    from astraml_lab.store.store import Store

    Companion = Callable[[Connection], None]
    Entry = Any  # what JSON can say

# The fence is checked by the statement that writes; FOR SHARE (which SQLite needs not and leaves out) would
# hold off a new owner until the commit.
_APPEND = (
    insert(journal)
    .from_select(
        ["generation_id", "position", "entries", "checksum"],
        select(
            leases.c.generation_id,
            bindparam("at_position", type_=Integer),
            bindparam("new_entries", type_=Text),
            bindparam("their_checksum", type_=Integer),
        )
        .where(
            leases.c.generation_id == bindparam("mine"),
            leases.c.fence == bindparam("my_fence"),
            leases.c.owner.is_not(None),
        )
        .with_for_update(read=True),
    )
    .execution_options(preserve_rowcount=True)
)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Journal:
    """The log of one generation, for the process that holds its lease.

    Entries are JSON values; each has a position, counted from 0. Safe to share between threads. A pickled
    copy only reads: its commits raise LeaseLost.
    """

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._lock = threading.Lock()
        # entries from `_tail_start` on are in memory: the last commit's, and those that wait for the next
        self._tail: list[Entry] = []
        self._pending: list[str] = []
        self._tail_start = self._committed = self._stored_length()

    def __getstate__(self) -> dict[str, Any]:
        self.commit()
        # fence 0 was never given to anybody: two writers at the same positions would mix their entries
        return {"_store": self._store, "_lease": replace(self._lease, fence=0)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_store"], state["_lease"])  # type: ignore[misc]  # the plainest way to restore all

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries; the next commit stores them."""
        encoded = [_encode(entry) for entry in entries]
        with self._lock:
            self._pending += encoded
            self._tail += entries

    def read(self, start: int) -> Sequence[Entry]:
        """Return the entries from position `start` on, committed or not."""
        with self._lock:
            if start >= self._tail_start:
                return self._tail[start - self._tail_start :]
            return [*self._stored(start, self._tail_start), *self._tail]

    def commit(self, *companions: Companion, entries: Sequence[Entry] = ()) -> None:
        """Store all that was appended, and `entries`, and what `companions` write, in one transaction.

        Nothing of it is stored if any of it fails; what was appended before then waits for the next commit,
        `entries` are forgotten.

        Raises:
            LeaseLost: Another kernel owns the generation now.
            StoreUnavailable: The disk is full or the file locked.
        """
        with self._lock:
            encoded = [*self._pending, *map(_encode, entries)]
            if encoded or companions:
                self._write(encoded, companions)
            del self._tail[: self._committed - self._tail_start]
            self._tail_start = self._committed
            self._tail += entries
            self._pending.clear()
            self._committed += len(encoded)

    def _write(self, encoded: list[str], companions: Sequence[Companion]) -> None:
        with self._store.begin("commit a trial") as connection:
            if encoded:
                self._insert(connection, "[" + ",".join(encoded) + "]")
            else:
                ownership.check(connection, self._lease)
            for companion in companions:
                companion(connection)

    def _insert(self, connection: Connection, entries: str) -> None:
        values = {
            "mine": self._lease.generation_id,
            "my_fence": self._lease.fence,
            "at_position": self._committed,
            "new_entries": entries,
            "their_checksum": checksum(entries),
        }
        if connection.execute(_APPEND, values).rowcount != 1:
            raise ownership.lost(self._lease)

    def _stored(self, start: int, end: int) -> Iterator[Entry]:
        where = journal.c.position < end
        with self._store.connect("read the journal") as connection:
            rows = connection.execute(self._select(where).order_by(journal.c.position)).all()
        expected = 0
        for row in rows:
            entries = self._entries(row, expected)
            expected = row.position + len(entries)
            yield from entries[max(0, start - row.position) :]

    def _stored_length(self) -> int:
        with self._store.connect("open the journal") as connection:
            newest_first = self._select().order_by(journal.c.position.desc())
            last = connection.execute(newest_first.limit(1)).one_or_none()
        return last.position + len(self._entries(last, last.position)) if last else 0

    def _select(self, *where: ColumnElement[bool]) -> Select[Any]:
        mine = journal.c.generation_id == self._lease.generation_id
        return select(journal.c.position, journal.c.entries, journal.c.checksum).where(mine, *where)

    def _entries(self, row: Row[Any], expected: int) -> list[Entry]:
        if row.position == expected and row.checksum in {None, checksum(row.entries)}:
            with contextlib.suppress(ValueError):
                entries: list[Entry] = json.loads(row.entries)
                return entries
        self._store.suspect("a row of the journal is not what was written")
        raise StoreUnavailable(f"cannot read what the search has learned: a row is damaged; {MENDING}")
