"""Gives a file its tables: all of them if it is new, what is missing if an older version made it.

A migration is one transaction. Kernels of the older version that have the file open go on: columns and tables
are only ever added, with defaults, and they name the columns that they write.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Column, Float, ForeignKey, Integer, Text, UniqueConstraint, insert, select, update

from astraml_lab.store.engine import connect_engine, writing
from astraml_lab.store.tables import SCHEMA_VERSION, meta, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alembic.operations import Operations
    from sqlalchemy import Connection

_VERSION = meta.c.key == "schema"


def create(path: Path) -> None:
    """Make the tables in a file that has none."""
    with _transaction(path) as connection:
        create_tables(connection)


def create_tables(connection: Connection) -> None:
    """Make the tables, and note their version."""
    metadata.create_all(connection)
    connection.execute(insert(meta).values(key="schema", value=str(SCHEMA_VERSION)))


def migrate(path: Path) -> str:
    """Bring a file of an older version to this one; return what became of it, in one sentence.

    A copy of the file as it was is kept beside it. If anything fails, the file is as it was, without a copy.
    """
    with _transaction(path) as connection:
        version = int(connection.scalars(select(meta.c.value).where(_VERSION)).one())
        copy = free_name(path, f"schema{version}")
        try:
            # what the transaction sees: it has the write lock and has written nothing yet
            _copy(path, copy)
            _add_what_is_missing(connection, version)
            connection.execute(update(meta).where(_VERSION).values(value=str(SCHEMA_VERSION)))
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
    return (
        f"the store was brought from schema {version} to {SCHEMA_VERSION}; "
        f"a copy of the old file is kept as {copy.name}"
    )


def free_name(path: Path, what: str) -> Path:
    """Return a name beside `path` that is not taken: with the time of day where `what` alone is."""
    plain = path.with_name(f"{path.name}.{what}")
    if not plain.exists():
        return plain
    return path.with_name(f"{plain.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")


@contextmanager
def _transaction(path: Path) -> Iterator[Connection]:
    engine = connect_engine(f"sqlite:///{path}")
    try:
        with writing(engine).begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _copy(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _add_what_is_missing(connection: Connection, version: int) -> None:
    # imported here: hardly any opening migrates anything
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    operations = Operations(MigrationContext.configure(connection))
    for step in range(version, SCHEMA_VERSION):
        STEPS[step](operations)


def _to_2(operations: Operations) -> None:
    """Add what trials leave on disk, who uses which device, and checksums."""
    # written out: `tables` says what the newest schema is, not what this one was
    disk_bytes = Column("disk_bytes", Integer, nullable=False, server_default="0")
    operations.add_column("trials", disk_bytes)
    operations.add_column("trials", Column("checksum", Integer))
    operations.add_column("journal", Column("checksum", Integer))
    operations.create_table(
        "device_leases",
        Column("id", Integer, primary_key=True),
        Column("host", Text, nullable=False),
        Column("device", Text, nullable=False),
        Column("share", Float, nullable=False),
        Column("owner", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("pid_started_at", Float, nullable=False),
        Column("created_at", Float, nullable=False),
        if_not_exists=True,
    )


def _to_3(operations: Operations) -> None:
    """Add the keys of requests, and the policies of projects."""
    operations.create_table(
        "requests",
        Column("id", Integer, primary_key=True),
        Column("project", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("job", Text, nullable=False),
        Column("generation_id", Integer),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("pid_started_at", Float, nullable=False),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("project", "key"),
        if_not_exists=True,
    )
    operations.create_table(
        "policies",
        Column("project_key", Text, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("document", Text, nullable=False),
        Column("created_at", Float, nullable=False),
        if_not_exists=True,
    )


def _to_4(operations: Operations) -> None:
    """Add schedules and their ticks."""
    operations.create_table(
        "schedules",
        Column("id", Integer, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("project", "name", "project_key", "name_key")),
        *(Column(name, Text, nullable=False) for name in ("request", "target", "folder")),
        Column("enabled", Integer, nullable=False),
        Column("since", Float, nullable=False),
        Column("created_at", Float, nullable=False),
        UniqueConstraint("project_key", "name_key"),
        if_not_exists=True,
        sqlite_autoincrement=True,
    )
    operations.create_table(
        "ticks",
        Column("id", Integer, primary_key=True),
        Column("schedule_id", Integer, ForeignKey("schedules.id", ondelete="CASCADE"), nullable=False),
        Column("key", Text, nullable=False),
        Column("planned_at", Float, nullable=False),
        Column("recorded_at", Float, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("late", Integer, nullable=False),
        Column("job", Text, nullable=False),
        Column("generation_id", Integer),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("pid_started_at", Float, nullable=False),
        UniqueConstraint("schedule_id", "key"),
        if_not_exists=True,
    )


def _to_5(operations: Operations) -> None:
    """Add the schedule that a request with a key has made."""
    operations.add_column("requests", Column("schedule_id", Integer))


STEPS: dict[int, Callable[[Operations], None]] = {1: _to_2, 2: _to_3, 3: _to_4, 4: _to_5}
