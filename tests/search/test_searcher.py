from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from astraml_lab.errors import Conflict, InvalidSpec, MissingExtra, NotFound
from astraml_lab.search import Ended, Proposal, Searcher, Told, require_sampler
from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.search.reasons import reasons_of
from astraml_lab.search.samplers import build_sampler, strategy_notes
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
    from collections.abc import Iterator
    from pathlib import Path

FREE = [strategy for strategy in Strategy if strategy is not Strategy.GRID]
PLAIN = Space(
    {
        "lr": Float(1e-5, 1e-1, log=True),
        "dropout": Float(0, 0.9),
        "width": Int(16, 256, log=True),
        "layers": Int(1, 9, step=2),
        "act": Categorical(["relu", "gelu", None]),
    }
)
TREE = Space(
    {
        "momentum": Float(0.5, 0.99, when={"optimizer": "sgd"}),
        "optimizer": Categorical(["sgd", "adamw", None]),
        "nesterov": Categorical([True, None], when={"optimizer": ["sgd"]}),
        "beta": Float(0.9, 0.999, scale="reverse_log", when={"optimizer": "adamw"}),
        "depth": Int(1, 3),
        "skip": Discrete([0.1, 0.2], when={"depth": [2, 3], "nesterov": [None]}),
    }
)


def one(space: Space, *metrics: str) -> Definition:
    return Definition(space=space, objectives=objectives_of(minimize=list(metrics or ("loss",))))


def loss(params: dict[str, Any]) -> float:
    return float(sum(value for value in params.values() if isinstance(value, float | int)))


def complete(searcher: Searcher, proposal: Proposal | None, *values: float) -> Proposal:
    assert proposal is not None
    searcher.tell(proposal.number, Told(TrialState.COMPLETE, values or (loss(proposal.params),)))
    return proposal


def search(searcher: Searcher, trials: int) -> list[Proposal]:
    return [complete(searcher, searcher.ask()) for _ in range(trials)]


def trials_in(storage: optuna.storages.BaseStorage) -> list[optuna.trial.FrozenTrial]:
    (study,) = storage.get_all_studies()
    return storage.get_all_trials(study._study_id)


def suggest_plainly(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "lr": trial.suggest_float("lr", 1e-5, 1e-1, log=True),
        "dropout": trial.suggest_float("dropout", 0, 0.9),
        "width": trial.suggest_int("width", 16, 256, log=True),
        "layers": trial.suggest_int("layers", 1, 9, step=2),
        "act": trial.suggest_categorical("act", ["relu", "gelu", None]),
    }


@pytest.fixture
def bare_optuna() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


@pytest.mark.parametrize(
    ("strategy", "sampler"),
    [
        (Strategy.TPE, lambda: optuna.samplers.TPESampler(seed=7)),
        (Strategy.NSGA2, lambda: optuna.samplers.NSGAIISampler(seed=7)),
    ],
)
@pytest.mark.usefixtures("bare_optuna")
def test_a_plain_space_is_searched_as_optuna_itself_does(strategy: Strategy, sampler: Any) -> None:
    study = optuna.create_study(sampler=sampler())
    expected = []
    for _ in range(30):
        trial = study.ask()
        expected.append(suggest_plainly(trial))
        study.tell(trial, loss(expected[-1]))

    found = search(Searcher(one(PLAIN), strategy=strategy, seed=7), 30)

    assert [proposal.params for proposal in found] == expected


@pytest.mark.usefixtures("bare_optuna")
def test_a_pareto_search_by_tpe_is_optunas_own_too() -> None:
    study = optuna.create_study(directions=["minimize"] * 2, sampler=optuna.samplers.TPESampler(seed=7))
    searcher = Searcher(one(PLAIN, "loss", "time"), strategy=Strategy.TPE, seed=7)
    for _ in range(15):
        trial = study.ask()
        params = suggest_plainly(trial)
        study.tell(trial, [loss(params), -loss(params)])
        proposal = searcher.ask()
        assert proposal
        assert proposal.params == params
        complete(searcher, proposal, loss(params), -loss(params))


