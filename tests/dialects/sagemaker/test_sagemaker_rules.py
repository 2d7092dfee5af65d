from __future__ import annotations

from typing import Any

import pytest
from plugins.sagemaker_requests import (
    CATEGORIES,
    CONFIG,
    DEFINITION,
    GONE,
    INTEGERS,
    LIMITS,
    NUMBERS,
    OBJECTIVE,
    RANGES,
    a_definition,
    a_request,
    bounded,
    choice,
    put,
    several,
    understood,
)

from astraml_lab.dialects.sagemaker import SageMakerError

MAX_JOBS = f"{LIMITS}.MaxNumberOfTrainingJobs"
HYPERBAND = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"
ALGORITHM = f"{DEFINITION}.AlgorithmSpecification"
PARENT = "WarmStartConfig.ParentHyperParameterTuningJobs[{}].HyperParameterTuningJobName"
FINITE = {
    INTEGERS: [bounded("depth", "1", "7")],
    NUMBERS: GONE,
    CATEGORIES: [choice("booster", *(f"b{n}" for n in range(7)))],
}
ONE_CATEGORY = {
    INTEGERS: GONE,
    NUMBERS: GONE,
    CATEGORIES: [choice("k", "a", "b", "c"), choice("l", "x", "y")],
}


def refusal(request: dict[str, Any], *existing: dict[str, Any]) -> SageMakerError:
    with pytest.raises(SageMakerError) as refused:
        understood(request, *existing)
    assert refused.value.as_dict() == {
        "outcome": "invalid",
        "error": refused.value.response["Error"]["Code"],
        "http": 400,
        "field": refused.value.field,
    }
    return refused.value


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        (
            {DEFINITION: GONE},
            DEFINITION,
            "Provide exactly one of TrainingJobDefinition and TrainingJobDefinitions; none is given.",
        ),
        (
            {"TrainingJobDefinitions": [a_definition()]},
            DEFINITION,
            "Provide exactly one of TrainingJobDefinition and TrainingJobDefinitions; both are given.",
        ),
        (
            {OBJECTIVE: GONE},
            OBJECTIVE,
            "HyperParameterTuningJobObjective is required with TrainingJobDefinition.",
        ),
        (
            {f"{OBJECTIVE}.MetricName": "accuracy"},
            f"{OBJECTIVE}.MetricName",
            (
                "A metric is required for this hyperparameter tuning job objective. "
                "Provide a metric in the metric definitions."
            ),
        ),
        (
            {f"{DEFINITION}.TuningObjective": {"Type": "Minimize", "MetricName": "loss"}},
            f"{DEFINITION}.TuningObjective",
            "TuningObjective is allowed in TrainingJobDefinitions only.",
        ),
        (
            {f"{DEFINITION}.HyperParameterRanges": {}},
            f"{DEFINITION}.HyperParameterRanges",
            "HyperParameterRanges is allowed in TrainingJobDefinitions only.",
        ),
        (
            {RANGES: GONE},
            RANGES,
            "ParameterRanges with at least one range is required with TrainingJobDefinition.",
        ),
        (
            {RANGES: {"IntegerParameterRanges": []}, "Autotune": {"Mode": "Enabled"}},
            RANGES,
            (
                "ParameterRanges with at least one range is required with TrainingJobDefinition. "
                "Autotune chooses no ranges here: write explicit ones."
            ),
        ),
        (
            {f"{RANGES}.AutoParameters": [{"Name": "eta", "ValueHint": "0.1"}]},
            f"{RANGES}.AutoParameters",
            (
                "AutoParameters is not supported: the service chooses these ranges by unpublished rules. "
                "Write explicit ranges."
            ),
        ),
        (
            {f"{CATEGORIES}[0].Name": "depth"},
            f"{CATEGORIES}[0].Name",
            "The hyperparameter 'depth' is in more than one parameter range.",
        ),
        (
            {f"{DEFINITION}.StaticHyperParameters.eta": "0.1"},
            f"{NUMBERS}[0].Name",
            "The hyperparameter 'eta' is in the parameter ranges and in StaticHyperParameters.",
        ),
        (
            {f"{CATEGORIES}[0].Values": ["tree", "linear", "tree"]},
            f"{CATEGORIES}[0].Values",
            "The categorical value 'tree' is listed more than once.",
        ),
        ({f"{INTEGERS}[0].MinValue": "1.0"}, f"{INTEGERS}[0].MinValue", "MinValue '1.0' is not an integer."),
        (
            {f"{INTEGERS}[0].MaxValue": "nine"},
            f"{INTEGERS}[0].MaxValue",
            "MaxValue 'nine' is not an integer.",
        ),
        (
            {f"{NUMBERS}[0].MaxValue": "inf"},
            f"{NUMBERS}[0].MaxValue",
            "MaxValue 'inf' is not a finite number.",
        ),
        (
            {f"{NUMBERS}[0].MaxValue": "1e999"},
            f"{NUMBERS}[0].MaxValue",
            "MaxValue '1e999' is not a finite number.",
        ),
        (
            {f"{INTEGERS}[0].MinValue": "9"},
            f"{INTEGERS}[0].MinValue",
            "MinValue '9' must be less than MaxValue '9'.",
        ),
        (
            {f"{NUMBERS}[0].MinValue": "0.6"},
            f"{NUMBERS}[0].MinValue",
            "MinValue '0.6' must be less than MaxValue '0.5'.",
        ),
        (
            {f"{INTEGERS}[0].ScalingType": "ReverseLogarithmic"},
            f"{INTEGERS}[0].ScalingType",
            "ReverseLogarithmic scaling is for continuous parameter ranges only.",
        ),
        (
            {INTEGERS: [bounded("depth", "0", "9", "Logarithmic")]},
            f"{INTEGERS}[0].ScalingType",
            "Logarithmic scaling needs a MinValue of 1 or more, not [0, 9].",
        ),
        (
            {NUMBERS: [bounded("eta", "0", "0.5", "Logarithmic")]},
            f"{NUMBERS}[0].ScalingType",
            "Logarithmic scaling needs a MinValue greater than 0, not [0, 0.5].",
        ),
        (
            {NUMBERS: [bounded("eta", "0.5", "1.0", "ReverseLogarithmic")]},
            f"{NUMBERS}[0].ScalingType",
            "ReverseLogarithmic scaling needs a range within 0 <= x < 1.0, not [0.5, 1.0].",
        ),
        (
            {f"{CONFIG}.Strategy": "Hyperband", f"{DEFINITION}.StaticHyperParameters": {"k": "1"}},
            f"{HYPERBAND}.MaxResource",
            (
                "MaxResource parameter is not provided and could not be inferred from provided static "
                "hyperparameters of TrainingJobDefinition."
            ),
        ),
        (
            {f"{CONFIG}.Strategy": "Hyperband", f"{HYPERBAND}.MaxResource": 20_001},
            f"{HYPERBAND}.MaxResource",
            "MaxResource, 20001, is more than the limit of 20000.",
        ),
        (
            {f"{CONFIG}.Strategy": "Hyperband", f"{HYPERBAND}.MinResource": 28},
            f"{HYPERBAND}.MinResource",
            "MinResource, 28, must not be greater than MaxResource, 27.",
        ),
        (
            {f"{CONFIG}.Strategy": "Hyperband", f"{CONFIG}.TrainingJobEarlyStoppingType": "Auto"},
            f"{CONFIG}.TrainingJobEarlyStoppingType",
            "TrainingJobEarlyStoppingType must be Off with the Hyperband strategy.",
        ),
        (
            {f"{CONFIG}.Strategy": "Grid"},
            RANGES,
            "The Grid strategy supports categorical parameter ranges only; 'depth' is of another type.",
        ),
        (
            {f"{CONFIG}.Strategy": "Grid", **ONE_CATEGORY},
            MAX_JOBS,
            (
                "MaxNumberOfTrainingJobs, 8, must equal the number of categorical combinations of the Grid "
                "strategy, 6, or be left out."
            ),
        ),
        (
            {MAX_JOBS: 50, **FINITE},
            MAX_JOBS,
            (
                "You don't have enough combinations of hyperparameter ranges. There are 49, and "
                "MaxNumberOfTrainingJobs is 50: add combinations or decrease MaxNumberOfTrainingJobs."
            ),
        ),
        (
            {f"{ALGORITHM}.AlgorithmName": "my-algorithm"},
            ALGORITHM,
            "Provide exactly one of TrainingImage and AlgorithmName; both are given.",
        ),
        (
            {f"{ALGORITHM}.TrainingImage": GONE},
            ALGORITHM,
            "Provide exactly one of TrainingImage and AlgorithmName; none is given.",
        ),
        (
            {f"{ALGORITHM}.MetricDefinitions[0].Regex": "loss=([0-9"},
            f"{ALGORITHM}.MetricDefinitions[0].Regex",
            "The regular expression 'loss=([0-9' does not compile: unterminated character set at position 6.",
        ),
        (
            {f"{DEFINITION}.ResourceConfig": GONE},
            f"{DEFINITION}.ResourceConfig",
            "Provide one of ResourceConfig and HyperParameterTuningResourceConfig.",
        ),
        (
            {
                f"{DEFINITION}.HyperParameterTuningResourceConfig": {
                    "InstanceCount": 1,
                    "InstanceConfigs": [
                        {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
                    ],
                }
            },
            f"{DEFINITION}.HyperParameterTuningResourceConfig.InstanceConfigs",
            "InstanceConfigs is not allowed together with InstanceCount.",
        ),
        (
            {f"{DEFINITION}.StoppingCondition.MaxRuntimeInSeconds": 2_419_201},
            f"{DEFINITION}.StoppingCondition.MaxRuntimeInSeconds",
            "MaxRuntimeInSeconds, 2419201, is more than the limit of 2419200 (28 days).",
        ),
        (
            {f"{DEFINITION}.StoppingCondition.MaxWaitTimeInSeconds": 3599},
            f"{DEFINITION}.StoppingCondition.MaxWaitTimeInSeconds",
            "MaxWaitTimeInSeconds, 3599, must not be less than MaxRuntimeInSeconds, 3600.",
        ),
        (
            {f"{DEFINITION}.StoppingCondition": {"MaxWaitTimeInSeconds": 3600}},
            f"{DEFINITION}.StoppingCondition.MaxWaitTimeInSeconds",
            (
                "MaxWaitTimeInSeconds, 3600, must not be less than MaxRuntimeInSeconds, 86400, "
                "where none is given."
            ),
        ),
        (
            {"Tags": [{"Key": "team", "Value": "a"}, {"Key": "team", "Value": "b"}]},
            "Tags[1].Key",
            "The tag key 'team' is used more than once.",
        ),
        (
            {"Tags": [{"Key": "AWS:owner", "Value": "a"}]},
            "Tags[0].Key",
            "The tag key 'AWS:owner' starts with the reserved prefix aws:.",
        ),
        (
            {
                "WarmStartConfig": {
                    "ParentHyperParameterTuningJobs": [{}],
                    "WarmStartType": "TransferLearning",
                }
            },
            PARENT.format(0),
            "HyperParameterTuningJobName is required for each parent.",
        ),
    ],
)
def test_a_broken_rule_between_fields_is_a_validation_exception(
    changes: dict[str, Any], field: str, text: str
) -> None:
    refused = refusal(a_request(changes))

    assert (refused.code, refused.field, str(refused)) == ("ValidationException", field, text)


