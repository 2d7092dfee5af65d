"""Every rule: the field that is to blame, by its path, and INVALID_ARGUMENT."""

from __future__ import annotations

import time
from typing import Any

import pytest
from dialects.vertex.samples import (
    ABSENT,
    POOL,
    a_pool,
    a_request,
    categorical,
    discrete,
    double,
    integer,
    put,
    refusal,
    translated,
    under,
    with_parameters,
)

from astraml_lab.dialects.vertex import VertexError
from astraml_lab.dialects.vertex.parameters import grid_size, walk
from astraml_lab.dialects.vertex.reader import parse

P0 = "studySpec.parameters[0]"
C0 = f"{P0}.conditionalParameterSpecs[0]"
CONTAINER = "trialJobSpec__workerPoolSpecs__0__containerSpec"
KEY = "AKIA" + "A" * 16


def under_one(parent: dict[str, Any], *conditions: dict[str, Any]) -> dict[str, Any]:
    return with_parameters({**parent, "conditionalParameterSpecs": list(conditions)})


def with_env(*variables: tuple[str, str]) -> dict[str, Any]:
    return a_request(**{f"{CONTAINER}__env": [{"name": name, "value": value} for name, value in variables]})


def with_stop(**config: Any) -> dict[str, Any]:
    return a_request(studySpec__studyStoppingConfig=config)


TWO = [{"metricId": "a", "goal": "MAXIMIZE"}, {"metricId": "b", "goal": "MINIMIZE"}]
STOP = "studySpec.studyStoppingConfig"

