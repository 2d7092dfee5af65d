from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest
from plugins.patience import PATIENCE
from sqlalchemy import text

from astraml_lab.errors import StoreUnavailable
from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView, WindowRow
from astraml_lab.store import Writer, trials
from astraml_lab.store.writer import CHECKPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from astraml_lab.clock import FakeClock
    from astraml_lab.store import Lease, Store


def window(start: float, count: int = 1, **fields: object) -> WindowRow:
    row: dict[str, object] = {
        "width": 30.0,
        "start": start,
        "count": count,
        "total": 1.5 * count,
        "minimum": 1.0,
        "maximum": 2.0,
        "last": 1.5,
        "first_ts": start,
        "first_seq": 1,
        "first_step": 1,
        "last_ts": start + 0.1,
        "last_seq": count,
        "last_step": None,
        "nonfinite": 0,
        "revision": count,
    }
    return WindowRow(**{**row, **fields})  # type: ignore[arg-type]  # plain keyword arguments of a test


def stored(store: Store, lease: Lease) -> tuple[WindowRow, ...]:
    return store.load_series(lease.generation_id, 0, "loss", width=30.0)[1]


class Trouble:
    def __init__(self) -> None:
        self.told: list[str | None] = []
        self.happened = threading.Event()

    def __call__(self, message: str | None) -> None:
        self.told.append(message)
        self.happened.set()


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def writer(store: Store, trouble: Trouble) -> Iterator[Writer]:
    writer = Writer(store, trouble, interval=0.01, retry=(0.01, 0.02))
    yield writer
    writer.close(timeout=2)


def set_file_limit(store: Store, pages: int) -> None:
    with store.begin() as connection:
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))


def test_windows_and_curves_come_back(store: Store, lease: Lease, writer: Writer) -> None:
    rows = [window(0.0), window(30.0, count=3)]
    writer.put_windows(lease.generation_id, 0, "loss", rows)
    writer.put_curve(lease.generation_id, 0, "loss", [1.0, 2.0, 3.0], [0.1, np.inf, np.nan])
    writer.put_curve(lease.generation_id, 1, "acc", np.arange(1000), np.linspace(0, 1, 1000))
    assert writer.flush()
    assert stored(store, lease) == tuple(rows)
    assert store.load_series(lease.generation_id, 1, "loss") == (0.0, ())
    loss, accuracy = store.load_curves(lease.generation_id)
    assert (loss.trial, loss.metric) == (0, "loss")
    np.testing.assert_array_equal(loss.values, [0.1, np.inf, np.nan])
    np.testing.assert_array_equal(accuracy.values, np.linspace(0, 1, 1000))
    assert store.load_curves(lease.generation_id, trial=1)[0].steps.size == 1000


def test_a_later_window_or_curve_takes_the_place_of_the_earlier(
    store: Store, lease: Lease, writer: Writer
) -> None:
    for count in (1, 2, 3):
        writer.put_windows(lease.generation_id, 0, "loss", [window(0.0, count)])
        writer.put_curve(lease.generation_id, 0, "loss", range(count), range(count))
        assert count == 2 or writer.flush()
    assert stored(store, lease) == (window(0.0, 3),)
    assert store.load_curves(lease.generation_id)[0].steps.size == 3


def test_sums_that_overflow_are_stored_all_the_same(store: Store, lease: Lease, writer: Writer) -> None:
    writer.put_windows(lease.generation_id, 0, "loss", [window(0.0, total=np.inf, last=float("nan"))])
    assert writer.flush()
    (row,) = stored(store, lease)
    assert row.total > 1e308
    assert row.last is None


def test_rows_of_a_deleted_job_are_left_out_and_the_others_written(
    store: Store, lease: Lease, writer: Writer, trouble: Trouble
) -> None:
    writer.put_windows(lease.generation_id + 1, 0, "loss", [window(0.0)])
    writer.put_windows(lease.generation_id, 0, "loss", [window(0.0)])
    writer.put_curve(lease.generation_id + 1, 0, "loss", [1], [1])
    assert writer.flush()
    assert len(stored(store, lease)) == 1
    assert trouble.told == []


def test_a_full_disk_is_told_once_and_loses_nothing(
    store: Store, lease: Lease, writer: Writer, trouble: Trouble
) -> None:
    set_file_limit(store, 1)
    size = 50_000
    writer.put_curve(lease.generation_id, 0, "loss", np.arange(size), np.arange(size))
    assert not writer.flush(timeout=0.3)
    writer.put_windows(lease.generation_id, 0, "loss", [window(0.0)])
    writer.put(lambda connection: save(connection, lease))
    assert trouble.happened.wait(PATIENCE)
    (told,) = trouble.told
    assert told is not None
    assert "free some space" in told
    set_file_limit(store, 1_000_000)
    assert writer.flush()
    assert store.load_curves(lease.generation_id)[0].steps.size == size
    assert len(stored(store, lease)) == 1
    assert len(store.load_trials(lease.generation_id)) == 1
    writer.close()
    assert trouble.told[1:] == [None]


