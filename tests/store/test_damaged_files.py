from __future__ import annotations

import logging
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from store.damage import JOBS, TRIALS, Files, filled, found, killed, trial, wrong

from astraml_lab.errors import StoreError, StoreUnavailable
from astraml_lab.spec.state import JobState
from astraml_lab.store import Store, tables
from astraml_lab.store.health import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 4096
ALL = JOBS * TRIALS


def damaged(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("lab.db.damaged-*"))


def root_of(table: str) -> int:
    """Return where a table begins in the bytes of `filled()`."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(unlogged(filled().database))
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        return (int(connection.execute(query, (table,)).fetchone()[0]) - 1) * PAGE


def unlogged(database: bytes) -> bytes:
    return database[:18] + b"\1\1" + database[20:]  # a database in memory has no log


def leaves(table: str) -> list[int]:
    """Return where the leaves of a table begin in the bytes of `filled()`."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(unlogged(filled().database))
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
        try:
            return [(int(number) - 1) * PAGE for (number,) in connection.execute(query, (table,))]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat")


def with_zeros(at: int, size: int = PAGE) -> Files:
    database = filled().database
    return Files(database[:at] + bytes(size) + database[at + size :])


def test_a_sound_store_is_opened_as_it_is(tmp_path: Path) -> None:
    filled().put(tmp_path)
    with Store(tmp_path) as store:
        assert store.repaired == ""
        assert len(found(store)) == ALL
        assert not wrong(store)
    assert damaged(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.db", "lab.db.lock", "lab.db.reserve"]


def test_what_a_killed_kernel_left_is_opened_as_it_is(tmp_path: Path) -> None:
    killed().put(tmp_path)
    with Store(tmp_path) as store:
        assert store.repaired == ""
        assert len(found(store)) == ALL + TRIALS


def test_a_lost_page_costs_what_was_on_it_and_is_told_in_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_zeros(leaves("trials")[2]).put(tmp_path)
    with caplog.at_level(logging.WARNING, "astraml_lab"), Store(tmp_path) as store:
        kept = len(found(store))
        (aside,) = damaged(tmp_path)
        assert 0 < ALL - kept < 30
        assert store.repaired == (
            f"the store was damaged: {JOBS} of {JOBS} jobs and {kept} of {ALL} trials were recovered; "
            f"the damaged file is kept as {aside}"
        )
        assert caplog.messages == [store.repaired]
        assert re.fullmatch(r"lab\.db\.damaged-\d{8}T\d{6}Z", aside)
        assert not wrong(store)
        assert (tmp_path / aside).read_bytes() == with_zeros(leaves("trials")[2]).database
    with Store(tmp_path) as again:
        assert again.repaired == ""
        assert len(found(again)) == kept


@pytest.mark.parametrize("table", ["trials", "journal", "windows", "sqlite_autoindex_trials_1"])
def test_the_root_of_a_table_or_an_index_costs_nothing(tmp_path: Path, table: str) -> None:
    with_zeros(root_of(table)).put(tmp_path)
    with Store(tmp_path) as store:
        assert f"{ALL} of {ALL} trials were recovered; the damaged" in store.repaired
        assert len(found(store)) == ALL
        for job in store.list_jobs():
            journal = store.journal(store.acquire(job.id, "kernel-2"))
            assert len(journal.read(0)) == 3 * TRIALS
            assert len(store.load_curves(job.id)) == TRIALS
            assert len(store.load_series(job.id, 5, "loss")[1]) == 3


def test_without_its_first_page_a_store_still_has_its_rows(tmp_path: Path) -> None:
    with_zeros(0).put(tmp_path)
    with Store(tmp_path) as store:
        assert len(found(store)) == ALL
        assert not wrong(store)
        assert [job.name for job in store.list_jobs()] == ["job-2", "job-1", "job-0"]


@pytest.mark.parametrize(("table", "lost"), [("jobs", ""), ("generations", "; 3 jobs without settings")])
def test_jobs_are_known_by_their_index(tmp_path: Path, table: str, lost: str) -> None:
    with_zeros(root_of(table)).put(tmp_path)
    with Store(tmp_path) as store:
        assert f"{JOBS} of {JOBS} jobs and {ALL} of {ALL} trials were recovered{lost}; the" in store.repaired
        assert len(found(store)) == ALL
        assert not wrong(store)


@pytest.mark.parametrize("table", ["jobs", "generations"])
def test_trials_whose_job_is_lost_are_kept_under_another_name(tmp_path: Path, table: str) -> None:
    database = bytearray(with_zeros(root_of(table)).database)
    index = root_of(f"sqlite_autoindex_{table}_1")
    database[index : index + PAGE] = bytes(PAGE)
    Files(bytes(database)).put(tmp_path)
    with Store(tmp_path) as store:
        recovered = [job for job in store.list_jobs() if job.name.startswith("recovered-")]
        assert len(recovered) == JOBS
        assert f"{JOBS} jobs without a name: recovered-…" in store.repaired
        kept = [store.load_trials(job.id) for job in recovered]
        assert tuple(trial(JOBS - 1, number) for number in range(TRIALS)) in kept
        assert all(job.state in {JobState.STALE, JobState.CANCELLED} for job in recovered)


def test_a_journal_with_a_gap_ends_before_it(tmp_path: Path) -> None:
    with_zeros(leaves("journal")[1]).put(tmp_path)
    with Store(tmp_path) as store:
        assert re.search(r"; lost: \d+ journal rows;", store.repaired)
        lengths = [len(store.journal(store.acquire(job.id, "kernel-2")).read(0)) for job in store.list_jobs()]
        assert max(lengths) == 3 * TRIALS
        assert 0 <= min(lengths) < 3 * TRIALS
        assert len(found(store)) == ALL


def test_a_flipped_bit_in_a_trial_is_noticed(tmp_path: Path) -> None:
    database = filled().database
    at = database.index(b'"optimizer":"adam"') + len('"optimizer":"ad')
    Files(database[:at] + b"e" + database[at + 1 :]).put(tmp_path)
    with Store(tmp_path) as store:
        assert f"{ALL - 1} of {ALL} trials were recovered; the" in store.repaired
        assert not wrong(store)


@pytest.mark.parametrize(
    "content",
    [b"not a database at all, not at all" * 100, bytes(8 * PAGE), b"x", b"SQLite format 3\0" + bytes(84)],
    ids=["text", "zeros", "one byte", "a header without a file"],
)
def test_what_is_no_database_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lab.db").write_bytes(content)
    with Store(tmp_path) as store:
        assert store.repaired.startswith(
            "the store was damaged: 0 of 0 jobs and 0 of 0 trials were recovered"
        )
        store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-1")
    (aside,) = damaged(tmp_path)
    assert (tmp_path / aside).read_bytes() == content


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "lab.db").write_bytes(b"")
    with Store(tmp_path) as store:
        assert store.repaired == ""
        assert store.list_jobs() == ()


