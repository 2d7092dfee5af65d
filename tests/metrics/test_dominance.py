"""Giving up with several objectives: what is beaten in all of them, at the same rung."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.metrics import DominanceRule, Ending, FrontBoard
from astraml_lab.metrics.dominance import beaten
from astraml_lab.metrics.forecast import Forecast
from astraml_lab.spec import TrialState, objectives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LOSS_AND_SIZE = objectives_of(minimize=["loss", "size"])
STEPS = 9
Curve = list[tuple[float, float]]


def falling(to: float, size: float, steps: int = STEPS) -> Curve:
    """Losses that start 1 above their end and come to it in the last step, of a model of some size."""
    return [(to + (steps - step) / (steps - 1) / step, size) for step in range(1, steps + 1)]


def board_after(*curves: Curve, startup: int = 3, chance: float = 0.3) -> FrontBoard:
    """Make a board with complete trials, each with its losses and sizes at steps 1, 2 and so on."""
    board = FrontBoard(LOSS_AND_SIZE, DominanceRule(chance, startup))
    for number, curve in enumerate(curves):
        assert end(board, number, curve) is None
        board.finish(number, complete=True)
    return board


def end(board: FrontBoard, number: int, curve: Sequence[tuple[float, float]]) -> tuple[int, Ending] | None:
    """Report a curve; return the step at which it was given up, and why."""
    for step, (loss, size) in enumerate(curve, start=1):
        ending = board.report(number, {"loss": loss, "size": size}, step)
        if ending is not None:
            return step, ending
    return None


FRONT = [falling(0.5, 4.0), falling(0.6, 3.0), falling(0.9, 1.0), falling(0.7, 2.0)]


def test_the_reason_says_where_it_goes_and_who_is_better_in_what() -> None:
    found = end(board_after(*FRONT), 9, falling(1.0, 4.5))
    assert found is not None
    step, ending = found
    assert step == 1
    assert ending.kind == "pruned"
    assert re.fullmatch(
        r"pruned at step 1: it goes to about loss 1 ± \S+, size 4\.5 ± 0 by step 9; another, "
        r"most likely trial \d with 0\.\d, \d, is as good or better in every objective with a chance "
        r"of \d+ %",
        ending.reason,
    )


def test_what_may_come_to_the_front_goes_on_in_whatever_part_of_it() -> None:
    assert end(board_after(*FRONT), 9, falling(0.4, 99.0)) is None
    assert end(board_after(*FRONT), 9, falling(99.0, 0.5)) is None
    assert end(board_after(*FRONT), 9, falling(0.65, 2.5)) is None


def test_what_is_beaten_now_and_rises_past_the_others_goes_on() -> None:
    """Trials that are twice as large begin twice as far from a better end, and all but the first know it."""
    crossing = [[(end + start * 0.5**step, 8 - start) for step in range(STEPS)] for end, start in CROSSING]
    board = board_after(*crossing)
    late = [(0.05 + 6.5 * 0.5**step, 1.4) for step in range(STEPS)]
    assert all(late[0][0] > curve[0][0] for curve in crossing), "the worst of all at the first step"
    assert end(board, 9, late) is None


CROSSING = [(1.0, 1.0), (0.8, 2.0), (0.6, 3.0), (0.4, 4.0), (0.2, 5.0), (0.1, 6.0)]


UNSURE = st.builds(Forecast, st.floats(-2, 2), st.just(0.0) | st.floats(0.05, 2))


@settings(max_examples=30, deadline=None)
@given(UNSURE, UNSURE, st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=9))
def test_the_chance_to_be_beaten_is_the_share_of_ends_below_the_front(
    one: Forecast, other: Forecast, ends: list[tuple[float, float]]
) -> None:
    front = [point for point in sorted(set(ends)) if not any(by > point and by[1] >= point[1] for by in ends)]
    chance = np.random.default_rng(0)
    drawn = np.array([chance.normal(*each, size=20_000) for each in (one, other)]).T
    below = np.any(np.all(drawn[:, None] <= np.array(front), axis=2), axis=1)
    assert beaten((one, other), front) == pytest.approx(below.mean(), abs=0.02)


def test_several_that_may_each_be_better_count_together() -> None:
    unsure = Forecast(0.0, 1.0), Forecast(0.0, 1.0)
    alone = beaten(unsure, [(0.5, 0.5)])
    assert beaten(unsure, [(-1.0, 2.0), (0.5, 0.5), (2.0, -1.0)]) > alone


def test_with_three_objectives_the_one_that_is_most_likely_better_counts() -> None:
    unsure = (Forecast(0.0, 1.0),) * 3
    front = [(-1.0, 2.0, 0.0), (0.5, 0.5, 0.5), (2.0, -1.0, 0.0)]
    assert beaten(unsure, front) == pytest.approx(beaten(unsure, front[1:2]))


def test_a_smaller_chance_has_more_go_on() -> None:
    curve = falling(0.62, 3.1)
    found = {chance: end(board_after(*FRONT, chance=chance), 9, curve) for chance in (0.0, 0.5)}
    assert found[0.0] is None
    assert found[0.5] is not None


def test_at_the_last_step_of_complete_trials_nobody_is_given_up() -> None:
    curve = [*falling(0.4, 99.0)[:-1], (9.0, 99.0), (9.0, 99.0)]
    assert end(board_after(*FRONT), 9, curve) is None
    short = [[(0.5, 4.0)] * 4, [(0.6, 3.0)] * 4, [(0.7, 2.0)] * 4]
    board = board_after(*short)
    assert board.report(9, {"loss": 9.0, "size": 9.0}, 4) is None
    assert board.report(10, {"loss": 9.0, "size": 9.0}, 3) is not None


def test_nobody_is_given_up_before_some_trials_are_complete() -> None:
    assert end(board_after(*FRONT, startup=5), 9, [(9.0, 9.0)] * STEPS) is None
    assert end(board_after(*FRONT, startup=4), 9, [(9.0, 9.0)] * STEPS) is not None


def test_two_complete_trials_are_not_enough_for_a_forecast() -> None:
    assert end(board_after(*FRONT[:2], startup=1), 9, [(9.0, 9.0)] * STEPS) is None


def test_an_objective_that_is_known_from_the_start_needs_one_report() -> None:
    board = board_after(*FRONT)
    assert board.report(9, {"loss": 0.2}, 1) is None, "its size is not known yet"
    assert board.report(9, {"size": 9.0}, 1) is None
    assert board.report(9, {"loss": 9.0}, 2) is not None
    late = board_after(*FRONT)
    assert [late.report(8, {"loss": 9.0}, step) for step in range(1, 6)] == [None] * 5
    assert late.report(8, {"size": 9.0}, 1) is None, "a falling step decides nothing"
    assert late.report(8, {"loss": 9.0}, 6) is not None


def test_no_number_does_not_count_and_the_number_before_it_does() -> None:
    board = board_after(*FRONT)
    curve = falling(0.4, 5.0)
    assert end(board, 9, [curve[0], (float("nan"), float("inf")), *curve[2:]]) is None


def test_a_greater_value_is_better_where_it_is_to_be_maximised() -> None:
    board = FrontBoard(objectives_of(maximize=["acc"], minimize=["ms"]), DominanceRule(startup_trials=3))
    for number, acc in enumerate((0.9, 0.8, 0.7)):
        for step in (1, 2, 3):
            board.report(number, {"acc": acc, "ms": 5.0 - number}, step)
        board.finish(number, complete=True)
    assert board.report(4, {"acc": 0.95, "ms": 6.0}, 1) is None
    ending = board.report(5, {"acc": 0.6, "ms": 5.0}, 1)
    assert ending is not None
    assert "about acc 0.6 ± 0, ms 5 ± 0 by step 3" in ending.reason
    assert "most likely trial 0 with 0.9, 5, is" in ending.reason
    assert board.report(5, {"acc": 1.0, "ms": 1.0}, 2) is ending, "a trial that goes on gets it again"


def test_what_did_not_come_to_its_end_is_no_measure() -> None:
    board = board_after(*FRONT)
    assert end(board, 7, falling(0.01, 0.01)) is None
    board.again(7)
    assert end(board, 8, falling(0.01, 0.01)) is None
    board.finish(8, complete=False)
    assert end(board, 9, falling(0.4, 5.0)) is None
    assert not board.goes_by(TrialState.FAILED)
    assert not board.goes_by(TrialState.PRUNED)


@settings(deadline=None, max_examples=25)
@given(
    curves=st.lists(
        st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 2), min_size=1, max_size=9), max_size=20
    ),
    startup=st.integers(1, 3),
)
def test_a_board_that_is_made_again_decides_the_same(curves: list[Curve], startup: int) -> None:
    board = FrontBoard(LOSS_AND_SIZE, DominanceRule(startup_trials=startup))
    told: list[tuple[int, list[tuple[int, dict[str, float]]], bool]] = []
    for number, curve in enumerate(curves):
        again = FrontBoard(LOSS_AND_SIZE, DominanceRule(startup_trials=startup))
        for old, known, whole in told:
            if again.goes_by(TrialState.COMPLETE if whole else TrialState.PRUNED):
                again.restore(old, known, complete=whole)
        seen, ending = [], None
        for step, point in enumerate(curve, start=1):
            seen.append((step, {"loss": point[0], "size": point[1]}))
            ending = board.report(number, seen[-1][1], step)
            assert again.report(number, seen[-1][1], step) == ending
            if ending is not None:
                break
        board.finish(number, complete=ending is None, cut_short=ending is not None)
        told.append((number, seen, ending is None))


@pytest.mark.parametrize("complete", [True, False])
def test_trials_without_reports_end_too(*, complete: bool) -> None:
    board = FrontBoard(LOSS_AND_SIZE)
    board.finish(3, complete=complete)
    board.again(4)
    assert board.curve(3) == []
