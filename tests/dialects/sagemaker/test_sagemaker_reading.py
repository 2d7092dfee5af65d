from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.sagemaker_requests import (
    CATEGORIES,
    CONFIG,
    DEFINITION,
    GONE,
    INTEGERS,
    LIMITS,
    NUMBERS,
    a_request,
    bounded,
    choice,
    several,
    understood,
)

from astraml_lab.spec import (
    Categorical,
    Channel,
    Dialect,
    Float,
    Goal,
    Int,
    Limits,
    LogMetric,
    Objective,
    Pruning,
    Scale,
    Script,
    StoppingKind,
    StoppingRule,
    Strategy,
)

MAX_JOBS = f"{LIMITS}.MaxNumberOfTrainingJobs"
CRITERIA = f"{CONFIG}.TuningJobCompletionCriteria"


def script_of(request: dict[str, Any], index: int = 0) -> Script:
    program = understood(request).spec.definitions[index].program
    assert program is not None
    assert program.script is not None
    return program.script


def test_a_request_becomes_a_job() -> None:
    request = a_request(
        {
            f"{LIMITS}.MaxRuntimeInSeconds": 600,
            f"{CONFIG}.RandomSeed": 7,
            f"{CRITERIA}.TargetObjectiveMetricValue": 0.5,
            f"{CRITERIA}.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving": 4,
            f"{DEFINITION}.StoppingCondition.MaxPendingTimeInSeconds": 7200,
            f"{DEFINITION}.RetryStrategy": {"MaximumRetryAttempts": 3},
            "Tags": [{"Key": "team", "Value": "vision"}],
        }
    )

    spec = understood(request).spec

    assert (spec.name, spec.project, spec.tag) == ("tuner-01", "default", {"team": "vision"})
    assert spec.objectives == (Objective(metric="loss", goal=Goal.MINIMIZE),)
    assert spec.space.dimensions == {
        "depth": Int(1, 9),
        "eta": Float(0.001, 0.5, log=True),
        "booster": Categorical(["tree", "linear"]),
    }
    assert (spec.trials, spec.parallel, spec.gpus, spec.seed) == (8, 2, 0, 7)
    assert (spec.strategy, spec.prune, spec.stopping) == (Strategy.TPE, Pruning.OFF, None)
    assert (spec.max_runtime, spec.trial_timeout, spec.retries) == (600, 3600, 3)
    assert (spec.target, spec.max_no_improvement) == (0.5, 4)
    assert (spec.on_nan, spec.on_timeout) == ("last_finite", "keep_last")
    assert spec.limits == Limits(cut=False, improvement=0.01, max_wait=7200, retry_lost=True)
    assert spec.origin is not None
    assert spec.origin.dialect is Dialect.SAGEMAKER
    assert spec.origin.resolved == {"depth": "linear", "eta": "log"}


def test_a_definition_says_what_each_trial_runs() -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train", "AttributeNames": ["image"]}
    request = a_request(
        {
            f"{DEFINITION}.StaticHyperParameters": {"epochs": "27", "mode": '"fast"'},
            f"{DEFINITION}.InputDataConfig": [
                {"ChannelName": "train", "DataSource": {"S3DataSource": source}, "ContentType": "csv"}
            ],
            f"{DEFINITION}.Environment": {"LOG_LEVEL": "debug"},
            f"{DEFINITION}.CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"},
            f"{DEFINITION}.OutputDataConfig.CompressionType": "NONE",
        }
    )

    assert script_of(request) == Script(
        convention=Dialect.SAGEMAKER,
        target="123456789012.dkr.ecr.us-west-2.amazonaws.com/xgboost:1",
        env={"LOG_LEVEL": "debug"},
        fixed={"epochs": "27", "mode": '"fast"'},
        channels={
            "train": Channel(
                uri="s3://bucket/train",
                about={"ContentType": "csv", "S3DataType": "S3Prefix", "AttributeNames": ["image"]},
            )
        },
        output="s3://bucket/output",
        checkpoints="/opt/ml/checkpoints",
        compress=False,
        log_metrics=(LogMetric(name="loss", regex="loss=([0-9.]+)"),),
    )


@pytest.mark.parametrize(
    ("machine", "gpus"),
    [
        ("ml.p3.2xlarge", 1),
        ("ml.g5.xlarge", 1),
        ("ml.trn1.2xlarge", 1),
        ("ml.m5.xlarge", 0),
        ("ml.c4.xlarge", 0),
        ("ml.inf1.xlarge", 0),
    ],
)
def test_the_machine_tells_whether_a_trial_gets_a_gpu(machine: str, gpus: int) -> None:
    assert understood(a_request({f"{DEFINITION}.ResourceConfig.InstanceType": machine})).spec.gpus == gpus


