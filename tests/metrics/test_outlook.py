"""`--prune auto` on the board: when a trial is given up, when it is not, and what is said of it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.metrics import Board, OutlookRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.metrics import Ending

STEPS = 27


def law(end: float, pace: float = 1.0, steps: int = STEPS) -> list[float]:
    """Return a loss that comes down from 2.3."""
    left = np.arange(1, steps + 1) ** -pace
    return [float(value) for value in end + (2.3 - end) * (left - left[-1]) / (1 - left[-1])]


def run(board: Board, number: int, curve: Sequence[float], first: int = 1) -> Ending | None:
    """Report a curve until the board gives it up, and finish it."""
    ending = None
    for step, value in enumerate(curve, start=first):
        ending = board.report(number, value, step)
        if ending is not None:
            break
    board.finish(number, complete=ending is None, cut_short=ending is not None)
    return ending


def restore(board: Board, curves: Sequence[Sequence[float]], first: int = 1) -> Board:
    for number, curve in enumerate(curves):
        board.restore(number, enumerate(curve, start=first), complete=True)
    return board


def fresh(*, maximize: bool = False, best: bool = False) -> Board:
    return Board("loss", maximize=maximize, rule=OutlookRule(best=best))


ENDS = [0.9, 0.3, 0.7, 0.5, 0.4, 0.6, 0.8]


def test_a_trial_that_will_hardly_beat_the_best_is_given_up_and_its_reason_has_the_numbers() -> None:
    board = restore(fresh(), [law(end) for end in ENDS])
    ending = run(board, 7, law(0.75))
    assert ending is not None
    words = re.fullmatch(
        r"pruned at step (\d+): loss ([\d.]+) goes to about ([\d.]+) ± ([\d.e-]+) by step 27, with a "
        r"chance of (less than 0\.1|[\d.]+) % to beat 0\.3 \(trial 1\); ranks at step \1 agree with the "
        r"final ones by ([\d.]+) in 7 trials",
        ending.reason,
    )
    assert words, ending.reason
    assert int(words[1]) <= 9
    assert abs(float(words[3]) - 0.75) < 0.15


def test_a_chance_is_told_in_plain_digits_up_to_the_limit() -> None:
    told = []
    for end in np.linspace(0.3, 0.5, 200):
        ending = run(restore(fresh(), [law(end) for end in ENDS]), 7, law(float(end)))
        if ending is not None:
            told.append(re.findall(r"with a chance of (?:less than )?(\S+) % to beat", ending.reason)[0])
    assert all(re.fullmatch(r"[\d.]+", percent) for percent in told)
    assert 9 < max(map(float, told)) <= 10


def test_one_trial_in_eight_goes_on_whatever_its_forecast() -> None:
    board = restore(fresh(), [law(end) for end in ENDS])
    through = [number for number in range(7, 31) if run(board, number, law(0.85)) is None]
    assert through == [13, 21, 29]


def test_a_trial_that_may_be_the_best_goes_on_to_its_end() -> None:
    board = restore(fresh(), [law(end) for end in ENDS])
    assert run(board, 7, law(0.2)) is None


def test_greater_is_better_where_it_is() -> None:
    board = restore(fresh(maximize=True), [[-value for value in law(end)] for end in ENDS])
    assert run(board, 7, [-value for value in law(0.2)]) is None
    ending = run(board, 8, [-value for value in law(0.8)])
    assert ending is not None
    assert "to beat -0.2 (trial 7)" in ending.reason


def test_where_early_ranks_say_nothing_nobody_is_given_up_early() -> None:
    """Half-way, all losses are the other way round: those that look bad end best."""
    back = [law(1.3 - end)[:14] + [end] * 13 for end in ENDS * 2]
    board = restore(fresh(), back)
    ending = run(board, 14, law(1.3 - 0.45)[:14] + [0.45] * 13)
    assert ending is None or "step 1:" not in ending.reason
    assert ending is None or int(ending.reason.split()[3].rstrip(":")) >= 14


def test_before_forecasts_the_worse_half_is_given_up_at_the_floor_but_not_before_a_trial_is_complete() -> (
    None
):
    board = fresh()
    assert [run(board, number, law(end)) for number, end in enumerate((0.5, 0.6))] == [None, None]
    ending = run(board, 2, [3.0, *law(0.9)[1:]])
    assert ending is not None
    assert ending.reason == (
        "pruned at step 1: loss 3 is in the worse half of 3 trials that came to step 1, the limit is 2.3; "
        "forecasts need 3 complete trials"
    )


def test_the_floor_lets_enough_trials_pass_for_a_forecast() -> None:
    """Ever worse ones, each of which is in the worse half."""
    board = fresh()
    pruned = [run(board, number, [5.0 + number] * STEPS) is not None for number in range(30)]
    assert pruned[:2] == [False, False]
    assert all(pruned[2:11])
    assert not pruned[11]


def test_one_value_per_trial_is_never_given_up() -> None:
    board = fresh()
    assert [run(board, number, [float(number)]) for number in range(30)] == [None] * 30


def test_trials_at_the_same_time_are_not_given_up_before_anyone_knows_how_far_they_go() -> None:
    board = fresh()
    for step in range(1, 10):
        assert [board.report(number, law(number / 8)[step - 1], step) for number in range(8)] == [None] * 8


def test_by_its_best_a_curve_that_rises_again_counts_as_what_it_was_at_best() -> None:
    dips = [[*law(end)[:18], *[end + 1.0] * 9] for end in ENDS]
    board = restore(fresh(best=True), dips)
    ending = run(board, 7, [*law(0.8)])
    assert ending is not None
    lowest = min(min(curve) for curve in dips)
    assert f"to beat {lowest:.4g} (trial 1)" in ending.reason


@pytest.mark.parametrize("first", [0, 1])
def test_steps_may_begin_with_0_or_1(first: int) -> None:
    board = restore(fresh(), [law(end) for end in ENDS], first=first)
    ending = run(board, 7, law(0.8), first=first)
    assert ending is not None
    other = restore(fresh(), [law(end) for end in ENDS])
    theirs = run(other, 7, law(0.8))
    assert theirs is not None
    step, its = (int(each.reason.split()[3].rstrip(":")) for each in (ending, theirs))
    assert step == its - 1 + first


def test_thousands_of_steps_in_each_trial_are_looked_at_rarely_and_not_at_the_very_start() -> None:
    curves = [law(end, steps=4000) for end in ENDS]
    board = restore(fresh(), curves)
    ending = run(board, 7, law(0.75, steps=4000))
    assert ending is not None
    assert int(ending.reason.split()[3].rstrip(":")) >= 4000 / 81


def test_values_that_are_no_numbers_are_passed_over() -> None:
    board = restore(fresh(), [law(end) for end in ENDS])
    board.restore(20, [(step, math.nan) for step in range(1, 28)], complete=True)
    holes = law(0.2)
    holes[2] = holes[8] = math.nan
    assert run(board, 21, holes) is None
    assert run(board, 22, [math.nan] * STEPS) is None


def test_a_trial_that_begins_again_does_not_compete_with_itself() -> None:
    board = fresh()
    run(board, 0, law(0.5))
    for number in (1, 2):
        board.report(number, 1.0, 1)
        board.again(number)
    assert board.report(3, 3.0, 1) is None, "only two are at the floor"


curves = st.lists(st.floats(-2, 3, width=16) | st.just(math.nan), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(
    trials=st.lists(st.tuples(curves, st.booleans()), min_size=1, max_size=25),
    restarted_at=st.integers(0, 24),
    maximize=st.booleans(),
)
def test_a_restored_board_decides_as_the_one_before_it(
    *, trials: list[tuple[list[float], bool]], restarted_at: int, maximize: bool
) -> None:
    one, other = fresh(maximize=maximize), fresh(maximize=maximize)
    for number, (curve, fails) in enumerate(trials):
        ending, reported = None, []
        for step, value in enumerate(curve):
            ending = one.report(number, value, step)
            reported.append((step, value))
            if number >= restarted_at:
                assert other.report(number, value, step) == ending
            if ending is not None:
                break
        how = {"complete": ending is None and not fails, "cut_short": ending is not None}
        one.finish(number, **how)
        if number >= restarted_at:
            other.finish(number, **how)
        else:
            other.restore(number, reported, **how)
