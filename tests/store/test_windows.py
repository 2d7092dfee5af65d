from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from astraml_lab.metrics.tiers import RETENTION, roll_up
from astraml_lab.metrics.windows import WindowRow
from astraml_lab.store import WindowRecord, Writer, tables

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
    store.compact(roll_up, RETENTION)


def tier(store: Store, lease: Lease, width: float) -> tuple[WindowRecord, ...]:
    return store.load_windows(lease.generation_id, width=width)


def test_the_metrics_rows_are_what_the_table_stores() -> None:
    columns = {column.name for column in tables.windows.columns} - {"generation_id", "trial", "metric"}
    assert columns == {field.name for field in dataclasses.fields(WindowRow)}
    assert columns | {"trial", "metric"} == {field.name for field in dataclasses.fields(WindowRecord)}


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