SHAPE: list[tuple[str, dict[str, Any]]] = [
    ("displayName", a_request(displayName=ABSENT)),
    ("displayName", a_request(displayName=None)),
    ("displayName", a_request(displayName="")),
    ("displayName", a_request(displayName=5)),
    ("displayname", a_request(displayname="x")),
    ("studySpec", a_request(studySpec=ABSENT)),
    ("studySpec", a_request(studySpec=[])),
    ("maxTrialCount", a_request(maxTrialCount=ABSENT)),
    ("maxTrialCount", a_request(maxTrialCount=2**31)),
    ("maxTrialCount", a_request(maxTrialCount=2.5)),
    ("maxTrialCount", a_request(maxTrialCount=True)),
    ("maxTrialCount", a_request(maxTrialCount="six")),
    ("maxTrialCount", a_request(max_trial_count=6)),
    ("parallelTrialCount", a_request(parallelTrialCount=None)),
    ("maxFailedTrialCount", a_request(maxFailedTrialCount=-(2**31) - 1)),
    ("labels", a_request(labels={"a": 1})),
    ("labels", a_request(labels=["a"])),
    ("trialJobSpec", a_request(trialJobSpec=ABSENT)),
    ("trialJobSpec.workerPoolSpecs", a_request(trialJobSpec={})),
    ("trialJobSpec.workerPoolSpecs", a_request(trialJobSpec__workerPoolSpecs=[])),
    ("trialJobSpec.workerPoolSpecs", a_request(trialJobSpec__workerPoolSpecs=a_pool())),
    ("trialJobSpec.workerPoolSpecs[0]", a_request(trialJobSpec__workerPoolSpecs=[None])),
    ("trialJobSpec.scheduling.maxRetryCount", a_request(trialJobSpec__scheduling={"maxRetryCount": 2})),
    ("trialJobSpec.scheduling.timeout", a_request(trialJobSpec__scheduling={"timeout": 3600})),
    ("trialJobSpec.scheduling.timeout", a_request(trialJobSpec__scheduling={"timeout": "1h"})),
    ("trialJobSpec.scheduling.timeout", a_request(trialJobSpec__scheduling={"timeout": "315576000001s"})),
    ("trialJobSpec.scheduling.strategy", a_request(trialJobSpec__scheduling={"strategy": 5})),
    (
        "trialJobSpec.scheduling.disableRetries",
        a_request(trialJobSpec__scheduling={"disableRetries": "true"}),
    ),
    ("trialJobSpec.baseOutputDirectory.outputUriPrefix", a_request(trialJobSpec__baseOutputDirectory={})),
    ("encryptionSpec.kmsKeyName", a_request(encryptionSpec={})),
    ("studySpec.transferLearningConfig", a_request(studySpec__transferLearningConfig={})),
    ("studySpec.algorithm", a_request(studySpec__algorithm=1)),
    ("studySpec.algorithm", a_request(studySpec__algorithm="1")),
    ("studySpec.algorithm", a_request(studySpec__algorithm=4)),
    ("studySpec.algorithm", a_request(studySpec__algorithm="BAYESIAN")),
    ("studySpec.metrics", a_request(studySpec__metrics=ABSENT)),
    ("studySpec.metrics", a_request(studySpec__metrics=[])),
    ("studySpec.metrics[0].metricId", a_request(studySpec__metrics__0__metricId=ABSENT)),
    ("studySpec.metrics[0].goal", a_request(studySpec__metrics__0__goal=ABSENT)),
    ("studySpec.metrics[0].goal", a_request(studySpec__metrics__0__goal="minimize")),
    ("studySpec.parameters", a_request(studySpec__parameters=[])),
    (f"{P0}.parameterId", a_request(studySpec__parameters__0__parameterId=ABSENT)),
    (f"{P0}.scaleType", a_request(studySpec__parameters__0__scaleType="LOG")),
    (f"{P0}.scaleType", a_request(studySpec__parameters__0__scaleType=float("nan"))),
    (f"{P0}.doubleValueSpec.minValue", a_request(studySpec__parameters__0__doubleValueSpec={"maxValue": 1})),
    (f"{P0}.doubleValueSpec.maxValue", with_parameters(double("x", 0, float("inf")))),
    (
        f"{P0}.doubleValueSpec.maxValue",
        a_request(studySpec__parameters__0__doubleValueSpec__maxValue="Infinity"),
    ),
    (f"{P0}.doubleValueSpec.maxValue", a_request(studySpec__parameters__0__doubleValueSpec__maxValue="1..2")),
    (
        f"{P0}.doubleValueSpec.maxValue",
        a_request(studySpec__parameters__0__doubleValueSpec__maxValue=10**400),
    ),
    (f"{P0}.integerValueSpec.maxValue", with_parameters(integer("x", 0, 2**63))),
    (f"{P0}.integerValueSpec.maxValue", with_parameters(integer("x", 0, "9223372036854775808"))),
    (f"{P0}.integerValueSpec.minValue", with_parameters(integer("x", 0.5, 2))),
    (f"{P0}.categoricalValueSpec.values", with_parameters(categorical("x"))),
    (f"{P0}.categoricalValueSpec.values[1]", with_parameters(categorical("x", "a", 1))),  # type: ignore[arg-type]
    (f"{P0}.discreteValueSpec.values", with_parameters(discrete("x"))),
    (P0, with_parameters({**double("x", 0, 1), **integer("x", 0, 1)})),
    (
        "studySpec",
        a_request(studySpec__medianAutomatedStoppingSpec={}, studySpec__convexAutomatedStoppingSpec={}),
    ),
    (
        POOL,
        a_request(
            trialJobSpec__workerPoolSpecs=[
                a_pool(pythonPackageSpec={"executorImageUri": "i", "packageUris": ["g"], "pythonModule": "m"})
            ]
        ),
    ),
    (f"{POOL}.containerSpec.imageUri", a_request(**{CONTAINER: {"args": []}})),
    (f"{POOL}.containerSpec.args", a_request(**{f"{CONTAINER}__args": "--a=b"})),
    (f"{POOL}.containerSpec.args[0]", a_request(**{f"{CONTAINER}__args": [5]})),
    (f"{POOL}.containerSpec.env[0].name", a_request(**{f"{CONTAINER}__env": [{"value": "x"}]})),
    (f"{POOL}.containerSpec.env[0].value", a_request(**{f"{CONTAINER}__env": [{"name": "x"}]})),
    (
        f"{STOP}.maximumRuntimeConstraint",
        with_stop(maximumRuntimeConstraint={"endTime": "2027-01-01T00:00:00Z", "maxDuration": "5s"}),
    ),
    (
        f"{STOP}.minimumRuntimeConstraint.endTime",
        with_stop(minimumRuntimeConstraint={"endTime": "2027-02-30T00:00:00Z"}),
    ),
    (
        f"{STOP}.minimumRuntimeConstraint.endTime",
        with_stop(minimumRuntimeConstraint={"endTime": "2027-01-01 00:00:00"}),
    ),
    (f"{STOP}.maxNumTrials", with_stop(maxNumTrials=2**31)),
    (f"{STOP}.shouldStopAsap", with_stop(shouldStopAsap=1)),
]

