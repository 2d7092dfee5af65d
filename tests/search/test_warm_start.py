from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState as OptunaState

from astraml_lab.errors import Conflict, StoreError
from astraml_lab.search import Fitting, Misfit, Past, Proposal, Searcher, Told, Warmed
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.search.proposals import WARM
from astraml_lab.spec import (
    Categorical,
    Definition,
    Discrete,
    Float,
    Int,
    Space,
    Strategy,
    TrialState,
    objectives_of,
)
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from optuna.storages import BaseStorage

SPACE = Space(
    {
        "lr": Float(1e-4, 0.1, log=True),
        "momentum": Float(0.5, 0.99, when={"optimizer": "sgd"}),
        "optimizer": Categorical(["sgd", "adamw", None]),
        "beta": Float(0.5, 0.999, scale="reverse_log"),
        "dropout": Float(0, 0.5, step=0.1),
        "layers": Int(1, 9, step=2),
        "size": Discrete([16, 64, 128]),
    }
)
FINITE = Space(
    {"a": Int(1, 3), "b": Categorical(["x", "y"]), "c": Discrete([0.1, 0.5], when={"b": "x"}), "d": Int(7, 7)}
)
POINT: dict[str, Any] = {
    "lr": 0.01,
    "optimizer": "adamw",
    "beta": 0.9,
    "dropout": 0.3,
    "layers": 3,
    "size": 64,
}
FREE = [strategy for strategy in Strategy if strategy is not Strategy.GRID]


def of(space: Space, *metrics: str) -> Definition:
    return Definition(space=space, objectives=objectives_of(minimize=list(metrics or ("loss",))))


def past(count: int, seed: int = 0, space: Space = SPACE, metrics: int = 1) -> list[Past]:
    """Return trials that fit, from a random search of their own; the best has the smallest values."""
    searcher = Searcher(of(space), strategy=Strategy.RANDOM, seed=seed)
    asked = [searcher.ask() for _ in range(count)]
    return [
        Past(
            {name: value for name, value in proposal.params.items() if name in proposal.active},
            (float(index),) * metrics,
            source=f"digits#1 trial {proposal.number}",
        )
        for index, proposal in enumerate(asked)
        if proposal
    ]


def finish(searcher: Searcher, proposal: Proposal | None, *values: float) -> Proposal:
    assert proposal is not None
    searcher.tell(proposal.number, Told(TrialState.COMPLETE, values or (1.0,)))
    return proposal


def trials_in(storage: BaseStorage) -> list[optuna.trial.FrozenTrial]:
    (study,) = storage.get_all_studies()
    return storage.get_all_trials(study._study_id)


def warm_in(storage: BaseStorage) -> list[str]:
    return [trial.user_attrs[WARM] for trial in trials_in(storage) if WARM in trial.user_attrs]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as opened:
        yield opened


def test_trials_that_fit_are_taken_and_the_others_counted_by_reason() -> None:
    misfits = [
        {**POINT, "lr": 0.5},
        {**POINT, "lr": 5.0},
        {**POINT, "optimizer": "lion"},
        {**POINT, "layers": 4},
        {**POINT, "layers": 3.5},
        {**POINT, "size": 65},
        {**POINT, "dropout": 0.25},
        {**POINT, "beta": "high"},
        {**POINT, "beta": None},
        {**POINT, "optimizer": "sgd"},
        {name: value for name, value in POINT.items() if name != "lr"},
    ]
    fits = [
        POINT,
        {**POINT, "extra": 3, "layers": 3.0, "momentum": "of no importance"},
        {**POINT, "optimizer": "sgd", "momentum": 0.9},
        {**POINT, "optimizer": None},
    ]
    searcher = Searcher(of(SPACE), seed=0)
    warmed = searcher.warm([Past(params, (1.0,)) for params in (*misfits, *fits)])
    assert warmed.taken == len(fits)
    assert dict(warmed.left_out) == {
        "lr outside 1e-4 … 0.1": 2,
        "layers between its steps of 2": 2,
        "optimizer not one of sgd, adamw, None": 1,
        "size not one of 16, 64, 128": 1,
        "dropout between its steps of 0.1": 1,
        "beta not a number": 1,
        "without beta": 1,
        "without momentum": 1,
        "without lr": 1,
    }
    assert next(iter(warmed.left_out)) in {"lr outside 1e-4 … 0.1", "layers between its steps of 2"}


