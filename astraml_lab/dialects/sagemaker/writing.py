"""From any job to a CreateHyperParameterTuningJob request, with a list of what cannot be said there."""

from __future__ import annotations

import copy
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.errors import SageMakerError
from astraml_lab.dialects.sagemaker.fidelity import RECORDED, found
from astraml_lab.dialects.sagemaker.plan import CONFIG
from astraml_lab.dialects.sagemaker.ranges import read_ranges
from astraml_lab.dialects.sagemaker.reading import IMPROVEMENT, job_of, plan_of
from astraml_lab.dialects.sagemaker.request_shape import JOB_NAME
from astraml_lab.dialects.sagemaker.shapes import TAG_TEXT, matches
from astraml_lab.dialects.sagemaker.surroundings_check import IDENTICAL
from astraml_lab.dialects.sagemaker.writing_config import write_config, write_strategy
from astraml_lab.dialects.sagemaker.writing_definition import Places, write_definition
from astraml_lab.dialects.translation import Export, not_said
from astraml_lab.spec import Dialect, ExecutorKind, JobSpec, Limits, changed_options

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAID = frozenset(
    {
        *("name", "tag", "trials", "parallel", "gpus", "strategy", "prune", "target", "max_no_improvement"),
        *("max_runtime", "trial_timeout", "retries", "warm_start", "seed", "on_nan", "on_timeout"),
    }
)
"""Options that the request says, or that the service has one way only."""
_LIKE_THE_SERVICE = Limits(cut=False, improvement=IMPROVEMENT, retry_lost=True)
_MOST_PARENTS, _MOST_TAGS = 5, 50
_ONE, _SEVERAL = "TrainingJobDefinition", "TrainingJobDefinitions"


def write(
    spec: JobSpec, *, image: str = "", role_arn: str = "", output: str = "", instance_type: str = ""
) -> Export:
    """Write a job as a request; one that was read from a request and is as it was, is that request.

    Args:
        spec: The job.
        image: The training image of a job that names none: a cell, a function.
        role_arn: The role that the service assumes.
        output: Where results go, `s3://…`.
        instance_type: The machine of each trial.
    """
    places = Places(image, role_arn, output, instance_type)
    original = _request_of(spec)
    if original and places == Places() and _is_as_it_was(spec, original):
        return Export(copy.deepcopy(original))
    left_out: list[str] = []
    # what the request said of the service's side holds again, unless it is given anew
    role = role_arn or next((each["RoleArn"] for each in _definitions_of(original)), "")
    request = _write(spec, replace(places, role_arn=role), left_out)
    if original:
        _keep_recorded(request, original, places)
    left_out += _rest(spec)
    left_out += _refusal(request)
    return Export(request, tuple(dict.fromkeys(left_out)))


def _refusal(request: Mapping[str, Any]) -> list[str]:
    """Say why the service would refuse what was written, where a job goes beyond its limits."""
    try:
        plan_of(request)
    except SageMakerError as refused:
        return [f"The service refuses the request as it is: {refused}"]
    return []


def _write(spec: JobSpec, places: Places, left_out: list[str]) -> dict[str, Any]:
    grid = write_strategy(spec) == "Grid"
    definitions = [write_definition(spec, each, places, left_out, grid=grid) for each in spec.definitions]
    config = write_config(spec, sum(map(_size, definitions)), left_out)
    request: dict[str, Any] = {"HyperParameterTuningJobName": _name(spec, left_out), CONFIG: config}
    if len(definitions) > 1 or _SEVERAL in _request_of(spec):
        request[_SEVERAL] = definitions
    else:
        only = definitions[0]
        if "TuningObjective" in only:
            config["HyperParameterTuningJobObjective"] = only.pop("TuningObjective")
        config["ParameterRanges"] = only.pop("HyperParameterRanges")
        if only["DefinitionName"] == "default":
            del only["DefinitionName"]
        request[_ONE] = only
    return request | _warm_start(spec, left_out) | _tags(spec, left_out)


