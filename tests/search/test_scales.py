from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec
from astraml_lab.search import Searcher, Told
from astraml_lab.search.distributions import EXACT, Steps, coding_of, space_problems
from astraml_lab.spec import (
    AnyDimension,
    Categorical,
    Definition,
    Discrete,
    Float,
    Int,
    Scale,
    Space,
    Strategy,
    TrialState,
    objectives_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FLOATS = st.floats(-1e6, 1e6).map(lambda number: round(number, 9))
UNIT = st.floats(0, math.nextafter(1, 0))
POSITIVE = st.floats(1e-300, 1e300)


@st.composite
def ranges(draw: st.DrawFn, numbers: st.SearchStrategy[float]) -> tuple[float, float, float]:
    """Return bounds and a value between them."""
    low, value, high = sorted((draw(numbers), draw(numbers), draw(numbers)))
    return low, high, value


@given(ranges(FLOATS))
def test_a_linear_float_comes_back_exactly(drawn: tuple[float, float, float]) -> None:
    low, high, value = drawn
    coding = coding_of("x", Float(low, high))
    assert coding.from_internal(coding.to_internal(coding.admit(value))) == value


@given(ranges(POSITIVE))
def test_a_log_float_comes_back_exactly(drawn: tuple[float, float, float]) -> None:
    low, high, value = drawn
    coding = coding_of("x", Float(low, high, log=True))
    assert coding.from_internal(coding.to_internal(coding.admit(value))) == value


@given(st.integers(-EXACT, EXACT), st.integers(0, 1000), st.integers(1, 50), st.integers(0, 2000))
def test_an_int_comes_back_exactly(low: int, width: int, step: int, place: int) -> None:
    high = min(low + width, EXACT)
    low = min(low, high)
    coding = coding_of("x", Int(low, high, step=step))
    value = low + step * (place % ((high - low) // step + 1))
    assert coding.from_internal(coding.to_internal(coding.admit(value))) == value


@given(ranges(UNIT))
def test_a_reverse_log_comes_back_to_a_rounding_of_one_and_stays_inside(
    drawn: tuple[float, float, float],
) -> None:
    low, high, value = drawn
    coding = coding_of("x", Float(low, high, scale="reverse_log"))
    back = coding.from_internal(coding.to_internal(value))
    assert isinstance(back, float)
    assert low <= back <= high
    assert abs(back - value) <= 2**-53


@given(ranges(st.floats(1e-9, 1e9)))
def test_a_vertex_reverse_log_comes_back_to_a_rounding_and_stays_inside(
    drawn: tuple[float, float, float],
) -> None:
    low, high, value = drawn
    coding = coding_of("x", Float(low, high, scale=Scale.VERTEX_REVERSE_LOG))
    back = coding.from_internal(coding.to_internal(value))
    assert isinstance(back, float)
    assert low <= back <= high
    assert abs(back - value) <= 2 * math.ulp(low + high)


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_vertex_reverse_log_of_ints_comes_back_exactly(low: int, width: int, place: int) -> None:
    coding = coding_of("x", Int(low, low + width, scale=Scale.VERTEX_REVERSE_LOG))
    value = low + place % (width + 1)
    back = coding.from_internal(coding.to_internal(value))
    assert back == value
    assert type(back) is int


@given(
    st.decimals(-1000, 1000, places=3), st.decimals("0.001", 10, places=3), st.integers(0, 10_000), st.data()
)
def test_a_stepped_float_comes_back_exactly(low: Any, step: Any, count: int, data: st.DataObject) -> None:
    coding = coding_of("x", Float(float(low), float(low + count * step), step=float(step)))
    place = data.draw(st.integers(0, count))
    value = float(low + place * step)
    assert coding.to_internal(value) == place
    assert coding.from_internal(place) == value
    assert coding.distribution == optuna.distributions.IntDistribution(0, count)


@given(st.lists(st.floats(-1e9, 1e9) | st.integers(-1000, 1000), min_size=1, unique=True), st.data())
def test_a_discrete_comes_back_as_it_was_written(numbers: list[float], data: st.DataObject) -> None:
    values = sorted(numbers)
    coding = coding_of("x", Discrete(values))
    value = data.draw(st.sampled_from(values))
    back = coding.from_internal(coding.to_internal(value))
    assert back == value
    assert type(back) is type(value)


def test_a_step_that_is_no_finite_fraction_keeps_its_last_value() -> None:
    steps = Steps(0.0, 7 / 3, 1 / 3)
    assert len(steps) == 8
    assert steps[7] == pytest.approx(7 / 3)
    assert [steps.index(value) for value in steps] == list(range(8))


def test_a_range_that_its_step_does_not_divide_is_rounded_down() -> None:
    assert list(Steps(0.0, 1.0, 0.3)) == [0.0, 0.3, 0.6, 0.9]
    assert coding_of("x", Int(0, 10, step=4)).values() == range(0, 9, 4)
    assert list(Steps(0.25, 0.25, 1.0)) == [0.25]


@pytest.mark.parametrize(
    ("dimension", "median"),
    [
        (Float(0.9, 0.999, scale="reverse_log"), 0.99),
        (Float(0, 0.99, scale="reverse_log"), 0.9),
        (Float(1, 100, scale=Scale.VERTEX_REVERSE_LOG), 91),
        (Float(1, 100, log=True), 10),
    ],
)
def test_half_of_the_samples_lie_below_the_median_of_the_scale(
    dimension: AnyDimension, median: float
) -> None:
    space = Space({"x": dimension})
    searcher = Searcher(
        Definition(space=space, objectives=objectives_of("acc")), strategy=Strategy.RANDOM, seed=1
    )
    drawn = [proposal.params["x"] for _ in range(1000) if (proposal := searcher.ask())]
    assert np.mean([isinstance(x, float) and x < median for x in drawn]) == pytest.approx(0.5, abs=0.05)


def test_a_choice_is_found_by_equality_and_returned_as_it_was_written() -> None:
    coding = coding_of("x", Categorical([1, "1", None, False]))
    assert [coding.admit(value) for value in (1.0, "1", None, 0)] == [1, "1", None, False]
    assert type(coding.admit(value=True)) is int


@pytest.mark.parametrize(
    ("dimension", "value", "allowed"),
    [
        (Float(0, 1), 2, "a number from 0.0 to 1.0"),
        (Float(0, 1), "a", "a number from 0.0 to 1.0"),
        (Float(0, 1), True, "a number from 0.0 to 1.0"),
        (Float(0, 1), math.nan, "a number from 0.0 to 1.0"),
        (Float(0, 1, step=0.25), 0.3, "one of 0.0 to 1.0 in steps of 0.25"),
        (Float(0, 1, step=0.25), math.inf, "one of 0.0 to 1.0 in steps of 0.25"),
        (Int(0, 10, step=5), 3, "a whole number from 0 to 10 in steps of 5"),
        (Int(0, 10), 2.5, "a whole number from 0 to 10"),
        (Discrete([1, 2.5]), 2, "one of [1, 2.5]"),
        (Categorical(["a", None]), "b", 'one of ["a", null]'),
    ],
)
def test_a_value_that_would_never_be_sampled_is_refused(
    dimension: AnyDimension, value: object, allowed: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        coding_of("x", dimension).admit(value)
    assert str(caught.value) == allowed


def test_numpy_numbers_are_admitted_as_python_ones() -> None:
    assert type(coding_of("x", Int(0, 9)).admit(np.int64(3))) is int
    assert type(coding_of("x", Float(0, 9)).admit(np.float32(3))) is float


@pytest.mark.parametrize(
    "build",
    [
        lambda: Float(0.5, 0.5),
        lambda: Float(0.5, 0.5, log=True),
        lambda: Float(0.5, 0.5, scale="reverse_log"),
        lambda: Float(0.5, 0.5, scale=Scale.VERTEX_REVERSE_LOG),
        lambda: Float(0.5, 0.5, step=0.1),
        lambda: Int(3, 3),
        lambda: Int(3, 3, log=True),
        lambda: Discrete([3]),
        lambda: Categorical(["a"]),
    ],
)
@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.TPE, Strategy.QMC, Strategy.CMAES])
def test_a_dimension_of_one_value_has_that_value(
    build: Callable[[], AnyDimension], strategy: Strategy
) -> None:
    space = Space({"x": build(), "y": Float(0, 1)})
    searcher = Searcher(Definition(space=space, objectives=objectives_of("acc")), strategy=strategy, seed=0)
    drawn = {proposal.params["x"] for _ in range(3) if (proposal := searcher.ask())}
    assert len(drawn) == 1
    assert drawn <= {0.5, 3, "a"}


@pytest.mark.parametrize(
    "dimension",
    [
        Float(5e-324, 1e308, log=True),
        Float(-4e149, 4e149),
        Float(0, 1e-150),
        Float(1, math.nextafter(1, 2)),
        Float(0, 1e-300, step=1e-301),
        Float(1e-20, 1, scale=Scale.VERTEX_REVERSE_LOG),
        Int(-EXACT, EXACT),
        Int(1, EXACT, log=True),
        Float(0, 1, step=1e-12),
    ],
)
def test_extreme_ranges_are_sampled_inside_and_without_a_warning(dimension: Float | Int) -> None:
    definition = Definition(space=Space({"x": dimension}), objectives=objectives_of("acc"))
    for strategy in (Strategy.RANDOM, Strategy.TPE, Strategy.QMC):
        searcher = Searcher(definition, strategy=strategy, seed=0)
        for number in range(20):
            proposal = searcher.ask()
            assert proposal
            searcher.tell(number, Told(TrialState.COMPLETE, (float(number % 7),)))
            value = proposal.params["x"]
            assert isinstance(value, float | int)
            assert dimension.low <= value <= dimension.high


def test_ranges_that_no_sampler_resolves_are_refused_all_at_once() -> None:
    space = Space(
        {
            "seed": Int(0, 2**64),
            "ok": Int(0, 2**32),
            "wide": Float(-1e308, 1e308),
            "tiny": Float(0, 5e-324),
            "fine": Float(0, 1e9, step=1e-9),
        }
    )
    assert [problem.path for problem in space_problems(space)] == [
        "space.seed",
        "space.wide",
        "space.tiny",
        "space.fine",
    ]
    with pytest.raises(InvalidSpec):
        Searcher(Definition(space=space, objectives=objectives_of("acc")))
