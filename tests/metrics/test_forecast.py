"""Ends of curves, forecast from complete ones."""

from __future__ import annotations

import numpy as np
import pytest

from astraml_lab.metrics.forecast import Ends, Forecast, level_and_rise


def law(end: float, pace: float, steps: int, noise: float = 0.0, seed: int = 0) -> list[float]:
    time = np.arange(1, steps + 1)
    values = end - (end + 1) * time**-pace + noise * np.random.default_rng(seed).standard_normal(steps)
    return [float(value) for value in values]


def ends_at(step: int, curves: list[list[float]]) -> Ends:
    marks = [(*level_and_rise(curve[:step]), curve[-1]) for curve in curves]
    return Ends(*np.array(marks).T)


def test_a_level_is_the_middle_of_the_newest_part() -> None:
    assert level_and_rise([3.0]) == (3.0, 0.0)
    assert level_and_rise([1.0, 2.0, 4.0]) == (4.0, 2.0)
    noisy = [0.0] * 20 + [1.0] * 19 + [50.0]
    assert level_and_rise(noisy) == (1.0, 1.0)


def test_ends_of_power_laws_are_forecast_within_what_is_said_of_their_uncertainty() -> None:
    chance = np.random.default_rng(0)
    curves = [law(chance.uniform(0, 1), chance.uniform(0.5, 1.5), 27, noise=0.01, seed=n) for n in range(140)]
    ends = ends_at(9, curves[:40])
    asked = [(curve, ends.forecast(*level_and_rise(curve[:9]))) for curve in curves[40:]]
    off = np.array([(curve[-1] - found.mean) / found.spread for curve, found in asked])
    assert np.mean(np.abs(off) < 2) > 0.85
    assert np.mean([found.spread for _, found in asked]) < np.std([curve[-1] for curve in curves]) / 3


def test_more_uncertainty_is_said_than_complete_curves_show() -> None:
    """Trials that are proposed next are not like those, and their ends are farther from the forecasts."""
    chance = np.random.default_rng(0)
    levels = chance.uniform(0, 1, 64)
    found = Ends(levels, np.zeros(64), levels + 1 + 0.1 * chance.standard_normal(64)).forecast(0.5, 0.0)
    assert found.mean == pytest.approx(1.5, abs=0.1)
    assert 0.14 < found.spread < 0.2


def test_forecasts_do_not_depend_on_the_unit() -> None:
    curves = [law(end / 10, 1.0, 27, noise=0.01, seed=end) for end in range(10)]
    plain = ends_at(5, curves)
    large = ends_at(5, [[1e6 * value for value in curve] for curve in curves])
    asked = level_and_rise(law(0.45, 1.0, 5))
    found, scaled = plain.forecast(*asked), large.forecast(*(1e6 * value for value in asked))
    assert scaled.mean == pytest.approx(1e6 * found.mean)
    assert scaled.spread == pytest.approx(1e6 * found.spread)


def test_one_run_that_diverged_leaves_the_others_forecasts_as_they_are() -> None:
    curves = [law(end / 10, 1.0, 27, noise=0.01, seed=end) for end in range(10)]
    asked = level_and_rise(law(0.45, 1.0, 5))
    calm = ends_at(5, curves).forecast(*asked)
    beside = ends_at(5, [*curves, [-1e9] * 27]).forecast(*asked)
    assert abs(beside.mean - calm.mean) < 0.1


def test_a_level_far_below_all_has_no_good_end() -> None:
    """Survivors' ends that have nothing to do with their levels are no promise to everybody."""
    levels, ends = np.array([1.0, 1.1, 1.2, 1.3, 1.4]), np.array([2.0, 1.9, 2.0, 1.9, 2.0])
    found = Ends(levels, np.zeros(5), ends).forecast(-50.0, 0.0)
    assert found.mean < 1.9


def test_equal_curves_have_a_forecast() -> None:
    ends = ends_at(3, [[0.1, 0.2, 0.3, 0.4]] * 5)
    found = ends.forecast(*level_and_rise([0.1, 0.2, 0.3]))
    assert found.mean == pytest.approx(0.4)
    flat = ends_at(3, [[0.5] * 4] * 5).forecast(0.5, 0.0)
    assert flat == Forecast(0.5, 0.0)
    assert (flat.chance(0.4), flat.chance(0.5)) == (1.0, 0.0)


def test_agreement_is_that_of_the_better_half() -> None:
    levels = np.arange(20.0)
    straight = Ends(levels, levels * 0, levels)
    best_are_mixed = levels.copy()
    best_are_mixed[10:] = np.array([18, 11, 16, 13, 19, 10, 17, 12, 14, 15])
    assert straight.agreement > 0.9
    assert Ends(levels, levels * 0, best_are_mixed).agreement < 0.4
