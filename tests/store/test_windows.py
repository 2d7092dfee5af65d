from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from astraml_lab.metrics import RETENTION, WindowRow, roll_up
from astraml_lab.store import Writer, tables
from astraml_lab.store.compaction import Compaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from astraml_lab.clock import FakeClock
    from astraml_lab.store import Lease, Store

HOUR = 3600.0
START = 1_800_000_000.0  # a whole hour


@pytest.fixture
def writer(store: Store) -> Iterator[Writer]:
    writer = Writer(store, lambda _message: None, interval=0.01)
    yield writer
    writer.close()


def window(start: float, value: float, count: int = 2, width: float = 30.0) -> WindowRow:
    return WindowRow(
        start=start,
        width=width,
        count=count,
        total=value * count,
        minimum=value,
        maximum=value,
        last=value,
        first_ts=start,
        first_seq=1,
        first_step=1,
        last_ts=start + 1,
        last_seq=2,
        last_step=2,
        nonfinite=0,
        revision=count,
    )


def put(writer: Writer, lease: Lease, rows: Iterable[WindowRow]) -> None:
    writer.put_windows(lease.generation_id, 0, "loss", rows)
    assert writer.flush()


def compact(store: Store) -> None:
    with store.begin() as connection:
        assert Compaction(roll_up, RETENTION).step(connection, store.clock.time())


def tier(store: Store, lease: Lease, width: float) -> tuple[WindowRow, ...]:
    return store.load_series(lease.generation_id, 0, "loss", width=width)[1]


def test_the_rows_are_what_the_table_stores() -> None:
    columns = {column.name for column in tables.windows.columns} - {"generation_id", "trial", "metric"}
    assert columns == {field.name for field in dataclasses.fields(WindowRow)}


def test_sealed_windows_merge_upwards_and_a_spike_stays(
    store: Store, lease: Lease, writer: Writer, clock: FakeClock
) -> None:
    put(writer, lease, [window(START + 30 * i, 100.0 if i == 7 else 1.0) for i in range(120)])
    clock.advance(HOUR + 121)
    compact(store)
    five_minutes, (hour,) = tier(store, lease, 300.0), tier(store, lease, 3600.0)
    assert len(five_minutes) == 12
    assert (hour.count, hour.minimum, hour.maximum) == (240, 1.0, 100.0)
    assert hour.total == 238 + 200
    compact(store)
    assert tier(store, lease, 3600.0) == (hour,)


def test_an_open_window_waits(store: Store, lease: Lease, writer: Writer, clock: FakeClock) -> None:
    put(writer, lease, [window(START, 1.0), window(START + 30, 1.0)])
    clock.advance(150)
    compact(store)
    assert [row.count for row in tier(store, lease, 300.0)] == [2]
    clock.advance(300)
    compact(store)
    assert [row.count for row in tier(store, lease, 300.0)] == [4]


def test_a_late_point_redoes_the_tiers_above(
    store: Store, lease: Lease, writer: Writer, clock: FakeClock
) -> None:
    put(writer, lease, [window(START, 1.0)])
    clock.advance(2 * HOUR)
    compact(store)
    put(writer, lease, [window(START, 1.0, count=3)])
    compact(store)
    assert [row.count for row in tier(store, lease, 300.0) + tier(store, lease, 3600.0)] == [3, 3]


def test_windows_expire_tier_by_tier_and_are_merged_before(
    store: Store, lease: Lease, writer: Writer, clock: FakeClock
) -> None:
    put(writer, lease, [window(START, 5.0)])
    clock.advance(50 * HOUR)
    compact(store)
    assert tier(store, lease, 30.0) == ()
    (five_minutes,) = tier(store, lease, 300.0)
    assert five_minutes.maximum == 5.0
    put(writer, lease, [window(START + 30, 9.0, count=1)])
    compact(store)
    assert tier(store, lease, 300.0) == (five_minutes,)
    clock.advance(31 * 24 * HOUR)
    compact(store)
    assert tier(store, lease, 300.0) == ()
    assert len(tier(store, lease, 3600.0)) == 1
    clock.advance(400 * 24 * HOUR)
    compact(store)
    assert tier(store, lease, 3600.0) == ()


def test_a_jobs_own_width_merges_too(store: Store, lease: Lease, writer: Writer, clock: FakeClock) -> None:
    put(writer, lease, [window(START + 10 * i, 1.0, width=10.0) for i in range(30)])
    clock.advance(HOUR)
    compact(store)
    assert [row.count for row in tier(store, lease, 300.0)] == [60]
    clock.advance(50 * HOUR)
    compact(store)
    assert tier(store, lease, 10.0) == ()


def points(rows: Iterable[WindowRow]) -> int:
    return sum(row.count for row in rows)


def test_a_series_is_read_from_the_finest_tier_that_still_has_its_beginning(
    store: Store, lease: Lease, writer: Writer, clock: FakeClock
) -> None:
    put(writer, lease, [window(START + 30 * i, float(i)) for i in range(120)])
    clock.advance(2 * HOUR)
    key = (lease.generation_id, 0, "loss")
    expected = ((0.0, 30.0), (46.0, 30.0), (2.0, 300.0), (30 * 24.0, 3600.0))
    for hours, width in expected:
        clock.advance(hours * HOUR)
        compact(store)
        found, rows = store.load_series(*key)
        assert found == width
        assert {row.width for row in rows} == {width}
        assert points(rows) == 240
        assert (rows[0].minimum, rows[-1].maximum) == (0.0, 119.0)
    assert store.load_series(*key, width=300.0) == (300.0, ())
    assert store.load_series(lease.generation_id, 7, "loss") == (0.0, ())


def test_a_long_running_series_has_its_beginning_and_its_end_in_one_tier(
    store: Store, lease: Lease, writer: Writer, clock: FakeClock
) -> None:
    key = (lease.generation_id, 0, "loss")
    for hour in range(52):
        put(writer, lease, [window(START + hour * HOUR + 30 * i, 1.0, count=1) for i in range(120)])
        clock.advance(HOUR)
        compact(store)
    put(writer, lease, [window(START + 52 * HOUR + 30 * i, 1.0, count=1) for i in range(7)])
    width, rows = store.load_series(*key, roll_up=roll_up)
    assert width == 300.0
    assert [row.start for row in rows] == [START + 300 * i for i in range(52 * 12 + 1)]
    assert points(rows) == 52 * 120 + 7
    assert points(store.load_series(*key)[1]) < points(rows)
    assert points(store.load_series(*key, width=3600.0, roll_up=roll_up)[1]) == points(rows)
    assert points(store.load_series(*key, width=30.0, roll_up=roll_up)[1]) < points(rows)


def test_a_late_point_does_not_make_an_expired_tier_look_whole(
    store: Store, lease: Lease, writer: Writer, clock: FakeClock
) -> None:
    put(writer, lease, [window(START + 30 * i, 1.0) for i in range(120)])
    clock.advance(51 * HOUR)
    compact(store)
    put(writer, lease, [window(START, 9.0, count=1), window(START + 50 * HOUR, 1.0)])
    width, rows = store.load_series(lease.generation_id, 0, "loss", roll_up=roll_up)
    assert (width, points(rows)) == (300.0, 242)
