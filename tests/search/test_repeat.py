from __future__ import annotations

import pytest

from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.search import Searcher, Told, check_point
from astraml_lab.spec import Categorical, Definition, Float, Int, Space, Strategy, TrialState, objectives_of

SPACE = Space(
    {
        "x": Float(0, 0.9, scale="reverse_log"),
        "c": Categorical(["a", "b"]),
        "y": Int(1, 4, when={"c": "a"}),
    }
)
DEFINITION = Definition(space=SPACE, objectives=objectives_of("score"))


@pytest.mark.parametrize("strategy", [Strategy.TPE, Strategy.RANDOM, Strategy.QMC])
def test_a_point_is_tried_again_under_a_new_number(strategy: Strategy) -> None:
    searcher = Searcher(DEFINITION, strategy=strategy, seed=1)
    drawn = [proposal for _ in range(4) if (proposal := searcher.ask())]
    for proposal in drawn:
        assert searcher.repeat(proposal.number) == proposal.number + 4
    again = [searcher.ask() for _ in range(4)]

    assert [each.params for each in again if each] == [each.params for each in drawn]
    assert [each.number for each in again if each] == [4, 5, 6, 7]
    assert all(each and each.seed != old.seed for each, old in zip(again, drawn, strict=True))


def test_what_code_suggested_is_part_of_the_point() -> None:
    searcher = Searcher(Definition(objectives=objectives_of("score")), seed=1)
    first = searcher.ask()
    assert first is not None
    value = searcher.suggest(first.number, "lr", Float(0, 1))
    searcher.tell(first.number, Told(TrialState.COMPLETE, (1.0,)))
    again = searcher.repeat(0)
    proposal = searcher.ask()

    assert proposal is not None
    assert proposal.number == again
    assert searcher.suggest(again, "lr", Float(0, 1)) == value


def test_a_finished_grid_tries_a_point_again() -> None:
    space = Space({"c": Categorical(["a", "b"])})
    searcher = Searcher(
        Definition(space=space, objectives=objectives_of("score")), strategy=Strategy.GRID, seed=1
    )
    while (proposal := searcher.ask()) is not None:
        searcher.tell(proposal.number, Told(TrialState.COMPLETE, (1.0,)))
    before = searcher.exhausted, searcher.ready
    searcher.repeat(1)

    assert before == (True, False)
    assert (searcher.exhausted, searcher.ready) == (False, True)
    assert searcher.ask() is not None


def test_only_trials_of_the_search_can_be_repeated() -> None:
    searcher = Searcher(DEFINITION, seed=1)
    searcher.ask()
    for number in (-1, 1):
        with pytest.raises(NotFound, match="no trial"):
            searcher.repeat(number)


def test_a_point_is_checked_without_a_search() -> None:
    assert check_point(DEFINITION, {"x": 0.5, "c": "b", "y": None}) == {"x": 0.5, "c": "b"}
    with pytest.raises(InvalidSpec, match="no such parameter"):
        check_point(DEFINITION, {"z": 1})
