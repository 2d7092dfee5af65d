"""Whether the best differ at all: their last reports tell noise from a curve, or nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from astraml_lab.jobs.fluctuation import alike, fluctuation
from astraml_lab.jobs.standings import Standings
from astraml_lab.spec import TrialState, TrialView, confirming_note

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial

STEPS = np.arange(1, 21)


def test_noise_around_a_trend_is_found_to_a_third() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        curves = [0.9 + 0.002 * STEPS + rng.normal(0, 0.01, 20) for _ in range(5)]
        found.append(fluctuation([curve.tolist() for curve in curves]))
    assert np.mean(np.array(found) > 0) > 0.99
    assert np.quantile(found, [0.05, 0.95]) == pytest.approx([0.01, 0.01], rel=0.34)


@pytest.mark.parametrize(
    "curve", [1 - np.exp(-STEPS / 5), 1 / STEPS, STEPS * 0.01, np.full(20, 0.9), -((STEPS - 15.0) ** 2)]
)
def test_a_smooth_curve_is_no_noise(curve: np.ndarray) -> None:
    assert fluctuation([curve.tolist()] * 5) == 0


def test_of_short_thinned_or_infinite_curves_nothing_is_known() -> None:
    rng = np.random.default_rng(1)
    assert fluctuation([rng.normal(size=7).tolist()] * 5) == 0
    assert fluctuation([rng.normal(size=1000).tolist()] * 5) == 0
    assert fluctuation([[*rng.normal(size=19), np.inf]] * 5) == 0
    assert fluctuation([]) == 0


def test_who_is_within_noise_of_the_first_is_counted() -> None:
    assert alike([0.9, 0.89, 0.85], 0.01) == 2
    assert alike([0.9, 0.9, 0.9], 0.0) == 1


def test_the_last_line_offers_to_confirm_where_the_best_are_within_noise(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        for _ in range(12):
            trial.report(score=0.9 + 0.001 * trial.number + trial.rng.normal(0, 0.05))

    job = bench.run(train, name="my digits", prune="off", trials=8)
    said = job.view().reason
    assert said.startswith("all trials are done; the best ")
    assert "lie within noise (± 0.0" in said
    assert "`%tune resume 'my digits' --confirm " in said


def test_it_offers_nothing_where_one_is_clearly_better(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        for _ in range(12):
            trial.report(score=trial.number + trial.rng.normal(0, 0.05))

    assert bench.run(train, name="digits", prune="off").view().reason == "all trials are done"


def ended(number: int, value: float | None, confirms: int | None = None) -> tuple[TrialView, float | None]:
    state = TrialState.FAILED if value is None else TrialState.COMPLETE
    notes = () if confirms is None else (confirming_note(confirms),)
    return TrialView(number, state, {}, values=None if value is None else (value,), notes=notes), value


def test_the_order_of_arrival_does_not_matter_to_the_winner() -> None:
    told = [ended(0, 3.0), ended(1, 1.0), ended(2, 2.0), ended(3, 5.0, confirms=1), ended(4, 2.2, confirms=2)]
    for order in (told, told[::-1]):
        table = Standings(maximize=False)
        for view, value in order:
            table.ended(view, value)
        assert table.winner(2) == 2
        assert table.unconfirmed(3) == (0,)


def test_one_that_was_not_confirmed_wins_only_from_among_the_best() -> None:
    table = Standings(maximize=True)
    for view, value in (ended(0, 0.9), ended(1, 0.8), ended(2, 0.7), ended(3, 0.2, confirms=0)):
        table.ended(view, value)
    assert table.winner(2) == 1, "so far: it is still to be confirmed"
    for view, value in (ended(4, 0.2, confirms=1), ended(5, 0.69)):
        table.ended(view, value)
    assert table.winner(2) == 0, "0.55 of two runs, not 0.7 of one"


def test_values_near_the_largest_number_have_a_mean() -> None:
    table = Standings(maximize=True)
    for view, value in (ended(0, 1.6e308), ended(1, 1.2e308), ended(2, 1.7e308, confirms=0)):
        table.ended(view, value)
    assert table.winner(2) == 0
    confirmed = table.confirmed(0)
    assert confirmed is not None
    assert 1.6e308 < confirmed.mean < 1.7e308
