"""Random search: trial n is the same point whatever goes on, and values spread as their scale says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.search import Past, Searcher, Told
from astraml_lab.search.distributions import coding_of
from astraml_lab.search.random_draws import RandomDraws
from astraml_lab.spec import (
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

    from astraml_lab.spec import AnyDimension, ParamValue

DRAWS = 10_000
LEVELS = np.linspace(0.1, 0.9, 9)
SLACK = 5 * math.sqrt(0.25 / DRAWS)
"""Five standard deviations of a share."""
SPACE = Space(
    {
        "lr": Float(1e-5, 1e-1, log=True),
        "kind": Categorical(["a", "b"]),
        "deep": Int(1, 9, when={"kind": "b"}),
    }
)


def search(seed: int = 7, space: Space = SPACE) -> Searcher:
    definition = Definition(space=space, objectives=objectives_of("acc"))
    return Searcher(definition, strategy=Strategy.RANDOM, seed=seed)


def points(order: list[int], *, most: int = 6) -> dict[int, dict[str, ParamValue]]:
    """Ask and tell; `order` says how many more are asked before one is told."""
    searcher, running, found = search(), [], {}
    for count in order:
        for _ in range(count):
            proposal = searcher.ask()
            assert proposal is not None
            running.append(proposal.number)
            found[proposal.number] = proposal.params
        searcher.tell(running.pop(), Told(TrialState.COMPLETE, (0.5,)))
    return {number: params for number, params in found.items() if number < most}


def test_trial_n_is_the_same_point_at_any_parallelism() -> None:
    one_by_one, all_at_once, in_pairs = points([1] * 6), points([6]), points([2, 1, 1, 1, 1])
    assert one_by_one == all_at_once == in_pairs
    assert len({tuple(params.values()) for params in one_by_one.values()}) == 6


def test_trial_n_is_the_same_point_after_a_resume_and_after_a_warm_start() -> None:
    storage = optuna.storages.InMemoryStorage()
    definition = Definition(space=SPACE, objectives=objectives_of("acc"))
    first = Searcher(definition, strategy=Strategy.RANDOM, seed=7, storage=storage)
    begun = [first.ask() for _ in range(3)]
    again = Searcher(definition, strategy=Strategy.RANDOM, storage=storage)
    drawn = [one.params for one in [*begun, *[again.ask() for _ in range(3)]] if one]
    assert drawn == list(points([6]).values())

    warm = search()
    warm.warm([Past({"lr": 0.01, "kind": "a"}, (0.5,))])
    assert [one.params for one in [warm.ask() for _ in range(6)] if one] == drawn


def test_what_a_trials_code_asks_for_does_not_depend_on_when_it_asks() -> None:
    def suggested(names: str) -> dict[str, ParamValue]:
        searcher = search()
        searcher.ask()
        return {name: searcher.suggest(0, name, Float(0, 1)) for name in names}

    assert suggested("abc") == suggested("cba")
    assert len(set(suggested("abc").values())) == 3


def drawn(dimension: AnyDimension, seed: int = 0) -> np.ndarray:
    """Draw 10,000 values of one dimension, as that many trials would."""
    sampler, study = RandomDraws(seed), optuna.create_study()
    coding = coding_of("x", dimension)
    trial = optuna.trial.create_trial(value=0.0)
    values = []
    for number in range(DRAWS):
        trial.number = number
        raw = sampler.sample_independent(study, trial, coding.name, coding.distribution)
        values.append(coding.from_internal(raw))
    return np.array(values)


def linear(low: float, high: float) -> Callable[[float], float]:
    return lambda u: low + u * (high - low)


def log(low: float, high: float) -> Callable[[float], float]:
    return lambda u: low * (high / low) ** u


def reverse_log(low: float, high: float) -> Callable[[float], float]:
    return lambda u: 1 - (1 - low) ** (1 - u) * (1 - high) ** u


def vertex_reverse_log(low: float, high: float) -> Callable[[float], float]:
    return lambda u: low + high - low * (high / low) ** (1 - u)


FORMS = {
    Scale.LINEAR: (linear, st.floats(-1e3, 1e3), 1.0),
    Scale.LOG: (log, st.floats(1e-6, 1e4), 1.0),
    Scale.REVERSE_LOG: (reverse_log, st.floats(0, 0.9999), 1e-3),
    Scale.VERTEX_REVERSE_LOG: (vertex_reverse_log, st.floats(1e-3, 1e4), 1.0),
}


@pytest.mark.parametrize("scale", FORMS)
@settings(deadline=None, max_examples=3)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_floats_have_the_quantiles_of_the_closed_form(scale: Scale, data: st.DataObject, seed: int) -> None:
    form, numbers, least = FORMS[scale]
    low, high = sorted((data.draw(numbers), data.draw(numbers)))
    if high - low < least:
        high = low + least
    if scale is Scale.REVERSE_LOG and high >= 1:
        low, high = 0.0, 0.5
    values = drawn(Float(low, high, scale=scale), seed)

    assert low <= values.min()
    assert values.max() <= high
    shares = [np.mean(values <= form(low, high)(u)) for u in LEVELS]
    assert shares == pytest.approx(LEVELS, abs=SLACK)


@pytest.mark.parametrize(
    ("dimension", "share_up_to"),
    [
        (Int(-3, 12), lambda k: (k + 4) / 16),
        (Int(1, 20, log=True), lambda k: math.log((k + 0.5) / 0.5) / math.log(20.5 / 0.5)),
        (
            Int(1, 20, scale=Scale.VERTEX_REVERSE_LOG),
            lambda k: 1.0 if k == 20 else 1 - math.log(20.5 - k) / math.log(20),
        ),
        (Discrete([1, 2, 8]), lambda k: {1: 1 / 3, 2: 2 / 3}.get(k, 1.0)),
    ],
)
def test_whole_numbers_are_spread_by_their_scale(
    dimension: AnyDimension, share_up_to: Callable[[int], float]
) -> None:
    values = drawn(dimension)
    for k in sorted(set(values.tolist())):
        assert np.mean(values <= k) == pytest.approx(share_up_to(k), abs=SLACK), k


@pytest.mark.parametrize(
    ("dimension", "median"),
    [
        (Float(0.9, 0.999, scale="reverse_log"), 0.99),
        (Float(0, 0.99, scale="reverse_log"), 0.9),
        (Float(1, 100, scale=Scale.VERTEX_REVERSE_LOG), 91),
        (Int(10, 100_000, scale=Scale.VERTEX_REVERSE_LOG), 99_010),
    ],
)
def test_the_vendors_own_medians(dimension: AnyDimension, median: float) -> None:
    assert np.mean(drawn(dimension) <= median) == pytest.approx(0.5, abs=SLACK)


def test_a_reverse_log_puts_a_third_above_ninety_nine_per_cent() -> None:
    assert np.mean(drawn(Float(0.5, 0.999, scale="reverse_log")) > 0.99) == pytest.approx(0.371, abs=SLACK)
