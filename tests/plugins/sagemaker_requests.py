"""Requests in SageMaker's format for tests, and changes to them by path."""

from __future__ import annotations

import itertools
import re
from typing import Any

from astraml_lab.dialects import Surroundings, Translation
from astraml_lab.dialects.sagemaker import read

GONE = object()
"""Stands for a member that is taken out."""
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
CONFIG = "HyperParameterTuningJobConfig"
OBJECTIVE = f"{CONFIG}.HyperParameterTuningJobObjective"
RANGES = f"{CONFIG}.ParameterRanges"
INTEGERS, NUMBERS, CATEGORIES = (
    f"{RANGES}.{kind}ParameterRanges" for kind in ("Integer", "Continuous", "Categorical")
)
LIMITS = f"{CONFIG}.ResourceLimits"
DEFINITION = "TrainingJobDefinition"


def bounded(name: str, low: str, high: str, scale: str | None = None) -> dict[str, Any]:
    """Build a numeric range."""
    scaling = {} if scale is None else {"ScalingType": scale}
    return {"Name": name, "MinValue": low, "MaxValue": high, **scaling}


def choice(name: str, *values: str) -> dict[str, Any]:
    """Build a categorical range."""
    return {"Name": name, "Values": list(values)}


def a_definition() -> dict[str, Any]:
    """Build a valid training job definition."""
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-west-2.amazonaws.com/xgboost:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/Tuner",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "StaticHyperParameters": {"epochs": "27"},
    }


def a_request(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Build a valid request, then set each path of `changes` (`GONE` takes it out; lists may grow by one)."""
    request = {
        "HyperParameterTuningJobName": "tuner-01",
        CONFIG: {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "IntegerParameterRanges": [bounded("depth", "1", "9")],
                "ContinuousParameterRanges": [bounded("eta", "0.001", "0.5")],
                "CategoricalParameterRanges": [choice("booster", "tree", "linear")],
            },
        },
        DEFINITION: a_definition(),
    }
    for path, value in (changes or {}).items():
        put(request, path, value)
    return request


def several(*names: str, **changes: Any) -> dict[str, Any]:
    """Build a valid request with a definition for each name; `changes` are for their members."""
    definitions = [
        {
            **a_definition(),
            "DefinitionName": name,
            "TuningObjective": {"Type": "Minimize", "MetricName": "loss"},
            "HyperParameterRanges": {"ContinuousParameterRanges": [bounded("eta", "0.001", "0.5")]},
            **changes,
        }
        for name in names
    ]
    return a_request({OBJECTIVE: GONE, RANGES: GONE, DEFINITION: GONE, "TrainingJobDefinitions": definitions})


def put(request: dict[str, Any], path: str, value: Any) -> None:
    """Set what is at a path such as `Tags[0].Key`, making members that are not there."""
    steps: list[str | int] = [
        name or int(index) for name, index in (found.groups() for found in _STEP.finditer(path))
    ]
    place: Any = request
    for step, following in itertools.pairwise(steps):
        if isinstance(step, str) and step not in place:
            place[step] = [] if isinstance(following, int) else {}
        elif isinstance(step, int) and step == len(place):
            place.append({})
        place = place[step]
    last = steps[-1]
    if value is GONE:
        place.pop(last)
    elif isinstance(last, int) and last == len(place):
        place.append(value)
    else:
        place[last] = value


def understood(request: dict[str, Any], *existing: dict[str, Any]) -> Translation:
    """Read a request against the jobs that exist."""
    return read(request, Surroundings(existing_jobs=existing))
