from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.search import Front, dominated
from astraml_lab.spec import Goal, Objective

VALUE = st.integers(-5, 5).map(float) | st.sampled_from([math.nan, math.inf, -math.inf])


def objectives(count: int) -> list[Objective]:
    goals = [Goal.MAXIMIZE, Goal.MINIMIZE]
    return [Objective(metric=f"m{index}", goal=goals[index % 2]) for index in range(count)]


def by_hand(points: list[list[float]], each: list[Objective]) -> list[int]:
    losses = [
        [-value if objective.maximize else value for value, objective in zip(point, each, strict=True)]
        for point in points
    ]

    def beats(one: list[float], other: list[float]) -> bool:
        return all(a <= b for a, b in zip(one, other, strict=True)) and one != other

    known = [index for index, loss in enumerate(losses) if not any(map(math.isnan, loss))]
    return [index for index in known if not any(beats(losses[other], losses[index]) for other in known)]


@given(
    st.integers(1, 4).flatmap(
        lambda count: st.lists(st.lists(VALUE, min_size=count, max_size=count), min_size=1, max_size=30)
    )
)
def test_the_front_is_what_nothing_beats(points: list[list[float]]) -> None:
    each = objectives(len(points[0]))
    front = Front(each)
    for number, point in enumerate(points):
        changed = front.add(number, point)
        assert changed == (number in front.numbers)
        assert list(front.numbers) == by_hand(points[: number + 1], each)


def test_trials_join_the_front_in_any_order() -> None:
    front = Front(objectives(2))
    assert [front.add(number, (number, number)) for number in (7, 2, 5)] == [True, True, True]
    assert list(front.numbers) == [2, 5, 7]
    assert front.add(3, (9, 0))
    assert list(front.numbers) == [3]


@given(
    st.integers(2, 4).flatmap(
        lambda count: st.lists(
            st.lists(st.integers(0, 5) | st.just(math.nan), min_size=count, max_size=count),
            min_size=1,
            max_size=8,
        )
    )
)
def test_the_dominated_volume_is_what_counting_finds(points: list[list[float]]) -> None:
    size = len(points[0])
    counted = sum(
        any(all(value <= at for value, at in zip(one, cell, strict=True)) for one in points)
        for cell in itertools.product(range(4), repeat=size)
    )
    assert dominated(points, [4.0] * size) == pytest.approx(counted)


def test_the_hypervolume_is_a_share_of_the_box_from_the_best_to_the_worst() -> None:
    front = Front(
        [Objective(metric="accuracy", goal=Goal.MAXIMIZE), Objective(metric="ms", goal=Goal.MINIMIZE)]
    )
    found = []
    for number, point in enumerate([(0.5, 10.0), (0.9, 30.0), (0.8, 20.0)]):
        front.add(number, point)
        found.append(front.hypervolume)
    # One point has no box, and of two on the front either is worst in something
    assert found == [None, 0.0, pytest.approx(0.75 * 0.5)]
    front.add(3, (0.1, 50.0))
    assert front.hypervolume == pytest.approx(
        dominated([[0.5, 0.0], [0.125, 0.25], [0.0, 0.5]], [1.0, 1.0])
    ), "the worst is the reference, also where it is beaten"
    front.add(4, (math.nan, math.inf))
    before = front.hypervolume
    front.add(5, (-math.inf, 60.0))
    assert front.hypervolume == before, "what has no end sets no box"


def test_more_objectives_than_three_have_no_hypervolume() -> None:
    front = Front(objectives(4))
    for number in range(3):
        front.add(number, (number, number, number, -number))
    assert front.hypervolume is None
