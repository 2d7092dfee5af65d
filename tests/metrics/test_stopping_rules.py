"""The services' own rules for giving up trials, on small examples that are worked out by hand."""

from __future__ import annotations

import math
from statistics import mean, median

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.metrics import Board
from astraml_lab.spec import StoppingKind, StoppingRule

optuna.logging.set_verbosity(optuna.logging.WARNING)

SAGEMAKER = StoppingRule(kind=StoppingKind.AVERAGES)
VERTEX = StoppingRule(kind=StoppingKind.AVERAGES, best_so_far=True)


def board_after(*curves: list[float], rule: StoppingRule, maximize: bool = False) -> Board:
    """Make a board with finished trials, each with its values at steps 1, 2 and so on."""
    board = Board("score", maximize=maximize, rule=rule)
    for number, curve in enumerate(curves):
        for step, value in enumerate(curve, start=1):
            board.report(number, value, step)
        board.finish(number, complete=True)
    return board


def ends_at(board: Board, curve: list[float], number: int = 100) -> int | None:
    """Report a curve; return the step at which it was given up."""
    for step, value in enumerate(curve, start=1):
        if board.report(number, value, step) is not None:
            return step
    return None


def reason(board: Board, curve: list[float]) -> str:
    for step, value in enumerate(curve, start=1):
        ending = board.report(100, value, step)
        if ending is not None:
            return ending.reason
    return ""


THREE = [
    [4.0, 2.0, 1.0],
    [6.0, 4.0, 2.0],
    [8.0, 6.0, 4.0],
]  # averages up to step 2: 3, 5, 7; to step 3: 2.33, 4, 6


def test_sagemaker_compares_the_value_now_with_the_median_of_the_averages_so_far() -> None:
    assert ends_at(board_after(*THREE, rule=SAGEMAKER), [9.0, 5.1]) == 2
    assert ends_at(board_after(*THREE, rule=SAGEMAKER), [9.0, 4.9, 4.1]) == 3
    assert ends_at(board_after(*THREE, rule=SAGEMAKER), [9.0, 4.9, 3.9]) is None


def test_equal_to_the_median_is_not_worse() -> None:
    assert ends_at(board_after(*THREE, rule=SAGEMAKER), [9.0, 5.0, 4.0]) is None
    assert ends_at(board_after(*THREE, rule=VERTEX), [9.0, 5.0, 4.0]) is None


def test_nobody_is_given_up_at_the_first_value_whatever_its_step_is_called() -> None:
    assert ends_at(board_after(*THREE, rule=SAGEMAKER), [1e9]) is None
    board = board_after(*THREE, rule=SAGEMAKER)
    assert board.report(100, 1e9, 3) is None
    assert board.report(100, 1e9, 3) is None  # the same step again is the same value replaced


def test_vertex_compares_the_best_so_far_where_sagemaker_looks_at_the_value_now() -> None:
    curve = [3.0, 9.0, 9.0]
    assert ends_at(board_after(*THREE, rule=SAGEMAKER), curve) == 2
    assert ends_at(board_after(*THREE, rule=VERTEX), curve) is None
    assert ends_at(board_after(*THREE, rule=VERTEX), [5.5, 5.2, 9.0]) == 2


def test_a_shorter_trial_counts_for_vertex_with_its_whole_average_and_for_sagemaker_no_more() -> None:
    curves = [[1.0], [4.0, 4.0], [6.0, 6.0]]
    assert ends_at(board_after(*curves, rule=SAGEMAKER), [3.0, 9.0]) is None  # two trials came to step 2
    assert ends_at(board_after(*curves, rule=VERTEX), [5.0, 5.0]) == 2  # the median of 1, 4 and 6 is 4
    assert ends_at(board_after(*curves, rule=VERTEX), [3.0, 9.0]) is None


def test_a_larger_objective_is_judged_the_other_way_round() -> None:
    up = [[-value for value in curve] for curve in THREE]
    assert ends_at(board_after(*up, rule=SAGEMAKER, maximize=True), [-9.0, -5.1]) == 2
    assert ends_at(board_after(*up, rule=SAGEMAKER, maximize=True), [-9.0, -4.9]) is None


def test_three_finished_trials_are_needed_and_pruned_ones_are_among_them() -> None:
    two = board_after(*THREE[1:], rule=SAGEMAKER)
    assert ends_at(two, [99.0, 99.0]) is None
    two.finish(100, complete=False)  # it failed: it says nothing
    assert ends_at(two, [99.0, 99.0]) is None
    two.finish(100, complete=False, cut_short=True)
    assert ends_at(two, [9.0, 6.9], number=101) is None  # averages 5, 7 and 99
    assert ends_at(two, [9.0, 7.1], number=102) == 2


