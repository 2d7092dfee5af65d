from __future__ import annotations

import math
import warnings
from typing import Literal

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.metrics import Board, Ending, PruneRule

optuna.logging.set_verbosity(optuna.logging.WARNING)

# Few different values, so that ties and equal quantiles are common; inf and NaN as Optuna sees them.
values = st.one_of(
    st.integers(0, 6).map(lambda n: n / 10),
    st.floats(-1, 1, width=16),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
curves = st.lists(st.tuples(st.integers(0, 12), values), max_size=10, unique_by=lambda report: report[0])
rules = st.builds(
    PruneRule,
    kind=st.sampled_from(["median", "percentile"]),
    percentile=st.sampled_from([0.0, 10.0, 25.0, 33.3, 50.0, 75.0, 100.0]),
    startup_trials=st.integers(0, 4),
    warmup_steps=st.integers(0, 4),
    interval=st.integers(1, 4),
)
fates = st.sampled_from(["complete", "complete", "complete", "fail"])


def optuna_study(rule: PruneRule, *, maximize: bool) -> optuna.Study:
    percentile = 50.0 if rule.kind == "median" else rule.percentile
    pruner = optuna.pruners.PercentilePruner(
        percentile, rule.startup_trials, rule.warmup_steps, rule.interval
    )
    if rule.kind == "median":
        pruner = optuna.pruners.MedianPruner(rule.startup_trials, rule.warmup_steps, rule.interval)
    return optuna.create_study(
        direction="maximize" if maximize else "minimize",
        pruner=pruner,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )


@settings(deadline=None, max_examples=100)
@given(
    trials=st.lists(st.tuples(curves, fates), max_size=14),
    rule=rules,
    maximize=st.booleans(),
    restarted_at=st.integers(0, 14),
)
def test_every_decision_is_optunas(
    *,
    trials: list[tuple[list[tuple[int, float]], str]],
    rule: PruneRule,
    maximize: bool,
    restarted_at: int,
) -> None:
    """Both are told the same; a falling step is the one difference: here nothing is decided on it.

    At `restarted_at` the board is thrown away and restored from the curves of the ended trials.
    """
    study = optuna_study(rule, maximize=maximize)
    board = Board("loss", maximize=maximize, rule=rule)
    ended: list[tuple[list[tuple[int, float]], bool]] = []
    for number, (curve, fate) in enumerate(trials):
        if number == restarted_at:
            board = Board("loss", maximize=maximize, rule=rule)
            for old, (known, complete) in enumerate(ended):
                board.restore(old, known, complete=complete)
        trial, top, pruned = study.ask(), -1, False
        for step, value in curve:
            trial.report(value, step)
            ending = board.report(number, value, step)
            if step < top:
                assert ending is None
                continue
            top = step
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, about columns of NaN
                pruned = trial.should_prune()
            assert (ending is not None) == pruned
            if pruned:
                break
        assert board.curve(number) == sorted(board.curve(number))
        ended.append((board.curve(number), not pruned and fate == "complete"))
        board.finish(number, complete=ended[-1][1])
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif fate == "complete":
            study.tell(trial, 0.0)
        else:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)


@settings(deadline=None, max_examples=50)
@given(
    measures=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=90),
    percentile=st.floats(0, 100),
    maximize=st.booleans(),
)
def test_a_column_is_cut_exactly_where_optuna_cuts_it(
    *, measures: list[float], percentile: float, maximize: bool
) -> None:
    rule = PruneRule("percentile", percentile, startup_trials=0)
    board, study = Board("loss", maximize=maximize, rule=rule), optuna_study(rule, maximize=maximize)
    done = optuna.trial.TrialState.COMPLETE
    for number, value in enumerate(measures):
        board.report(number, value, 0)
        board.finish(number, complete=False)
        board.restore(number, [(0, value)], complete=True)
        study.add_trial(optuna.create_trial(state=done, value=0.0, intermediate_values={0: value}))
    for number, value in enumerate(measures, start=1000):
        trial = study.ask()
        trial.report(value, 0)
        assert (board.report(number, value, 0) is not None) == trial.should_prune()
        board.finish(number, complete=False)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)


def board_of(
    *finals: float,
    maximize: bool = False,
    kind: Literal["median", "percentile", "off"] = "median",
    patience: int | None = None,
) -> Board:
    """Make a board with one complete trial for each value, which it has at every step from 0 to 9."""
    board = Board("loss", maximize=maximize, rule=PruneRule(kind=kind, startup_trials=1), patience=patience)
    for number, value in enumerate(finals):
        board.restore(number, [(step, value) for step in range(10)], complete=True)
    return board


def test_the_reason_says_the_step_and_both_numbers() -> None:
    board = board_of(*[0.6, 0.62, 0.64] * 3, 0.1, 0.9)
    assert board.report(99, 0.91, 4) == Ending(
        "pruned", "pruned at step 4: loss 0.91 is above the median 0.62 of 11 trials"
    )


