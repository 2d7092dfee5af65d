from __future__ import annotations

import math

import pytest

from astraml_lab.metrics import Board, Ending, HalvingRule


def ladder(maximize: bool = False, **options: int) -> Board:  # noqa: FBT001, FBT002
    return Board(
        "loss", maximize=maximize, rule=HalvingRule(**{"min_resource": 1, "reduction": 2, **options})
    )


def ends_at(board: Board, number: int, *curve: float) -> int | None:
    for step, value in enumerate(curve, start=1):
        if board.report(number, value, step) is not None:
            return step
    return None


def test_the_reason_says_the_rung_the_share_and_both_numbers() -> None:
    board = ladder(reduction=3)
    for number in range(5):
        board.report(number, number / 10, 1)
    assert board.report(9, 0.31, 1) == Ending(
        "pruned",
        "pruned at step 1: loss 0.31 is not among the best 1/3 of 6 trials that came to step 1, "
        "the limit is 0.1",
    )


def test_rungs_lie_ever_further_apart_and_between_them_nobody_is_given_up() -> None:
    board = ladder()
    assert ends_at(board, 0, *[0.1] * 9) is None
    assert ends_at(board, 1, 0.1, 0.1, 0.9, 0.9, 0.1) == 4
    assert ends_at(board, 2, 0.1, 0.9, 0.9) == 2


def test_a_report_that_skips_rungs_is_held_against_each_of_them() -> None:
    board = ladder(maximize=True)
    for number, value in enumerate([0.5, 0.6, 0.7, 0.8]):
        board.report(number, value, 1)
    board.report(3, 0.9, 2)
    ending = board.report(9, 0.85, 7)
    assert ending is not None
    assert "1/2 of 2 trials that came to step 2, the limit is 0.9" in ending.reason


def test_the_first_trials_at_a_rung_stay_there_if_the_rule_says_so() -> None:
    board = ladder(bootstrap_count=2)
    first = board.report(0, 0.1, 1)
    assert first is not None
    assert first.reason == (
        "pruned at step 1: it is one of the first 2 trials that came to step 1, number 1, by which later "
        "ones are measured"
    )
    assert board.report(1, 0.2, 1) is not None
    assert board.report(2, 0.1, 1) is None


def test_without_a_first_rung_it_lies_at_a_hundredth_of_the_longest_run() -> None:
    board = Board("loss", maximize=False, rule=HalvingRule(reduction=2))
    assert ends_at(board, 0, *[9.0] * 600) is None
    assert board.report(1, 0.1, 7) is None, "nobody is complete yet"
    board.finish(0, complete=True)
    assert ends_at(board, 2, *[0.1] * 6) is None
    assert ends_at(board, 3, *[0.2] * 9) == 6


def test_no_number_at_a_rung_is_given_up() -> None:
    assert ladder().report(0, math.nan, 1) == Ending("pruned", "pruned at step 1: loss is no number")


@pytest.mark.parametrize("least", [None, 1])
def test_a_board_that_is_made_again_decides_alike(least: int | None) -> None:
    rule = HalvingRule(least, 2)
    board = Board("loss", maximize=False, rule=rule)
    ended = []
    for number in range(40):
        curve = [((number * 37 + 50) % 101) / (step + number % 3) for step in range(1, 20)]
        end = ends_at(board, number, *curve)
        complete, failed = end is None and number % 5 != 3, end is None and number % 5 == 3
        ended.append((number, board.curve(number), complete, end is not None))
        board.finish(number, complete=complete, cut_short=end is not None)
        assert complete or failed or end
        again = Board("loss", maximize=False, rule=rule)
        for old, known, whole, cut in ended:
            again.restore(old, known, complete=whole, cut_short=cut)
        for probe, height in enumerate([0.1, 10.0, 30.0, 60.0, 99.0], start=100):
            curve = [height / step for step in range(1, 20)]
            assert ends_at(board, probe, *curve) == ends_at(again, probe, *curve)
            board.again(probe)
            again.again(probe)
    assert {cut for _, _, _, cut in ended} == {True, False}
