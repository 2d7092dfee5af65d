from __future__ import annotations

import json
from typing import Any

import pytest
from dialects.vertex.samples import EXAMPLES, a_pool, a_request, double, translated, under
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects import Export
from astraml_lab.dialects.vertex import check, write
from astraml_lab.spec import (
    Categorical,
    Constraint,
    Definition,
    Dialect,
    Discrete,
    Float,
    Goal,
    Int,
    JobSpec,
    Limits,
    Objective,
    Program,
    Pruning,
    Scale,
    Script,
    SecretRef,
    Space,
    StoppingKind,
    StoppingRule,
    Strategy,
)

LOSS = (Objective(metric="loss", goal=Goal.MINIMIZE),)
NAMES = st.sampled_from("abcdefgh")
LENGTHS = st.integers(1, 10**6).map(lambda number: f"{number / 8:.3f}s")


def without_origin(spec: JobSpec) -> JobSpec:
    return spec.model_copy(update={"origin": None})


def read_again(export: Export) -> JobSpec:
    assert json.dumps(export.request)
    return translated(export.request).spec


@st.composite
def parameters(draw: st.DrawFn, name: str, depth: int = 0) -> dict[str, Any]:
    kind = draw(st.sampled_from(["double", "integer", "categorical", "discrete"]))
    scale = draw(st.sampled_from(["", "UNIT_LINEAR_SCALE", "UNIT_LOG_SCALE", "UNIT_REVERSE_LOG_SCALE"]))
    spec: dict[str, Any] = {"parameterId": name}
    condition = ""
    values: list[Any] = []
    if kind in {"double", "integer"}:
        numbers = st.integers(1, 10**6) if kind == "integer" else st.floats(1e-6, 1e6)
        low, high = sorted([draw(numbers), draw(numbers)])
        spec[f"{kind}ValueSpec"] = {"minValue": low, "maxValue": high}
        condition, values = ("parentIntValues" if kind == "integer" else ""), [low]
    elif kind == "categorical":
        values = draw(st.lists(st.text(max_size=4), min_size=1, max_size=4, unique=True))
        spec["categoricalValueSpec"] = {"values": values}
        condition = "parentCategoricalValues"
    else:
        values = sorted(draw(st.sets(st.integers(1, 99).map(lambda n: n / 4), min_size=1, max_size=5)))
        spec["discreteValueSpec"] = {"values": values}
        condition = "parentDiscreteValues"
    if scale and kind != "categorical":
        spec["scaleType"] = scale
    if condition and depth < 2 and draw(st.booleans()):
        chosen = draw(st.sampled_from(values))
        child = draw(parameters(name + "x", depth + 1))
        spec["conditionalParameterSpecs"] = [under(condition, [chosen], child)]
        others = [value for value in values if value != chosen]
        if draw(st.booleans()) and others:
            again = draw(parameters(name + "x", 2))
            spec["conditionalParameterSpecs"].append(under(condition, others, again))
    return spec


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    request = a_request(
        studySpec__parameters=[draw(parameters(name)) for name in names],
        maxTrialCount=draw(st.integers(1, 1000)),
        parallelTrialCount=draw(st.integers(1, 20)),
    )
    study = request["studySpec"]
    if draw(st.booleans()):
        study["algorithm"] = "RANDOM_SEARCH"
    if draw(st.booleans()):
        study["measurementSelectionType"] = "BEST_MEASUREMENT"
    if draw(st.booleans()):
        study["metrics"].append(
            {
                "metricId": "safe",
                "goal": "MAXIMIZE",
                "safetyConfig": {"safetyThreshold": draw(st.floats(-9, 9))},
            }
        )
    study |= draw(
        st.sampled_from(
            [
                {},
                {"medianAutomatedStoppingSpec": {"useElapsedDuration": True}},
                {"decayCurveStoppingSpec": {}},
                {"convexAutomatedStoppingSpec": {"maxStepCount": 90, "minMeasurementCount": 7}},
                {"convexAutomatedStoppingSpec": {"minStepCount": 4}},
            ]
        )
    )
    study["studyStoppingConfig"] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "shouldStopAsap": st.booleans(),
                "minNumTrials": st.integers(0, 9),
                "maxNumTrials": st.integers(1, 2000),
                "maxNumTrialsNoProgress": st.integers(1, 9),
                "maxDurationNoProgress": LENGTHS,
                "minimumRuntimeConstraint": st.sampled_from(
                    [{"maxDuration": "7.25s"}, {"endTime": "2027-01-31T12:00:00.25Z"}]
                ),
                "maximumRuntimeConstraint": st.sampled_from(
                    [{"maxDuration": "3600s"}, {"endTime": "2027-03-31T12:00:00Z"}]
                ),
            },
        )
    )
    request["trialJobSpec"] |= draw(
        st.sampled_from(
            [
                {},
                {"scheduling": {"timeout": "60.5s", "restartJobOnWorkerRestart": True}},
                {"baseOutputDirectory": {"outputUriPrefix": "gs://b/o"}},
            ]
        )
    )
    return request


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_public_request_is_itself_again(name: str) -> None:
    request = EXAMPLES[name]["request"]
    spec = translated(request).spec

    assert write(spec) == Export(request)
    assert (
        write(spec.model_copy(update={"name": "sweep-17"})).request["displayName"] == request["displayName"]
    )
    assert without_origin(read_again(write(without_origin(spec)))) == without_origin(spec)


