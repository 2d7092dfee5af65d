from __future__ import annotations

import math
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.metrics import RETENTION, WindowRow, WindowSeries, roll_up, tier_for, tiers

if TYPE_CHECKING:
    from random import Random

START = 1_700_000_010.0  # the beginning of a window
Point = tuple[float, float, int, int]  # value, ts, seq, step

# Integers as values make sums exact, so that rows can be compared with `==`.
numbers = st.one_of(st.integers(-(2**40), 2**40).map(float), st.sampled_from([math.nan, math.inf, -math.inf]))
offsets = st.one_of(st.integers(0, 4000).map(float), st.floats(0, 4000), st.sampled_from([0.0, 30.0, 300.0]))


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    pairs = draw(st.lists(st.tuples(numbers, offsets), max_size=60))
    return [(value, START + offset, seq, seq * 3) for seq, (value, offset) in enumerate(pairs, start=1)]


def direct(batch: list[Point], width: float) -> list[WindowRow]:
    """What the windows must hold, worked out the slow and obvious way."""
    rows = []
    by_start = sorted(batch, key=lambda point: point[1] // width)
    for index, group in groupby(by_start, key=lambda point: point[1] // width):
        members = list(group)
        finite = sorted((p for p in members if math.isfinite(p[0])), key=lambda p: (p[1], p[2]))
        values = [p[0] for p in finite]
        rows.append(
            WindowRow(
                start=index * width,
                width=width,
                count=len(values),
                total=sum(values),
                minimum=min(values, default=None),
                maximum=max(values, default=None),
                last=finite[-1][0] if finite else None,
                first_ts=finite[0][1] if finite else None,
                first_seq=finite[0][2] if finite else 0,
                first_step=finite[0][3] if finite else None,
                last_ts=finite[-1][1] if finite else None,
                last_seq=finite[-1][2] if finite else 0,
                last_step=finite[-1][3] if finite else None,
                nonfinite=len(members) - len(finite),
                revision=0,
            )
        )
    return rows


def folded(batch: list[Point], width: float = 30.0) -> WindowSeries:
    series = WindowSeries(width)
    for value, ts, seq, step in batch:
        series.fold(value, ts, seq, step)
    return series


def unrevised(rows: list[WindowRow]) -> list[WindowRow]:
    return [replace(row, revision=0) for row in rows]


@given(points())
def test_windows_hold_what_a_direct_aggregation_gives(batch: list[Point]) -> None:
    assert unrevised(folded(batch).snapshot()) == direct(batch, 30.0)


@given(points(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(batch: list[Point], random: Random) -> None:
    shuffled = list(batch)
    random.shuffle(shuffled)
    assert unrevised(folded(shuffled).snapshot()) == unrevised(folded(batch).snapshot())


@given(points(), st.sampled_from([10.0, 30.0, 60.0, 300.0]))
def test_rolling_up_equals_the_direct_aggregate_at_every_tier(batch: list[Point], width: float) -> None:
    rows = folded(batch, width).snapshot()
    for coarser in (300.0, 3600.0):
        rows = roll_up(rows, coarser)
        assert unrevised(rows) == direct(batch, coarser)


@given(points())
def test_one_big_step_and_two_small_ones_roll_up_alike(batch: list[Point]) -> None:
    rows = folded(batch).snapshot()
    assert roll_up(rows, 3600) == roll_up(roll_up(reversed(rows), 300), 3600)


@given(points(), st.lists(st.booleans(), min_size=60, max_size=60))
def test_drained_rows_put_over_each_other_equal_the_snapshot(batch: list[Point], drains: list[bool]) -> None:
    series, stored = WindowSeries(), dict[float, WindowRow]()
    for (value, ts, seq, step), drain in zip(batch, drains, strict=False):
        series.fold(value, ts, seq, step)
        if drain:
            stored.update((row.start, row) for row in series.drain())
    stored.update((row.start, row) for row in series.drain())
    assert [stored[start] for start in sorted(stored)] == series.snapshot()
    assert series.drain() == []


def test_windows_are_aligned_to_the_epoch() -> None:
    series = folded([(1.0, 59.999, 1, 1), (2.0, 60.0, 2, 2), (4.0, 89.9, 3, 3)])
    assert [(row.start, row.count, row.mean) for row in series.snapshot()] == [(30.0, 1, 1.0), (60.0, 2, 3.0)]


def test_a_window_of_nothing_but_nan_has_no_mean() -> None:
    (row,) = folded([(math.nan, 60.0, 1, 1), (math.inf, 61.0, 2, 2)]).snapshot()
    assert (row.count, row.nonfinite, row.mean, row.minimum, row.last) == (0, 2, None, None, None)


def test_only_late_points_raise_the_revision_of_their_own_window() -> None:
    series = folded([(1.0, 0.0, 1, 1), (2.0, 31.0, 2, 2)])
    series.drain()
    series.fold(9.0, 5.0, 3, 3)
    (row,) = series.drain()
    assert (row.start, row.revision, row.last, row.maximum) == (0.0, 1, 9.0, 9.0)
    assert [row.revision for row in series.snapshot()] == [1, 0]


def test_two_points_at_one_time_are_ordered_by_their_number() -> None:
    (row,) = folded([(2.0, 7.0, 2, 20), (1.0, 7.0, 1, 10)]).snapshot()
    assert (row.first_step, row.last, row.last_step) == (10, 2.0, 20)


def test_a_point_too_far_in_the_future_counts_at_its_arrival() -> None:
    series = WindowSeries()
    series.fold(1.0, 1300.0, 1, arrived=1000.0)
    series.fold(2.0, 1301.0, 2, arrived=1000.0)
    assert series.clamped == 1
    assert [(row.start, row.last_ts) for row in series.snapshot()] == [(990.0, 1000.0), (1290.0, 1300.0)]


def test_a_point_for_an_expired_window_is_counted_and_dropped() -> None:
    series = folded([(1.0, 0.0, 1, 1), (2.0, 48 * 3600.0 + 29, 2, 2)])
    series.fold(3.0, 1.0, 3)  # its window, [0, 30), is kept 48 h: just outside now
    assert series.late_dropped == 1
    series.fold(3.0, 31.0, 4)
    assert series.late_dropped == 1
    assert [row.start for row in series.snapshot()] == [30.0, 48 * 3600.0]


def test_an_expired_window_is_still_drained() -> None:
    series = folded([(1.0, 0.0, 1, 1), (2.0, 50 * 3600.0, 2, 2)])
    assert [row.start for row in series.drain()] == [0.0, 180_000.0]


def test_memory_holds_two_days_of_windows_and_no_more() -> None:
    series = WindowSeries()
    for index in range(7000):
        series.fold(1.0, index * 30.0, index)
    assert len(series.snapshot()) == 48 * 3600 / 30


def test_unsealed_rows_are_left_for_a_later_roll_up() -> None:
    rows = folded([(float(i), i * 30.0, i, i) for i in range(10)]).snapshot()
    assert [row.sealed(60.0) for row in rows[:3]] == [True, True, False]
    (early,) = roll_up(rows, 300, watermark=60.0)
    (whole,) = roll_up(rows, 300)
    assert (early.count, whole.count, whole.maximum) == (2, 10, 9.0)


@pytest.mark.parametrize("width", [0, -30, 7, 31, 600, 0.7])
def test_a_width_that_does_not_divide_five_minutes_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="does not divide 300 s"):
        WindowSeries(width)


def test_rows_that_do_not_fit_into_the_wider_window_are_refused() -> None:
    with pytest.raises(ValueError, match="windows of 300 s do not add up to windows of 450 s"):
        roll_up(roll_up(folded([(1.0, 5.0, 1, 1)]).snapshot(), 300), 450)


def test_a_jobs_own_width_takes_the_place_of_thirty_seconds() -> None:
    assert tiers() == tuple(RETENTION)
    assert tiers(10) == (10.0, 300.0, 3600.0)
    assert tiers(300) == (300.0, 3600.0)


@pytest.mark.parametrize(
    ("span", "budget", "age", "expected"),
    [
        (3600, 120, None, 30),
        (3600, 119, None, 300),
        (48 * 3600, 10_000, None, 30),
        (49 * 3600, 10_000, None, 300),
        (600, 100, 49 * 3600, 300),  # short, but the fine rows of that day are gone
        (600, 100, 31 * 86_400, 3600),
        (900 * 86_400, 10, None, 3600),
    ],
)
def test_the_finest_tier_that_covers_and_fits_is_chosen(
    span: float, budget: int, age: float | None, expected: float
) -> None:
    assert tier_for(span, budget, age=age) == expected
