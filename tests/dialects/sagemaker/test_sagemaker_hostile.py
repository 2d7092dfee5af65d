from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.sagemaker_requests import CATEGORIES, CONFIG, DEFINITION, NUMBERS, a_request, bounded, understood

from astraml_lab.dialects import Surroundings
from astraml_lab.dialects.sagemaker import SageMakerError, read
from astraml_lab.spec import Float

FULL = a_request(
    {
        f"{CONFIG}.StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}},
        f"{CONFIG}.TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 1.0},
        f"{CONFIG}.RandomSeed": 1,
        f"{DEFINITION}.Environment": {"MODE": "fast"},
        f"{DEFINITION}.InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train"}},
            }
        ],
        f"{DEFINITION}.RetryStrategy": {"MaximumRetryAttempts": 1},
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
            "WarmStartType": "TransferLearning",
        },
        "Tags": [{"Key": "team", "Value": "vision"}],
    }
)
PARENT = {"name": "parent", "status": "Completed", "training_jobs": 1}
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["Auto", "Grid", "Hyperband", "1e999", "-0", "٣", "1_0", " 1", "0x1", "Logarithmic"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(given: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(given, dict):
        steps: list[tuple[str | int, Any]] = list(given.items())
    else:
        steps = list(enumerate(given)) if isinstance(given, list) else []
    return [path, *(deep for step, value in steps for deep in places(value, (*path, step)))]


def outcome_of(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return understood(request, PARENT).as_dict()
    except SageMakerError as refused:
        return refused.as_dict()


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(places(FULL)), anything | st.just(...)), min_size=1, max_size=3))
def test_a_spoilt_request_is_read_or_refused_and_never_ends_otherwise(spoils: list[tuple[Any, Any]]) -> None:
    request = copy.deepcopy(FULL)
    for path, value in spoils:
        holder: Any = request
        try:
            for step in path[:-1]:
                holder = holder[step]
            if value is ...:
                del holder[path[-1]]
            elif path:
                holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):  # an earlier one took it away
            continue

    outcome = outcome_of(request)

    assert outcome["outcome"] == "valid" or outcome["error"] in {
        "ValidationException",
        "ResourceNotFound",
        "ResourceLimitExceeded",
    }


@pytest.mark.parametrize("request_", [None, 3, "text", [], {1: 2}, {"Tags": {"a": 1}}, {"": ""}])
def test_what_is_no_request_is_refused(request_: Any) -> None:
    with pytest.raises(SageMakerError):
        read(request_, Surroundings())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("HyperParameterTuningJobName", "a" + "-" * 100_000),
        (f"{DEFINITION}.RoleArn", "arn:aws" + "-" * 100_000),
        (f"{DEFINITION}.AlgorithmSpecification.AlgorithmName", "a" * 100_000 + "-"),
        (NUMBERS, [bounded("x", "0." + "0" * 253, "1e" + "9" * 250)]),
        (f"{CATEGORIES}[0].Name", "x" * 1_000_000),
    ],
)
def test_no_text_of_a_request_takes_long_to_check(path: str, value: Any) -> None:
    began = time.process_time()

    with pytest.raises(SageMakerError) as refused:
        understood(a_request({path: value}))

    assert time.process_time() - began < 1
    assert len(str(refused.value)) < 2000


def test_bounds_with_huge_exponents_are_read_at_once() -> None:
    began = time.process_time()

    spec = understood(a_request({NUMBERS: [bounded("x", "1e-99999999999999999999", "9" * 256)]})).spec

    assert spec.space["x"] == Float(0.0, 1e256)
    assert time.process_time() - began < 1


def test_markup_in_names_is_data() -> None:
    request = a_request({NUMBERS: [bounded("<img src=x onerror=alert(1)>", "0", "1")]})

    assert "<img src=x onerror=alert(1)>" in understood(request).spec.space.names()


def test_more_combinations_than_a_float_holds_are_enough() -> None:
    wide = {"MinValue": "0", "MaxValue": "9" * 250}
    ranges = {
        "IntegerParameterRanges": [{"Name": name, **wide} for name in ("a", "b")],
        "ContinuousParameterRanges": [{"Name": "c", "MinValue": "0", "MaxValue": "1"}],
    }
    assert understood(a_request({f"{CONFIG}.ParameterRanges": ranges})).spec.trials > 0