@pytest.mark.parametrize("rule", [SAGEMAKER, VERTEX])
def test_an_infinite_value_is_no_objective_like_nan(rule: StoppingRule) -> None:
    odd = [[4.0, -math.inf, 2.0, 0.0], [6.0, math.inf, 4.0, 0.0], [8.0, math.nan, 6.0, 0.0]]
    board = board_after(*odd, rule=rule)  # averages up to step 3: 3, 5, 7
    assert ends_at(board, [5.5, math.inf, 4.9]) is None
    assert ends_at(board, [5.5, -math.inf, 5.1], number=101) == 3
    again = Board("score", maximize=False, rule=rule)
    for number, curve in enumerate(odd):
        again.restore(number, list(enumerate(curve, start=1)), complete=True)
    assert ends_at(again, [5.5, -math.inf, 5.1]) == 3


def test_the_reason_names_the_trials_compared_and_the_median() -> None:
    assert reason(board_after(*THREE, rule=SAGEMAKER), [9.0, 5.5]) == (
        "pruned at step 2: score 5.5 is above 5, the median of the averages up to there of 3 trials (0, 1, 2)"
    )
    assert reason(board_after(*THREE, rule=VERTEX), [5.2, 5.5]) == (
        "pruned at step 2: best score 5.2 (step 1) is above 5, the median of the averages up to there of "
        "3 trials (0, 1, 2)"
    )


def test_by_time_the_seconds_decide_and_not_the_steps() -> None:
    rule = VERTEX.model_copy(update={"by_time": True})
    board = Board("score", maximize=False, rule=rule)
    for number, value in enumerate([2.0, 4.0, 6.0]):
        board.report(number, value, 1, 10.0)
        board.report(number, 0.0, 2, 20.0)  # averages 1, 2, 3 from then on
        board.finish(number, complete=True)
    assert board.report(100, 5.0, 1, 5.0) is None
    assert board.report(100, 5.0, 2, 9.0) is None, "nobody had reported by then"
    assert board.report(100, 3.9, 3, 15.0) is None
    ending = board.report(100, 3.9, 4, 25.0)
    assert ending is not None
    assert ending.reason.startswith("pruned at 25 s: best score 3.9 (step 3) is above 2, the median")


def test_by_time_many_finished_trials_are_looked_at_every_tenth_of_a_second() -> None:
    rule = VERTEX.model_copy(update={"by_time": True})
    board = Board("score", maximize=False, rule=rule)
    for number in range(100):
        board.restore(number, [(1, 1.0), (2, 1.0)], complete=True, seconds=2.0)
    assert board.report(100, 0.5, 1, 3.00) is None
    assert board.report(100, 0.5, 2, 3.01) is None  # this is the look
    board.report(100, 9.0, 1, 3.02)
    board.finish(100, complete=False)
    assert board.report(101, 2.0, 1, 3.0) is None
    assert board.report(101, 2.0, 2, 3.01) is not None


@settings(deadline=None, max_examples=100)
@given(
    curves=st.lists(st.lists(st.integers(0, 9).map(float), max_size=6), max_size=8),
    best_so_far=st.booleans(),
    maximize=st.booleans(),
    restored=st.booleans(),
)
def test_every_decision_is_the_one_of_the_definition(
    *, curves: list[list[float]], best_so_far: bool, maximize: bool, restored: bool
) -> None:
    """The closed form, written without a thought of speed."""
    rule = StoppingRule(kind=StoppingKind.AVERAGES, best_so_far=best_so_far)
    board = Board("score", maximize=maximize, rule=rule)
    sign = -1 if maximize else 1
    finished: list[list[float]] = []
    for number, curve in enumerate(curves):
        seen: list[float] = []
        for step, value in enumerate(curve, start=1):
            seen.append(value)
            others = [past for past in finished if past and (best_so_far or len(past) >= step)]
            averages = [mean(past[:step]) for past in others]
            given = min(sign * v for v in seen) if best_so_far else sign * value
            worse = len(averages) >= 3 and step > 1 and given > sign * median(averages)
            ending = board.report(number, value, step)
            assert (ending is not None) == worse
            if ending is not None:
                break
        board.finish(number, complete=True)
        if restored:
            board.finish(number, complete=False)
        finished.append(seen)
    if restored:
        again = Board("score", maximize=maximize, rule=rule)
        for number, past in enumerate(finished):
            again.restore(number, list(enumerate(past, start=1)), complete=True)
        for probe in ([5.0, 5.0, 5.0], [0.0, 9.0, 4.0]):
            assert ends_at(again, probe) == ends_at(board, probe)
            again.finish(100, complete=False)
            board.finish(100, complete=False)


# looking ahead

DECAY = StoppingRule(kind=StoppingKind.DECAY_CURVE)
CONVEX = StoppingRule(kind=StoppingKind.CONVEX, min_measurements=2)


