from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from astraml_lab.search import Searcher, Told
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

if TYPE_CHECKING:
    from astraml_lab.search import Proposal

SPACE = Space(
    {
        "beta": Float(0.9, 0.999, scale="reverse_log"),
        "width": Discrete([16, 32, 64]),
        "lr": Float(1e-5, 1e-1, log=True),
        "drop": Float(0, 0.5, step=0.1),
        "optimizer": Categorical(["sgd", "adamw"]),
        "momentum": Float(0.5, 0.9, when={"optimizer": "sgd"}),
        "fixed": Int(3, 3),
    }
)


def searched(trials: int, *metrics: str) -> tuple[Searcher, list[Proposal]]:
    definition = Definition(space=SPACE, objectives=objectives_of(list(metrics)))
    searcher = Searcher(definition, strategy=Strategy.RANDOM, seed=0)
    proposals = []
    for _ in range(trials):
        proposal = searcher.ask()
        assert proposal
        lr = proposal.params["lr"]
        assert isinstance(lr, float)
        told = Told(TrialState.COMPLETE, (lr, *(0.5 for _ in metrics[1:])), [(1, 0.1), (2, lr)])
        searcher.tell(proposal.number, told)
        proposals.append(proposal)
    return searcher, proposals


def test_the_copy_speaks_the_users_names_and_values() -> None:
    searcher, proposals = searched(20, "acc")
    searcher.enqueue({"width": 32})
    running = searcher.ask()
    study = searcher.study()
    for trial, proposal in zip(study.trials, proposals, strict=False):
        assert trial.params == {
            name: proposal.params[name] for name in SPACE.names() if name in proposal.active
        }
        assert trial.intermediate_values == {1: 0.1, 2: proposal.params["lr"]}
    assert running
    assert study.trials[20].state == OptunaState.RUNNING
    rates = [float(str(proposal.params["lr"])) for proposal in proposals]
    assert study.best_trial.number == rates.index(max(rates))
    assert study.metric_names == ["acc"]
    assert study.directions == [optuna.study.StudyDirection.MAXIMIZE]


def test_the_copy_is_detached() -> None:
    searcher, _ = searched(3, "acc")
    copy = searcher.study()
    copy.enqueue_trial({"width": 16})
    assert len(searcher.study().trials) == 3


@pytest.mark.parametrize("metrics", [("acc",), ("acc", "speed")])
def test_optunas_charts_take_the_copy(metrics: tuple[str, ...]) -> None:
    searcher, _ = searched(25, *metrics)
    study = searcher.study()
    draw = optuna.visualization
    if len(metrics) > 1:
        assert draw.plot_pareto_front(study).data
        return
    assert draw.plot_optimization_history(study).data
    assert draw.plot_intermediate_values(study).data
    assert draw.plot_slice(study).data
    assert draw.plot_parallel_coordinate(study).data
    assert draw.plot_contour(study, params=["lr", "beta"]).data


@pytest.mark.parametrize("metrics", [("acc",), ("acc", "speed")])
def test_importance_finds_the_parameter_that_matters(metrics: tuple[str, ...]) -> None:
    searcher, _ = searched(60, *metrics)
    importance = searcher.importance()
    assert next(iter(importance.shares)) == "lr"
    assert set(importance.shares) == set(SPACE.names()) - {"fixed"}
    assert sum(importance.shares.values()) == pytest.approx(1)


def test_importance_says_why_there_is_none() -> None:
    searcher, _ = searched(3, "acc")
    importance = searcher.importance()
    assert importance.shares == {}
    assert importance.reason == "Importance needs 4 finished trials, there are 3."


def test_a_copy_can_be_made_by_another_thread_while_the_search_goes_on() -> None:
    searcher, _ = searched(10, "acc")
    with ThreadPoolExecutor(1) as pool:
        copies = [pool.submit(searcher.study) for _ in range(5)]
        for number in range(10, 40):
            assert searcher.ask()
            searcher.tell(number, Told(TrialState.COMPLETE, (0.1,)))
        assert all(len(copy.result().trials) >= 10 for copy in copies)
