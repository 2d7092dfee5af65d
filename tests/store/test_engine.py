from __future__ import annotations

import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy.exc
from sqlalchemy import select, text, update

from astraml_lab.errors import StoreError, StoreUnavailable
from astraml_lab.store import Store, tables
from astraml_lab.store.engine import mapped_errors

if TYPE_CHECKING:
    from pathlib import Path


def test_a_newer_store_is_refused_in_one_sentence(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(update(tables.meta).values(value="99"))
    with pytest.raises(StoreError, match="newer version") as caught:
        Store(store.files.home)
    assert "\n" not in str(caught.value)


def test_the_file_is_in_wal_mode_and_checks_its_keys(store: Store) -> None:
    with store.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 1
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file"):
        Store(tmp_path / "file" / "home")


@pytest.mark.parametrize("url", ["postgresql://host/db", "nonsense", "sqlit:///x"])
def test_other_urls_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite|parse|plugin"):
        Store(tmp_path, url=url)


def test_a_reader_sees_nothing_of_a_transaction_that_failed(store: Store) -> None:
    def change_and_fail() -> None:
        with store.begin("try this") as connection:
            connection.execute(update(tables.meta).values(value="5"))
            connection.execute(text("INSERT INTO meta VALUES ('schema', '1')"))

    with pytest.raises(StoreError, match="try this: it does not fit"):
        change_and_fail()
    with store.connect() as connection:
        assert connection.scalar(select(tables.meta.c.value)) == str(tables.SCHEMA_VERSION)


def test_a_locked_file_is_unavailable_and_then_works_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astraml_lab.store.engine.BUSY_SECONDS", 0.05)
    with Store(store.files.home) as impatient:
        other = sqlite3.connect(store.files.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another program holds the file"):
            impatient.request(1, "stop")
        other.execute("ROLLBACK")
        other.close()
        with impatient.begin() as connection:
            assert connection.scalar(select(tables.meta.c.value)) == str(tables.SCHEMA_VERSION)


def test_a_file_that_was_moved_away_while_it_is_open_takes_no_trials_along(store: Store) -> None:
    aside = store.files.home / "aside.db"
    store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-1")
    store.files.database.rename(aside)
    with pytest.raises(StoreUnavailable, match="moved or deleted while it was open; put it back"):
        store.create_job("default", "other", spec="{}", fingerprint="{}", owner="kernel-1")
    aside.rename(store.files.database)
    store.create_job("default", "other", spec="{}", fingerprint="{}", owner="kernel-1")
    assert len(store.list_jobs()) == 2


@pytest.mark.parametrize(
    "error",
    [
        each
        for each in vars(sqlalchemy.exc).values()
        if isinstance(each, type) and issubclass(each, sqlalchemy.exc.SQLAlchemyError)
    ],
)
def test_every_exception_of_sqlalchemy_is_mapped(error: type[Exception]) -> None:
    exc = error.__new__(error, "cause")
    with pytest.raises(StoreError, match="cannot do it"), mapped_errors("do it"):
        raise exc


def test_opening_a_store_again_takes_no_lock_from_who_writes_to_it(store: Store) -> None:
    write = (
        "import sqlite3, sys\n"
        "try: sqlite3.connect(sys.argv[1], timeout=0.1).execute('BEGIN IMMEDIATE')\n"
        "except sqlite3.OperationalError as error: print(error)"
    )
    command = [sys.executable, "-c", write, str(store.files.database)]
    with store.begin():
        Store(store.files.home).close()
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said.strip() == "database is locked"
    assert store.files.database.with_name("lab.db-wal").exists()
