"""A job of several definitions: they take turns, share one budget, and one trial is the best of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives import FunctionCode
from astraml_lab.search import Searcher
from astraml_lab.spec import JobSpec, JobState, own_params, part_of, validate

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

UP = [{"metric": "score", "goal": "maximize"}]
TREE = {
    "name": "tree",
    "space": {
        "depth": {"type": "int", "low": 1, "high": 3},
        "kind": {"type": "categorical", "choices": ["plain", "boosted"]},
        "rate": {"type": "float", "low": 0, "high": 1, "when": {"kind": "boosted"}},
    },
    "objectives": UP,
}
NET = {"name": "net", "space": {"rate": {"type": "float", "low": 2, "high": 3}}, "objectives": UP}


def spec_of(*definitions: dict[str, Any], **options: Any) -> JobSpec:
    return validate(JobSpec, {"definitions": list(definitions), "seed": 0, "prune": "off", **options})


def launch(bench: Bench, spec: JobSpec, metrics: dict[str, str] | None = None) -> Job:
    """Launch a job whose trials report their own definition's metric."""

    def train(trial: Trial) -> None:
        own = part_of(spec.definitions, trial.params)
        values = own_params(spec.definitions, trial.params)
        said = {"depth", "kind", "rate"} if own.name == "tree" else {"rate"}
        if set(values) != said:
            raise ValueError(values)
        trial.report({(metrics or {}).get(own.name, "score"): values["rate"] or 0.0})

    return bench.manager.launch(spec, FunctionCode(train, spec.space, spec.objectives), attended=True)


def test_definitions_take_turns_and_one_trial_is_the_best_of_all(bench: Bench) -> None:
    job = launch(bench, spec_of(TREE, NET, trials=6)).wait(120)

    assert job.state is JobState.SUCCEEDED
    views = [trial.view() for trial in job.trials.values()]
    assert [view.definition for view in views] == ["tree", "net"] * 3
    assert [view.params["definition"] for view in views] == ["tree", "net"] * 3
    assert all(view.params["net/rate"] is None for view in views[::2])
    assert all(view.params["tree/depth"] is None for view in views[1::2])
    assert job.best.view().definition == "net"


def test_each_definitions_metric_counts_as_the_jobs_objective(bench: Bench) -> None:
    net = {**NET, "objectives": [{"metric": "validation:auc", "goal": "maximize"}]}
    spec = spec_of(TREE, net, trials=4)
    assert [objective.metric for objective in spec.objectives] == ["objective"]

    job = launch(bench, spec, {"net": "validation:auc"}).wait(120)

    assert job.state is JobState.SUCCEEDED, job.view().reason
    best = job.best.view()
    assert best.values == (best.params["net/rate"],)
    assert best.metrics["validation:auc"] == best.metrics["objective"]


def test_a_point_that_is_asked_for_says_whose_it_is_or_takes_its_turn() -> None:
    spec = spec_of(TREE, NET)
    searcher = Searcher(spec.search, turns=spec.turns, seed=0)
    for point in ({"net/rate": 2.5}, {"definition": "tree", "tree/depth": 2}, {}, {}):
        searcher.enqueue(point)
    asked = [searcher.ask() for _ in range(6)]

    assert [one.params["definition"] for one in asked if one] == ["net", "tree", "tree", "net", "tree", "net"]
    assert asked[0] is not None
    assert asked[1] is not None
    assert (asked[0].params["net/rate"], asked[1].params["tree/depth"]) == (2.5, 2)
    with pytest.raises(InvalidSpec, match="plays a part only where"):
        searcher.enqueue({"definition": "tree", "net/rate": 2.5})


@pytest.mark.parametrize("strategy", ["tpe", "random", "qmc", "nsga2"])
def test_every_strategy_searches_them(bench: Bench, strategy: str) -> None:
    job = launch(bench, spec_of(TREE, NET, trials=6, strategy=strategy, parallel=2)).wait(120)

    views = sorted((trial.view() for trial in job.trials.values()), key=lambda view: view.number)
    assert [view.definition for view in views] == ["tree", "net"] * 3


def test_a_grid_takes_turns_until_the_smaller_is_through(bench: Bench) -> None:
    one = {"name": "one", "space": {"a": {"type": "int", "low": 1, "high": 3}}, "objectives": UP}
    other = {"name": "other", "space": {"a": {"type": "categorical", "choices": ["x"]}}, "objectives": UP}
    spec = spec_of(one, other, trials=9, strategy="grid", parallel=2)

    job = bench.manager.launch(
        spec, FunctionCode(lambda trial: {"score": trial.number}, spec.space, spec.objectives), attended=True
    ).wait(120)

    assert job.state is JobState.SUCCEEDED
    assert job.view().reason == "every point of the space was tried: 4 trials"
    points = [own_params(spec.definitions, trial.params)["a"] for _, trial in sorted(job.trials.items())]
    assert points == [1, "x", 2, 3]


def test_a_resumed_job_goes_on_in_turn(bench: Bench) -> None:
    spec = spec_of(TREE, NET, trials=3, name="turns")
    launch(bench, spec).wait(120)
    job = launch(bench, spec.model_copy(update={"trials": 5})).wait(120)

    views = sorted((trial.view() for trial in job.trials.values()), key=lambda view: view.number)
    assert [view.definition for view in views] == ["tree", "net", "tree", "net", "tree"]
    assert JobSpec.model_validate_json(job.spec.model_dump_json()).definitions[1].name == "net"


def test_definitions_that_aim_apart_or_share_a_name_are_refused() -> None:
    down = {**NET, "objectives": [{"metric": "loss", "goal": "minimize"}]}
    with pytest.raises(InvalidSpec, match="all aim in the same direction"):
        spec_of(TREE, down)
    with pytest.raises(InvalidSpec, match="each definition has a name of its own"):
        spec_of(TREE, {**NET, "name": "tree"})
    with pytest.raises(InvalidSpec, match="no `/`, which parts"):  # "tree/deep"'s x would be tree's "deep/x"
        spec_of(TREE, {**NET, "name": "tree/deep"})
