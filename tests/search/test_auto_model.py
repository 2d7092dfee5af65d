"""The parts of the automatic search, against what they should be by mathematics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.integrate import quad
from scipy.stats import multivariate_normal, qmc

from astraml_lab.search.auto.conditions import learned
from astraml_lab.search.auto.descent import descend
from astraml_lab.search.auto.encoding import Encoding
from astraml_lab.search.auto.improvement import log_improvement
from astraml_lab.search.auto.linear import NotPositiveError, inverse_factor, product
from astraml_lab.search.auto.outcomes import Outcome, half_ranked, outcomes, targets
from astraml_lab.search.auto.sobol import MOST, sobol_point
from astraml_lab.search.auto.surrogate import Surrogate, apart, cost, fit, matern, start
from astraml_lab.search.auto.unfinished import Unfinished
from astraml_lab.search.curves import CURVES, MIRRORED, joined

CHOICES = np.array([0, 0, 3, 0])


def data(count: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rows = random.random((count, 4))
    rows[:, 2] = random.integers(3, size=count)
    values = np.sin(4 * rows[:, 0]) + rows[:, 1] ** 2 + 0.5 * (rows[:, 2] == 1)
    return rows, (values - values.mean()) / values.std(), 0.01 * random.random(count)


def test_the_gradient_is_the_one_of_finite_differences() -> None:
    rows, values, variances = data()
    gaps = apart(rows, CHOICES)
    for seed in range(5):
        at = start(4) + 0.7 * np.random.default_rng(seed).standard_normal(6)
        _, gradient = cost(at, gaps, values, variances)
        step = 1e-5 * np.eye(6)
        expected = [
            (cost(at + one, gaps, values, variances)[0] - cost(at - one, gaps, values, variances)[0]) / 2e-5
            for one in step
        ]
        assert gradient == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_cost_is_a_likelihood_and_a_prior() -> None:
    rows, values, variances = data()
    at = start(4) + 0.3
    squared = np.einsum("d,dij->ij", np.exp(-2 * at[:4]), apart(rows, CHOICES))
    covariance = math.exp(at[4]) * matern(squared)[0] + np.diag(math.exp(at[5]) + variances + 1e-8)
    likelihood = multivariate_normal(np.zeros(20), covariance).logpdf(values)
    prior = np.sum(at[:4] ** 2) + (at[4] / 0.7) ** 2 + ((at[5] + 5.5) / 1.5) ** 2
    constant = 10 * math.log(2 * math.pi)
    assert cost(at, apart(rows, CHOICES), values, variances)[0] == pytest.approx(
        -likelihood - constant + prior / 2
    )


def test_the_kernel_is_materns() -> None:
    distances = np.array([0.0, 0.1, 1.0, 5.0])
    scaled = math.sqrt(5) * distances
    assert matern(distances**2)[0] == pytest.approx((1 + scaled + scaled**2 / 3) * np.exp(-scaled))


@pytest.mark.parametrize("count", [5, 63, 64, 65, 200])
def test_a_belief_is_the_one_of_the_textbook(count: int) -> None:
    rows, values, variances = data(count)
    at = start(4)
    model = Surrogate.given(rows, values, variances, CHOICES, at)
    others = data(150, seed=1)[0]
    both = np.concatenate([others, rows])
    prior = math.exp(at[4]) * matern(np.einsum("d,dij->ij", np.exp(-2 * at[:4]), apart(both, CHOICES)))[0]
    across = prior[:150, 150:]
    observed = prior[150:, 150:] + np.diag(math.exp(at[5]) + variances + 1e-8)
    means, deviations = model.believes(others)
    assert means == pytest.approx(across @ np.linalg.solve(observed, values), abs=1e-8)
    left = np.diag(prior[:150, :150]) - np.einsum("ij,ji->i", across, np.linalg.solve(observed, across.T))
    assert deviations**2 == pytest.approx(left, abs=1e-8)


def test_a_fit_finds_which_columns_matter() -> None:
    rows, values, variances = data(60)
    found = fit(rows, values, variances, CHOICES, start(4))
    assert found[3] > found[[0, 1, 2]].max() + 0.5, "the last column plays no part"
    gaps = apart(rows, CHOICES)
    assert cost(found, gaps, values, variances)[0] < cost(start(4), gaps, values, variances)[0]
    assert cost(found, gaps, values, variances)[1] == pytest.approx(np.zeros(6), abs=0.5)


def test_a_descent_keeps_its_bounds_and_finds_the_corner() -> None:
    at, tilt = np.array([3.0, -1.0, 0.2]), np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 4.0]])

    def bowl(point: np.ndarray) -> tuple[float, np.ndarray]:
        away = point - at
        return float(away @ tilt @ away), 2 * tilt @ away

    free = descend(bowl, np.zeros(3), (np.full(3, -9.0), np.full(3, 9.0)), rounds=50, close=1e-12)
    assert free == pytest.approx(at, abs=1e-4)
    held = descend(bowl, np.zeros(3), (np.full(3, -9.0), np.full(3, 1.0)), rounds=50, close=1e-12)
    gradient = bowl(held)[1]
    assert held[0] == 1.0
    assert gradient[0] < 0
    assert gradient[1:] == pytest.approx([0, 0], abs=1e-4)


@given(st.integers(1, 180), st.integers(1, 90), st.integers(1, 180))
@settings(max_examples=20, deadline=None)
def test_products_in_parts_are_products(rows: int, inner: int, columns: int) -> None:
    random = np.random.default_rng(rows)
    left, right = random.random((rows, inner)), random.random((inner, columns))
    assert product(left, right) == pytest.approx(left @ right)


def test_a_matrix_without_a_factor_is_told() -> None:
    with pytest.raises(NotPositiveError):
        inverse_factor(-np.eye(3))
    with pytest.raises(NotPositiveError):
        inverse_factor(-np.eye(100))


@pytest.mark.parametrize("z", [-0.5, -0.999, -1.001, -3.0, -40.0, -299.0, -301.0, -1e4, -1e8])
def test_the_expected_improvement_is_exact_in_its_tails(z: float) -> None:
    # E[max(z + e, 0)] with its smallest factors taken out of the integral
    rest, _ = quad(lambda u: u * math.exp(-u - 0.5 * (u / z) ** 2), 0, 60, epsabs=0, epsrel=1e-12)
    exact = math.log(rest) - 2 * math.log(-z) - 0.5 * z * z - 0.5 * math.log(2 * math.pi)
    found = log_improvement(np.array([-2.0 * z]), np.array([2.0]), 0.0)[0]
    assert found == pytest.approx(exact + math.log(2), rel=1e-9)


def test_the_expected_improvement_is_an_expectation() -> None:
    drawn = 0.3 + 0.8 * np.random.default_rng(0).standard_normal(400_000)
    expected = np.maximum(0.1 - drawn, 0).mean()
    assert math.exp(log_improvement(np.array([0.3]), np.array([0.8]), 0.1)[0]) == pytest.approx(
        expected, rel=0.01
    )


def test_the_worse_half_goes_by_rank_and_the_better_half_stays() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 1e9, 1e12])
    warped = half_ranked(values)
    assert warped[:3].tolist() == [1, 2, 3]
    assert (np.diff(warped[2:]) > 0).all()
    assert warped[-1] < 6
    assert half_ranked(values * [1, 1, 1, 1, 1e50, 1e80]) == pytest.approx(warped)


def test_equal_values_stay_equal() -> None:
    warped = half_ranked(np.array([0.0, 1.0, 2.0, 9.0, 9.0, 9.0, 9.0]))
    assert len(set(warped[3:])) == 1


def test_a_failure_is_worse_than_the_worst_and_no_cliff() -> None:
    known = targets([Outcome(value) for value in (1.0, 2.0, 3.0, 50.0)] + [Outcome(math.inf)] * 4)
    assert known is not None
    assert known.values[4:].min() > known.values[:4].max()
    assert np.ptp(known.values) < 4
    assert known.values.mean() == pytest.approx(0)
    assert (known.variances[4:] > known.variances[:4]).all()


def test_nothing_is_learned_from_what_is_all_the_same() -> None:
    assert targets([Outcome(1.0)] * 5) is None
    assert targets([Outcome(math.inf)] * 5) is None
    assert targets([Outcome(1.0), Outcome(2.0)]) is None
    assert targets([Outcome(1.0)] * 5 + [Outcome(math.inf)]) is not None


def curve(final: float | None, *steps: float, state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    return create_trial(value=final, state=state, intermediate_values=dict(enumerate(steps)))


def numbered(trials: list[FrozenTrial], first: int = 0) -> list[FrozenTrial]:
    """Give trials the numbers that they would have in a study."""
    for number, trial in enumerate(trials, start=first):
        trial.number = number
    return trials


def falling(end: float, steps: int, state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    """A loss that falls to about `end` in nine steps, the more the lower; only `steps` of them are known."""
    values = [end + (2.0 - end / 4) * 0.6**step for step in range(9)]
    return curve(values[-1] if state is TrialState.COMPLETE else None, *values[:steps], state=state)


def test_a_pruned_trial_counts_as_where_its_curve_would_have_ended_by_those_of_complete_ones() -> None:
    complete = numbered([falling(end, 9) for end in (0.1, 0.3, 0.5, 0.8, 1.2)])
    for steps in (2, 4, 7):
        pruned = numbered([falling(1.0, steps, TrialState.PRUNED)], first=5)
        found = outcomes([*complete, *pruned], maximise=False)[5]
        assert found.value == pytest.approx(falling(1.0, 9).value, abs=2 * found.spread)
        assert found.value < pruned[0].intermediate_values[steps - 1]
        assert 0 < found.spread < 0.2


def test_what_is_greater_is_forecast_as_what_is_smaller() -> None:
    down = numbered([*[falling(end, 9) for end in (0.1, 0.3, 0.5)], falling(1.0, 4, TrialState.PRUNED)])
    up = [
        curve(
            None if trial.value is None else -trial.value,
            *[-value for value in trial.intermediate_values.values()],
            state=trial.state,
        )
        for trial in down
    ]
    assert outcomes(numbered(up), maximise=True) == outcomes(down, maximise=False)


def test_complete_curves_need_not_have_the_step_at_which_another_was_pruned() -> None:
    thin = [create_trial(value=end, intermediate_values={0: end + 3, 3: end}) for end in (1.0, 2.0, 0.5)]
    pruned = curve(None, 5.0, 4.0, 3.0, state=TrialState.PRUNED)
    found = outcomes(numbered([*thin, pruned]), maximise=False)[3]
    assert found.value < 1.0, "they gain 3 after that step: curves that are known before and after were there"
    assert 0 < found.spread < 1.7 * np.std([1.0, 2.0, 0.5]), (
        "forecasts say 1.7 times what the regression does"
    )


def test_forecasts_are_the_same_for_who_saw_the_study_grow() -> None:
    ends = np.random.default_rng(0).uniform(0.1, 1.5, 30)
    trials = numbered(
        [
            falling(end, 9 if end < 0.8 else 3, TrialState.COMPLETE if end < 0.8 else TrialState.PRUNED)
            for end in ends.tolist()
        ]
    )
    before = Unfinished(maximise=False)
    for count in range(1, 31):
        found = outcomes(trials[:count], maximise=False, unfinished=before)
        assert found == outcomes(trials[:count], maximise=False)


def test_a_pruned_trial_whose_last_value_is_no_number_failed() -> None:
    complete = [falling(end, 9) for end in (0.1, 0.3, 0.5)]
    diverged = curve(None, 2.0, math.nan, state=TrialState.PRUNED)
    assert outcomes(numbered([*complete, diverged]), maximise=False)[3] == Outcome(math.inf)


def test_a_pruned_trial_before_any_complete_curve_is_uncertain() -> None:
    trials = [curve(1.0), curve(2.0), curve(3.0), curve(None, 9.0, state=TrialState.PRUNED)]
    assert outcomes(numbered(trials), maximise=False)[3] == Outcome(9.0, float(np.std([1, 2, 3])))
    silent = curve(None, state=TrialState.PRUNED)
    assert outcomes([silent], maximise=False) == [Outcome(math.inf)]


SPACE = {
    "a": FloatDistribution(-1, 3),
    "b": FloatDistribution(1e-6, 1e2, log=True),
    "c": IntDistribution(1, 9),
    "d": IntDistribution(1, 1000, log=True),
    "e": FloatDistribution(0, 1, step=0.1),
    "f": IntDistribution(0, 20, step=5),
    "g": CategoricalDistribution(["x", None, 1]),
}


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_a_row_and_its_point_are_the_same(seed: int) -> None:
    encoding = Encoding(SPACE)
    rows = encoding.spread(np.random.default_rng(seed).random((4, 7)))
    points = [encoding.point(row) for row in rows]
    assert encoding.rows(points) == pytest.approx(rows, abs=1e-12)
    for point in points:
        for name, its in SPACE.items():
            assert its._contains(its.to_internal_repr(point[name]))
            assert type(point[name]) in {int, float, str, type(None)}


def test_each_step_and_each_choice_is_alike_likely() -> None:
    encoding = Encoding({name: SPACE[name] for name in "cefg"})
    rows = encoding.spread((np.indices((10,) * 4).reshape(4, -1).T + 0.5) / 10)
    points = [encoding.point(row) for row in rows]
    assert {point["c"] for point in points} == set(range(1, 10))
    assert {point["f"] for point in points} == {0, 5, 10, 15, 20}
    assert [sum(point["f"] == value for point in points) for value in (0, 5, 10, 15, 20)] == [2000] * 5


def test_conditions_are_learned_from_the_trials() -> None:
    space = {
        "kind": CategoricalDistribution(["a", "b"]),
        "deep": IntDistribution(1, 4),
        "of_b": FloatDistribution(0, 1),
        "third": FloatDistribution(0, 1),
        "x": FloatDistribution(0, 1),
    }
    encoding = Encoding(space)
    rows = encoding.spread(np.random.default_rng(0).random((30, 5)))
    points = [encoding.point(row) for row in rows]
    there = np.ones((30, 5), dtype=bool)
    there[:, encoding.names.index("of_b")] = [point["kind"] == "b" for point in points]
    there[:, encoding.names.index("third")] = [point["deep"] >= 3 for point in points]
    conditions = learned(encoding, rows, there)
    assert conditions is not None
    others = encoding.spread(np.random.default_rng(1).random((50, 5)))
    for row, quiet in zip(others, conditions.quieted(others), strict=True):
        point, still = encoding.point(row), encoding.point(quiet)
        assert (still["of_b"] == 0.5) == (point["kind"] == "a")
        assert (still["third"] == 0.5) == (point["deep"] < 3)
        assert [still[name] for name in ("kind", "deep", "x")] == [
            point[name] for name in ("kind", "deep", "x")
        ]


def test_what_two_values_decide_together_is_not_guessed() -> None:
    encoding = Encoding(
        {
            "a": CategoricalDistribution([0, 1]),
            "b": CategoricalDistribution([0, 1]),
            "x": FloatDistribution(0, 1),
        }
    )
    rows = encoding.spread(np.random.default_rng(0).random((30, 3)))
    there = np.ones((30, 3), dtype=bool)
    there[:, 2] = rows[:, 0] == rows[:, 1]
    assert learned(encoding, rows, there) is None


@pytest.mark.parametrize(("columns", "seed"), [(1, 0), (2, 1), (8, 12345), (30, 2**32 - 1)])
def test_the_sequence_is_the_one_of_scipy(columns: int, seed: int) -> None:
    expected = qmc.Sobol(columns, scramble=True, rng=seed).random(1024)
    for index in (0, 1, 2, 3, 7, 64, 1023):
        assert sobol_point(columns, seed, index).tolist() == expected[index].tolist()
    assert columns <= MOST


def test_columns_beyond_the_sequence_are_drawn_and_the_same_for_the_same_arguments() -> None:
    wide = sobol_point(MOST + 20, 7, 3)
    assert wide[:MOST].tolist() == sobol_point(MOST, 7, 3).tolist()
    assert wide.tolist() == sobol_point(MOST + 20, 7, 3).tolist()
    others = [sobol_point(MOST + 20, seed, index) for seed, index in ((7, 4), (8, 3))]
    assert len({number for each in (wide, *others) for number in each[MOST:]}) == 60
    assert ((wide >= 0) & (wide < 1)).all()


def test_of_several_objectives_a_pruned_trial_counts_as_where_each_would_have_ended() -> None:
    def whole(end: float, size: float) -> FrozenTrial:
        rows = [[step, end + 2 * 0.5**step, size] for step in range(1, 8)]
        return create_trial(values=rows[-1][1:], user_attrs={CURVES: rows})

    complete = [whole(end, size) for end, size in ((0.1, 9.0), (0.3, 7.0), (0.5, 5.0), (0.6, 3.0))]
    given_up = whole(0.4, 6.0).user_attrs[CURVES][:2]
    pruned = create_trial(state=TrialState.PRUNED, user_attrs={CURVES: given_up})
    silent = create_trial(state=TrialState.PRUNED)
    losses, sizes = (
        outcomes(numbered([*complete, pruned, silent]), maximise=one, objective=at)
        for at, one in enumerate([False, True])
    )
    assert losses[4].value == pytest.approx(0.4 + 2 * 0.5**7, abs=2 * losses[4].spread)
    assert losses[4].value < given_up[-1][1] - 0.3
    assert sizes[4] == Outcome(-6.0, 0.0)
    assert [each.value for each in sizes[:4]] == [-9.0, -7.0, -5.0, -3.0]
    assert losses[5].value == sizes[5].value == math.inf


def test_rows_of_several_curves_begin_where_all_are_known() -> None:
    loss, size = [(1.0, 0.9), (2.0, math.nan), (3.0, 0.5)], [(2.0, 7.0)]
    assert joined([loss, size]) == [[2.0, 0.9, 7.0], [3.0, 0.5, 7.0]]
    assert joined([loss, []]) == []
    long = joined([[(step, 1.0 / step) for step in range(1, 1001)], [(1, 4.0)]])
    assert len(long) == MIRRORED
    assert long[-1] == [1000, 0.001, 4.0]