@pytest.mark.parametrize("strategy", [Strategy.GP, Strategy.CMAES])
@pytest.mark.usefixtures("bare_optuna")
def test_a_numeric_space_is_searched_jointly_as_optuna_itself_does(strategy: Strategy) -> None:
    definition = one(Space({"a": Float(0, 1), "b": Float(0.01, 1, log=True)}))
    study = optuna.create_study(sampler=build_sampler(strategy, definition, 7))
    stock = optuna.create_study(
        sampler=optuna.samplers.CmaEsSampler(seed=7)
        if strategy is Strategy.CMAES
        else optuna.samplers.GPSampler(seed=7)
    )
    # The first ten are the startup of the fallback; from the same start both go on alike
    for _ in range(14):
        trial = study.ask()
        point = {"a": trial.suggest_float("a", 0, 1), "b": trial.suggest_float("b", 0.01, 1, log=True)}
        study.tell(trial, loss(point))
        stock.enqueue_trial(point)
        stock.tell(stock.ask(dict(trial.distributions)), loss(point))
    assert stock.best_value == study.best_value
    if strategy is Strategy.CMAES:
        assert "cma:generation" in study.trials[-1].system_attrs


@pytest.mark.parametrize("strategy", FREE)
def test_the_same_seed_and_the_same_tells_give_the_same_proposals(strategy: Strategy) -> None:
    first, second = (search(Searcher(one(TREE), strategy=strategy, seed=3), 13) for _ in range(2))
    assert first == second
    assert len({proposal.seed for proposal in first}) == 13
    other = search(Searcher(one(TREE), strategy=strategy, seed=4), 3)
    assert [proposal.params for proposal in other] != [proposal.params for proposal in first[:3]]


def test_without_a_seed_two_searches_differ() -> None:
    first, second = (search(Searcher(one(PLAIN)), 2) for _ in range(2))
    assert first != second


@pytest.mark.parametrize("strategy", FREE)
def test_an_inactive_child_never_has_a_value(strategy: Strategy) -> None:
    for proposal in search(Searcher(one(TREE), strategy=strategy, seed=5), 16):
        params = proposal.params
        assert list(params) == TREE.names()
        sgd = params["optimizer"] == "sgd"
        assert (params["momentum"] is not None) is sgd
        assert ("nesterov" in proposal.active) is sgd
        assert (params["beta"] is not None) is (params["optimizer"] == "adamw")
        skips = sgd and params["nesterov"] is None and params["depth"] in {2, 3}
        assert (params["skip"] is not None) is skips
        assert proposal.active == {name for name in TREE.names() if TREE.is_active(name, params)}


@pytest.mark.parametrize("strategy", [strategy for strategy in FREE if strategy is not Strategy.GP])
def test_several_trials_at_once_get_different_points(strategy: Strategy) -> None:
    searcher = Searcher(one(PLAIN), strategy=strategy, seed=0)
    search(searcher, 11)
    asked = [searcher.ask() for _ in range(3)]
    assert len({str(proposal.params) for proposal in asked if proposal}) == 3


def test_every_strategy_of_several_objectives_but_cmaes_searches_a_conditional_space() -> None:
    definition = one(TREE, "loss", "time")
    for strategy in set(FREE) - {Strategy.CMAES}:
        searcher = Searcher(definition, strategy=strategy, seed=1)
        for _ in range(12):
            proposal = searcher.ask()
            assert proposal
            complete(searcher, proposal, loss(proposal.params), 1.0)
    with pytest.raises(InvalidSpec, match="one objective"):
        Searcher(definition, strategy=Strategy.CMAES)


