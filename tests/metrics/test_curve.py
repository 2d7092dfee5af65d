from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.metrics import Curve, downsample

if TYPE_CHECKING:
    from random import Random

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(st.tuples(st.integers(0, 3), finite), min_size=1, max_size=300), st.integers(10, 40))
def test_a_curve_keeps_its_ends_and_extremes(reports: list[tuple[int, float]], limit: int) -> None:
    curve, truth, step = Curve(limit), dict[float, float](), 0
    for advance, value in reports:  # an advance of 0 repeats the newest step
        step += advance
        truth[step] = value
        curve.add(step, value)
        assert len(curve) <= limit
    steps, values = curve.arrays()
    assert (steps[0], values[0]) == next(iter(truth.items()))
    assert (steps[-1], values[-1]) == (step, truth[step])
    assert values.min() == min(truth.values())
    assert values.max() == max(truth.values())
    assert set(zip(steps.tolist(), values.tolist(), strict=True)) <= set(truth.items())


@given(st.lists(st.tuples(st.integers(-50, 500), finite), min_size=1, max_size=300))
def test_any_order_of_steps_gives_a_sorted_curve_within_its_limit(reports: list[tuple[int, float]]) -> None:
    curve = Curve(20)
    for step, value in reports:
        curve.add(step, value)
        assert len(curve) <= 20
    steps, _ = curve.arrays()
    assert (np.diff(steps) > 0).all()
    assert (steps[0], steps[-1]) == (min(reports)[0], max(reports)[0])


@given(st.permutations(range(300)))
def test_falling_steps_lose_no_extreme_either(steps: list[int]) -> None:
    curve = Curve(20)
    for step in steps:
        curve.add(step, math.sin(step))
    _, values = curve.arrays()
    assert values.min() == min(map(math.sin, steps))
    assert values.max() == max(map(math.sin, steps))


def test_a_short_curve_is_kept_as_it_is() -> None:
    curve = Curve()
    for step in range(1, 1001):
        curve.add(step, step * 0.5)
    steps, values = curve.arrays()
    assert steps.tolist() == list(range(1, 1001))
    assert values.tolist() == [step * 0.5 for step in range(1, 1001)]
    assert curve.revision == 1000


def test_a_repeated_step_takes_the_last_value_and_a_falling_one_its_place() -> None:
    curve = Curve()
    for step, value in [(1, 1.0), (5, 5.0), (5, 6.0), (3, 3.0), (1, 0.0)]:
        curve.add(step, value)
    steps, values = curve.arrays()
    assert (steps.tolist(), values.tolist()) == ([1, 3, 5], [0.0, 3.0, 6.0])


@pytest.mark.parametrize("leap", [1, 10**9])
def test_a_long_curve_is_as_dense_at_its_beginning_as_at_its_end(leap: int) -> None:
    curve = Curve()
    for step in range(100_000):
        curve.add(step, math.sin(step / 1000))
    curve.add(100_000 + leap, 0.0)  # one step far out must not cost the others their place
    steps, values = curve.arrays()
    first_half = int((steps < 50_000).sum())
    assert 150 < first_half < 800
    drawn = np.interp(np.arange(100_000), steps, values)
    assert np.abs(drawn - np.sin(np.arange(100_000) / 1000)).max() < 0.15


def test_the_best_point_is_the_first_of_equals() -> None:
    curve = Curve()
    assert curve.best(maximize=True) is None
    for step, value in enumerate([3.0, 1.0, 1.0, 3.0]):
        curve.add(step, value)
    assert curve.best(maximize=True) == (0, 3.0)
    assert curve.best(maximize=False) == (1, 1.0)


@given(st.lists(finite, min_size=1, max_size=400), st.integers(4, 60), st.data())
def test_a_chart_keeps_the_ends_and_extremes(values: list[float], budget: int, data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.integers(1, 1000), min_size=len(values), max_size=len(values)))
    keep = downsample(np.cumsum(gaps).astype(np.float64), np.array(values), budget)
    assert len(keep) <= budget
    assert (np.diff(keep) > 0).all()
    assert (keep[0], keep[-1]) == (0, len(values) - 1)
    kept = [values[index] for index in keep]
    assert (min(kept), max(kept)) == (min(values), max(values))


@given(st.integers(100, 400), st.integers(1, 50), st.randoms(use_true_random=False))
def test_every_stretch_of_the_chart_keeps_its_own_extremes(count: int, kinds: int, random: Random) -> None:
    values = [float(random.randrange(kinds)) for _ in range(count)]
    steps = np.arange(len(values), dtype=np.float64)
    kept = set(downsample(steps, np.array(values), 42).tolist())
    stretch = np.minimum((steps * (20 / steps[-1])).astype(int), 19)
    for number in range(20):
        members = [values[index] for index in np.flatnonzero(stretch == number)]
        drawn = [values[index] for index in kept if stretch[index] == number]
        assert (min(drawn), max(drawn)) == (min(members), max(members))


def test_budgets_that_cannot_hold_the_extremes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        downsample(np.arange(9.0), np.arange(9.0), 3)
    with pytest.raises(ValueError, match="at least 10"):
        Curve(9)
