"""Opens the store's file: made if it is new, mended if it is damaged, migrated if an older version wrote it.

Whoever opens the file, be it for one more connection, holds the door: a lock beside it that ends with its
process. So nobody can come in while the file is exchanged, and of two kernels one waits and finds all done.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from astraml_lab.errors import StoreError, StoreUnavailable
from astraml_lab.store import engine as engines
from astraml_lab.store import reserve
from astraml_lab.store.files import make_home, os_advice
from astraml_lab.store.health import SMALL, examine
from astraml_lab.store.mending import finish, mend
from astraml_lab.store.schema import create, create_tables, migrate
from astraml_lab.store.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

DOOR_SECONDS = 120.0
"""How long an opening waits for another one: mending a large file takes a while."""
_log = logging.getLogger("astraml_lab")


@dataclass(frozen=True)
class Opened:
    """An open store.

    Attributes:
        engine: Its connections.
        file: Where it lies; None in memory.
        repaired: What was damaged, recovered and lost, in one sentence; empty where nothing was.
        migrated: What became of a file of an older version, in one sentence; empty where it was up to date.
    """

    engine: Engine
    file: Path | None = None
    repaired: str = ""
    migrated: str = ""


def open_store(url: str, now: float) -> Opened:
    """Open the database behind `url`, at `now` seconds since the epoch.

    Raises:
        StoreUnavailable: It cannot be opened, or it is damaged and somebody still uses it.
        StoreError: It was written by a newer version, or the URL names a database that is not supported.
    """
    with engines.mapped_errors(f"open the store `{url}`"), _mapped_os_errors(url):
        address = make_url(url)
        if address.get_backend_name() != "sqlite":
            raise StoreError(f"the store `{url}` is no SQLite file; this version supports `sqlite:///PATH`")
        if not address.database or address.database == ":memory:":
            engine = engines.connect_engine(url)
            with engines.writing(engine).begin() as connection:
                create_tables(connection)
            return Opened(engine)
        path = Path(address.database).absolute()
        make_home(path.parent)
        with _door(path):
            reserve.make_room(path)
            repaired, migrated = _make_ready(path, now)
            reserve.keep(path)
    for sentence in filter(None, (repaired, migrated)):
        _log.warning("%s", sentence)
    return Opened(engines.connect_engine(url, partial(_connect, path)), path, repaired, migrated)


def suspect(path: Path, why: str) -> None:
    """Have the file examined thoroughly when it is opened next."""
    try:
        _suspicion(path).write_text(why, encoding="utf-8")
    except OSError:  # a full disk; the damage will be met again
        _log.debug("could not note the damage of %s", path)


@contextmanager
def _mapped_os_errors(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreUnavailable(f"cannot open the store `{url}`: {os_advice(exc)}") from exc


@contextmanager
def _door(path: Path) -> Iterator[None]:
    """Hold the lock beside the file, one process and thread at a time."""
    # SQLite's own lock: it works wherever the store does, and a process that dies lets it go
    lock = sqlite3.connect(path.with_name(f"{path.name}.lock"), timeout=DOOR_SECONDS, isolation_level=None)
    try:
        lock.execute("PRAGMA journal_mode=MEMORY")  # nothing is written, and no file is to be left behind
        lock.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        lock.close()


def _connect(path: Path) -> sqlite3.Connection:
    """Open the file that is there; one that is gone is not made anew, what was in it would seem lost."""
    with _door(path):
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=engines.BUSY_SECONDS, check_same_thread=False
        )


def _make_ready(path: Path, now: float) -> tuple[str, str]:
    """Bring the file to this version; return what was mended and what was migrated. The door is held."""
    repaired = finish(path)
    version, damage = examine(path, thorough=_suspicion(path).exists())
    if damage:
        if path.exists() and path.stat().st_size > SMALL:
            _log.warning("the store %s is damaged (%s): mending it, a minute for 200 MB", path, damage)
        repaired = mend(path, damage, now)
        version = SCHEMA_VERSION
    _suspicion(path).unlink(missing_ok=True)
    if version is not None and version > SCHEMA_VERSION:
        raise StoreError(
            f"the store `{path}` was written by a newer version (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); run: pip install -U astraml-lab"
        )
    if version is None:
        create(path)
    return repaired, migrate(path) if version and version < SCHEMA_VERSION else ""


def _suspicion(path: Path) -> Path:
    return path.with_name(f"{path.name}.suspect")