RULES: list[tuple[str, dict[str, Any]]] = [
    ("displayName", a_request(displayName="x" * 129)),
    ("maxTrialCount", a_request(maxTrialCount=0)),
    ("parallelTrialCount", a_request(parallelTrialCount=-1)),
    ("maxFailedTrialCount", a_request(maxFailedTrialCount=-1)),
    ("labels", a_request(labels={"Env": "x"})),
    ("labels", a_request(labels={"env": "a b"})),
    ("labels", a_request(labels={"env": "x" * 65})),
    ("labels", a_request(labels={"": "x"})),
    ("labels", a_request(labels={"a.b": "x"})),
    ("studySpec.metrics[0].metricId", a_request(studySpec__metrics__0__metricId="val loss")),
    ("studySpec.metrics[1].metricId", a_request(studySpec__metrics=[TWO[0], TWO[0]])),
    ("studySpec.metrics", a_request(studySpec__metrics=[{**TWO[0], "safetyConfig": {}}])),
    (
        "studySpec.metrics[1].safetyConfig.desiredMinSafeTrialsFraction",
        a_request(
            studySpec__metrics=[TWO[0], {**TWO[1], "safetyConfig": {"desiredMinSafeTrialsFraction": 1.5}}]
        ),
    ),
    (
        "studySpec.medianAutomatedStoppingSpec",
        a_request(studySpec__metrics=TWO, studySpec__medianAutomatedStoppingSpec={}),
    ),
    (
        f"{STOP}.maxNumTrialsNoProgress",
        put(with_stop(maxNumTrialsNoProgress=3), "studySpec.metrics", TWO),
    ),
    (
        f"{STOP}.maxDurationNoProgress",
        put(with_stop(maxDurationNoProgress="3s"), "studySpec.metrics", TWO),
    ),
    (P0, with_parameters({"parameterId": "x"})),
    (f"{P0}.parameterId", with_parameters(double("a b", 0, 1))),
    ("studySpec.parameters[1].parameterId", with_parameters(double("x", 0, 1), integer("x", 0, 1))),
    (f"{P0}.doubleValueSpec.maxValue", with_parameters(double("x", 1, 0))),
    (f"{P0}.integerValueSpec.maxValue", with_parameters(integer("x", 1, 0))),
    (f"{P0}.scaleType", with_parameters(double("x", 0, 1, scaleType="UNIT_LOG_SCALE"))),
    (f"{P0}.scaleType", with_parameters(double("x", 0, 1, scaleType="UNIT_REVERSE_LOG_SCALE"))),
    (f"{P0}.scaleType", with_parameters(integer("x", 0, 9, scaleType=2))),
    (f"{P0}.scaleType", with_parameters(discrete("x", -1, 1, scaleType="UNIT_LOG_SCALE"))),
    (f"{P0}.scaleType", with_parameters(categorical("x", "a", "b", scaleType="UNIT_LINEAR_SCALE"))),
    (f"{P0}.categoricalValueSpec.values", with_parameters(categorical("x", "a", "a"))),
    (f"{P0}.discreteValueSpec.values", with_parameters(discrete("x", 1, 1))),
    (f"{P0}.discreteValueSpec.values", with_parameters(discrete("x", 2, 1))),
    (f"{P0}.discreteValueSpec.values", with_parameters(discrete("x", 1, 1 + 5e-11))),
    (f"{P0}.discreteValueSpec.values", with_parameters(discrete("x", *range(1001)))),
    (
        f"{P0}.doubleValueSpec.defaultValue",
        a_request(studySpec__parameters__0__doubleValueSpec__defaultValue=0.5),
    ),
    (
        f"{P0}.discreteValueSpec.defaultValue",
        put(
            with_parameters(discrete("x", 1, 2)), "studySpec.parameters.0.discreteValueSpec.defaultValue", 1.5
        ),
    ),
    (
        f"{P0}.categoricalValueSpec.defaultValue",
        put(
            with_parameters(categorical("x", "a")),
            "studySpec.parameters.0.categoricalValueSpec.defaultValue",
            "b",
        ),
    ),
    (
        "studySpec.algorithm",
        with_parameters(discrete("a", 1), double("x", 0, 1), studySpec__algorithm="GRID_SEARCH"),
    ),
    (C0, under_one(categorical("x", "a"), {"parameterSpec": double("y", 0, 1)})),
    (
        f"{C0}.parentIntValues",
        under_one(discrete("x", 1, 2), under("parentIntValues", [1], double("y", 0, 1))),
    ),
    (f"{C0}.parentIntValues", under_one(double("x", 1, 2), under("parentIntValues", [1], double("y", 0, 1)))),
    (
        f"{C0}.parentIntValues.values",
        under_one(integer("x", 1, 2), under("parentIntValues", [1, 3], double("y", 0, 1))),
    ),
    (
        f"{C0}.parentDiscreteValues.values",
        under_one(discrete("x", 1, 2), under("parentDiscreteValues", [1.5], double("y", 0, 1))),
    ),
    (
        f"{C0}.parentCategoricalValues.values",
        under_one(categorical("x", "a"), under("parentCategoricalValues", ["b"], double("y", 0, 1))),
    ),
    (
        f"{C0}.parameterSpec.parameterId",
        under_one(categorical("x", "a"), under("parentCategoricalValues", ["a"], double("x", 0, 1))),
    ),
    (
        f"{P0}.conditionalParameterSpecs[1].parameterSpec.parameterId",
        under_one(
            integer("x", 1, 3),
            under("parentIntValues", [1, 2], double("y", 0, 1)),
            under("parentIntValues", [2, 3], double("y", 0, 2)),
        ),
    ),
    (
        "studySpec.parameters[1].conditionalParameterSpecs[0].parameterSpec.parameterId",
        with_parameters(
            categorical(
                "a",
                "x",
                conditionalParameterSpecs=[under("parentCategoricalValues", ["x"], double("y", 0, 1))],
            ),
            categorical(
                "b",
                "x",
                conditionalParameterSpecs=[under("parentCategoricalValues", ["x"], double("y", 0, 1))],
            ),
        ),
    ),
    (
        "studySpec.convexAutomatedStoppingSpec.learningRateParameterName",
        a_request(studySpec__convexAutomatedStoppingSpec={"learningRateParameterName": "nope"}),
    ),
    (
        "studySpec.convexAutomatedStoppingSpec.minStepCount",
        a_request(studySpec__convexAutomatedStoppingSpec={"minStepCount": 9, "maxStepCount": 8}),
    ),
    (f"{STOP}.minNumTrials", with_stop(minNumTrials=-1)),
    (f"{STOP}.maxNumTrials", with_stop(maxNumTrials=0)),
    (f"{STOP}.maxNumTrialsNoProgress", with_stop(maxNumTrialsNoProgress=0)),
    (f"{STOP}.maxDurationNoProgress", with_stop(maxDurationNoProgress="0s")),
    (f"{STOP}.maximumRuntimeConstraint", with_stop(maximumRuntimeConstraint={})),
    (
        f"{STOP}.maximumRuntimeConstraint.maxDuration",
        with_stop(maximumRuntimeConstraint={"maxDuration": "0s"}),
    ),
    (
        f"{STOP}.minimumRuntimeConstraint.maxDuration",
        with_stop(minimumRuntimeConstraint={"maxDuration": "-1s"}),
    ),
    ("trialJobSpec.scheduling.timeout", a_request(trialJobSpec__scheduling={"timeout": "0s"})),
    (POOL, a_request(trialJobSpec__workerPoolSpecs=[{"machineSpec": {}}])),
    (f"{POOL}.machineSpec", a_request(trialJobSpec__workerPoolSpecs__0__machineSpec=ABSENT)),
    (
        f"{POOL}.machineSpec.acceleratorCount",
        a_request(trialJobSpec__workerPoolSpecs__0__machineSpec__acceleratorCount=-1),
    ),
    (f"{POOL}.containerSpec.env", with_env(*((f"V{i}", "x") for i in range(101)))),
    (f"{POOL}.containerSpec.env[1].name", with_env(("A", "x"), ("B-C", "x"))),
    (f"{POOL}.containerSpec.env[0].value", with_env(("HF_TOKEN", "abc"))),
    (f"{POOL}.containerSpec.env[0].value", with_env(("db_password", "hunter2"))),
    (f"{POOL}.containerSpec.env[1].value", with_env(("A", "x"), ("B", f"id={KEY}"))),
    (f"{POOL}.containerSpec.args[1]", a_request(**{f"{CONTAINER}__args": ["--a", f"--key={KEY}"]})),
    (
        f"{POOL}.pythonPackageSpec.packageUris",
        a_request(
            trialJobSpec__workerPoolSpecs=[
                {
                    "machineSpec": {},
                    "pythonPackageSpec": {
                        "executorImageUri": "i",
                        "packageUris": ["gs://b/p"] * 101,
                        "pythonModule": "m",
                    },
                }
            ]
        ),
    ),
]


