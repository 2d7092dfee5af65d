"""Tells whether a store's file is sound, as far as that can be told in a moment.

A small file is read through at every opening, a large one only when it is suspected: when damage was met
while it was open. Trials and the journal have checksums, which are compared whenever they are read. What
cannot be told: a flipped bit that makes one plain value of another in a window, a curve or a job's texts, and
the loss of a log, or of its last transaction.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from astraml_lab.store.engine import is_damage
from astraml_lab.store.pages import MAGIC
from astraml_lab.store.processes import has_open
from astraml_lab.store.records import checksum
from astraml_lab.store.tables import SCHEMA_VERSION, metadata
from astraml_lab.store.wal import log_mark, read_log

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SMALL = 4 * 2**20
"""Bytes that are read through in about 0.05 s."""
_LOG_MOST = 64 * 2**20  # bytes of a log that are checked
_LOOKS = 10  # at a log that looks damaged while somebody writes to it
_HEADER = 100


def examine(path: Path, *, thorough: bool) -> tuple[int | None, str]:
    """Return the version of the file's schema, and what is wrong with the file, empty if nothing is.

    The version is None where there is nothing yet. The file is only read.

    Raises:
        sqlite3.Error: It cannot be read, for another reason than its content.
    """
    size = path.stat().st_size if path.exists() else 0
    damage = "" if _is_open_here(path) else _wrong_around(path, size)
    if damage or not size:
        return None, damage
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            version = _version(connection)
            if version == SCHEMA_VERSION:
                _compile_all(connection)
            if not thorough and size > SMALL:
                return version, ""
            wrong = _wrong_inside(connection)
            if not wrong and version == SCHEMA_VERSION:
                wrong = _wrong_rows(connection)
            return version, wrong
    except sqlite3.Error as exc:
        # text that is none has no code of SQLite's: the driver found it
        if is_damage(exc) or "decode" in str(exc):
            return None, str(exc)
        raise
    except _Damage as exc:
        return None, str(exc)


class _Damage(Exception):
    """What SQLite does not notice."""


def _is_open_here(path: Path) -> bool:
    """Tell whether this process has the file open already, and has looked at it then.

    Where locks belong to processes, whoever closes a file takes all their locks on it from the others in the
    process: SQLite only may open such a file, or the log is deleted under a connection that writes to it.
    https://www.sqlite.org/howtocorrupt.html, 2.2
    """
    return sys.platform != "win32" and has_open(os.getpid(), path)


def _wrong_around(path: Path, size: int) -> str:
    """Return what SQLite would not notice, or would destroy."""
    return _wrong_in_log(path, size) or (_wrong_in_header(path) if size else "")


def _wrong_in_header(path: Path) -> str:
    """Return what is wrong with the first bytes, where SQLite would go by them and misread all the rest."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
    # either of WAL mode, or of the mode that a new file or a copy is in; what belongs to all; UTF-8
    modes = header[18:20] in {b"\1\1", b"\2\2"}
    fixed = header[:16] == MAGIC and header[20:24] == b"\0\x40\x20\x20"
    text = header[56:60] in {b"\0\0\0\0", b"\0\0\0\1"}  # none yet, while all that was written is in the log
    return "" if modes and fixed and text else "file is not a database"


def _wrong_in_log(path: Path, size: int) -> str:
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > _LOG_MOST:
        return ""
    for _ in range(_LOOKS):
        before = log_mark(path)
        found = read_log(path)
        if found.pages and not size:
            return "the file is empty, its log is not"  # SQLite would throw the log away
        if not found.lost:
            return ""
        if log_mark(path) == before:
            return f"{found.lost} changes in its log are lost"
    return ""  # what is being written at every look looks damaged, and is not


def _version(connection: sqlite3.Connection) -> int | None:
    """Return the schema's version; None for a database without our tables.

    Raises:
        _Damage: Some of them are missing.
    """
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names & metadata.tables.keys():
        if not names and connection.execute("PRAGMA page_count").fetchone()[0] > 1:
            raise _Damage("its list of tables is empty")
        return None
    row = None
    if "meta" in names:
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if row is None or not str(row[0]).isdecimal():
        raise _Damage("its version cannot be read")
    return int(row[0])


def _compile_all(connection: sqlite3.Connection) -> None:
    """Name every column of every table once: a flipped bit in a definition looks like another definition.

    Raises:
        _Damage: One is not there.
    """
    for table in metadata.tables.values():
        names = ", ".join(f'"{table.name}"."{column.name}"' for column in table.columns)
        try:
            connection.execute(f"SELECT {names} FROM {table.name} LIMIT 0")  # noqa: S608  our own names
        except sqlite3.OperationalError as exc:
            if "no such" in str(exc):
                raise _Damage(str(exc)) from exc
            raise


def _wrong_inside(connection: sqlite3.Connection) -> str:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return "" if found == "ok" else str(found).splitlines()[-1]


def _wrong_rows(connection: sqlite3.Connection) -> str:
    if not all(map(sound_trial, connection.execute("SELECT * FROM trials"))):
        return "a trial is not what was written"
    if not all(map(sound_journal, connection.execute("SELECT * FROM journal"))):
        return "a row of the journal is not what was written"
    return ""


def sound_trial(row: Sequence[Any]) -> bool:
    """Tell whether a row of the trials, in the table's order, fits its checksum; one without is believed."""
    *cells, stored = row
    return stored is None or stored == checksum(*cells)


def sound_journal(row: Sequence[Any]) -> bool:
    """Tell whether a row of the journal fits its checksum."""
    *_, entries, stored = row
    return stored is None or (isinstance(entries, str) and stored == checksum(entries))
