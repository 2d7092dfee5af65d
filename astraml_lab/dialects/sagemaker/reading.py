"""From a CreateHyperParameterTuningJob request to a job of ours."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.fidelity import fidelity_of, longest_trial, patience
from astraml_lab.dialects.sagemaker.outcome import (
    REDUCTION,
    detects_convergence,
    not_improving,
    outcome_of,
    tags,
    target,
)
from astraml_lab.dialects.sagemaker.request_shape import CREATE
from astraml_lab.dialects.sagemaker.rules import check_rules
from astraml_lab.dialects.sagemaker.shape_check import check_shape
from astraml_lab.dialects.sagemaker.surroundings_check import check_surroundings
from astraml_lab.dialects.translation import Surroundings, Translation
from astraml_lab.spec import (
    Channel,
    Definition,
    Dialect,
    Goal,
    JobSpec,
    Limits,
    LogMetric,
    Objective,
    Origin,
    Program,
    Pruning,
    Script,
    Space,
    StoppingKind,
    StoppingRule,
    Strategy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.dialects.sagemaker.plan import Part, Plan

_STRATEGIES = {
    "Bayesian": Strategy.TPE,
    "Random": Strategy.RANDOM,
    "Grid": Strategy.GRID,
    "Hyperband": Strategy.HYPERBAND,
}
_GOALS = {"Maximize": Goal.MAXIMIZE, "Minimize": Goal.MINIMIZE}
_CHECKPOINTS = "/opt/ml/checkpoints"
_WITH_GPU = ("p", "g", "trn")
API = "2017-07-24"
IMPROVEMENT = 0.01
"""The service counts a better best from 1 % on."""


def read(request: Mapping[str, Any], around: Surroundings) -> Translation:
    """Read a request, against the jobs that exist.

    Raises:
        SageMakerError: As the service would refuse it: shape, rules between fields, name, parents, quotas.
    """
    plan = check_surroundings(plan_of(request), around.existing_jobs)
    fidelity = fidelity_of(plan)
    origin = Origin(
        dialect=Dialect.SAGEMAKER,
        request=copy.deepcopy(dict(request)),
        version=API,
        fidelity=fidelity,
        resolved=_resolved(plan),
    )
    return Translation(job_of(plan, origin), outcome_of(plan, fidelity.accepted_not_acted))


def plan_of(request: Mapping[str, Any]) -> Plan:
    """Check a request by itself, and take it apart.

    Raises:
        SageMakerError: Its shape is wrong, or a rule between fields is broken.
    """
    check_shape(request, CREATE)
    return check_rules(request)


def job_of(plan: Plan, origin: Origin | None) -> JobSpec:
    """Build the job that a request asks for."""
    retries = [
        part.given["RetryStrategy"]["MaximumRetryAttempts"]
        for part in plan.parts
        if "RetryStrategy" in part.given
    ]
    waits = [part.given["StoppingCondition"].get("MaxPendingTimeInSeconds") for part in plan.parts]
    return JobSpec(
        name=plan.name,
        tag=tags(plan),
        definitions=tuple(_definition(part) for part in plan.parts),
        trials=plan.trials,
        parallel=plan.limits["MaxParallelTrainingJobs"],
        gpus=max(_gpus(part.given) for part in plan.parts),
        strategy=_STRATEGIES[plan.strategy],
        prune=Pruning.OFF,
        stopping=_stopping(plan),
        target=target(plan),
        max_no_improvement=_patience(plan),
        max_runtime=plan.limits.get("MaxRuntimeInSeconds"),
        trial_timeout=longest_trial(plan),
        retries=max(retries, default=None),
        warm_start=plan.parents,
        transfer=plan.warm_start is not None and plan.warm_start["WarmStartType"] == "TransferLearning",
        seed=plan.config.get("RandomSeed"),
        on_nan="last_finite",
        on_timeout="keep_last",
        limits=Limits(
            cut=False,
            improvement=IMPROVEMENT,
            retry_lost=True,
            max_wait=max((wait for wait in waits if wait is not None), default=None),
        ),
        origin=origin,
    )


def _definition(part: Part) -> Definition:
    metric = Objective(metric=part.objective["MetricName"], goal=_GOALS[part.objective["Type"]])
    return Definition(
        name=part.given.get("DefinitionName", "default"),
        space=Space({each.name: each.dimension for each in part.ranges}),
        objectives=(metric,),
        program=Program(kind="script", source=part.target, script=_script(part)),
    )


def _script(part: Part) -> Script:
    given = part.given
    output, checkpoints = given["OutputDataConfig"], given.get("CheckpointConfig")
    metrics = given["AlgorithmSpecification"].get("MetricDefinitions", ())
    return Script(
        convention=Dialect.SAGEMAKER,
        target=part.target,
        env=dict(given.get("Environment", {})),
        fixed=dict(part.static),
        channels={each["ChannelName"]: _channel(each) for each in given.get("InputDataConfig", ())},
        output=output["S3OutputPath"],
        checkpoints="" if checkpoints is None else checkpoints.get("LocalPath", _CHECKPOINTS),
        compress=output.get("CompressionType", "GZIP") == "GZIP",
        log_metrics=tuple(LogMetric(name=each["Name"], regex=each["Regex"]) for each in metrics),
    )


def _channel(given: Mapping[str, Any]) -> Channel:
    ((kind, source),) = given["DataSource"].items()
    key = {"S3DataSource": "S3Uri", "FileSystemDataSource": "DirectoryPath", "DatasetSource": "DatasetArn"}[
        kind
    ]
    about = {name: value for name, value in given.items() if name not in {"ChannelName", "DataSource"}}
    about |= {name: value for name, value in source.items() if name != key}
    return Channel(uri=source[key], about=copy.deepcopy(about))


def _stopping(plan: Plan) -> StoppingRule | None:
    if plan.hyperband is not None:
        return StoppingRule(
            kind=StoppingKind.HYPERBAND,
            min_resource=plan.hyperband.least,
            max_resource=plan.hyperband.most,
            reduction=REDUCTION,
        )
    return StoppingRule(kind=StoppingKind.AVERAGES) if plan.early_stopping else None


def _patience(plan: Plan) -> int | None:
    counts = [not_improving(plan), patience(plan) if detects_convergence(plan) else None]
    return min((count for count in counts if count is not None), default=None)


def _gpus(given: Mapping[str, Any]) -> float:
    """Return how many GPUs the instance type hints at: one, or none."""
    for key, lists in (
        ("HyperParameterTuningResourceConfig", "InstanceConfigs"),
        ("ResourceConfig", "InstanceGroups"),
        ("ResourceConfig", "InstancePreferences"),
    ):
        resources = given.get(key, {})
        kind = resources.get("InstanceType") or next(
            (each["InstanceType"] for each in resources.get(lists, ())), None
        )
        if kind is not None:
            return float(kind.removeprefix("ml.").startswith(_WITH_GPU))
    return 0.0


def _resolved(plan: Plan) -> dict[str, str]:
    """Return the scales that were left to the service, by `name`, or `definition/name` of several."""
    several = len(plan.parts) > 1
    return {
        f"{part.given['DefinitionName']}/{each.name}" if several else each.name: str(each.scale)
        for part in plan.parts
        for each in part.ranges
        if each.auto
    }