@pytest.mark.parametrize(("field", "request_"), [*SHAPE, *RULES])
def test_one_mistake_is_refused_at_its_field(field: str, request_: dict[str, Any]) -> None:
    error = refusal(request_)

    assert error.as_dict() == {
        "outcome": "invalid",
        "code": 3,
        "status": "INVALID_ARGUMENT",
        "http": 400,
        "field": field,
    }
    assert [each.field for each in error.violations] == [field]
    assert (error.code, error.status, error.field) == ("INVALID_ARGUMENT", 400, field)


def test_a_refusal_has_the_body_of_the_rest_service() -> None:
    error = refusal(a_request(maxTrialCount=0, parallelTrialCount=0))

    assert error.body() == {
        "error": {
            "code": 400,
            "message": "Invalid value at maxTrialCount: must be above 0 (and 1 more)",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": "maxTrialCount", "description": "must be above 0"},
                        {"field": "parallelTrialCount", "description": "must be above 0"},
                    ],
                }
            ],
        }
    }


def test_the_shape_is_judged_before_the_rules() -> None:
    assert refusal(a_request(maxTrialCount=0, labels=5)).field == "labels"


@pytest.mark.parametrize("value", ["hunter2", KEY, "-----BEGIN RSA PRIVATE KEY-----"])
def test_a_refused_credential_is_never_repeated(value: str) -> None:
    assert value not in str(refusal(with_env(("API_KEY", value))).body())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", "128"),
        ("MAX_TOKENS", " 128 "),
        ("USE_TOKEN", "true"),
        ("TOKEN", "$(OTHER)"),
        ("TOKENIZER", "gpt2"),
        ("SECRET", ""),
    ],
)
def test_numbers_switches_and_references_are_no_credentials(name: str, value: str) -> None:
    assert translated(with_env((name, value)))