@given(requests())
def test_what_was_read_is_written_so_that_it_reads_the_same(request_: dict[str, Any]) -> None:
    spec = without_origin(translated(request_).spec)

    export = write(spec)

    assert export.left_out == ()
    assert without_origin(read_again(export)) == spec


@given(requests(), st.integers(1, 50))
def test_a_changed_job_keeps_what_was_recorded_for_the_service(request_: dict[str, Any], trials: int) -> None:
    request_["trialJobSpec"]["serviceAccount"] = "me"
    request_["trialJobSpec"]["workerPoolSpecs"].append(a_pool(replicaCount=2))
    request_["encryptionSpec"] = {"kmsKeyName": "k"}
    request_["studySpec"].pop("studyStoppingConfig")
    spec = translated(request_).spec

    more = spec.trials + trials

    written = check(write(spec.model_copy(update={"trials": more})).request)

    expected = check({**request_, "maxTrialCount": more, "parallelTrialCount": spec.parallel})
    for name in ("displayName", "maxTrialCount", "parallelTrialCount", "trialJobSpec", "encryptionSpec"):
        assert written[name] == expected[name]


def test_a_whole_create_request_is_read_with_its_parent() -> None:
    whole = {"parent": "projects/p/locations/l", "hyperparameterTuningJob": a_request()}

    origin = translated(whole).spec.origin

    assert origin is not None
    assert (origin.parent, origin.request) == ("projects/p/locations/l", a_request())


