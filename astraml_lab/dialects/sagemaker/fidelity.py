"""What became of each field of a request: acted on, acted on by a rule of ours, or kept without effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from astraml_lab.dialects.sagemaker.outcome import detects_convergence, trial_timeout
from astraml_lab.dialects.sagemaker.plan import CONFIG, Part, Plan
from astraml_lab.spec import Fidelity

_CLOUD = "trials run on this machine; the instance type only tells whether they get a GPU"
RECORDED = {
    "RoleArn": "no role of a cloud account is assumed here",
    "ResourceConfig": _CLOUD,
    "HyperParameterTuningResourceConfig": _CLOUD,
    "VpcConfig": "trials run in this machine's own network",
    "EnableNetworkIsolation": "trials are not cut off from the network",
    "EnableInterContainerTrafficEncryption": "a trial is one process, so there is no such traffic",
    "EnableManagedSpotTraining": "there are no spot instances here",
    "OutputDataConfig.KmsKeyId": "artifacts are not encrypted",
    "StoppingCondition.MaxWaitTimeInSeconds": "there are no spot instances to wait for",
    "CheckpointConfig.S3Uri": "checkpoints stay in the trial's own folder",
}
"""Paths inside a definition that are kept without effect, with why."""
_PIPE = "the data are files: nothing is piped"
_STRATEGIES = {
    "Bayesian": "a tree-structured Parzen estimator proposes points; the service uses a Gaussian process",
    "Hyperband": "random points and synchronous brackets with a reduction of 3; the service's is unpublished",
}
_LEARNT = "each parent's objective is replaced by its rank, as their scales may differ"
_INDEX = re.compile(r"\[\d+\]")


def fidelity_of(plan: Plan) -> Fidelity:
    """Return the account of every field."""
    recorded = dict(_recorded(plan))
    approximated = dict(_approximated(plan))
    done = (*recorded, *approximated)
    honoured: dict[str, None] = {}
    for path in _leaves(plan.request, ""):
        if not any(_within(path, other) for other in done):
            # the definitions are told apart, the items of other lists are not
            head = next((part.path for part in plan.parts if _within(path, part.path)), "")
            honoured[head + _INDEX.sub("[]", path[len(head) :])] = None
    return Fidelity(
        honoured=tuple(honoured),
        approximated=approximated,
        accepted_not_acted=recorded,
        warnings=tuple(_warnings(plan)),
        security=tuple(each for part in plan.parts for each in _security_warnings(part)),
    )


def found(given: Any, path: str) -> Any:
    """Return what is at a dotted path, or `None`."""
    for name in path.split("."):
        given = given.get(name) if isinstance(given, Mapping) else None
    return given


def _recorded(plan: Plan) -> Iterator[tuple[str, str]]:
    if "Autotune" in plan.request:
        yield "Autotune", "nothing is chosen automatically: the ranges of the request are searched"
    if "StrategyConfig" in plan.config and plan.hyperband is None:
        yield f"{CONFIG}.StrategyConfig", f"it is read with the Hyperband strategy only, not {plan.strategy}"
    for part in plan.parts:
        for path, why in RECORDED.items():
            if found(part.given, path) is not None:
                yield f"{part.path}.{path}", why
        if _is_piped(part):
            yield f"{part.path}.AlgorithmSpecification.TrainingInputMode", _PIPE


def _approximated(plan: Plan) -> Iterator[tuple[str, str]]:
    if plan.strategy in _STRATEGIES:
        yield f"{CONFIG}.Strategy", _STRATEGIES[plan.strategy]
    if plan.config.get("RandomSeed") is not None and not _is_reproducible(plan):
        yield (
            f"{CONFIG}.RandomSeed",
            "the points depend on the order in which parallel training jobs end",
        )
    if detects_convergence(plan):
        yield (
            f"{CONFIG}.TuningJobCompletionCriteria.ConvergenceDetected",
            f"the job ends after {patience(plan)} training jobs without an improvement",
        )
    if plan.warm_start and plan.warm_start["WarmStartType"] == "TransferLearning":
        yield "WarmStartConfig.WarmStartType", _LEARNT
    for part in plan.parts:
        for each in part.ranges:
            if each.auto:
                yield (
                    f"{each.path}.ScalingType",
                    f"searched on a {each.scale} scale, decided once by our rule",
                )
        yield from _approximated_channels(part)
        if trial_timeout(part) != longest_trial(plan):
            yield (
                f"{part.path}.StoppingCondition.MaxRuntimeInSeconds",
                f"all definitions have the longest limit among them, {longest_trial(plan)} s",
            )


def _approximated_channels(part: Part) -> Iterator[tuple[str, str]]:
    for index, channel in enumerate(part.given.get("InputDataConfig", ())):
        path = f"{part.path}.InputDataConfig[{index}]"
        if channel.get("InputMode") == "Pipe":
            yield f"{path}.InputMode", _PIPE
        source = channel["DataSource"].get("S3DataSource", {})
        where = f"{path}.DataSource.S3DataSource"
        if source.get("S3DataType", "S3Prefix") != "S3Prefix":
            yield f"{where}.S3DataType", "the script gets the folder or file, and reads the list itself"
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            yield f"{where}.S3DataDistributionType", "a trial is one process and sees all of the data"
        if "DatasetSource" in channel["DataSource"]:
            yield (
                f"{path}.DataSource.DatasetSource",
                "a trial fails unless the dataset is mapped to local data",
            )


def _warnings(plan: Plan) -> Iterator[str]:
    if "MaxNumberOfTrainingJobs" not in plan.limits and plan.strategy != "Grid":
        yield f"MaxNumberOfTrainingJobs is not given: the job runs up to {plan.trials} training jobs."
    if "StrategyConfig" in plan.config and plan.hyperband is None:
        yield f"StrategyConfig has no effect with the {plan.strategy} strategy."
    if "Autotune" in plan.request:
        yield "Autotune has no effect: the ranges of the request are searched."
    if detects_convergence(plan):
        yield (
            f"ConvergenceDetected ends the job after {patience(plan)} training jobs without an improvement: "
            "the service's own detector is unpublished."
        )
    for part in plan.parts:
        yield from _security_warnings(part)
        yield from _machine_warnings(part)


def _security_warnings(part: Part) -> Iterator[str]:
    """Promises that are not kept here: silence would be a false one."""
    where = part.path
    for path in (
        "OutputDataConfig.KmsKeyId",
        "ResourceConfig.VolumeKmsKeyId",
        "HyperParameterTuningResourceConfig.VolumeKmsKeyId",
    ):
        if found(part.given, path) is not None:
            yield f"{where}.{path}: nothing is encrypted with this key here."
    if "VpcConfig" in part.given:
        yield f"{where}.VpcConfig: trials run in this machine's own network, not in the VPC."
    if part.given.get("EnableNetworkIsolation"):
        yield f"{where}.EnableNetworkIsolation: trials are NOT cut off from the network here."
    if part.given.get("EnableInterContainerTrafficEncryption"):
        yield f"{where}.EnableInterContainerTrafficEncryption: no traffic is encrypted here."


def _machine_warnings(part: Part) -> Iterator[str]:
    where = part.path
    if _is_piped(part):
        yield f"{where}: input mode Pipe is not there; the script finds files."
    if any(count > 1 for count in _instance_counts(part.given)):
        yield f"{where}: more than one instance is asked for; a trial is one process on this machine."
    if (
        part.given.get("EnableManagedSpotTraining")
        and "MaxWaitTimeInSeconds" not in part.given["StoppingCondition"]
    ):
        yield f"{where}: the service needs MaxWaitTimeInSeconds with EnableManagedSpotTraining."


def _instance_counts(given: Mapping[str, Any]) -> Iterator[int]:
    for key, lists in (
        ("ResourceConfig", ("InstanceGroups", "InstancePreferences")),
        ("HyperParameterTuningResourceConfig", ("InstanceConfigs",)),
    ):
        resources = given.get(key, {})
        yield resources.get("InstanceCount", 0)
        for name in lists:
            yield from (each.get("InstanceCount", 0) for each in resources.get(name, ()))


def _is_piped(part: Part) -> bool:
    return bool(part.given["AlgorithmSpecification"]["TrainingInputMode"] == "Pipe")


def _is_reproducible(plan: Plan) -> bool:
    return plan.strategy in {"Random", "Grid"} or plan.limits["MaxParallelTrainingJobs"] == 1


def patience(plan: Plan) -> int:
    """Return after how many training jobs without progress we take a job for converged."""
    return max(10, plan.trials // 10)


def longest_trial(plan: Plan) -> int:
    """Return the longest time that a training job of any definition may take."""
    return max(trial_timeout(part) for part in plan.parts)


def _leaves(given: Any, path: str) -> Iterator[str]:
    if isinstance(given, Mapping) and given:
        for name, value in given.items():
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif (
        isinstance(given, Sequence) and not isinstance(given, str) and given and isinstance(given[0], Mapping)
    ):
        for index, value in enumerate(given):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path


def _within(path: str, other: str) -> bool:
    return path == other or path.startswith((f"{other}.", f"{other}["))
