from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugins.spaces import OPTIONS, spaces

from astraml_lab.dialects import translate
from astraml_lab.dialects.astraml import write
from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import (
    Definition,
    Dialect,
    Goal,
    JobSpec,
    Limits,
    Objective,
    Program,
    Script,
    Space,
    StoppingKind,
    StoppingRule,
    validate,
)

PLAIN = st.text(string.ascii_letters, min_size=1, max_size=6)
POSITIVE = st.integers(1, 10**6)
WIDE = st.tuples(st.floats(1e-6, 1e3), st.floats(1e-3, 1e3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
INTEGERS = st.tuples(POSITIVE, POSITIVE).map(lambda pair: {"min": pair[0], "max": pair[0] + pair[1]})
FLOATS = WIDE.map(lambda pair: {"min": pair[0], "max": pair[1]})
LOGS = FLOATS.map(lambda found: {**found, "scale": "log"})
STEPPED = st.tuples(INTEGERS, st.integers(1, 9)).map(lambda pair: {**pair[0], "step": pair[1]})
CHOICES = st.lists(PLAIN | POSITIVE, min_size=1, max_size=4, unique=True).map(
    lambda found: {"choices": found}
)
VALUES = POSITIVE | st.floats(-1e6, 1e6) | PLAIN | st.booleans() | st.just({"secret": "hf"})
STOPPING = st.fixed_dictionaries(
    {}, optional={"patience": POSITIVE | INTEGERS, "metric": PLAIN, "min_delta": st.floats(0, 1)}
)
KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "batch_size": POSITIVE | INTEGERS | STEPPED,
        "lr": st.floats(1e-9, 1) | FLOATS | LOGS,
        "epochs": POSITIVE | st.just({"choices": [1, 2]}),
        "lr_scheduler": st.sampled_from(["linear", {"choices": ["step", "none"]}]),
        "early_stopping": st.none() | STOPPING,
    },
)  # fmt: skip
TUNING = st.fixed_dictionaries(
    {
        "objective": st.fixed_dictionaries(
            {"metric": PLAIN, "direction": st.sampled_from(["minimize", "maximize"])}
        )
    },
    optional={
        "strategy": st.sampled_from(["bayesian", "random", "hyperband"]),
        "max_trials": st.integers(1, 10_000),
        "max_parallel": st.integers(1, 100),
        "max_runtime_s": st.none() | POSITIVE,
        "trial_timeout_s": POSITIVE,
        "seed": st.none() | st.integers(0, 2**32 - 1),
        "pruning": st.sampled_from(["none", "hyperband"]),
    },
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Return requests of every kind that are right."""
    extra = draw(st.dictionaries(PLAIN, VALUES | FLOATS | LOGS | INTEGERS | CHOICES, max_size=3))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "name": PLAIN,
        "resources": st.fixed_dictionaries({"gpus": st.integers(0, 64)}),
        "metrics": st.just({"window_s": 60, "definitions": [{"name": "loss", "regex": "loss=(.*)"}]}),
        "env": st.dictionaries(PLAIN, PLAIN | st.just({"secret": "hf"}), max_size=2),
        "tags": st.dictionaries(PLAIN, PLAIN, max_size=2),
        "schedule": st.just({"cron": "0 2 * * *", "overlap": "allow"}),
    }
    request = draw(
        st.fixed_dictionaries(
            {"project_id": st.just("p-demo"), "dataset": PLAIN, "model": PLAIN}, optional=optional
        )
    )
    hyperparams: dict[str, Any] = {**extra, **draw(KNOWN)}
    request["hyperparams"] = hyperparams
    stopping: dict[str, Any] = hyperparams.get("early_stopping") or {}
    leaves = [*hyperparams.values(), *stopping.values()]
    if any(isinstance(each, dict) and {"min", "choices"} & set(each) for each in leaves):
        request["tuning"] = draw(TUNING)
    return request


def without_origin(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outcome.items() if name != "provenance"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_a_request_that_is_read_and_written_means_the_same(request: dict[str, Any]) -> None:
    first = translate(request, secrets=["hf"])
    export = write(first.spec)
    second = translate(export.request, secrets=["hf"])
    assert without_origin(second.as_dict()) == without_origin(first.as_dict())
    assert second.spec.model_copy(update={"origin": None}) == first.spec.model_copy(update={"origin": None})
    assert all(
        export.request.get(name) == value or name in {"hyperparams", "tuning", "metrics", "env", "tags"}
        for name, value in request.items()
    )
    assert export.left_out == ()
    assert write(second.spec) == export


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(spaces(), OPTIONS)
def test_any_job_can_be_written_and_what_was_written_can_be_read(
    space: Space, options: dict[str, Any]
) -> None:
    definition = Definition(space=space, objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),))
    try:
        spec = validate(JobSpec, {"definitions": (definition,), **options})
    except InvalidSpec:
        return
    export = write(spec)
    if export.request.get("tuning", {}).get("strategy") == "grid":
        export.request["tuning"]["strategy"] = "random"  # a grid may be larger than its trials
    outcome = translate(export.request, dialect="astraml").as_dict()
    written = {found["name"] for found in outcome["search_space"]} | set(outcome["fixed"])
    said = " ".join(export.left_out)
    assert all(name in written or name in said for name in space.names())


def test_a_step_that_leaves_one_value_is_written_as_a_range_again() -> None:
    hyperparams = {"n": {"min": 1, "max": 3, "step": 9}, "x": {"min": 0.5, "max": 1, "step": 0.75}}
    tuning = {"objective": {"metric": "m", "direction": "minimize"}}
    request = {
        "project_id": "p-demo",
        "dataset": "d",
        "model": "m",
        "hyperparams": hyperparams,
        "tuning": tuning,
    }
    first = translate(request)
    assert [(each["low"], each["high"]) for each in first.as_dict()["search_space"]] == [(1, 1), (0.5, 0.5)]
    assert translate(write(first.spec).request).spec.space == first.spec.space


def test_a_job_written_as_a_cell_says_what_a_request_cannot() -> None:
    space = Space.model_validate(
        {
            "lr": {"type": "float", "low": 0.0, "high": 1.0},
            "act": {"type": "categorical", "choices": ["a", "b"]},
            "k": {"type": "discrete", "values": [1, 2, 4], "when": {"act": ["a"]}},
        }
    )
    objectives = (Objective(metric="acc", goal=Goal.MAXIMIZE), Objective(metric="ms", goal=Goal.MINIMIZE))
    spec = JobSpec(
        name="digits",
        project="Mein Projekt",
        definitions=(
            Definition(space=space, objectives=objectives, program=Program(kind="cell", source="…")),
        ),
        gpus=0.5,
        warm_start=("older",),
    )
    export = write(spec, dataset="s3://b/d")
    assert export.request["project_id"] == "mein-projekt"
    assert export.request["dataset"] == "s3://b/d"
    assert export.request["hyperparams"] == {"act": {"choices": ["a", "b"]}, "k": {"choices": [1, 2, 4]}}
    assert export.left_out == (
        "project 'Mein Projekt': it is 'mein-projekt' in the request.",
        "The code: a request names a model; register the code under that name to run it.",
        "k: the request has no conditions; there it always plays a part.",
        "k: its values are choices in the request, without their order.",
        "lr: lr is above 0; min is 0.0.",
        "gpus 0.5: a request has whole ones, 64 at most; it says 1.",
        "The objectives after acc: a request has one.",
        "trial_timeout: a request always has one; it says its default, a day.",
        "prune auto: it is median in the request.",
        "warm_start older: the request has no such option.",
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stopping": StoppingRule(kind=StoppingKind.CONVEX)}, "The stopping rule convex"),
        ({"limits": Limits(cut=False)}, "The rules by which the job ends"),
        ({"trials": 20_000}, "trials 20000: a request has 10000 at most"),
        ({"tag": {"token": "hunter2"}}, "tags token: holds a secret"),
        ({"max_runtime": 1.5}, "max_runtime 1.5 s: it is 2 s"),
    ],
)
def test_each_thing_that_is_left_out_is_named(change: dict[str, Any], says: str) -> None:
    space = Space.model_validate({"x": {"type": "int", "low": 1, "high": 2}})
    objectives = (Objective(metric="acc", goal=Goal.MAXIMIZE),)
    spec = JobSpec(definitions=(Definition(space=space, objectives=objectives),), **change)
    export = write(spec)
    assert any(each.startswith(says) for each in export.left_out), export.left_out
    assert "hunter2" not in str(export)
    assert translate(export.request).spec.project == "default"


def test_a_fixed_value_that_is_nested_without_end_is_left_out() -> None:
    script = Script(convention=Dialect.SAGEMAKER, target="t", fixed={"epochs": "[" * 2500})
    definition = Definition(program=Program(kind="script", source="t", script=script))
    assert any(each.startswith("epochs: ") for each in write(JobSpec(definitions=(definition,))).left_out)
