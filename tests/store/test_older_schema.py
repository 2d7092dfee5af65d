from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from astraml_lab.clock import FakeClock
from astraml_lab.errors import StoreError
from astraml_lab.spec.state import JobState, TrialState
from astraml_lab.store import Answer, Store, schema, trials
from astraml_lab.store.processes import this_host, this_process

if TYPE_CHECKING:
    from alembic.operations import Operations

SCHEMA_1 = Path(__file__).with_name("schema1.sql")
OPEN = """
import sys
from astraml_lab.store import Store
print("ready", flush=True)
sys.stdin.readline()
store = Store(sys.argv[1])
print(bool(store.migrated), [len(store.load_trials(n)) for n in (1, 2)], flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_old(tmp_path / "lab.db")
    return tmp_path


def write_old(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_1.read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode=WAL")


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_a_store_of_schema_1_opens_with_all_that_it_holds(home: Path) -> None:
    with Store(home, clock=FakeClock(1_800_000_100.0)) as store:
        running, ended = store.list_jobs()
        assert (ended.name, ended.state, ended.reason) == ("digits", JobState.SUCCEEDED, "3 trials")
        assert (running.name, running.project, running.state) == ("Größe", "vision", JobState.STALE)
        kept = store.load_trials(ended.id)
        assert [trial.values for trial in kept] == [(0.5,), (1.5,), (2.5,)]
        assert (kept[2].seed, kept[2].notes, kept[2].disk_bytes) == (2**62 + 2, ("a note",), 0)
        (curve,) = store.load_curves(ended.id)
        np.testing.assert_array_equal(curve.values, [0.5, 0.25, np.nan])
        assert len(store.load_series(ended.id, 0, "loss")[1]) == 3
        lease = store.acquire(running.id, "kernel-2")
        journal = store.journal(lease)
        assert len(journal.read(0)) == 7
        last = store.load_trials(running.id)[1]
        journal.commit(lambda connection: trials.save(connection, running.id, last), entries=["more"])
        assert [control.command for control in store.take(running.id)] == ["pause"]
        assert store.claim_device(["GPU-1"], 1.0, "kernel-2") is not None
        assert store.repaired == ""


def test_a_killed_kernel_may_leave_all_that_it_wrote_in_the_log(tmp_path: Path) -> None:
    living, left = tmp_path / "living.db", tmp_path / "left" / "lab.db"
    left.parent.mkdir()
    with closing(sqlite3.connect(living)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.executescript(SCHEMA_1.read_text(encoding="utf-8"))
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{living}{end}", f"{left}{end}")

    with Store(left.parent, clock=FakeClock(1_800_000_100.0)) as store:
        assert (len(store.list_jobs()), store.repaired) == (2, "")


def test_a_copy_of_the_old_file_is_kept_and_told(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = dump(home / "lab.db")
    with caplog.at_level(logging.WARNING, "astraml_lab"), Store(home) as store:
        assert store.migrated == (
            "the store was brought from schema 1 to 5; a copy of the old file is kept as lab.db.schema1"
        )
    assert caplog.messages == [store.migrated]
    assert dump(home / "lab.db.schema1") == before
    with Store(home) as again:
        assert again.migrated == ""


def test_a_migrated_file_has_the_columns_of_a_new_one(home: Path, tmp_path: Path) -> None:
    Store(home).close()
    Store(tmp_path / "new").close()

    def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
        with closing(sqlite3.connect(path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {n: connection.execute(f"PRAGMA table_info('{n}')").fetchall() for (n,) in names}

    assert columns(home / "lab.db") == columns(tmp_path / "new" / "lab.db")


def test_a_store_of_schema_2_opens_and_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "lab.db")) as connection:
        connection.executescript(SCHEMA_1.with_name("schema2.sql").read_text(encoding="utf-8"))
    with Store(folder) as store:
        assert store.migrated == (
            "the store was brought from schema 2 to 5; a copy of the old file is kept as lab.db.schema2"
        )
        assert store.repaired == ""
        assert [record.name for record in store.list_jobs()] == ["digits"]
        assert store.requests.claim("p", "k", "print", "digits").answer is Answer.NEW
        assert store.requests.claim("p", "k", "print", "digits").answer is Answer.IN_PROGRESS
        assert store.policies.put("p", {}) == 1


def test_what_fails_in_the_middle_leaves_the_old_store_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(home / "lab.db")
    step = schema.STEPS[1]

    def half(operations: Operations) -> None:
        step(operations)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setitem(schema.STEPS, 1, half)
    with pytest.raises(StoreError, match="is full; free some space"):
        Store(home)
    assert dump(home / "lab.db") == before
    assert not (home / "lab.db.schema1").exists()
    monkeypatch.undo()
    with Store(home) as store:
        assert len(store.load_trials(1)) == 3


def test_of_two_kernels_one_migrates_and_the_other_finds_it_done(home: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    answers: list[str] = []
    waiting = [
        threading.Thread(target=lambda child=child: answers.append(child.communicate("\n", 60)[0]))
        for child in children
    ]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join(120)
    assert sorted(answers) == ["False [3, 2]\n", "True [3, 2]\n"]
    assert len(list(home.glob("lab.db.schema1*"))) == 1


def test_a_running_kernel_of_the_older_version_goes_on(home: Path) -> None:
    pid, started_at = this_process()
    old = sqlite3.connect(home / "lab.db", isolation_level=None)
    old.execute(
        "UPDATE leases SET pid = ?, pid_started_at = ?, host = ? WHERE generation_id = 2",
        (pid, started_at, this_host()),
    )
    with Store(home) as store:
        # the statements of schema 1, as it writes them
        old.execute("UPDATE leases SET heartbeat_at = 1800000050.0 WHERE generation_id = 2 AND fence = 1")
        into = "INSERT INTO journal (generation_id, position, entries)"
        old.execute(into + " VALUES (2, 7, '[\"late\"]')")
        end = "UPDATE trials SET state = 'COMPLETE', \"values\" = '[7.0]'"
        old.execute(end + " WHERE state = 'RUNNING'")
        record = store.load_job("vision", "größe")
        assert record is not None
        assert record.state is JobState.RUNNING
        last = store.load_trials(2)[1]
        assert (last.state, last.values) == (TrialState.COMPLETE, (7.0,))
        old.execute("UPDATE leases SET owner = NULL WHERE generation_id = 2")
        journal = store.journal(store.acquire(2, "kernel-2"))
        assert list(journal.read(7)) == ["late"]
    old.close()


def test_alembic_is_imported_only_to_migrate(home: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from astraml_lab.store import Store; Store(sys.argv[1]); print('alembic' in sys.modules)"
    )
    for folder, expected in ((tmp_path / "new", "False\n"), (home, "True\n"), (home, "False\n")):
        found = subprocess.run(
            [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True
        )
        assert found.stdout == expected
