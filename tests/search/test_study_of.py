from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from astraml_lab.search import Searcher, Told, importance_of, study_of
from astraml_lab.spec import (
    Categorical,
    Definition,
    Discrete,
    Float,
    Int,
    Space,
    Strategy,
    TrialState,
    TrialView,
    objectives_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def views_of(trials: int, *metrics: str) -> list[TrialView]:
    definition = Definition(space=SPACE, objectives=objectives_of(list(metrics)))
    searcher = Searcher(definition, strategy=Strategy.RANDOM, seed=0)
    views = []
    for _ in range(trials):
        proposal = searcher.ask()
        assert proposal
        lr = proposal.params["lr"]
        assert isinstance(lr, float)
        values = (lr, *(0.5 for _ in metrics[1:]))
        searcher.tell(proposal.number, Told(TrialState.COMPLETE, values))
        views.append(TrialView(proposal.number, TrialState.COMPLETE, proposal.params, values=values))
    return views


def study_from(views: Sequence[TrialView], *metrics: str) -> optuna.Study:
    definition = Definition(space=SPACE, objectives=objectives_of(list(metrics)))
    curves = {view.number: [(1.0, 0.1), (2.0, view.values[0])] for view in views if view.values}
    return study_of(definition, views, curves, name="digits")


def test_the_copy_speaks_the_users_names_and_values() -> None:
    views = views_of(20, "acc")
    views.append(TrialView(20, TrialState.RUNNING, {"width": 32}))
    views.append(TrialView(21, TrialState.STOPPED, {"width": 16, "own": 7}, reason="stopped by you"))
    study = study_from(views, "acc")
    rates = []
    for trial, view in zip(study.trials[:20], views, strict=False):
        assert trial.params == {name: view.params[name] for name in SPACE.names() if _is_active(name, view)}
        assert trial.intermediate_values == {1: 0.1, 2: view.params["lr"]}
        rates.append(float(str(view.params["lr"])))
    assert [trial.state for trial in study.trials[20:]] == [OptunaState.RUNNING, OptunaState.FAIL]
    assert study.trials[21].params == {"width": 16, "own": 7}
    assert study.trials[21].user_attrs == {"reason": "stopped by you"}
    assert study.best_trial.number == rates.index(max(rates))
    assert study.metric_names == ["acc"]
    assert study.directions == [optuna.study.StudyDirection.MAXIMIZE]


def _is_active(name: str, view: TrialView) -> bool:
    return SPACE.is_active(name, view.params)


@pytest.mark.parametrize("metrics", [("acc",), ("acc", "speed")])
def test_optunas_charts_take_the_copy(metrics: tuple[str, ...]) -> None:
    study = study_from(views_of(25, *metrics), *metrics)
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
def test_importance_finds_the_parameter_that_matters(
    metrics: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    importance = importance_of(study_from(views_of(60, *metrics), *metrics))
    assert next(iter(importance.shares)) == "lr"
    assert set(importance.shares) == set(SPACE.names()) - {"fixed"}
    assert sum(importance.shares.values()) == pytest.approx(1)
    assert capsys.readouterr() == ("", "")


def test_importance_says_why_there_is_none() -> None:
    importance = importance_of(study_from(views_of(3, "acc"), "acc"))
    assert importance.shares == {}
    assert importance.reason == "Importance needs 4 finished trials, there are 3."
    still = [TrialView(n, TrialState.COMPLETE, {"fixed": 3}, values=(1.0,)) for n in range(4)]
    assert importance_of(study_from(still, "acc")).reason == "No parameter varies."