def _size(definition: Mapping[str, Any]) -> float:
    """Return how many points a written definition has."""
    return math.prod(each.size for each in read_ranges(definition["HyperParameterRanges"], ""))


def _request_of(spec: JobSpec) -> dict[str, Any]:
    of_service = spec.origin is not None and spec.origin.dialect is Dialect.SAGEMAKER
    return spec.origin.request if spec.origin is not None and of_service else {}


def _definitions_of(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*request.get(_SEVERAL, ()), *([request[_ONE]] if _ONE in request else ())]


def _is_as_it_was(spec: JobSpec, original: Mapping[str, Any]) -> bool:
    """Whether the request still says what the job is."""
    try:
        before = job_of(plan_of(original), None)
    except SageMakerError:  # it was read by a version with other rules
        return False
    parts = ("definitions", "limits", "stopping")
    return changed_options(before) == changed_options(spec) and all(
        getattr(before, part) == getattr(spec, part) for part in parts
    )


def _keep_recorded(request: dict[str, Any], original: Mapping[str, Any], places: Places) -> None:
    """Put back what was kept for the service and says nothing to us."""
    if "Autotune" in original:
        request["Autotune"] = copy.deepcopy(original["Autotune"])
    for old, new in zip(_definitions_of(original), _definitions_of(request), strict=False):
        if "ResourceConfig" not in old and not places.instance_type:
            new.pop("ResourceConfig")
        mode = old["AlgorithmSpecification"]["TrainingInputMode"]
        new["AlgorithmSpecification"]["TrainingInputMode"] = mode
        for path in RECORDED:
            chosen = {"RoleArn": places.role_arn, "ResourceConfig": places.instance_type}.get(path)
            value = found(old, path)
            holder, _, name = path.rpartition(".")
            inner = found(new, holder) if holder else new
            if value is not None and inner is not None and not chosen:
                inner[name] = copy.deepcopy(value)


def _name(spec: JobSpec, left_out: list[str]) -> str:
    name = spec.name or "job"
    if not list(JOB_NAME.broken(name)):
        return name
    plain = re.sub(r"[^a-zA-Z0-9-]+", "-", name).strip("-")[:32].strip("-") or "job"
    left_out.append(f"The name {name!r}: it is {plain!r} in the request.")
    return plain


def _warm_start(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    fitting = [name for name in spec.warm_start if not list(JOB_NAME.broken(name))]
    parents = fitting[:_MOST_PARENTS] if len(spec.definitions) == 1 else []
    if len(parents) < len(spec.warm_start):
        left_out.append(f"warm_start: {len(spec.warm_start) - len(parents)} of its jobs.")
    if not parents:
        return {}
    kind = _request_of(spec).get("WarmStartConfig", {}).get("WarmStartType", IDENTICAL)
    named = [{"HyperParameterTuningJobName": name} for name in parents]
    return {"WarmStartConfig": {"ParentHyperParameterTuningJobs": named, "WarmStartType": kind}}


def _tags(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    fitting = [
        {"Key": key, "Value": value}
        for key, value in spec.tag.items()
        if matches(TAG_TEXT, key + value) and not key.casefold().startswith("aws:")
    ]
    if len(fitting[:_MOST_TAGS]) < len(spec.tag):
        left_out.append(f"tag: {len(spec.tag) - len(fitting[:_MOST_TAGS])} of its tags.")
    return {"Tags": fitting[:_MOST_TAGS]} if fitting else {}


def _rest(spec: JobSpec) -> list[str]:
    """Name the options that no request of the service has."""
    options = changed_options(spec)
    if spec.executor is not ExecutorKind.RAY:
        options.pop("executor", None)  # where it runs is another's business there
    found = [not_said(name, value) for name, value in options.items() if name not in _SAID]
    kept = spec.limits.model_copy(update={"max_wait": None})
    if kept not in {Limits(), _LIKE_THE_SERVICE}:
        found.append("The rules by which the job ends: the service has its own.")
    return found