def test_a_trial_without_a_result_teaches_nothing() -> None:
    searcher = Searcher(of(SPACE), seed=0)
    given = [
        Past(POINT),
        Past(POINT, (float("nan"),)),
        Past(POINT, (1.0, 2.0)),
        Past(POINT, state=TrialState.FAILED),
        Past(POINT, state=TrialState.PRUNED),
        Past(POINT, state=TrialState.PRUNED, curve=[(3, 0.5)]),
    ]
    assert searcher.warm(given) == Warmed(1, {"without loss": 4, "failed": 1})


def test_a_pruned_trial_is_ranked_by_its_curve_or_left_out_where_there_is_no_rank() -> None:
    pruned = Past(POINT, state=TrialState.PRUNED, curve=[(step, 1 / (step + 1)) for step in range(300)])
    storage = optuna.storages.InMemoryStorage()
    Searcher(of(SPACE), seed=0, storage=storage).warm([pruned])
    (trial,) = trials_in(storage)
    assert trial.state == OptunaState.PRUNED
    assert (len(trial.intermediate_values), max(trial.intermediate_values)) == (100, 299)
    several = Searcher(of(SPACE, "loss", "time"), seed=0).warm([pruned])
    assert several.left_out == {"pruned, where several objectives rank complete trials only": 1}


def test_a_search_that_is_none_takes_nothing() -> None:
    assert Searcher(Definition()).warm(past(1)).left_out == {"nothing is tuned": 1}
    by_run = Searcher(of(Space({})), seed=0)
    assert by_run.warm(past(2)).left_out == {"the space shows only as the trials run": 2}
    assert by_run.untouched
    assert by_run.ask()


def test_values_reach_optuna_in_its_own_terms_and_under_its_own_names() -> None:
    storage = optuna.storages.InMemoryStorage()
    Searcher(of(SPACE), seed=0, storage=storage).warm([Past(POINT, (0.25,), source="digits#1 trial 7")])
    (trial,) = trials_in(storage)
    assert trial.value == 0.25
    assert trial.user_attrs == {WARM: "digits#1 trial 7"}
    assert trial.params == pytest.approx(
        {
            "lr": 0.01,
            "optimizer": "adamw",
            "__rlog__beta": 0.1,
            "__idx__dropout": 3,
            "layers": 3,
            "__idx__size": 1,
        }
    )


def test_a_search_that_has_begun_takes_no_more() -> None:
    begun: list[Callable[[Searcher], object]] = [
        Searcher.ask,
        lambda searcher: searcher.enqueue({}),
        lambda searcher: searcher.warm(past(1)),
    ]
    for begin in begun:
        searcher = Searcher(of(SPACE), seed=0)
        fresh = searcher.untouched
        begin(searcher)
        assert (fresh, searcher.untouched) == (True, False)
        with pytest.raises(Conflict, match="before its first"):
            searcher.warm(past(1))


@pytest.mark.parametrize("strategy", [Strategy.RANDOM, Strategy.QMC, Strategy.HYPERBAND, Strategy.GRID])
def test_what_does_not_learn_goes_exactly_as_without(strategy: Strategy) -> None:
    # What a quasi-random sequence leaves out, TPE fills in
    space = Space({"x": Float(0, 1), "n": Int(1, 9)}) if strategy is Strategy.QMC else FINITE
    cold, warm = (Searcher(of(space), strategy=strategy, seed=3) for _ in range(2))
    assert warm.warm(past(20, space=space)).taken == 20
    for _ in range(9):
        assert warm.ready is cold.ready
        assert warm.exhausted is cold.exhausted
        one, other = cold.ask(), warm.ask()
        assert one == other
        if one:
            finish(cold, one)
            finish(warm, other)