def test_the_log_of_a_file_that_was_emptied_is_read(tmp_path: Path) -> None:
    Files(b"", killed().log).put(tmp_path)
    with Store(tmp_path) as store:
        assert "the store was damaged" in store.repaired
        assert (
            sum(name == f"recovered-{JOBS + 1}" or name == f"job-{JOBS}" for name, _ in found(store))
            == TRIALS
        )


def test_one_bad_frame_of_the_log_does_not_cost_those_behind_it(tmp_path: Path) -> None:
    log = bytearray(killed().log)
    log[32 + 24 + 5 * (24 + PAGE) + 100] ^= 4
    Files(killed().database, bytes(log)).put(tmp_path)
    with Store(tmp_path) as store:
        assert "; lost: 1 change in its log;" in store.repaired
        assert len(found(store)) == ALL + TRIALS
        assert not wrong(store)
    assert (tmp_path / f"{damaged(tmp_path)[0]}").exists()


@pytest.mark.parametrize("keep", [0, 200_000])
def test_a_log_that_was_cut_off_is_noticed_by_its_index(tmp_path: Path, keep: int) -> None:
    with Store(tmp_path / "first") as store:
        job, lease = store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-1")
        store.release(lease)
        for _ in range(60):
            store.request(job.id, "pause")
        for name in ("lab.db", "lab.db-wal", "lab.db-shm"):
            (tmp_path / name).write_bytes((tmp_path / "first" / name).read_bytes())
    os.truncate(tmp_path / "lab.db-wal", keep)
    with Store(tmp_path) as store:
        assert re.search(r"; lost: \d+ changes in its log;", store.repaired)
        assert len(store.list_jobs()) == (1 if keep else 0)


