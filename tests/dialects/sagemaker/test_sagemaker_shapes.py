from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.loaders import Loader
from plugins.sagemaker_requests import CONFIG, DEFINITION, GONE, NUMBERS, a_request, understood

from astraml_lab.dialects.sagemaker import SageMakerError
from astraml_lab.dialects.sagemaker.request_shape import CREATE
from astraml_lab.dialects.sagemaker.shapes import Entries, Flag, Many, Number, Shape, Structure, Text

ANYTHING = {".*", ".+", r"[\S\s]*"}
Facts = dict[str, dict[str, Any]]


def facts_of_vendor() -> Facts:
    """Flatten the installed botocore's definition to the paths of the request."""
    shapes = Loader().load_service_model("sagemaker", "service-2", "2017-07-24")["shapes"]
    found: Facts = {}

    def walk(name: str, path: str, *, required: bool) -> None:
        shape = shapes[name]
        found[path] = {
            "type": shape["type"],
            "required": required,
            **{key: shape[key] for key in ("min", "max", "enum") if key in shape},
            **({"pattern": shape["pattern"]} if shape.get("pattern", ".*") not in ANYTHING else {}),
        }
        for member, reference in shape.get("members", {}).items():
            inner = f"{path}.{member}".lstrip(".")
            walk(reference["shape"], inner, required=member in shape.get("required", ()))
        if shape["type"] == "list":
            walk(shape["member"]["shape"], f"{path}[]", required=False)
        if shape["type"] == "map":
            walk(shape["key"]["shape"], f"{path}{{key}}", required=False)
            walk(shape["value"]["shape"], f"{path}{{value}}", required=False)

    walk("CreateHyperParameterTuningJobRequest", "", required=False)
    return found


def facts_of_ours() -> Facts:
    found: Facts = {}

    def walk(shape: Shape, path: str, *, required: bool) -> None:
        fact: dict[str, Any] = {"type": type_of(shape), "required": required}
        if isinstance(shape, Text | Number | Many | Entries):
            fact |= {
                key: value for key, value in (("min", shape.least), ("max", shape.most)) if value is not None
            }
        if isinstance(shape, Text):
            fact |= {"enum": list(shape.enum)} if shape.enum else {}
            fact |= {"pattern": shape.pattern} if shape.pattern else {}
        found[path] = fact
        if isinstance(shape, Structure):
            for member, inner in shape.members.items():
                walk(inner, f"{path}.{member}".lstrip("."), required=member in shape.required)
        if isinstance(shape, Many):
            walk(shape.each, f"{path}[]", required=False)
        if isinstance(shape, Entries):
            walk(shape.key, f"{path}{{key}}", required=False)
            walk(shape.value, f"{path}{{value}}", required=False)

    walk(CREATE, "", required=False)
    return found


def type_of(shape: Shape) -> str:
    if isinstance(shape, Number):
        return "integer" if shape.whole else "float"
    kinds: dict[type[Shape], str] = {
        Text: "string",
        Flag: "boolean",
        Many: "list",
        Entries: "map",
        Structure: "structure",
    }
    return kinds[type(shape)]


def test_the_table_of_members_is_the_installed_botocores_but_for_the_named_differences() -> None:
    theirs, ours = facts_of_vendor(), facts_of_ours()

    assert list(set(theirs) ^ set(ours)) == []
    different = {}
    for path, fact in theirs.items():
        if path.endswith("InstanceType"):  # a pattern, not a list that grows every month
            assert len(fact.pop("enum")) > 100
            assert "pattern" in ours[path]
            ours[path].pop("pattern")
        if fact != ours[path]:
            different[path] = (fact, ours[path])
    seed = f"{CONFIG}.RandomSeed"
    assert ours[seed].pop("max") == 2**32 - 1
    for definition in (DEFINITION, "TrainingJobDefinitions[]"):
        shuffle = f"{definition}.InputDataConfig[].ShuffleConfig.Seed"
        assert theirs[shuffle]["type"] == "long"
        del different[shuffle]
    del different[seed]
    assert different == {}