@pytest.mark.parametrize("strategy", FREE)
def test_every_strategy_goes_on_from_warm_trials(strategy: Strategy) -> None:
    for count in (1, 3, 60):
        searcher = Searcher(of(SPACE), strategy=strategy, seed=1)
        assert searcher.warm(past(count)).taken == count
        found = [finish(searcher, searcher.ask()) for _ in range(4)]
        assert [proposal.number for proposal in found] == [0, 1, 2, 3]
        assert len({proposal.seed for proposal in found}) == 4


def bowl(x: float, y: float) -> float:
    return (x - 0.8) ** 2 + (y - 0.3) ** 2


@pytest.mark.parametrize("strategy", [Strategy.AUTO, Strategy.GP, Strategy.CMAES, Strategy.NSGA2])
def test_what_learns_begins_near_the_best_of_before(strategy: Strategy) -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    drawn = np.random.default_rng(0).random((60, 2)).tolist()
    points = [{"x": x, "y": y} for x, y in drawn]
    known = [Past(point, (bowl(**point),)) for point in points]

    def mean(warm: bool) -> float:  # noqa: FBT001 - with and without
        searcher = Searcher(of(space), strategy=strategy, seed=5)
        if warm:
            searcher.warm(known)
        found = []
        for _ in range(8):
            proposal: Any = searcher.ask()
            found.append(bowl(**proposal.params))
            finish(searcher, proposal, found[-1])
        return sum(found) / 8

    assert mean(warm=True) < 0.6 * mean(warm=False)


def test_cmaes_begins_at_the_best_of_a_few_and_leaves_choices_alone() -> None:
    known = [Past({**POINT, "lr": lr}, (loss,)) for lr, loss in ((0.05, 0.1), (1e-4, 9.0), (1e-3, 5.0))]
    searcher = Searcher(of(SPACE), strategy=Strategy.CMAES, seed=0)
    searcher.warm(known)
    asked: Any = [searcher.ask() for _ in range(6)]
    assert sum(proposal.params["lr"] > 0.01 for proposal in asked) >= 5


def test_several_objectives_start_warm_too() -> None:
    for strategy in set(FREE) - {Strategy.CMAES}:
        searcher = Searcher(of(SPACE, "loss", "time"), strategy=strategy, seed=0)
        assert searcher.warm(past(60, metrics=2)).taken == 60
        assert finish(searcher, searcher.ask(), 1.0, 2.0).number == 0


def test_of_more_than_a_strategy_can_learn_from_the_last_are_taken() -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(of(SPACE), strategy=Strategy.GP, seed=0, storage=storage)
    warmed = searcher.warm([*past(255), Past({}, (1.0,))])
    assert warmed == Warmed(250, {"beyond the last 250": 5, "without lr": 1})
    assert warm_in(storage)[0] == "digits#1 trial 5"
    assert warm_in(storage)[-1] == "digits#1 trial 254"


@pytest.mark.parametrize("strategy", FREE)
def test_a_resumed_search_still_has_its_warm_trials_once(store: Store, strategy: Strategy) -> None:
    _, lease = store.create_job("default", "digits", spec="{}", fingerprint="", owner="test")
    journal = store.journal(lease)
    first = Searcher(of(SPACE), strategy=strategy, seed=1, storage=StudyStorage(journal))
    first.warm(past(12))
    done = [finish(first, first.ask()) for _ in range(3)]
    held = [first.ask(), first.ask()]
    assert first.enqueue({"layers": 5}) == 5
    journal.commit()

    storage = StudyStorage(store.journal(lease))
    second = Searcher(of(SPACE), strategy=strategy, seed=1, storage=storage)
    assert not second.untouched
    assert list(second.restore()) == held
    second.requeue(4)
    assert second.ask() == held[1]
    assert second.ask() == second._live[5].proposal
    new = second.ask()
    assert new
    assert new.number == 6
    finish(second, new)
    assert second.suggest(3, "more", Float(0, 1)) is not None
    finish(second, held[0])
    assert new.params not in [proposal.params for proposal in done]
    assert warm_in(storage) == [f"digits#1 trial {number}" for number in range(12)]
    complete = [trial for trial in trials_in(storage)[12:] if trial.state == OptunaState.COMPLETE]
    assert len(complete) == 5


