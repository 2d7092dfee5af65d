"""Giving up with several objectives: what is beaten in all of them, at the same rung."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.metrics import DominanceRule, Ending, FrontBoard
from astraml_lab.spec import TrialState, objectives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LOSS_AND_SIZE = objectives_of(minimize=["loss", "size"])
Curve = list[tuple[float, float]]


def board_after(*curves: Curve, reduction: int = 2, startup: int = 1, first: int | None = 1) -> FrontBoard:
    """Make a board with complete trials, each with its losses and sizes at steps 1, 2 and so on."""
    board = FrontBoard(LOSS_AND_SIZE, DominanceRule(first, reduction, startup))
    for number, curve in enumerate(curves):
        end(board, number, curve)
        board.finish(number, complete=True)
    return board


def end(board: FrontBoard, number: int, curve: Sequence[tuple[float, float]]) -> tuple[int, Ending] | None:
    """Report a curve; return the step at which it was given up, and why."""
    for step, (loss, size) in enumerate(curve, start=1):
        ending = board.report(number, {"loss": loss, "size": size}, step)
        if ending is not None:
            return step, ending
    return None


FLAT: list[Curve] = [[(0.5, 4.0)] * 9, [(0.6, 3.0)] * 9, [(0.9, 1.0)] * 9, [(0.7, 2.0)] * 9]


def test_the_reason_says_who_is_better_in_what_and_by_how_many_it_is_beaten() -> None:
    found = end(board_after(*FLAT), 9, [(0.65, 4.5)])
    assert found is not None
    assert found[1] == Ending(
        "pruned",
        "pruned at step 1: 2 of 5 trials that came to step 1 are better in every objective, as trial 0 with "
        "0.5, 4 to its loss 0.65, size 4.5; the best 1/2 are beaten by none",
    )


def test_what_nobody_beats_goes_on_in_whatever_part_of_the_front() -> None:
    assert end(board_after(*FLAT), 9, [(0.4, 99.0)] * 9) is None
    assert end(board_after(*FLAT), 9, [(99.0, 0.5)] * 9) is None
    assert end(board_after(*FLAT), 9, [(0.65, 2.5)] * 9) is None


def test_what_is_as_good_as_another_is_not_beaten_by_it() -> None:
    assert end(board_after(FLAT[0], FLAT[0], FLAT[0]), 9, FLAT[0]) is None


def test_a_beaten_one_among_the_best_share_goes_on() -> None:
    poor = [(0.8, 5.0)]
    worse = [[(1.0 + n, 6.0)] * 9 for n in range(6)]
    assert end(board_after(FLAT[0], *worse, reduction=2), 9, poor) is None
    assert end(board_after(FLAT[0], *worse, reduction=8), 9, poor) is not None


def test_between_rungs_and_at_the_last_step_of_complete_trials_nobody_is_given_up() -> None:
    board = board_after(*FLAT)
    curve = [(0.1, 1.0), (0.1, 1.0), (9.0, 9.0), (9.0, 9.0), (9.0, 9.0)]
    found = end(board, 9, curve)
    assert found is not None
    assert found[0] == 4
    short = [[(0.5, 4.0)] * 4, [(0.6, 3.0)] * 4]
    assert end(board_after(*short), 9, curve) is None, "at step 4 the others were complete"


def test_nobody_is_given_up_before_some_trials_are_complete() -> None:
    assert end(board_after(*FLAT, startup=5), 9, [(9.0, 9.0)] * 9) is None
    assert end(board_after(*FLAT, startup=4), 9, [(9.0, 9.0)] * 9) is not None


def test_an_objective_that_is_known_from_the_start_needs_one_report() -> None:
    board = board_after(*FLAT)
    assert board.report(9, {"loss": 0.2}, 1) is None, "its size is not known yet"
    assert board.report(9, {"size": 9.0}, 1) is None
    assert board.report(9, {"loss": 0.9}, 2) is not None
    late = board_after(*FLAT)
    assert [late.report(8, {"loss": 9.0}, step) for step in range(1, 6)] == [None] * 5
    assert late.report(8, {"size": 9.0}, 1) is None, "a falling step decides nothing"
    assert late.report(8, {"loss": 9.0}, 6) is not None


def test_no_number_does_not_count_and_the_number_before_it_does() -> None:
    board = board_after(*FLAT)
    assert end(board, 9, [(0.4, 5.0), (float("nan"), float("inf"))]) is None


def test_a_greater_value_is_better_where_it_is_to_be_maximised() -> None:
    board = FrontBoard(objectives_of(maximize=["acc"], minimize=["ms"]), DominanceRule(1, 2, 1))
    for step in (1, 2, 3):
        board.report(0, {"acc": 0.9, "ms": 5.0}, step)
    board.finish(0, complete=True)
    assert board.report(1, {"acc": 0.95, "ms": 6.0}, 1) is None
    ending = board.report(2, {"acc": 0.8, "ms": 5.0}, 1)
    assert ending is not None
    assert "as trial 0 with 0.9, 5 to its acc 0.8, ms 5" in ending.reason
    assert board.report(2, {"acc": 1.0, "ms": 1.0}, 2) is ending, "a trial that goes on gets it again"


def test_the_first_rung_lies_at_a_twentieth_of_the_longest_run_once_there_is_one() -> None:
    long = [[(0.5, 4.0)] * 90, [(0.6, 3.0)] * 90]
    board = board_after(*long, first=None, startup=2)
    found = end(board, 9, [(9.0, 9.0)] * 90)
    assert found is not None
    assert found[0] == 5


def test_a_trial_that_begins_again_leaves_its_rungs_and_a_failed_one_does_not() -> None:
    board = board_after(*FLAT, reduction=8)
    assert board.report(7, {"loss": 0.01, "size": 0.01}, 1) is None
    board.again(7)
    assert end(board, 9, [(0.4, 3.5)]) is None
    assert board.report(8, {"loss": 0.01, "size": 0.01}, 1) is None
    board.finish(8, complete=False)
    assert end(board, 10, [(0.4, 3.5)]) is not None
    assert not board.goes_by(TrialState.FAILED), "made again, the board begins without it"


@settings(deadline=None, max_examples=25)
@given(
    curves=st.lists(
        st.lists(st.tuples(*[st.integers(0, 4).map(float)] * 2), min_size=1, max_size=9), max_size=25
    ),
    reduction=st.integers(2, 4),
    startup=st.integers(1, 3),
)
def test_every_decision_is_the_one_of_the_definition_also_of_a_board_that_is_made_again(
    curves: list[Curve], reduction: int, startup: int
) -> None:
    """The closed form, written without a thought of speed."""
    board = FrontBoard(LOSS_AND_SIZE, DominanceRule(1, reduction, startup))
    rungs: dict[int, list[tuple[float, float]]] = {}
    told: list[tuple[int, list[tuple[int, dict[str, float]]], bool]] = []
    complete, furthest = 0, -1
    for number, curve in enumerate(curves):
        again = FrontBoard(LOSS_AND_SIZE, DominanceRule(1, reduction, startup))
        for old, known, whole in told:
            again.restore(old, known, complete=whole)
        seen, over = [], False
        for step, point in enumerate(curve, start=1):
            seen.append((step, {"loss": point[0], "size": point[1]}))
            expected = False
            if step in {reduction**power for power in range(5)}:
                there = rungs.setdefault(step, [])
                there.append(point)
                beaten = [sum(a <= c and b <= d and (a, b) != (c, d) for a, b in there) for c, d in there]
                limit = sorted(beaten)[max(1, len(there) // reduction) - 1]
                expected = complete >= startup and step < furthest and beaten[-1] > limit
            for each in (board, again):
                assert (each.report(number, seen[-1][1], step) is not None) == expected
            over = expected
            if over:
                break
        board.finish(number, complete=not over, cut_short=over)
        told.append((number, seen, not over))
        complete += not over
        furthest = furthest if over else max(furthest, len(curve))


@pytest.mark.parametrize("complete", [True, False])
def test_trials_without_reports_end_too(*, complete: bool) -> None:
    board = FrontBoard(LOSS_AND_SIZE)
    board.finish(3, complete=complete)
    board.again(4)
    assert board.curve(3) == []
