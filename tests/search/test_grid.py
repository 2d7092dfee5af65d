from __future__ import annotations

import itertools
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec
from astraml_lab.search import Searcher, Told
from astraml_lab.search.grid import Grid
from astraml_lab.spec import (
    AnyDimension,
    Categorical,
    Definition,
    Discrete,
    Float,
    Int,
    ParamValue,
    Scale,
    Space,
    Strategy,
    TrialState,
    objectives_of,
)


def grid_of(space: Space, storage: optuna.storages.BaseStorage | None = None, seed: int = 0) -> Searcher:
    definition = Definition(space=space, objectives=objectives_of("acc"))
    return Searcher(definition, strategy=Strategy.GRID, seed=seed, storage=storage)


def drain(searcher: Searcher) -> list[dict[str, ParamValue]]:
    points = []
    while proposal := searcher.ask():
        points.append(proposal.params)
        searcher.tell(proposal.number, Told(TrialState.COMPLETE, (1.0,)))
    assert searcher.exhausted
    return points


@st.composite
def spaces(draw: st.DrawFn) -> tuple[Space, dict[str, list[Any]]]:
    """Draw up to five dimensions, some under conditions on one or two earlier ones."""
    values: dict[str, list[Any]] = {}
    dimensions: dict[str, Categorical] = {}
    for name in "abcde"[: draw(st.integers(1, 5))]:
        choices = draw(st.lists(st.sampled_from(["x", "y", None, 1, 2]), min_size=1, max_size=3, unique=True))
        parents = draw(st.lists(st.sampled_from(sorted(values)), max_size=2, unique=True)) if values else []
        when = {
            parent: draw(st.lists(st.sampled_from(values[parent]), min_size=1, unique=True))
            for parent in parents
        }
        values[name] = choices
        dimensions[name] = Categorical(choices, when=when or None)
    names = draw(st.permutations(sorted(dimensions)))
    return Space({name: dimensions[name] for name in names}), values


@given(spaces())
@settings(max_examples=60)
def test_the_grid_is_the_product_without_what_is_inactive(drawn: tuple[Space, dict[str, list[Any]]]) -> None:
    space, values = drawn
    expected = set()
    for combination in itertools.product(*(values[name] for name in space.names())):
        point = dict(zip(space.names(), combination, strict=True))
        for name, _ in space.parents_first():
            if not space.is_active(name, point):
                point[name] = "inactive"
        expected.add(tuple(point.values()))

    grid = Grid(space, values)
    found = [
        tuple(value if name in active else "inactive" for name, value in point.items())
        for point, active in grid
    ]

    assert len(found) == len(set(found))
    assert set(found) == expected


def test_a_grid_is_asked_in_natural_order_each_point_once_whatever_the_seed() -> None:
    space = Space(
        {
            "a": Int(1, 5, step=2),
            "b": Categorical(["x", None]),
            "c": Float(0, 0.5, step=0.3, when={"b": "x"}),
            "d": Discrete([1, 2.5], when={"b": [None]}),
            "e": Int(2, 3, scale=Scale.VERTEX_REVERSE_LOG, when={"a": 5}),
        }
    )
    points = drain(grid_of(space))
    assert len(points) == 2 * (2 + 2) + (2 + 2) * 2
    assert points[:2] == [
        {"a": 1, "b": "x", "c": 0.0, "d": None, "e": None},
        {"a": 1, "b": "x", "c": 0.3, "d": None, "e": None},
    ]
    assert points[-1] == {"a": 5, "b": None, "c": None, "d": 2.5, "e": 3}
    assert drain(grid_of(space, seed=9)) == points


def test_an_enqueued_combination_is_not_asked_again() -> None:
    searcher = grid_of(Space({"a": Int(1, 3), "b": Categorical(["x", "y"])}))
    searcher.enqueue({"a": 1, "b": "y"})
    searcher.enqueue({"a": 3, "b": "x"})
    points = drain(searcher)
    assert points[:2] == [{"a": 1, "b": "y"}, {"a": 3, "b": "x"}]
    assert len({str(point) for point in points}) == len(points) == 6


def test_a_resumed_grid_asks_only_what_is_left() -> None:
    space = Space({"a": Int(1, 3), "b": Categorical(["x", "y"])})
    storage = optuna.storages.InMemoryStorage()
    first = grid_of(space, storage)
    done = [first.ask() for _ in range(4)]
    second = grid_of(space, storage)
    assert len(second.restore()) == 4
    left = drain(second)
    assert len(left) == 2
    assert all(proposal and proposal.params not in left for proposal in done)


@pytest.mark.parametrize("state", [state for state in TrialState if state.ended])
def test_only_a_stopped_point_is_tried_again_when_the_search_goes_on(state: TrialState) -> None:
    space = Space({"a": Int(1, 3)})
    storage = optuna.storages.InMemoryStorage()
    first = grid_of(space, storage)
    proposal = first.ask()
    assert proposal
    first.tell(proposal.number, Told(state, (1.0,)))
    again = [proposal.params] if state is TrialState.STOPPED else []
    assert drain(grid_of(space, storage)) == [*again, {"a": 2}, {"a": 3}]
    assert drain(grid_of(space, storage)) == []


def test_a_large_grid_is_not_materialised() -> None:
    names = [f"n{index}" for index in range(12)]
    wide: dict[str, AnyDimension] = {name: Int(1, 10**6) for name in names}
    space = Space({**wide, "last": Int(1, 5, when={"n0": [3, 4]})})
    grid = Grid(space, {name: range(1, 10**6 + 1) for name in names} | {"last": range(1, 6)})
    assert next(iter(grid))[0] == dict.fromkeys(names, 1) | {"last": None}


def test_a_dimension_without_end_has_no_grid() -> None:
    with pytest.raises(InvalidSpec, match="finite dimension"):
        grid_of(Space({"a": Float(0, 1), "b": Int(1, 2)}))