def test_more_than_thirty_ranges_in_all_are_refused() -> None:
    request = a_request({INTEGERS: [bounded(f"i{n}", "1", "2") for n in range(29)]})

    refused = refusal(request)

    assert refused.field == RANGES
    assert str(refused) == "The number of parameter ranges, 31, is more than the limit of 30."


@pytest.mark.parametrize(("static", "fits"), [(96, True), (97, False)])
def test_tunable_and_static_hyperparameters_and_one_of_the_service_are_at_most_a_hundred(
    static: int, *, fits: bool
) -> None:
    request = a_request(
        {f"{DEFINITION}.StaticHyperParameters": {f"s{number}": "1" for number in range(static)}}
    )

    if fits:
        assert understood(request).as_dict()["definitions"][0]["static_count"] == static
        return
    refused = refusal(request)
    assert refused.field == RANGES
    assert "101, is more than the limit of 100" in str(refused)


def test_channels_have_different_names_and_one_source_each() -> None:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train"}}
    channels = [
        {"ChannelName": "train", "DataSource": source},
        {"ChannelName": "train", "DataSource": source},
    ]
    twice = refusal(a_request({f"{DEFINITION}.InputDataConfig": channels}))
    assert twice.field == f"{DEFINITION}.InputDataConfig[1].ChannelName"

    none = refusal(a_request({f"{DEFINITION}.InputDataConfig": [{"ChannelName": "train", "DataSource": {}}]}))
    assert none.field == f"{DEFINITION}.InputDataConfig[0].DataSource"


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("Environment", "AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("Environment", "ANYTHING", "AKIAIOSFODNN7EXAMPLE"),
        ("Environment", "HF", "hf_abcdefghijklmnopqrstuvwxyz0123"),
        ("StaticHyperParameters", "key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("StaticHyperParameters", "db_password", "hunter2supersecret"),
        ("StaticHyperParameters", "api-key", "0123456789abcdef0123"),
    ],
)
def test_a_credential_is_refused_and_never_repeated(key: str, name: str, value: str) -> None:
    refused = refusal(a_request({f"{DEFINITION}.{key}.{name}": value}))

    assert (refused.code, refused.field) == ("ValidationException", f"{DEFINITION}.{key}.{name}")
    assert value not in str(refused)


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_TOKENS", "128"), ("TOKEN_FILE", "/opt/ml/input/data/token1"), ("TOKENIZERS_PARALLELISM", "false")],
)
def test_what_only_sounds_like_a_credential_is_accepted(name: str, value: str) -> None:
    script = understood(a_request({f"{DEFINITION}.Environment.{name}": value})).spec.definitions[0].program

    assert script is not None
    assert script.script is not None
    assert script.script.env == {name: value}


