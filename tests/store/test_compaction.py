from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select
from store.test_windows import START, window

from astraml_lab.clock import FakeClock
from astraml_lab.metrics import RETENTION, roll_up
from astraml_lab.store import Store, Writer, tables
from astraml_lab.store.compaction import Compaction

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS = 4
HOUR, DAY = 3600.0, 86_400.0


class Ticking(FakeClock):
    """A clock on which every look takes a moment."""

    def monotonic(self) -> float:
        self.advance(0.15)
        return super().monotonic()


@pytest.fixture
def clock() -> FakeClock:
    return Ticking(START)


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    writer = Writer(store, lambda _message: None, interval=0.01)
    for number in range(JOBS):
        _, lease = store.create_job("default", f"job-{number}", spec="{}", fingerprint="{}", owner="kernel-1")
        writer.put_windows(lease.generation_id, 0, "loss", [window(START + 30 * i, 1.0) for i in range(20)])
    assert writer.flush()
    yield writer
    writer.close()


def merged(store: Store) -> int:
    """Return how many jobs have windows of an hour."""
    jobs = func.count(tables.windows.c.generation_id.distinct())
    with store.connect() as connection:
        return connection.scalar(select(jobs).where(tables.windows.c.width == HOUR)) or 0


def test_short_jobs_are_merged_when_a_store_is_opened_a_day_later(
    store: Store, writer: Writer, clock: FakeClock
) -> None:
    clock.advance(2 * HOUR)
    writer.compact(roll_up, RETENTION)
    while merged(store) < JOBS:
        assert writer.flush()
    assert writer.flush()
    with store.begin() as connection:
        connection.execute(tables.windows.delete().where(tables.windows.c.width > 30.0))
    clock.advance(DAY / 2)
    writer.compact(roll_up, RETENTION)
    assert writer.flush()
    assert merged(store) == 0, "it was done half a day ago"
    writer.compact(roll_up, RETENTION, older_than=HOUR)
    while merged(store) < JOBS:
        assert writer.flush()


def test_a_compaction_stops_between_generations_and_goes_on(
    store: Store, writer: Writer, clock: FakeClock
) -> None:
    assert writer.flush()
    clock.advance(2 * HOUR)
    work = Compaction(roll_up, RETENTION)
    for number in range(1, JOBS + 1):
        with store.begin() as connection:
            assert work.step(connection, clock.time(), lambda: True) == (number == JOBS)
        assert merged(store) == number