def test_a_search_says_nothing_on_its_own(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    optuna.logging.enable_default_handler()
    with caplog.at_level(logging.DEBUG):
        for strategy in FREE:
            searcher = Searcher(one(TREE), strategy=strategy, seed=0)
            search(searcher, 12)
    assert capsys.readouterr() == ("", "")
    assert not logging.getLogger("optuna").handlers[0].filters


def test_a_search_that_goes_on_says_nothing_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.enable_default_handler()
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        with Store(tmp_path) as store:
            _, lease = store.create_job("default", "digits", spec="{}", fingerprint="", owner="test")
            for _ in range(3):
                storage = StudyStorage(store.journal(lease))
                searcher = Searcher(one(TREE), seed=0, storage=storage)
                searcher.restore()
                assert searcher.ready
                searcher.enqueue({"depth": 2})
                search(searcher, 3)
                searcher.ask()
                with storage.together(lambda _connection: None):
                    pass
    finally:
        optuna.logging.set_verbosity(before)
    assert capsys.readouterr() == ("", "")


def test_curves_reach_optuna_thinned_and_with_their_last_point() -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(PLAIN), seed=0, storage=storage)
    proposal = searcher.ask()
    assert proposal
    curve = [(float(step), step / 10) for step in range(-3, 1000)] + [(1000.0, float("nan"))]
    searcher.tell(proposal.number, Told(TrialState.PRUNED, curve=curve))
    trial = trials_in(storage)[0]
    assert trial.state == OptunaState.PRUNED
    assert trial.value == 99.9
    assert len(trial.intermediate_values) == 100
    assert max(trial.intermediate_values) == 999


@pytest.mark.parametrize("state", [TrialState.STOPPED, TrialState.FAILED])
@pytest.mark.parametrize("strategy", [Strategy.TPE, Strategy.GP, Strategy.CMAES, Strategy.NSGA2])
def test_a_stopped_or_failed_trial_teaches_the_sampler_nothing(state: TrialState, strategy: Strategy) -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(PLAIN), strategy=strategy, seed=0, storage=storage)
    for _ in range(12):
        proposal = searcher.ask()
        assert proposal
        searcher.tell(proposal.number, Told(state, curve=[(1, 0.5)]))
    assert {trial.state for trial in trials_in(storage)} == {OptunaState.FAIL}
    assert searcher.ask()


def test_a_pruned_trial_of_several_objectives_is_told_with_what_it_was_by_then() -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(PLAIN, "loss", "time"), seed=0, storage=storage)
    for _ in range(12):
        proposal = searcher.ask()
        assert proposal
        searcher.tell(proposal.number, Told(TrialState.PRUNED, curve=[(1, 0.5)], rows=[(1, 0.5, 2.0)]))
    assert searcher.ask()
    told = optuna.load_study(study_name="default", storage=storage).get_trials()[:12]
    assert {trial.state for trial in told} == {OptunaState.PRUNED}
    assert all(trial.user_attrs["curves"] == [[1, 0.5, 2.0]] for trial in told)


def test_an_enqueued_point_comes_first_and_exactly_as_given() -> None:
    space = Space({"b": Float(0, 0.99, scale="reverse_log"), "s": Float(0, 1, step=0.1), **PLAIN.dimensions})
    searcher = Searcher(one(space), seed=0)
    search(searcher, 2)
    assert searcher.enqueue({"b": 0.1, "s": 0.30000000000000004, "act": None, "layers": 3.0}) == 2
    assert searcher.enqueue({"act": "gelu"}) == 3
    proposal = searcher.ask()
    assert proposal
    assert proposal.number == 2
    assert {name: proposal.params[name] for name in ("b", "s", "act", "layers")} == {
        "b": 0.1,
        "s": 0.3,
        "act": None,
        "layers": 3,
    }
    assert searcher.ask()


def test_a_finished_trials_params_can_be_enqueued_as_they_are() -> None:
    searcher = Searcher(one(TREE), seed=0)
    for proposal in search(searcher, 12):
        searcher.enqueue(proposal.params)
        again = searcher.ask()
        assert again
        assert again.params == proposal.params


def test_a_wrong_point_is_refused_with_every_mistake() -> None:
    searcher = Searcher(one(TREE), seed=0)
    with pytest.raises(InvalidSpec) as caught:
        searcher.enqueue(
            {"optimiser": "sgd", "optimizer": "adamw", "momentum": 0.9, "depth": 7, "beta": None}
        )
    problems = {problem.path: problem for problem in caught.value.problems}
    assert set(problems) == {"optimiser", "momentum", "depth", "beta"}
    assert problems["optimiser"].hint == 'did you mean "optimizer"?'
    assert "plays a part only where" in problems["momentum"].allowed