def rising(top: float, steps: int) -> list[float]:
    return [top - 1 / step for step in range(1, steps + 1)]


def test_a_curve_that_levels_off_below_the_best_is_given_up_after_five_points() -> None:
    board = board_after(rising(0.9, 100), rule=DECAY, maximize=True)
    assert ends_at(board, rising(0.5, 100)) == 5
    board = board_after([-v for v in rising(0.9, 100)], rule=DECAY, maximize=False)
    assert ends_at(board, [-v for v in rising(0.5, 100)]) == 5


def test_a_curve_that_goes_beyond_the_best_is_not_given_up() -> None:
    assert ends_at(board_after(rising(0.9, 100), rule=DECAY, maximize=True), rising(0.95, 100)) is None
    slow = [0.95 - step**-0.5 for step in range(1, 101)]
    assert ends_at(board_after(rising(0.8, 100), rule=DECAY, maximize=True), slow) is None


def test_decay_says_where_the_curve_goes_and_how_likely_it_beats_the_best() -> None:
    said = reason(board_after(rising(0.9, 100), rule=DECAY, maximize=True), rising(0.5, 100))
    assert said.startswith("pruned at step 5: best score 0.3 goes to about 0.4"), said
    assert said.endswith("% to beat 0.89 (trial 0)"), said


@pytest.mark.parametrize("rule", [DECAY, CONVEX])
@pytest.mark.parametrize("first", [1e200, 1.7e308, -1.7e308])
def test_a_trial_whose_values_are_astronomic_is_neither_failed_nor_given_up(
    rule: StoppingRule, first: float
) -> None:
    board = board_after(*[[1 / step for step in range(1, 50)]] * 3, rule=rule)
    assert ends_at(board, [first, first / 2, first / 4, 3.0, 2.0, 1.0, 0.5]) is None


@pytest.mark.parametrize("rule", [DECAY, CONVEX.model_copy(update={"min_measurements": 0})])
def test_a_flat_curve_goes_nowhere_and_nothing_is_said_at_the_end_or_before_a_trial_is_complete(
    rule: StoppingRule,
) -> None:
    done = board_after(rising(0.9, 100), rule=rule, maximize=True)
    assert ends_at(done, [0.1] * 99) == (5 if rule is DECAY else 11)
    assert ends_at(done, [0.89] * 99, number=101) is None, "as good as the best"
    assert ends_at(Board("score", maximize=True, rule=rule), rising(0.1, 50)) is None
    late = board_after([0.9] * 6, rule=rule, maximize=True)
    for step in (6, 7, 8, 9, 10, 11):
        assert late.report(100, step / 1000, step) is None


def test_convex_gives_up_what_would_not_reach_the_best_in_a_straight_line() -> None:
    done = [[0.0] * 9 + [0.9]] * 3
    # at step 3 the line goes to 0.3 + 7 * 0.05 = 0.65; at step 2 it went to 0.25 + 8 * 0.15 = 1.45
    assert ends_at(board_after(*done, rule=CONVEX, maximize=True), [0.1, 0.25, 0.3]) == 3
    assert reason(board_after(*done, rule=CONVEX, maximize=True), [0.1, 0.25, 0.3]) == (
        "pruned at step 3: straight on as it goes, score comes to 0.65 by step 10 at best, below the 0.9 "
        "of trial 0"
    )
    assert ends_at(board_after(*done, rule=CONVEX, maximize=True), [0.1, 0.25, 0.35, 0.46]) is None


def test_convex_takes_a_setback_for_noise() -> None:
    done = [[0.0] * 9 + [0.9]] * 3
    assert ends_at(board_after(*done, rule=CONVEX, maximize=True), [0.1, 0.3, 0.29]) is None
    assert ends_at(board_after(*done, rule=CONVEX, maximize=True), [0.1, 0.12, 0.11]) == 2


def test_convex_waits_for_its_step_its_reports_and_its_trials() -> None:
    done = [[0.0] * 9 + [0.9]] * 3
    poor = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]
    assert ends_at(board_after(*done, rule=CONVEX, maximize=True), poor) == 2
    late = CONVEX.model_copy(update={"min_resource": 4})
    assert ends_at(board_after(*done, rule=late, maximize=True), poor) == 5, "after the step, not at it"
    assert ends_at(board_after(*done[:2], rule=CONVEX, maximize=True), poor) is None, "more than two"
    patient = CONVEX.model_copy(update={"min_measurements": 3})
    assert ends_at(board_after(*done, done[0], rule=patient, maximize=True), poor) == 3
    long = CONVEX.model_copy(update={"max_resource": 1000})
    assert ends_at(board_after(*done, rule=long, maximize=True), poor) is None
    short = StoppingRule(kind=StoppingKind.CONVEX, min_measurements=2, max_resource=40)
    # a tenth of 40 is 4; from 0.14 the line goes up to 0.14 + 35 * 0.01 = 0.49
    assert ends_at(board_after(*done, rule=short, maximize=True), poor) == 5