def test_a_job_written_as_a_cell_becomes_a_request_and_a_list_of_what_it_cannot_say() -> None:
    spec = JobSpec(
        name="mnist",
        tag={"team": "vision", "Owner": "Me"},
        definitions=(
            Definition(
                space=Space(
                    {
                        "lr": Float(1e-4, 1e-1, log=True),
                        "momentum": Float(0.0, 0.99, scale="reverse_log"),
                        "width": Int(32, 128, step=32),
                        "drop": Float(0.0, 0.5, step=0.25),
                        "amp": Categorical([True, False, None]),
                        "opt": Categorical(["sgd", "adam"]),
                        "nesterov": Categorical(["yes", "no"], when={"opt": "sgd"}),
                        "decay": Float(0.0, 1.0, when={"opt": "sgd", "nesterov": "yes"}),
                        "both": Int(1, 3, when={"opt": "adam", "width": [32, 64]}),
                    }
                ),
                objectives=LOSS,
                program=Program(kind="cell", source="pass"),
            ),
        ),
        gpus=0.5,
        prune=Pruning.MEDIAN,
        subject_to=tuple(map(Constraint.model_validate, ("ms <= 20", "recall >= 0.9", "ms >= 1"))),
        patience=3,
        seed=7,
        target=0.1,
        retries=2,
    )

    export = write(spec, image="gcr.io/p/mnist")
    study = check(export.request)["studySpec"]

    assert {
        each["parameterId"]: {**each, "conditionalParameterSpecs": 0} for each in study["parameters"]
    } == {
        "lr": {
            **double("lr", 1e-4, 1e-1, scaleType="UNIT_LOG_SCALE"),
            "conditionalParameterSpecs": 0,
        },
        "momentum": {**double("momentum", 0.0, 0.99), "conditionalParameterSpecs": 0},
        "width": {
            "parameterId": "width",
            "discreteValueSpec": {"values": [32.0, 64.0, 96.0, 128.0]},
            "conditionalParameterSpecs": 0,
        },
        "drop": {
            "parameterId": "drop",
            "discreteValueSpec": {"values": [0.0, 0.25, 0.5]},
            "conditionalParameterSpecs": 0,
        },
        "amp": {
            "parameterId": "amp",
            "categoricalValueSpec": {"values": ["true", "false", "null"]},
            "conditionalParameterSpecs": 0,
        },
        "opt": {
            "parameterId": "opt",
            "categoricalValueSpec": {"values": ["sgd", "adam"]},
            "conditionalParameterSpecs": 0,
        },
    }
    opt = study["parameters"][-1]["conditionalParameterSpecs"]
    assert [each["parameterSpec"]["parameterId"] for each in opt] == ["nesterov", "both"]
    assert opt[0]["parameterSpec"]["conditionalParameterSpecs"] == [
        under("parentCategoricalValues", ["yes"], double("decay", 0.0, 1.0))
    ]
    said = " ".join(export.left_out)
    for word in (
        "momentum",
        "amp",
        "both",
        "0.5 GPUs",
        "median",
        "patience 3",
        "seed 7",
        "target 0.1",
        "retries 2",
        "a cell",
        "1 of its tags",
        "The constraint ms >= 1: ms plays another part",
    ):
        assert word in said, word
    assert len(export.left_out) == 12
    assert study["metrics"][1:] == [
        {"metricId": "ms", "goal": "MINIMIZE", "safetyConfig": {"safetyThreshold": 20.0}},
        {"metricId": "recall", "goal": "MAXIMIZE", "safetyConfig": {"safetyThreshold": 0.9}},
    ]
    assert read_again(export).subject_to == spec.subject_to[:2]


def test_what_only_other_services_have_is_named() -> None:
    script = Script(
        convention=Dialect.SAGEMAKER,
        target="xgboost:1",
        fixed={"epochs": "5", "key": SecretRef(secret="k")},  # noqa: S106 - the name of one
        env={"A": "b", "TOKEN": SecretRef(secret="t")},  # noqa: S106 - the name of one
        checkpoints="/opt/ml/checkpoints",
    )
    program = Program(kind="script", source="xgboost:1", script=script)
    definition = Definition(space=Space({"a b": Discrete([1, 2])}), objectives=LOSS, program=program)
    spec = JobSpec(
        definitions=(definition, definition.model_copy(update={"name": "other"})),
        strategy=Strategy.GP,
        stopping=StoppingRule(kind=StoppingKind.AVERAGES),
        limits=Limits(improvement=0.01),
    )

    export = write(spec)
    task = check(export.request)["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]

    assert task == {"imageUri": "xgboost:1", "args": ["--epochs=5"], "env": [{"name": "A", "value": "b"}]}
    said = " ".join(export.left_out)
    for word in (
        "TOKEN",
        "key",
        "'a_b'",
        "gp",
        "current one",
        "improvement 0.01: the request has no such option.",
        "definitions",
        "sagemaker",
    ):
        assert word in said, word


def test_a_grid_has_no_doubles() -> None:
    space = Space({"x": Float(0.5, 0.5), "n": Int(1, 3, scale=Scale.LOG)})
    spec = JobSpec(
        definitions=(Definition(space=space, objectives=LOSS),), strategy=Strategy.GRID, prune=Pruning.OFF
    )

    study = check(write(spec).request)["studySpec"]

    assert study["algorithm"] == "GRID_SEARCH"
    assert study["parameters"][0]["discreteValueSpec"] == {"values": [0.5]}