def test_a_dimension_of_the_trials_own_is_sampled_once_and_kept() -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(PLAIN), seed=0, storage=storage)
    proposal = searcher.ask()
    assert proposal
    steps = searcher.suggest(proposal.number, "steps", Float(0, 1, step=0.25))
    assert searcher.suggest(proposal.number, "steps", Float(0, 1, step=0.25)) == steps
    assert searcher.suggest(proposal.number, "lr", Float(5, 6)) == proposal.params["lr"]
    kinds = searcher.suggest(proposal.number, "kinds", Discrete([1, 2, 3]))
    complete(searcher, proposal)
    assert trials_in(storage)[0].user_attrs["params"] == {**proposal.params, "steps": steps, "kinds": kinds}
    with pytest.raises(NotFound, match="Trial 0 is not running"):
        searcher.suggest(0, "more", Float(0, 1))


def test_no_objective_is_a_single_run() -> None:
    searcher = Searcher(Definition())
    proposal = searcher.ask()
    assert proposal
    assert proposal.params == {}
    assert searcher.ask() is None
    searcher.tell(0, Told(TrialState.COMPLETE))
    assert searcher.exhausted


def test_without_a_space_the_first_trial_decides_whether_there_is_a_search() -> None:
    single, by_run = Searcher(one(Space({})), seed=0), Searcher(one(Space({})), seed=0)
    for searcher in (single, by_run):
        assert searcher.ask()
        assert searcher.ask() is None
        assert not searcher.exhausted
    by_run.suggest(0, "lr", Float(0, 1))
    for searcher in (single, by_run):
        searcher.tell(0, Told(TrialState.COMPLETE, (1.0,)))
    assert single.exhausted
    assert not by_run.exhausted
    assert by_run.ask()


def answers(searcher: Searcher) -> bool:
    """Compare what `ready` says, twice, with what `ask` then does; leave nothing running."""
    ready = searcher.ready
    assert searcher.ready is ready
    proposal = searcher.ask()
    assert (proposal is not None) is ready
    return ready


def test_ready_tells_what_ask_would_do() -> None:
    by_run, single, plain = (Searcher(one(space), seed=0) for space in (Space({}), Space({}), PLAIN))
    grid = Searcher(one(Space({"n": Int(1, 2)})), strategy=Strategy.GRID)
    assert answers(by_run)
    assert answers(single)
    assert not answers(by_run)
    assert not by_run.exhausted
    by_run.suggest(0, "lr", Float(0, 1))
    assert answers(by_run)
    single.tell(0, Told(TrialState.COMPLETE, (1.0,)))
    assert not answers(single)
    assert [answers(plain) for _ in range(3)] == [True] * 3
    assert [answers(grid) for _ in range(3)] == [True, True, False]
    grid.enqueue({"n": 2})
    assert not grid.exhausted
    assert answers(grid)
    assert not answers(grid)
    grid.requeue(1)
    assert answers(grid)


def test_ready_counts_what_an_earlier_run_left_waiting() -> None:
    storage = optuna.storages.InMemoryStorage()
    first = Searcher(one(Space({})), seed=0, storage=storage)
    assert first.ask()
    first.enqueue({})
    second = Searcher(one(Space({})), seed=0, storage=storage)
    assert answers(second)
    assert not answers(second)
    second.restore()
    second.requeue(0)
    assert answers(second)


def test_a_resumed_search_goes_on_and_repeats_no_point() -> None:
    for strategy in FREE:
        storage = optuna.storages.InMemoryStorage()
        first = Searcher(one(PLAIN), strategy=strategy, seed=1, storage=storage)
        done = search(first, 4)
        held = [first.ask(), first.ask()]
        first.enqueue({"act": "gelu"})

        second = Searcher(one(PLAIN), strategy=strategy, seed=1, storage=storage)
        restored = second.restore()
        assert list(restored) == held
        second.requeue(restored[1].number)
        assert second.ask() == held[1]
        waiting = second.ask()
        assert waiting
        assert waiting.number == 6
        assert waiting.params["act"] == "gelu"
        new = second.ask()
        assert new
        assert new.number == 7
        before = [str(proposal.params) for proposal in (*done, *held, waiting) if proposal]
        assert str(new.params) not in before