def test_parameters_nested_without_end_are_refused() -> None:
    spec = categorical("x0", "a")
    for depth in range(1, 400):
        spec = categorical(
            f"x{depth}", "a", conditionalParameterSpecs=[under("parentCategoricalValues", ["a"], spec)]
        )

    assert "messages deep" in str(refusal(with_parameters(spec)))


@pytest.mark.parametrize(
    "request_",
    [
        {"studySpec": {"metrics": [{}] * 40_000}},
        {"studySpec": {f"metric{number}": 1 for number in range(40_000)}},
    ],
)
def test_a_request_of_nothing_but_mistakes_is_refused_in_seconds(request_: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(VertexError):
        parse(request_)
    assert time.process_time() - began < 10


def test_the_grid_of_a_deep_tree_is_counted_at_once() -> None:
    spec: dict[str, Any] = {"parameterId": "p40", "categoricalValueSpec": {"values": ["a", "b"]}}
    for depth in reversed(range(40)):
        below = {"parentCategoricalValues": {"values": ["a", "b"]}, "parameterSpec": spec}
        values = {"categoricalValueSpec": {"values": ["a", "b"]}, "conditionalParameterSpecs": [below]}
        spec = {"parameterId": f"p{depth}", **values}
    assert grid_size(walk([spec])) == 2**41
