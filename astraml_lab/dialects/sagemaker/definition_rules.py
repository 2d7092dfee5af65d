"""The rules inside one training job definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.credentials import is_a_secret, names_a_secret
from astraml_lab.dialects.sagemaker.errors import invalid
from astraml_lab.dialects.sagemaker.plan import DAY
from astraml_lab.spec import compile_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.dialects.sagemaker.plan import Part

LONGEST_TRIAL = 2_419_200
"""28 days."""
_RANDOM = re.compile(r"(?!/)(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_-]{16,}")
"""Letters and digits as keys have them, and paths and words do not."""
_TOKEN = re.compile("token", re.IGNORECASE)
_MACHINE = ("InstanceType", "InstanceCount", "VolumeSizeInGB")


def check_definition(part: Part) -> None:
    """Refuse a definition that contradicts itself.

    Raises:
        SageMakerError: A ValidationException for the first rule that is broken.
    """
    _check_algorithm(part)
    _check_channels(part.given.get("InputDataConfig", ()), part.path)
    _check_resources(part.given, part.path)
    _check_times(part.given["StoppingCondition"], part.path)
    _check_literals(part)


def _check_algorithm(part: Part) -> None:
    path = f"{part.path}.AlgorithmSpecification"
    algorithm = part.given["AlgorithmSpecification"]
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        found = "both are given" if "TrainingImage" in algorithm else "none is given"
        raise invalid(path, f"Provide exactly one of TrainingImage and AlgorithmName; {found}.")
    metrics = algorithm.get("MetricDefinitions", ())
    for index, metric in enumerate(metrics):
        why = compile_problem(metric["Regex"])
        if why:
            raise invalid(
                f"{path}.MetricDefinitions[{index}].Regex",
                f"The regular expression '{metric['Regex']}' does not compile: {why}.",
            )
    if metrics and part.objective["MetricName"] not in {metric["Name"] for metric in metrics}:
        raise invalid(
            f"{part.objective_path}.MetricName",
            "A metric is required for this hyperparameter tuning job objective. "
            "Provide a metric in the metric definitions.",
        )


def _check_channels(channels: Any, path: str) -> None:
    seen: set[str] = set()
    for index, channel in enumerate(channels):
        where = f"{path}.InputDataConfig[{index}]"
        name = channel["ChannelName"]
        if name in seen:
            raise invalid(f"{where}.ChannelName", f"The channel name '{name}' is used more than once.")
        seen.add(name)
        if len(channel["DataSource"]) != 1:
            raise invalid(
                f"{where}.DataSource",
                "Provide exactly one of S3DataSource, FileSystemDataSource and DatasetSource.",
            )


def _check_resources(definition: Mapping[str, Any], path: str) -> None:
    tuning = definition.get("HyperParameterTuningResourceConfig")
    if tuning is None:
        if "ResourceConfig" not in definition:
            raise invalid(
                f"{path}.ResourceConfig",
                "Provide one of ResourceConfig and HyperParameterTuningResourceConfig.",
            )
        return
    both = [name for name in _MACHINE if name in tuning]
    if "InstanceConfigs" in tuning and both:
        raise invalid(
            f"{path}.HyperParameterTuningResourceConfig.InstanceConfigs",
            f"InstanceConfigs is not allowed together with {', '.join(both)}.",
        )


def _check_times(condition: Mapping[str, int], path: str) -> None:
    where = f"{path}.StoppingCondition"
    runtime, wait = condition.get("MaxRuntimeInSeconds", DAY), condition.get("MaxWaitTimeInSeconds")
    if runtime > LONGEST_TRIAL:
        raise invalid(
            f"{where}.MaxRuntimeInSeconds",
            f"MaxRuntimeInSeconds, {runtime}, is more than the limit of {LONGEST_TRIAL} (28 days).",
        )
    if wait is not None and wait < runtime:
        said = "" if "MaxRuntimeInSeconds" in condition else ", where none is given"
        raise invalid(
            f"{where}.MaxWaitTimeInSeconds",
            f"MaxWaitTimeInSeconds, {wait}, must not be less than MaxRuntimeInSeconds, {runtime}{said}.",
        )


def _check_literals(part: Part) -> None:
    """Refuse credentials in what a script gets; the message never repeats one."""
    for key in ("Environment", "StaticHyperParameters"):
        for name, value in part.given.get(key, {}).items():
            # a token of a static value may be a word of a text: `special_tokens` is no secret
            named = names_a_secret(name) and (key == "Environment" or not _TOKEN.search(name))
            if is_a_secret(value) or (named and _RANDOM.fullmatch(value)):
                raise invalid(
                    f"{part.path}.{key}.{name}",
                    f"The value of '{name}' in {key} looks like a credential. Requests are stored and shown: "
                    "leave it out, and let the script read it from where it is kept.",
                )