def test_the_tuning_resources_win_over_the_others() -> None:
    machines = [
        {"InstanceType": kind, "InstanceCount": 1, "VolumeSizeInGB": 1}
        for kind in ("ml.p3.2xlarge", "ml.m5.xlarge")
    ]
    path = f"{DEFINITION}.HyperParameterTuningResourceConfig"
    translation = understood(a_request({path: {"InstanceConfigs": machines}}))

    assert translation.spec.gpus == 1
    assert path in translation.as_dict()["accepted_not_acted"]


def test_early_stopping_is_the_rule_of_averages_by_the_current_value() -> None:
    translation = understood(a_request({f"{CONFIG}.TrainingJobEarlyStoppingType": "Auto"}))

    assert translation.spec.stopping == StoppingRule(
        kind=StoppingKind.AVERAGES, best_so_far=False, min_trials=3
    )
    assert translation.as_dict()["early_stopping"] == "median"


@pytest.mark.parametrize(
    ("changes", "least", "most"),
    [
        ({}, 1, 27),
        ({f"{DEFINITION}.StaticHyperParameters": {"n_epochs": '"81"', "num_epochs": "9"}}, 1, 81),
        (
            {
                f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig": {"MinResource": 3, "MaxResource": 50},
            },
            3,
            50,
        ),
    ],
)
def test_hyperband_takes_its_budgets_from_the_request_or_the_epochs(
    changes: dict[str, Any], least: int, most: int
) -> None:
    translation = understood(a_request({f"{CONFIG}.Strategy": "Hyperband", **changes}))

    assert translation.spec.strategy is Strategy.HYPERBAND
    assert translation.spec.stopping == StoppingRule(
        kind=StoppingKind.HYPERBAND, min_resource=least, max_resource=most, reduction=3
    )
    outcome = translation.as_dict()
    assert outcome["sampler"] == "random"
    assert outcome["hyperband"] == {"min_resource": least, "max_resource": most, "reduction_factor": 3}


def test_a_grid_without_a_number_of_jobs_runs_whole() -> None:
    changes = {
        f"{CONFIG}.Strategy": "Grid",
        MAX_JOBS: GONE,
        INTEGERS: GONE,
        NUMBERS: GONE,
        CATEGORIES: [choice("a", "x", "y"), choice("b", "1", "2", "3")],
    }

    translation = understood(a_request(changes))

    assert (translation.spec.strategy, translation.spec.trials) == (Strategy.GRID, 6)
    assert translation.as_dict()["limits"] == {
        "max_trials": None,
        "max_trials_effective": 6,
        "max_parallel": 2,
        "max_runtime_s": None,
    }
    assert translation.fidelity.warnings == ()


def test_no_number_of_jobs_means_the_quota_and_a_warning() -> None:
    translation = understood(a_request({MAX_JOBS: GONE}))

    assert translation.spec.trials == 750
    assert translation.as_dict()["limits"]["max_trials_effective"] == 750
    assert translation.fidelity.warnings == (
        "MaxNumberOfTrainingJobs is not given: the job runs up to 750 training jobs.",
    )


@pytest.mark.parametrize(("trials", "count"), [(8, 10), (250, 25)])
def test_convergence_is_a_count_of_jobs_without_an_improvement(trials: int, count: int) -> None:
    path = f"{CRITERIA}.ConvergenceDetected"
    translation = understood(a_request({MAX_JOBS: trials, path: {"CompleteOnConvergence": "Enabled"}}))

    assert translation.spec.max_no_improvement == count
    assert translation.as_dict()["completion"] == {
        "target": None,
        "not_improving": None,
        "convergence": True,
    }
    assert path in translation.fidelity.approximated
    assert f"ends the job after {count} training jobs" in translation.fidelity.warnings[0]


