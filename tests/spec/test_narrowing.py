from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.spec import AnyDimension, Categorical, Discrete, Float, Int, Space, is_off, narrowed


def around(dimension: AnyDimension, *values: object) -> AnyDimension:
    return narrowed(Space({"x": dimension}), [{"x": value} for value in values])["x"]  # type: ignore[dict-item]  # scalars


def test_bounds_lie_a_little_outside_of_the_points_on_the_dimensions_own_scale() -> None:
    assert around(Float(0.0, 1.0), 0.4, 0.6) == Float(0.38, 0.62)
    found = around(Float(1e-5, 1e-1, log=True), 1e-3, 1e-2)
    assert found == Float(0.000794, 0.0126, log=True)
    mirrored = around(Float(1.0, 1000.0, scale="vertex_reverse_log"), 991.0, 998.0)
    assert mirrored == Float(989.5, 998.4, scale="vertex_reverse_log")
    assert around(Float(0.0, 0.999, scale="reverse_log"), 0.9, 0.99).scale == "reverse_log"  # type: ignore[union-attr]


def test_the_old_bounds_are_not_left() -> None:
    assert around(Float(0.0, 1.0), 0.0, 1.0) == Float(0.0, 1.0)
    assert around(Int(16, 256, log=True), 16, 17) == Int(16, 18, log=True)


def test_one_point_leaves_room_to_move() -> None:
    assert around(Float(0.0, 1.0), 0.5) == Float(0.48, 0.52)
    assert around(Int(1, 100), 50) == Int(48, 52)
    assert around(Float(-3.0, 3.0), 0.0) == Float(-0.12, 0.12)


def test_steps_and_values_stay_those_of_the_space() -> None:
    assert around(Int(0, 100, step=10), 30, 50) == Int(20, 60, step=10)
    assert around(Float(0.0, 1.0, step=0.1), 0.3, 0.5) == Float(0.2, 0.6, step=0.1)
    assert around(Discrete([1, 2, 4, 8, 16, 32]), 4, 8) == Discrete([2, 4, 8, 16])


def test_choices_are_those_that_occur_in_their_order() -> None:
    assert around(Categorical(["a", "b", "c"]), "c", "a") == Categorical(["a", "c"])
    assert around(Categorical([None, 1, "1"]), None) == Categorical([None])


def test_what_nothing_makes_active_can_only_be_none() -> None:
    space = Space(
        {
            "momentum": Float(0.0, 1.0, when={"optimizer": "sgd"}),
            "optimizer": Categorical(["sgd", "adamw", "lion"]),
            "beta": Float(0.0, 1.0, when={"optimizer": ["adamw", "lion"]}),
            "deep": Int(1, 3, when={"depth": 3}),
            "depth": Int(1, 3, when={"optimizer": "sgd"}),
        }
    )
    found = narrowed(space, [{"optimizer": "adamw", "momentum": None, "beta": 0.5, "depth": None}])
    assert found.names() == space.names()
    assert is_off(found["momentum"])
    assert is_off(found["deep"])
    assert found["beta"] == Float(0.48, 0.52, when={"optimizer": "adamw"})


@given(
    st.floats(1e-6, 1e3),
    st.floats(1.001, 1e6),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
    st.sampled_from(["linear", "log"]),
)
def test_the_points_are_in_the_narrowed_range_which_is_in_the_old_one(
    low: float, ratio: float, shares: list[float], scale: str
) -> None:
    dimension = Float(low, low * ratio, scale=scale)
    values = [min(dimension.high, max(low, low * ratio**share)) for share in shares]
    found = around(dimension, *values)
    assert isinstance(found, Float)
    assert dimension.low <= found.low <= min(values)
    assert max(values) <= found.high <= dimension.high
    assert found.low < found.high


@pytest.mark.parametrize("dimension", [Float(0.0, 1.0), Int(0, 3), Discrete([1, 2]), Categorical(["a"])])
def test_a_dimension_of_which_nothing_is_known_stays(dimension: AnyDimension) -> None:
    assert narrowed(Space({"x": dimension}), [{}])["x"] == dimension