def test_warm_trials_are_on_disk_all_or_none(store: Store) -> None:
    _, lease = store.create_job("default", "digits", spec="{}", fingerprint="", owner="test")
    storage = StudyStorage(store.journal(lease))
    searcher = Searcher(of(SPACE), seed=1, storage=storage)
    with store.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    with pytest.raises(StoreError):
        searcher.warm(past(5))
    assert StudyStorage(store.journal(lease)).get_all_studies() == []
    with store.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    again = StudyStorage(store.journal(lease))
    Searcher(of(SPACE), seed=1, storage=again).warm(past(5))
    assert len(warm_in(StudyStorage(store.journal(lease)))) == 5


@given(
    strategy=st.sampled_from([Strategy.AUTO, Strategy.RANDOM, Strategy.NSGA2, Strategy.QMC]),
    warm=st.integers(0, 15),
    acts=st.lists(st.sampled_from(["ask", "tell", "fail", "enqueue", "kill", "requeue"]), max_size=25),
)
@settings(max_examples=60)
def test_numbers_are_those_of_a_search_without_warm_trials(
    strategy: Strategy, warm: int, acts: list[str]
) -> None:
    """Drive a cold and a warm search alike; only the values may differ."""
    storages = [optuna.storages.InMemoryStorage() for _ in range(2)]
    both = [Searcher(of(SPACE), strategy=strategy, seed=2, storage=storage) for storage in storages]
    both[1].warm(past(warm))
    running: list[int] = []
    for act in acts:
        if act == "ask":
            asked = [searcher.ask() for searcher in both]
            one, other = asked
            assert one
            assert other
            assert (one.number, one.seed) == (other.number, other.seed)
            running.append(one.number)
        elif act == "enqueue":
            numbers = {searcher.enqueue({"layers": 3}) for searcher in both}
            assert len(numbers) == 1
        elif act == "kill":
            both = [Searcher(of(SPACE), strategy=strategy, seed=2, storage=storage) for storage in storages]
            restored = [[proposal.number for proposal in searcher.restore()] for searcher in both]
            assert restored == [sorted(running)] * 2
        elif running:
            number = running.pop(0)
            for searcher in both:
                if act == "requeue":
                    searcher.requeue(number)
                else:
                    state = TrialState.COMPLETE if act == "tell" else TrialState.FAILED
                    searcher.tell(number, Told(state, (float(number),)))
            if act == "requeue":
                again = [searcher.ask() for searcher in both]
                assert [proposal.number for proposal in again if proposal] == [number, number]
                running.append(number)
        assert len({(searcher.ready, searcher.exhausted) for searcher in both}) == 1
    assert len(warm_in(storages[1])) == warm


@given(warm=st.integers(0, 20), kills=st.sets(st.integers(0, 8)), first=st.booleans())
@settings(max_examples=30)
def test_a_grid_is_complete_however_much_was_known(warm: int, kills: set[int], *, first: bool) -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(of(FINITE), strategy=Strategy.GRID, seed=0, storage=storage)
    assert searcher.warm(past(warm, space=FINITE)).taken == warm
    if first:
        assert searcher.enqueue({"a": 2, "b": "y"}) == 0
    points: list[str] = []
    while proposal := searcher.ask():
        assert proposal.number == len(points)
        points.append(str(proposal.params))
        finish(searcher, proposal)
        if len(points) in kills:
            searcher = Searcher(of(FINITE), strategy=Strategy.GRID, seed=0, storage=storage)
    assert searcher.exhausted
    assert len(points) == len(set(points)) == 9


def test_fitting_returns_what_the_space_would_have_sampled() -> None:
    fitting = Fitting(SPACE)
    assert fitting.fit({**POINT, "layers": 3.0, "dropout": 0.30000000000000004, "momentum": 0.7}) == POINT
    assert isinstance(fitting.fit({**POINT, "layers": 3.0})["layers"], int)
    with pytest.raises(Misfit, match="without momentum"):
        fitting.fit({**POINT, "optimizer": "sgd"})