def test_the_reason_names_the_best_value_if_it_is_not_the_last() -> None:
    board = board_of(0.9, maximize=True)
    board.report(7, 0.8, 100)
    board.restore(1, [(101, 0.9)], complete=True)
    ending = board.report(7, 0.7, 101)
    assert ending is not None
    assert ending.reason == "pruned at step 101: best loss 0.8 (step 100) is below the median 0.9 of 1 trial"


def test_the_reason_of_a_percentile_says_which() -> None:
    ending = board_of(1.0, 2.0, 3.0, 4.0, 5.0, kind="percentile").report(9, 2.5, 0)
    assert ending is not None
    assert ending.reason == "pruned at step 0: loss 2.5 is above 2, the limit of the best 25 % of 5 trials"


def test_numbers_that_differ_are_written_so_that_they_do() -> None:
    ending = board_of(0.62).report(9, 0.6200001, 0)
    assert ending is not None
    assert "loss 0.6200001 is above the median 0.62" in ending.reason


def test_a_trial_of_nothing_but_nan_is_pruned_like_in_optuna() -> None:
    ending = board_of(0.5).report(9, math.nan, 3)
    assert ending == Ending("pruned", "pruned at step 3: loss was never a number")


def test_a_tie_with_the_median_is_not_pruned() -> None:
    assert board_of(0.5).report(9, 0.5, 0) is None


def test_a_trial_that_goes_on_gets_the_same_verdict_again() -> None:
    board = board_of(0.5)
    first = board.report(9, 0.9, 0)
    assert first is not None
    assert board.report(9, 0.1, 1) is first


def test_a_repeated_step_takes_its_value_back() -> None:
    board = board_of(0.5)
    assert board.report(9, 0.1, 2) is None
    ending = board.report(9, 0.9, 2)
    assert ending is not None
    assert board.curve(9) == [(2, 0.9)]


def test_a_falling_step_that_overwrites_the_best_is_not_remembered_as_best() -> None:
    board = board_of(0.5)
    for step, value in [(0, 0.1), (1, 0.6), (0, 0.7)]:
        assert board.report(9, value, step) is None
    ending = board.report(9, 0.8, 2)
    assert ending is not None
    assert "best loss 0.6 (step 1)" in ending.reason


def test_a_falling_step_that_is_better_counts_as_best() -> None:
    board = board_of(0.5)
    for step, value in [(20, 0.9), (3, 0.1)]:
        assert board.report(9, value, step) is None
    assert board.report(9, math.nan, 21) is None
    board.restore(50, [(22, 0.5)], complete=True)
    assert board.report(9, 0.9, 22) is None


@pytest.mark.parametrize(("maximize", "sign"), [(True, 1), (False, -1)])
def test_patience_counts_reports_since_the_best(*, maximize: bool, sign: int) -> None:
    board = Board("acc", maximize=maximize, rule=PruneRule("off"), patience=3)
    fine = [1.0, 2.0, 2.0, math.nan, 3.0, 2.5, 3.0]
    assert [board.report(0, sign * value, step) for step, value in enumerate(fine)] == [None] * 7
    ending = board.report(0, sign * 1.0, 7)
    assert ending == Ending(
        "patience", f"ended at step 7: acc {sign * 3} (step 4) was not improved in 3 reports"
    )


def test_patience_ends_a_trial_that_never_reports_a_number() -> None:
    board = Board("acc", maximize=True, rule=PruneRule("off"), patience=2)
    assert board.report(0, math.nan, 0) is None
    ending = board.report(0, math.nan, 1)
    assert ending == Ending("patience", "ended at step 1: acc was no number in 2 reports")


def test_pruning_goes_before_patience() -> None:
    board = board_of(0.5, patience=1)
    assert board.report(9, 0.1, 0) is None
    board.restore(10, [(1, 0.05)] * 1, complete=True)
    board.restore(11, [(1, 0.05)], complete=True)
    ending = board.report(9, 0.2, 1)
    assert ending is not None
    assert ending.kind == "pruned"


def test_switched_off_it_prunes_nothing_and_still_keeps_the_curve() -> None:
    board = board_of(0.1, 0.1, 0.1, kind="off")
    assert board.report(9, 5.0, 1) is None
    assert board.report(9, 6.0, 2) is None
    assert board.curve(9) == [(1, 5.0), (2, 6.0)]
    board.finish(9, complete=True)
    assert board.curve(9) == []


def test_a_complete_trial_without_reports_counts_for_the_start_up() -> None:
    board = Board("loss", maximize=False, rule=PruneRule(startup_trials=2))
    board.restore(0, [(0, 0.5)], complete=True)
    assert board.report(1, 0.9, 0) is None
    board.finish(2, complete=True)
    assert board.report(3, 0.9, 0) is not None