def test_several_definitions_have_spaces_and_objectives_of_their_own() -> None:
    request = several(
        "first",
        "second",
        InputDataConfig=[
            {
                "ChannelName": "c",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/c"}},
            }
        ],
    )
    second = request["TrainingJobDefinitions"][1]
    second["HyperParameterRanges"] = {"IntegerParameterRanges": [bounded("k", "1", "1000")]}
    second["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "mse", "Regex": "mse=(.*)"}]
    second["TuningObjective"]["MetricName"] = "mse"
    second["StoppingCondition"] = {}

    translation = understood(request)

    outcome = translation.as_dict()
    assert [each["definition_name"] for each in outcome["definitions"]] == ["first", "second"]
    assert [each["objective"]["metric"] for each in outcome["definitions"]] == ["loss", "mse"]
    assert [each["trial_timeout_s"] for each in outcome["definitions"]] == [3600, 86_400]
    assert outcome["accepted_not_acted"] == [
        f"TrainingJobDefinitions[{index}].{name}"
        for index in (0, 1)
        for name in ("ResourceConfig", "RoleArn")
    ]
    spec = translation.spec
    assert [each.name for each in spec.definitions] == ["first", "second"]
    assert spec.definitions[1].space.dimensions == {"k": Int(1, 1000, log=True)}
    assert spec.trial_timeout == 86_400
    assert spec.origin is not None
    assert spec.origin.resolved == {"first/eta": "log", "second/k": "log"}


RECORDED = {
    f"{DEFINITION}.VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    f"{DEFINITION}.OutputDataConfig.KmsKeyId": "key",
    f"{DEFINITION}.EnableNetworkIsolation": True,
    f"{DEFINITION}.EnableInterContainerTrafficEncryption": True,
    f"{DEFINITION}.EnableManagedSpotTraining": True,
    f"{DEFINITION}.StoppingCondition.MaxWaitTimeInSeconds": 3600,
    f"{DEFINITION}.CheckpointConfig.S3Uri": "s3://bucket/checkpoints",
    f"{DEFINITION}.AlgorithmSpecification.TrainingInputMode": "Pipe",
    f"{CONFIG}.StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}},
    "Autotune": {"Mode": "Enabled"},
}


def test_what_is_accepted_and_not_acted_on_is_listed_once_each_and_sorted() -> None:
    translation = understood(a_request(RECORDED))

    paths = translation.as_dict()["accepted_not_acted"]
    assert paths == sorted({*RECORDED, f"{DEFINITION}.ResourceConfig", f"{DEFINITION}.RoleArn"})
    assert all(translation.fidelity.accepted_not_acted.values())


def test_security_promises_that_are_not_kept_warn_each_time() -> None:
    request = a_request({**RECORDED, f"{DEFINITION}.ResourceConfig.VolumeKmsKeyId": "key"})

    warnings = understood(request).fidelity.warnings

    for promise in (
        "OutputDataConfig.KmsKeyId",
        "ResourceConfig.VolumeKmsKeyId",
        "VpcConfig",
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
    ):
        assert sum(warning.startswith(f"{DEFINITION}.{promise}: ") for warning in warnings) == 1


def test_isolation_that_is_not_asked_for_warns_of_nothing() -> None:
    assert understood(a_request({f"{DEFINITION}.EnableNetworkIsolation": False})).fidelity.warnings == ()


def test_the_request_is_kept_verbatim_and_apart() -> None:
    request = a_request()
    spec = understood(request).spec
    request[CONFIG]["Strategy"] = "Random"

    assert spec.origin is not None
    assert spec.origin.request == a_request()


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [
        ("0.001", "0.1", Scale.LOG),
        ("0.003", "0.3", Scale.LOG),
        ("0.0011", "0.1", Scale.LINEAR),
        ("0", "1000", Scale.LINEAR),
        ("-1", "1000", Scale.LINEAR),
        ("1e-400", "1", Scale.LINEAR),
        ("1e-5", "1e5", Scale.LOG),
    ],
)
def test_auto_is_logarithmic_from_two_orders_of_magnitude_above_zero(
    low: str, high: str, scale: Scale
) -> None:
    request = a_request({NUMBERS: [bounded("eta", low, high, "Auto")]})

    translation = understood(request)

    assert translation.spec.space["eta"] == Float(float(low), float(high), scale=scale)
    (_, eta, _) = translation.as_dict()["definitions"][0]["search_space"]
    assert (eta["scale"], eta["log"], eta["auto_resolved"]) == (scale.value, scale is Scale.LOG, True)


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_integer_bounds_are_exact_and_auto_goes_by_their_ratio(low: int, width: int) -> None:
    request = a_request({INTEGERS: [bounded("n", f"{low:+d}", str(low + width))]})

    dimension = understood(request).spec.space["n"]

    assert isinstance(dimension, Int)
    assert (dimension.low, dimension.high) == (low, low + width)
    assert (dimension.scale is Scale.LOG) == (low > 0 and low + width >= 100 * low)


@given(
    st.floats(0, 0.9, allow_subnormal=False),
    st.floats(1e-6, 0.099),
    st.sampled_from(["Linear", "ReverseLogarithmic"]),
)
def test_number_bounds_are_exact_and_a_named_scale_is_kept(low: float, width: float, scaling: str) -> None:
    high = low + width
    request = a_request({NUMBERS: [bounded("x", repr(low), repr(high), scaling)]})

    translation = understood(request)

    scale = {"Linear": Scale.LINEAR, "ReverseLogarithmic": Scale.REVERSE_LOG}[scaling]
    assert translation.spec.space["x"] == Float(low, high, scale=scale)
    (_, space, _) = translation.as_dict()["definitions"][0]["search_space"]
    assert space == {
        "name": "x",
        "type": "float",
        "low": low,
        "high": high,
        "scale": scale.value,
        "log": False,
        "auto_resolved": False,
    }