def test_by_time_the_curve_is_extrapolated_in_seconds() -> None:
    for kind in (StoppingKind.DECAY_CURVE, StoppingKind.CONVEX):
        rule = StoppingRule(kind=kind, by_time=True, min_measurements=0)
        board = Board("score", maximize=True, rule=rule)
        board.report(0, 0.9, 1, 100.0)
        board.finish(0, complete=True)
        said = [
            board.report(1, value, step, 7.0 * step) for step, value in enumerate(rising(0.5, 12), start=1)
        ]
        first = next(ending for ending in said if ending is not None)
        assert first.reason.startswith("pruned at ")
        assert " s: " in first.reason
        assert "by 100 s" in first.reason


# hyperband


def band(**options: int) -> StoppingRule:
    return StoppingRule(kind=StoppingKind.HYPERBAND, **options)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(
    curves=st.lists(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=26), max_size=25),
    least=st.integers(1, 3),
    reduction=st.integers(2, 4),
    maximize=st.booleans(),
    restored_at=st.integers(0, 25),
)
def test_hyperband_decides_as_optunas_pruner_does(
    *, curves: list[list[float]], least: int, reduction: int, maximize: bool, restored_at: int
) -> None:
    """Below the largest budget, where a trial is complete here and Optuna may still prune it."""
    most = 27
    pruner = optuna.pruners.HyperbandPruner(least, most, reduction)
    study = optuna.create_study(
        study_name="default",
        direction="maximize" if maximize else "minimize",
        pruner=pruner,
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    rule = band(min_resource=least, max_resource=most, reduction=reduction)
    board = Board("score", maximize=maximize, rule=rule)
    told: list[list[tuple[int, float]]] = []
    for number, curve in enumerate(curves):
        if number == restored_at:
            board = Board("score", maximize=maximize, rule=rule)
            for old, known in enumerate(told):
                board.restore(old, known, complete=False, cut_short=True)
        trial, pruned = study.ask(), False
        for step, value in enumerate(curve, start=1):
            trial.report(value, step)
            pruned = trial.should_prune()
            assert (board.report(number, value, step) is not None) == pruned, (number, step)
            if pruned:
                break
        told.append(board.curve(number))
        board.finish(number, complete=not pruned, cut_short=pruned)
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, 0.0)


def test_hyperband_ends_a_trial_at_its_largest_budget_as_complete() -> None:
    board = Board("score", maximize=False, rule=band(max_resource=4))
    endings = [board.report(0, 1.0 / step, step) for step in range(1, 5)]
    assert endings[:3] == [None] * 3
    assert endings[3] is not None
    assert (endings[3].kind, endings[3].reason) == (
        "budget",
        "complete at step 4: hyperband's largest budget of a trial",
    )


def test_without_a_maximum_the_first_complete_trials_tell_how_far_trials_go() -> None:
    board = Board("score", maximize=False, rule=band())
    for number in range(1, 30):  # nobody is complete yet: nobody is given up
        assert ends_at(board, [1e9 + number] * 5, number) is None
    assert ends_at(board, [1.0] * 9, number=0) is None
    board.finish(0, complete=True)
    board.report(1, 5.0, 10)  # beyond it: the maximum stays what it was
    ends = [ends_at(board, [100.0 + n] * 9, number=n) for n in range(100, 160)]
    assert set(ends) <= {1, 3, None}
    assert {1, 3} <= set(ends)
    assert None in ends, "the last bracket looks at 9, where a trial is done"


def test_hyperband_says_which_rung_and_bracket() -> None:
    board = Board("score", maximize=True, rule=band(max_resource=2))
    assert board.report(0, 0.5, 1) is None
    ending = board.report(1, 0.4, 1)
    assert ending is not None
    assert ending.reason == (
        "pruned at step 1: score 0.4 is not among the best 1/3 of 2 trials that came to step 1, the limit is "
        "0.5 (bracket 1 of 1)"
    )


def test_a_trial_that_begins_again_leaves_its_rungs() -> None:
    board = Board("score", maximize=True, rule=band(max_resource=2))
    assert board.report(0, 0.9, 1) is None
    board.again(0)
    assert board.report(1, 0.4, 1) is None, "nobody else is at the rung"
    assert board.report(2, math.nan, 1) is not None


def test_a_failed_trial_stays_at_its_rungs() -> None:
    board = Board("score", maximize=True, rule=band(max_resource=2))
    assert board.report(0, 0.9, 1) is None
    board.finish(0, complete=False)
    assert board.report(1, 0.4, 1) is not None