def test_a_newer_value_wins_over_one_that_could_not_be_written(
    store: Store, lease: Lease, writer: Writer, trouble: Trouble
) -> None:
    set_file_limit(store, 1)
    size = 50_000
    writer.put_curve(lease.generation_id, 0, "loss", np.arange(size), np.arange(size))
    assert trouble.happened.wait(PATIENCE)
    writer.put_curve(lease.generation_id, 0, "loss", [1], [1])
    set_file_limit(store, 1_000_000)
    assert writer.flush()
    assert store.load_curves(lease.generation_id)[0].steps.size == 1


def save(connection: Connection, lease: Lease) -> None:
    trials.save(connection, lease.generation_id, TrialView(0, TrialState.RUNNING, {}))


def test_a_call_that_cannot_work_is_told_and_the_next_ones_run(
    store: Store, lease: Lease, writer: Writer, trouble: Trouble
) -> None:
    def fail(_connection: Connection) -> None:
        raise RuntimeError("never works")

    writer.put(fail)
    writer.put(lambda connection: save(connection, lease))
    assert writer.flush()
    assert len(store.load_trials(lease.generation_id)) == 1
    (told,) = trouble.told
    assert told is not None
    assert "never works" in told


def test_too_much_waiting_is_refused_and_not_dropped(store: Store, lease: Lease) -> None:
    trouble = Trouble()
    writer = Writer(store, trouble, interval=60, limit=2)
    writer.put_windows(lease.generation_id, 0, "loss", [window(0.0), window(30.0)])
    with pytest.raises(StoreUnavailable, match="keep up"):
        writer.put_curve(lease.generation_id, 0, "loss", [1], [1])
    assert writer.close()
    assert len(stored(store, lease)) == 2
    with pytest.raises(StoreUnavailable, match="closed"):
        writer.put(lambda _connection: None)


def test_what_an_earlier_attempt_reported_does_not_come_back(
    store: Store, lease: Lease, writer: Writer, trouble: Trouble
) -> None:
    key = (lease.generation_id, 0, "loss")
    writer.put_windows(*key, [window(0.0), window(30.0)])
    writer.put_curve(*key, [1, 2], [1, 2])
    assert writer.flush()
    set_file_limit(store, 1)
    writer.put_windows(*key, [window(60.0)])
    writer.put_curve(lease.generation_id, 1, "loss", range(50_000), range(50_000))
    assert trouble.happened.wait(PATIENCE), "the first attempt's last rows wait"
    writer.clear_metrics(lease.generation_id, 0)
    writer.put_windows(*key, [window(90.0)])
    set_file_limit(store, 1_000_000)
    assert writer.flush()
    assert stored(store, lease) == (window(90.0),)
    assert [curve.trial for curve in store.load_curves(lease.generation_id)] == [1]


def test_clearing_and_reporting_again_in_one_batch_keeps_the_new(
    store: Store, lease: Lease, trouble: Trouble
) -> None:
    writer = Writer(store, trouble, interval=60)
    key = (lease.generation_id, 0, "loss")
    writer.put_windows(*key, [window(0.0), window(30.0)])
    writer.clear_metrics(lease.generation_id, 0)
    writer.put_windows(*key, [window(30.0, count=7)])
    assert writer.close()
    assert stored(store, lease) == (window(30.0, count=7),)
    store.clear_trial_metrics(lease.generation_id, 0)
    assert stored(store, lease) == ()


def test_what_was_committed_is_soon_in_the_file_and_not_in_its_log_alone(
    store: Store, lease: Lease, clock: FakeClock, trouble: Trouble
) -> None:
    def in_the_file() -> int:
        with closing(sqlite3.connect(":memory:")) as connection:
            content = store.files.database.read_bytes()
            connection.deserialize(content[:18] + b"\1\1" + content[20:])  # without its log
            return int(connection.execute("SELECT count(*) FROM windows").fetchone()[0])

    store.checkpoint()
    writer = Writer(store, trouble, interval=0.01)
    writer.put_windows(lease.generation_id, 0, "loss", [window(0.0)])
    assert writer.close()
    assert in_the_file() == 0
    writer = Writer(store, trouble, interval=0.01)
    clock.advance(CHECKPOINT)
    writer.put_windows(lease.generation_id, 0, "loss", [window(30.0)])
    assert writer.close()
    assert in_the_file() == 2
    assert trouble.told == []


def test_who_wants_to_wait_for_one_attempt_alone_is_told_of_its_failure(
    store: Store, lease: Lease, trouble: Trouble
) -> None:
    writer = Writer(store, trouble, interval=60, retry=(0.01, 0.02))
    set_file_limit(store, 1)
    writer.put_curve(lease.generation_id, 0, "loss", range(50_000), range(50_000))
    assert not writer.flush(tries=1)
    assert len(trouble.told) == 1
    set_file_limit(store, 1_000_000)
    assert writer.close()
    assert trouble.told[1:] == [None]


def test_what_is_taken_while_it_closes_is_written(store: Store, lease: Lease, trouble: Trouble) -> None:
    writer = Writer(store, trouble, interval=0.0)
    taken = threading.Event()
    accepted = 0

    def put_until_refused() -> None:
        nonlocal accepted
        with suppress(StoreUnavailable):
            while True:
                writer.put_curve(lease.generation_id, accepted, "loss", [1], [1])
                accepted += 1
                taken.set()

    putting = threading.Thread(target=put_until_refused)
    putting.start()
    assert taken.wait(PATIENCE)
    assert writer.close()
    putting.join(PATIENCE)
    assert len(store.load_curves(lease.generation_id)) == accepted