def test_a_search_goes_on_from_the_jobs_own_storage(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        _, lease = store.create_job("default", "digits", spec="{}", fingerprint="", owner="test")
        journal = store.journal(lease)
        first = Searcher(one(TREE), seed=1, storage=StudyStorage(journal))
        done = search(first, 12)
        held = first.ask()
        journal.commit()
        stored = StudyStorage(store.journal(lease))
        second = Searcher(one(TREE), seed=1, storage=stored)
        assert second.restore() == (held,)
        assert trials_in(stored)[3].user_attrs["params"] == done[3].params
        assert search(second, 2)[-1].number == 14


def test_a_stored_study_of_other_objectives_is_refused() -> None:
    storage = optuna.storages.InMemoryStorage()
    Searcher(one(PLAIN), storage=storage)
    with pytest.raises(Conflict, match="aims to minimize, this one to minimize, minimize"):
        Searcher(one(PLAIN, "loss", "time"), storage=storage)


def test_a_slow_or_partial_strategy_says_so() -> None:
    assert strategy_notes(Strategy.AUTO, one(TREE), 20) == ()
    assert "slow above 250" in strategy_notes(Strategy.GP, one(PLAIN), 300)[0]
    assert "act apart from the others" in strategy_notes(Strategy.CMAES, one(PLAIN), 20)[0]
    assert "random search" in strategy_notes(Strategy.NSGA2, one(PLAIN), 20)[0]


def test_a_missing_extra_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['cmaes'] = None\n"
        "from astraml_lab.errors import MissingExtra\n"
        "from astraml_lab.search import Searcher\n"
        "from astraml_lab.spec import *\n"
        "try: Searcher(Definition(space=Space({'x': Float(0, 1)}), objectives=objectives_of('a')), "
        "strategy=Strategy.CMAES)\n"
        "except MissingExtra as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "astraml-lab[search]"' in done.stdout


def test_a_missing_extra_is_known_before_anything_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("cmaes", "torch"):
        monkeypatch.setitem(sys.modules, library, None)
    storage = optuna.storages.InMemoryStorage()
    for strategy, missing in ((Strategy.CMAES, "cmaes"), (Strategy.GP, "torch")):
        with pytest.raises(MissingExtra, match=missing):
            require_sampler(strategy)
        with pytest.raises(MissingExtra, match=missing):
            Searcher(one(PLAIN), strategy=strategy, storage=storage)
    assert storage.get_all_studies() == []
    require_sampler(Strategy.QMC)
    require_sampler(Strategy.AUTO)


def test_what_the_study_has_lost_is_learned_again_and_no_number_is_given_twice() -> None:
    definition = Definition(
        space=Space({"x": Float(0, 1), "act": Categorical(["a", "b"])}), objectives=objectives_of("score")
    )
    searcher = Searcher(definition, seed=1)
    first = searcher.ask()
    assert first is not None
    ended = {
        0: Ended(first.params, Told(TrialState.COMPLETE, (0.3,), [(1, 0.1)])),
        2: Ended({"x": 0.5, "act": "b"}, Told(TrialState.COMPLETE, (0.9,), [(1, 0.9)])),
        3: Ended({"x": 7.0, "act": "nowhere"}, Told(TrialState.COMPLETE, (0.1,))),
        4: Ended({"x": 0.2, "act": "a"}, Told(TrialState.PRUNED, None, [(1, 0.2)])),
    }
    assert searcher.adopt(ended) == 4
    assert searcher.count == 5
    trials = searcher._study.get_trials()
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "FAIL", "PRUNED"]
    assert searcher._study.best_trial.params["x"] == 0.5
    following = searcher.ask()
    assert following is not None
    assert following.number == 5
    assert searcher.adopt(ended) == 0


def test_constraints_reach_optuna_and_its_samplers_look_for_points_that_keep_to_them() -> None:
    space = Space({"x": Float(0, 1)})
    definition = Definition(space=space, objectives=objectives_of("acc"))
    searcher = Searcher(definition, strategy=Strategy.TPE, seed=0)
    late = []
    for number in range(60):
        proposal = searcher.ask()
        assert proposal is not None
        x = float(str(proposal.params["x"]))
        # the best is at 1, and everything above a half is forbidden
        searcher.tell(number, Told(TrialState.COMPLETE, (x,), constraints={"0 heat": x - 0.5}))
        late += [x] if number >= 40 else []
    assert sum(late) / len(late) < 0.6, late