@pytest.mark.parametrize(
    ("path", "value", "field", "text"),
    [
        (
            f"{NUMBERS}[0].ScalingType",
            "auto",
            None,
            (
                "Value 'auto' at "
                "'hyperParameterTuningJobConfig.parameterRanges."
                "continuousParameterRanges.1.member.scalingType' "
                "failed to satisfy constraint: Member must satisfy enum value set: "
                "[Auto, Linear, Logarithmic, ReverseLogarithmic]"
            ),
        ),
        (
            f"{DEFINITION}.RoleArn",
            GONE,
            None,
            (
                "Value null at 'trainingJobDefinition.roleArn' failed to satisfy "
                "constraint: Member must not be null"
            ),
        ),
        (
            "HyperParameterTuningJobName",
            "under_score",
            None,
            (
                "Value 'under_score' at 'hyperParameterTuningJobName' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}"
            ),
        ),
        (
            f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs",
            0,
            None,
            (
                "Value '0' at "
                "'hyperParameterTuningJobConfig.resourceLimits.maxParallelTrainingJobs' failed to satisfy "
                "constraint: "
                "Member must have value greater than or equal to 1"
            ),
        ),
        (
            f"{CONFIG}.ResourceLimits.MaxRuntimeInSeconds",
            15_768_001,
            None,
            (
                "Value '15768001' at "
                "'hyperParameterTuningJobConfig.resourceLimits.maxRuntimeInSeconds' failed to satisfy "
                "constraint: "
                "Member must have value less than or equal to 15768000"
            ),
        ),
        (
            f"{DEFINITION}.InputDataConfig",
            [],
            None,
            (
                "Value '[0 items]' at 'trainingJobDefinition.inputDataConfig' failed to "
                "satisfy constraint: Member must have length greater than or equal to 1"
            ),
        ),
        (
            f"{NUMBERS}[0].MinValue",
            0.001,
            None,
            (
                "Invalid type for parameter "
                "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[0].MinValue, "
                "type: <class 'float'>, valid types: <class 'str'>"
            ),
        ),
        (
            f"{CONFIG}.EarlyStopping",
            "Auto",
            None,
            (
                "Unknown parameter in HyperParameterTuningJobConfig: "
                '"EarlyStopping", must be one of: Strategy, ResourceLimits, StrategyConfig, '
                "HyperParameterTuningJobObjective, ParameterRanges, TrainingJobEarlyStoppingType, "
                "TuningJobCompletionCriteria, RandomSeed"
            ),
        ),
        (
            f"{DEFINITION}.StaticHyperParameters.epochs",
            27,
            None,
            (
                "Invalid type for parameter "
                "TrainingJobDefinition.StaticHyperParameters.epochs, type: <class 'int'>, "
                "valid types: <class 'str'>"
            ),
        ),
        (
            f"{DEFINITION}.Environment",
            {"1ST": "x"},
            f"{DEFINITION}.Environment.1ST",
            (
                "Value at 'trainingJobDefinition.environment' failed to satisfy "
                "constraint: Map keys must satisfy constraint: "
                "[Member must satisfy regular expression pattern: [a-zA-Z_][a-zA-Z0-9_]*]"
            ),
        ),
    ],
)
def test_a_request_of_another_shape_is_refused_in_the_services_words(
    path: str, value: Any, field: str | None, text: str
) -> None:
    request = a_request({path: value})

    with pytest.raises(SageMakerError) as refused:
        understood(request)

    message = f"1 validation error detected: {text}"
    assert str(refused.value) == message
    assert refused.value.as_dict() == {
        "outcome": "invalid",
        "error": "ValidationException",
        "http": 400,
        "field": field or path,
    }
    assert refused.value.response["Error"] == {"Code": "ValidationException", "Message": message}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("HyperParameterTuningJobName", "x" * 33),
        ("HyperParameterTuningJobName", "with:colon"),
        (f"{CONFIG}.Strategy", "bayesian"),
        (f"{CONFIG}.TrainingJobEarlyStoppingType", "AUTO"),
        (f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", True),
        (f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", 2.0),
        (f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", None),
        (f"{CONFIG}.TuningJobCompletionCriteria.TargetObjectiveMetricValue", float("nan")),
        (f"{CONFIG}.TuningJobCompletionCriteria.TargetObjectiveMetricValue", 10**400),
        (
            f"{CONFIG}.TuningJobCompletionCriteria.ConvergenceDetected.CompleteOnConvergence",
            2,
        ),
        (f"{CONFIG}.RandomSeed", -1),
        (f"{CONFIG}.RandomSeed", 2**32),
        (f"{DEFINITION}.RoleArn", "arn:aws:iam::12345:role/short-account"),
        (f"{DEFINITION}.OutputDataConfig.S3OutputPath", "gs://bucket/output"),
        (f"{DEFINITION}.ResourceConfig.InstanceType", "m5.xlarge"),
        (f"{DEFINITION}.RetryStrategy.MaximumRetryAttempts", 31),
        (f"{DEFINITION}.StoppingCondition.MaxPendingTimeInSeconds", 100),
        (f"{DEFINITION}.StaticHyperParameters.long", "x" * 2501),
        (f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions[0].Regex", "x" * 501),
        ("WarmStartConfig.WarmStartType", "TRANSFER_LEARNING"),
        ("Tags[0].Key", ""),
        ("Autotune.Mode", "Disabled"),
    ],
)
def test_the_field_of_a_refusal_is_the_path_that_breaks_a_limit(path: str, value: Any) -> None:
    parents = [{"HyperParameterTuningJobName": "parent"}]
    around = {
        "Tags": {"Tags": [{"Key": "k", "Value": "v"}]},
        "WarmStartConfig": {"WarmStartConfig.ParentHyperParameterTuningJobs": parents},
    }
    request = a_request({**around.get(re.split(r"\W", path)[0], {}), path: value})

    with pytest.raises(SageMakerError) as refused:
        understood(request)

    assert (refused.value.code, refused.value.field) == ("ValidationException", path)


def test_several_mistakes_are_counted_and_the_first_gives_the_field() -> None:
    request = a_request({"HyperParameterTuningJobName": "@", f"{CONFIG}.Strategy": "Best"})

    with pytest.raises(SageMakerError) as refused:
        understood(request)

    assert str(refused.value).startswith("2 validation errors detected: Value '@' at ")
    assert refused.value.field == "HyperParameterTuningJobName"


def test_a_request_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(SageMakerError, match="Invalid type"):
        understood([])  # type: ignore[arg-type]  # what a JSON file may hold


def test_new_machines_and_new_optional_members_are_accepted() -> None:
    request = a_request(
        {
            f"{DEFINITION}.ResourceConfig.InstanceType": "ml.p99-future.999xlarge",
            f"{DEFINITION}.ResourceConfig.InstancePreferences": [{"InstanceType": "ml.p6.48xlarge"}],
        }
    )

    assert f"{DEFINITION}.ResourceConfig" in understood(request).as_dict()["accepted_not_acted"]


def test_letters_of_any_language_are_allowed_in_a_tag_and_signs_are_not() -> None:
    accepted = a_request({"Tags": [{"Key": "équipe 猫", "Value": "a+b=c"}]})
    assert understood(accepted).spec.tag == {"équipe 猫": "a+b=c"}

    with pytest.raises(SageMakerError, match="regular expression pattern"):
        understood(a_request({"Tags": [{"Key": "a<b>", "Value": ""}]}))


def test_no_message_repeats_a_value_of_the_environment() -> None:
    with pytest.raises(SageMakerError) as refused:
        understood(a_request({f"{DEFINITION}.Environment": {"KEY": "hunter2" * 100}}))

    assert "hunter2" not in str(refused.value)
    assert "512" in str(refused.value)