def test_a_static_value_of_tokens_is_accepted() -> None:
    value = "additional_special_token1"
    assert understood(a_request({f"{DEFINITION}.StaticHyperParameters.special_tokens": value}))


def test_forty_jobs_over_forty_nine_points_are_enough() -> None:
    assert understood(a_request({MAX_JOBS: 40, **FINITE})).spec.trials == 40


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"path": f"TrainingJobDefinitions[1].{key}", "value": GONE}, f"TrainingJobDefinitions[1].{key}")
        for key in ("DefinitionName", "TuningObjective", "HyperParameterRanges")
    ]
    + [
        (
            {"path": "TrainingJobDefinitions[1].DefinitionName", "value": "a"},
            "TrainingJobDefinitions[1].DefinitionName",
        ),
        (
            {"path": "TrainingJobDefinitions[1].TuningObjective.Type", "value": "Maximize"},
            "TrainingJobDefinitions[1].TuningObjective.Type",
        ),
        (
            {"path": "TrainingJobDefinitions[1].HyperParameterRanges", "value": {}},
            "TrainingJobDefinitions[1].HyperParameterRanges",
        ),
        (
            {"path": "TrainingJobDefinitions[1].TuningObjective.MetricName", "value": "auc"},
            "TrainingJobDefinitions[1].TuningObjective.MetricName",
        ),
        ({"path": OBJECTIVE, "value": {"Type": "Minimize", "MetricName": "loss"}}, OBJECTIVE),
        ({"path": RANGES, "value": {}}, RANGES),
        (
            {"path": f"{CONFIG}.TrainingJobEarlyStoppingType", "value": "Auto"},
            f"{CONFIG}.TrainingJobEarlyStoppingType",
        ),
        (
            {
                "path": "WarmStartConfig",
                "value": {
                    "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "p"}],
                    "WarmStartType": "TransferLearning",
                },
            },
            "WarmStartConfig",
        ),
    ],
)
def test_several_definitions_have_rules_of_their_own(change: dict[str, Any], field: str) -> None:
    request = several("a", "b")
    put(request, change["path"], change["value"])

    refused = refusal(request)

    assert (refused.code, refused.field) == ("ValidationException", field)


def test_a_shape_error_comes_before_a_broken_rule_and_that_before_a_taken_name() -> None:
    taken = {"name": "TUNER-01"}
    changes = {f"{DEFINITION}.ResourceConfig": GONE}

    assert refusal(a_request({**changes, "Extra": 1}), taken).field == "Extra"
    assert refusal(a_request(changes), taken).field == f"{DEFINITION}.ResourceConfig"
    assert refusal(a_request({MAX_JOBS: 751}), taken).code == "ResourceInUse"
    assert refusal(a_request({MAX_JOBS: 751})).code == "ResourceLimitExceeded"
