"""The expected growth of a front's volume against chance, and the boxes against counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.search import dominated
from astraml_lab.search.auto.feasibility import limit_targets
from astraml_lab.search.auto.frontier import Frontier, beating
from astraml_lab.search.auto.outcomes import drawn_together


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_the_expected_growth_is_the_mean_of_many_draws(objectives: int) -> None:
    random = np.random.default_rng(objectives)
    points, reference = random.random((7, objectives)), np.full(objectives, 0.9)
    means, deviations = np.full((objectives, 1), 0.25), np.full((objectives, 1), 0.3)
    drawn = means.T + deviations.T * random.standard_normal((400, objectives))
    before = volume(points, reference)
    grown = [volume(np.vstack([points, one]), reference) - before for one in drawn]
    found = math.exp(float(Frontier.of(points, reference).log_gain(means, deviations)[0]))
    assert found == pytest.approx(np.mean(grown), abs=4 * float(np.std(grown)) / math.sqrt(400))


def volume(points: np.ndarray, reference: np.ndarray) -> float:
    if points.shape[1] == 1:
        return float(max(0.0, (reference - points).max()))
    return dominated(points, reference)


@settings(max_examples=40)
@given(
    st.integers(1, 3).flatmap(
        lambda size: st.lists(st.lists(st.integers(0, 6), min_size=size, max_size=size), max_size=8)
    )
)
def test_each_place_that_nothing_beats_is_in_one_box(points: list[list[int]]) -> None:
    size = len(points[0]) if points else 2
    given_points = np.array(points, dtype=float).reshape(-1, size)
    frontier = Frontier.of(given_points, np.full(size, 7.0))
    for place in np.ndindex(*[7] * size):
        at = np.array(place) + 0.5
        inside = sum(
            all(
                edges[low] < value < edges[high]
                for edges, low, high, value in zip(frontier.edges, lower, upper, at, strict=True)
            )
            for lower, upper in zip(frontier.lower, frontier.upper, strict=True)
        )
        assert inside == (not (given_points <= at).all(axis=1).any())


def test_far_from_any_gain_the_logarithm_still_knows_the_way() -> None:
    frontier = Frontier.of(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([2.0, 2.0]))
    gains = frontier.log_gain(np.array([[20.0, 25.0]] * 2), np.ones((2, 2)))
    assert -700 < gains[1] < gains[0] < -100


def test_a_point_is_beaten_with_the_chance_that_draws_show() -> None:
    points = np.array([[0.2, 0.7], [0.6, 0.3]])
    frontier = Frontier.of(points, np.ones(2))
    drawn = 0.4 + 0.2 * np.random.default_rng(0).standard_normal((4000, 2))
    free = [not (points <= one).all(axis=1).any() for one in drawn]
    assert frontier.chance(np.full(2, 0.4), np.full(2, 0.2)) == pytest.approx(np.mean(free), abs=0.03)


def test_equal_points_do_not_beat_each_other() -> None:
    assert beating(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]])).tolist() == [
        [False, False, True],
        [False, False, True],
        [False, False, False],
    ]


def test_the_limit_stays_between_what_keeps_to_it_and_what_does_not() -> None:
    found = limit_targets(np.array([-5.0, -1e-3, 0.0, 1e-3, 8.0, 1e9, math.inf]))
    assert found is not None
    known, limit = found
    assert (known.values[:3] <= limit + 1e-12).all()
    assert (known.values[3:] > limit).all()
    assert known.values[-1] == known.values[-2]
    assert known.values[-2] - limit < 20 * (known.values[-3] - limit), "not a hundred million times"


def test_an_objective_without_outliers_is_hardly_bent_and_an_outlier_is_no_cliff() -> None:
    even = np.linspace(0.0, 1.0, 21)
    bent = drawn_together(even)
    assert (np.diff(bent) > 0).all()
    assert np.diff(bent).min() > 0.4 * np.diff(bent).max()
    assert (bent[:11] == even[:11]).all()
    outlier = drawn_together(np.append(even, 1e9))
    assert outlier[-1] < 3.0


def test_a_constraint_without_any_difference_has_no_model() -> None:
    assert limit_targets(np.array([2.0, 2.0, 2.0])) is None
    assert limit_targets(np.array([0.0, 0.0])) is None
    assert limit_targets(np.array([1.0])) is None