damages = st.one_of(
    st.tuples(
        st.just("flip"),
        st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=6),
        st.integers(0, 7),
    ),
    st.tuples(
        st.just("cut"), st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=1), st.just(0)
    ),
    st.tuples(
        st.just("zeros"), st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3), st.just(0)
    ),
)


def harm(content: bytes, kind: str, places: list[float], bit: int) -> bytes:
    changed = bytearray(content)
    for place in places:
        at = int(place * len(content))
        if kind == "flip":
            changed[at] ^= 1 << bit
        elif kind == "cut":
            del changed[at:]
        else:
            at -= at % PAGE
            changed[at : at + PAGE] = bytes(len(changed[at : at + PAGE]))
    return bytes(changed)


def try_to_open(folder: str) -> tuple[Store | None, str]:
    try:
        return Store(folder), ""
    except StoreError as error:
        return None, str(error)


@given(damage=damages, of_log=st.booleans(), logged=st.booleans())
@settings(max_examples=60, deadline=20_000, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_to_the_file_it_opens_and_tells_nothing_that_is_not_so(
    *, damage: tuple[str, list[float], int], of_log: bool, logged: bool
) -> None:
    files = killed() if logged else filled()
    if of_log and logged:
        files = Files(files.database, harm(files.log, *damage))
    else:
        files = Files(harm(files.database, *damage), files.log)
    with tempfile.TemporaryDirectory() as folder:
        files.put(Path(folder))
        store, refusal = try_to_open(folder)
        assert "\n" not in refusal
        if store is None:
            return
        with store:
            assert not wrong(store)
            # each row is there, or on a page that is not
            if damage[0] == "flip" and not (of_log and logged):
                assert len(found(store)) >= ALL - 30 * len(damage[1])
            for job in store.list_jobs():
                store.journal(store.acquire(job.id, "kernel-1")).read(0)


HOLD = """
import sys
from astraml_lab.store import Store
store = Store(sys.argv[1])
store.list_jobs()
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_file_that_another_process_has_open_is_left_alone(tmp_path: Path) -> None:
    filled().put(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        before = (tmp_path / "lab.db").read_bytes()
        (tmp_path / "lab.db").write_bytes(with_zeros(root_of("trials")).database)
        with pytest.raises(StoreUnavailable) as caught:
            Store(tmp_path)
        assert f"process {child.pid} has it open: restart that kernel" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert len(before) == (tmp_path / "lab.db").stat().st_size
        child.communicate("\n")
    with Store(tmp_path) as store:
        assert len(found(store)) == ALL


def test_a_file_whose_job_has_a_living_owner_is_left_alone(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-1")
    with (tmp_path / "lab.db").open("r+b") as file:
        file.seek(-PAGE, os.SEEK_END)
        file.write(bytes(PAGE))
        file.truncate()
    (tmp_path / "lab.db.suspect").touch()
    os.truncate(tmp_path / "lab.db", (tmp_path / "lab.db").stat().st_size - 10)
    with pytest.raises(
        StoreUnavailable, match=r"a job runs in kernel-1 \(process \d+ on .*\): restart that kernel"
    ):
        Store(tmp_path)
    assert damaged(tmp_path) == []


def test_of_two_kernels_one_mends_and_the_other_waits(tmp_path: Path) -> None:
    with_zeros(root_of("trials")).put(tmp_path)
    script = "import sys; from astraml_lab.store import Store; print(bool(Store(sys.argv[1]).repaired))"
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = [child.communicate(timeout=120)[0] for child in children]
    assert "True\n" in answers
    assert len(damaged(tmp_path)) == 1
    with Store(tmp_path) as store:
        assert len(found(store)) == ALL


@pytest.mark.parametrize("moved", [False, True])
def test_a_kernel_that_dies_while_it_mends_leaves_it_to_the_next(tmp_path: Path, *, moved: bool) -> None:
    with_zeros(root_of("trials")).put(tmp_path)
    Store(tmp_path).close()
    (aside,) = damaged(tmp_path)
    (tmp_path / "lab.db").replace(tmp_path / "lab.db.mended")
    if not moved:
        (tmp_path / aside).replace(tmp_path / "lab.db")
    (tmp_path / "lab.db.mending").write_bytes(b"half of a file")
    with Store(tmp_path) as store:
        assert store.repaired.endswith(f"is kept as {aside}")
        assert len(found(store)) == ALL
    assert damaged(tmp_path) == [aside]


def test_damage_met_in_the_middle_spares_the_other_tables_and_is_mended_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as if the file were large: not read through when it is opened
    monkeypatch.setattr("astraml_lab.store.health.SMALL", 0)
    with_zeros(root_of("journal")).put(tmp_path)
    with Store(tmp_path) as store:
        assert store.repaired == ""
        job = store.list_jobs()[0]
        lease = store.acquire(job.id, "kernel-2")
        with pytest.raises(StoreUnavailable) as caught:
            store.journal(lease)
        assert str(caught.value) == (
            "cannot open the journal: database disk image is malformed; restart the kernel: "
            "the store mends itself when it is opened, finished trials are kept"
        )
        assert len(found(store)) == ALL
        assert len(store.load_curves(job.id)) == TRIALS
        store.release(lease)
    with Store(tmp_path) as store:
        assert "the store was damaged" in store.repaired
        assert len(store.journal(store.acquire(job.id, "kernel-2")).read(0)) == 3 * TRIALS
    with Store(tmp_path) as store:
        assert store.repaired == ""


def test_a_trial_that_is_not_what_was_written_is_shown_so_and_never_as_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("astraml_lab.store.health.SMALL", 0)
    filled().put(tmp_path)
    with Store(tmp_path) as store:
        with store.begin() as connection:
            connection.execute(
                text("UPDATE trials SET \"values\" = '[9.0]' WHERE generation_id = 1 AND number = 3")
            )
        damaged_one = store.load_trials(1)[3]
        assert (damaged_one.values, damaged_one.reason) == (None, "its row in the store is damaged")
    with Store(tmp_path) as store:
        assert f"{ALL - 1} of {ALL} trials" in store.repaired


def test_a_damaged_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    filled().put(tmp_path)
    with Store(tmp_path) as store, store.begin() as connection:
        connection.execute(update(tables.meta).where(tables.meta.c.key == "schema").values(value="99"))
    content = bytearray((tmp_path / "lab.db").read_bytes())
    content[root_of("trials") : root_of("trials") + PAGE] = bytes(PAGE)
    (tmp_path / "lab.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged, and a newer version wrote it \(schema 99"):
        Store(tmp_path)
    assert damaged(tmp_path) == []


def test_a_damaged_store_of_schema_1_is_mended_into_this_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection:
        connection.executescript(Path(__file__).with_name("schema1.sql").read_text(encoding="utf-8"))
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'windows'"
        root = connection.execute(query).fetchone()[0]
    with (tmp_path / "lab.db").open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)
    with Store(tmp_path) as store:
        assert "2 of 2 jobs and 5 of 5 trials were recovered; lost: 3 rows of metrics;" in store.repaired
        assert [view.values for view in store.load_trials(1)] == [(0.5,), (1.5,), (2.5,)]


def test_opening_a_large_sound_store_takes_no_longer(tmp_path: Path) -> None:
    filled().put(tmp_path)
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection:
        rows = ((number, b"\0" * 100_000) for number in range(10 * SMALL // 100_000))
        connection.executemany(
            "INSERT INTO curves VALUES (1, ?, 'big', ?, '')", ((1000 + n, b) for n, b in rows)
        )
        connection.commit()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        Store(tmp_path).close()
        times.append(time.perf_counter() - began)
    assert min(times) < 0.1


def test_threads_that_open_the_same_store_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def open_and_write(number: int) -> None:
        try:
            with Store(tmp_path) as store:
                store.create_job("default", f"job-{number}", spec="{}", fingerprint="{}", owner="kernel-1")
        except BaseException as error:  # noqa: BLE001  whatever it is, the test shows it
            failed.append(error)

    run_all([lambda number=number: open_and_write(number) for number in range(6)])  # type: ignore[misc]
    assert failed == []
    with Store(tmp_path) as store:
        assert len(store.list_jobs()) == 6


def run_all(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