def test_constraints_are_learned_again_with_the_trials_that_a_study_has_lost() -> None:
    definition = Definition(space=Space({"x": Float(0, 1)}), objectives=objectives_of("acc"))
    searcher = Searcher(definition, seed=1)
    assert searcher.ask() is not None
    told = Told(TrialState.COMPLETE, (0.9,), constraints={"0 heat": 0.4})
    assert searcher.adopt({number: Ended({"x": 0.9}, told) for number in (0, 1)}) == 2
    assert [trial.constraints for trial in searcher._study.trials] == [{"0 heat": 0.4}] * 2


def test_the_default_learns_conditions_and_says_why() -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(TREE), seed=7, storage=storage)
    found = search(searcher, 16)
    reasons = reasons_of(storage, Strategy.AUTO)
    assert reasons[0] == "initial design: the centre of the space"
    assert any(reason.startswith(("a gain", "exploring")) for reason in reasons[8:])
    assert all(set(proposal.params) == set(TREE.names()) for proposal in found)


@pytest.mark.parametrize("metrics", [("loss",), ("loss", "time")])
def test_the_default_proposes_the_same_after_a_kernel_died(metrics: tuple[str, ...]) -> None:
    found = []
    for kernels in ((14,), (3, 6, 5)):
        storage = optuna.storages.InMemoryStorage()
        points: list[dict[str, Any]] = []
        for trials in kernels:
            searcher = Searcher(one(TREE, *metrics), seed=7, storage=storage)
            for _ in range(trials):
                values = [len(points) / 3] * len(metrics)
                points.append(complete(searcher, searcher.ask(), *values).params)
        found.append(points)
    assert found[0] == found[1]


@pytest.mark.parametrize("strategy", [strategy for strategy in FREE if strategy is not Strategy.AUTO])
def test_other_strategies_say_how_they_choose(strategy: Strategy) -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(PLAIN), strategy=strategy, seed=0, storage=storage)
    searcher.enqueue(search(searcher, 1)[0].params)
    searcher.ask()
    searcher.enqueue(search(searcher, 1)[0].params)
    first, second, *_, last = reasons_of(storage, strategy)
    assert first.startswith(f"{strategy}: ")
    assert second == "enqueued: somebody asked for this point"
    assert not last, "it has not begun"


def test_the_default_says_where_it_hands_over_to_tpe() -> None:
    wide = Space({f"x{index}": Float(0, 1) for index in range(101)})
    assert strategy_notes(Strategy.AUTO, one(PLAIN), 1000) == ()
    assert strategy_notes(Strategy.AUTO, one(PLAIN), 1200) == ("auto goes on with tpe after 1,000 trials",)
    assert strategy_notes(Strategy.AUTO, one(wide), 20) == (
        "auto searches more than 100 dimensions with tpe",
    )


def test_auto_says_beyond_how_many_objectives_it_hands_over() -> None:
    three, four = one(PLAIN, "a", "b", "c"), one(PLAIN, "a", "b", "c", "d")
    assert not any("objectives" in note for note in strategy_notes(Strategy.AUTO, three, 100))
    assert "auto searches more than 3 objectives with tpe" in strategy_notes(Strategy.AUTO, four, 100)


def test_auto_keeps_to_constraints_and_says_so() -> None:
    storage = optuna.storages.InMemoryStorage()
    searcher = Searcher(one(PLAIN, "loss"), seed=3, storage=storage)
    for _ in range(12):
        proposal = searcher.ask()
        assert proposal
        excess = float(str(proposal.params["dropout"])) - 0.5
        told = Told(TrialState.COMPLETE, (loss(proposal.params),), constraints={"0 memory": excess})
        searcher.tell(proposal.number, told)
    last = searcher.ask()
    assert last
    assert "keeps to the constraints" in reasons_of(storage, Strategy.AUTO)[last.number]
