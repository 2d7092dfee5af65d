"""The one door to the database: engine, transactions, foreign errors, and all SQL of one dialect only.

Another database needs its own way to open it (`opening`) and its own `BulkInsert` text; every other module
speaks SQLAlchemy Core.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeoutError,
)

from astraml_lab.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine, Table

BUSY_SECONDS = 10.0
LOG_BYTES = 4 * 2**20
MENDING = "restart the kernel: the store mends itself when it is opened, finished trials are kept"
"""What to do about damage that is found while the store is open."""
_WRITES = "astraml_writes"


def connect_engine(url: str, connect: Callable[[], sqlite3.Connection] | None = None) -> Engine:
    """Return an engine for the database behind `url`; nothing is opened yet.

    Args:
        url: An SQLAlchemy URL.
        connect: Opens the file, if the driver is not to do it by itself.
    """
    # FIFO pool order would only spread the page caches
    options: dict[str, Any] = {"creator": connect} if connect else {}
    engine = create_engine(url, pool_use_lifo=True, **options)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: object) -> None:
    # sqlite3 would open transactions by itself, deferred and late; `_begin` does it instead
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")  # a commit survives the death of the process
    cursor.execute("PRAGMA foreign_keys=ON")
    # a log that grew while a reader or a full disk held it back gives its room back
    cursor.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails at once when another one wrote meanwhile;
    # an immediate one waits its turn.
    writes = connection.get_execution_options().get(_WRITES)
    # straight to the driver: this is on the way of every finished trial
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def writing(engine: Engine) -> Engine:
    """Return the same engine whose transactions take the write lock when they begin."""
    return engine.execution_options(**{_WRITES: True})


@contextmanager
def mapped_errors(doing: str) -> Iterator[None]:
    """Turn every exception of SQLAlchemy into a StoreError that says what was being done.

    Raises:
        StoreUnavailable: The file is locked, full, unreadable or not there.
        StoreError: Anything else that SQLAlchemy raises.
    """
    try:
        yield
    except IntegrityError as exc:
        raise StoreError(f"cannot {doing}: it does not fit what is stored ({exc.orig})") from exc
    except (SQLAlchemyError, sqlite3.Error) as exc:
        # without SQLAlchemy's own additions: the statement, its parameters, a link
        cause = str(getattr(exc, "orig", None) or (exc.args[0] if exc.args else exc))
        advice = next((f"; {text}" for symptom, text in _ADVICE.items() if symptom in cause), "")
        # a plain DatabaseError is a damaged file; its other subclasses are mistakes of ours
        outside = isinstance(exc, _OUTSIDE) or type(exc) is DatabaseError
        raise (StoreUnavailable if outside else StoreError)(f"cannot {doing}: {cause}{advice}") from exc


_OUTSIDE = (OperationalError, PoolTimeoutError, sqlite3.Error)
_ADVICE = {
    "is full": "free some space, nothing that was finished before is lost",
    "is locked": "another program holds the file; close it and try again",
    "unable to open": "check the path and its permissions, or set ASTRAML_HOME to another folder",
    "readonly": "check the file's permissions, or set ASTRAML_HOME to another folder",
    "disk I/O": "the disk is full or failing: free some space, nothing that was finished before is lost",
    "not a database": MENDING,
    "malformed": MENDING,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_damage(exc: BaseException | None) -> bool:
    """Tell whether an error of the driver means that the file's content is wrong, not its surroundings."""
    code = getattr(exc, "sqlite_errorcode", 0)
    # a short read is the one trouble of the disk that is the file's own: it ends too early
    return code & 0xFF in _DAMAGED or code == sqlite3.SQLITE_IOERR_SHORT_READ


def is_full(exc: BaseException | None) -> bool:
    """Tell whether SQLite, or SQLAlchemy for it, found no room on the disk."""
    return getattr(getattr(exc, "orig", exc), "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def is_busy(exc: BaseException | None) -> bool:
    """Tell whether SQLite, or SQLAlchemy for it, gave up waiting for another process."""
    code = getattr(getattr(exc, "orig", exc), "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def upsert(table: Table) -> sqlite.Insert:
    """Return the statement that inserts a row or replaces the one with the same key."""
    statement = sqlite.insert(table)
    changed = {column.name: column for column in statement.excluded if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


class BulkInsert:
    """Upserts any number of rows with one statement.

    Python's sqlite3 gives the GIL away at every row of an `executemany`: beside busy Python threads that is
    a thousand times slower than one statement which unpacks its rows from JSON. Bytes cannot travel in JSON:
    a bytes column is a pair (offset, length) into the blob that comes with the batch. Rows of a generation
    that was deleted meanwhile are left out.
    """

    def __init__(self, table: Table, binary: frozenset[str] = frozenset()) -> None:
        names = [column.name for column in table.columns]
        picks = []
        index = 0
        for name in names:
            if name in binary:
                picks.append(f"substr(:blob, {_field(index)} + 1, {_field(index + 1)})")
                index += 2
            else:
                picks.append(_field(index))
                index += 1
        keys = [column.name for column in table.primary_key]
        updates = [f'"{name}" = excluded."{name}"' for name in names if name not in keys]
        quoted = ", ".join(f'"{name}"' for name in names)
        columns = ", ".join(f'"{name}"' for name in keys)
        # every part is a name of our own tables
        self._statement = text(
            f"INSERT INTO {table.name} ({quoted}) SELECT {', '.join(picks)} FROM json_each(:rows) AS row "  # noqa: S608
            f"WHERE {_field(0)} IN (SELECT id FROM generations) "
            f"ON CONFLICT ({columns}) DO UPDATE SET {', '.join(updates)}"
        )
        self._takes_blob = bool(binary)

    def __call__(self, connection: Connection, rows: str, blob: bytes = b"") -> None:
        """Write `rows`, a JSON array of arrays in the order of the table's columns, generation first."""
        parameters: dict[str, Any] = {"rows": rows}
        if self._takes_blob:
            parameters["blob"] = blob
        connection.execute(self._statement, parameters)


def _field(index: int) -> str:
    return f"json_extract(row.value, '$[{index}]')"
