"""A request's meaning as plain data: what `Translation.as_dict()` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.plan import DAY
from astraml_lab.spec import Categorical, Float, Int, Scale

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astraml_lab.dialects.sagemaker.plan import Part, Plan
    from astraml_lab.dialects.sagemaker.ranges import Range

REDUCTION = 3
_SAMPLERS = {"Bayesian": "tpe", "Random": "random", "Grid": "grid", "Hyperband": "random"}


def outcome_of(plan: Plan, accepted_not_acted: Iterable[str]) -> dict[str, Any]:
    """Return what the request asks for, in words that do not depend on a library."""
    band = plan.hyperband
    return {
        "definitions": [_definition(part) for part in plan.parts],
        "strategy": plan.strategy,
        "sampler": _SAMPLERS[plan.strategy],
        "limits": {
            "max_trials": plan.limits.get("MaxNumberOfTrainingJobs"),
            "max_trials_effective": plan.trials,
            "max_parallel": plan.limits["MaxParallelTrainingJobs"],
            "max_runtime_s": plan.limits.get("MaxRuntimeInSeconds"),
        },
        "early_stopping": "median" if plan.early_stopping else "none",
        "hyperband": band
        and {"min_resource": band.least, "max_resource": band.most, "reduction_factor": REDUCTION},
        "seed": plan.config.get("RandomSeed"),
        "completion": {
            "target": target(plan),
            "not_improving": not_improving(plan),
            "convergence": detects_convergence(plan),
        },
        "warm_start": plan.warm_start
        and {"type": plan.warm_start["WarmStartType"], "parents": list(plan.parents)},
        "tags": tags(plan),
        "accepted_not_acted": sorted(accepted_not_acted),
    }


def target(plan: Plan) -> float | None:
    """Return the objective's value that ends the job."""
    found = _criteria(plan).get("TargetObjectiveMetricValue")
    return None if found is None else float(found)


def not_improving(plan: Plan) -> int | None:
    """Return after how many training jobs without progress the job ends."""
    found: int | None = (
        _criteria(plan).get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    )
    return found


def detects_convergence(plan: Plan) -> bool:
    """Whether the job ends when the service thinks that it has converged."""
    return bool(_criteria(plan).get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled")


def tags(plan: Plan) -> dict[str, str]:
    """Return the tags by key."""
    return {tag["Key"]: tag["Value"] for tag in plan.request.get("Tags", ())}


def trial_timeout(part: Part) -> int:
    """Return how long a training job may take, in seconds."""
    return int(part.given["StoppingCondition"].get("MaxRuntimeInSeconds", DAY))


def _criteria(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = plan.config.get("TuningJobCompletionCriteria", {})
    return found


def _definition(part: Part) -> dict[str, Any]:
    metrics = part.given["AlgorithmSpecification"].get("MetricDefinitions", ())
    return {
        "definition_name": part.given.get("DefinitionName"),
        "objective": {"metric": part.objective["MetricName"], "direction": part.objective["Type"].lower()},
        "search_space": [_dimension(each) for each in part.ranges],
        "static_count": len(part.static),
        "metric_regexes": [[metric["Name"], metric["Regex"]] for metric in metrics],
        "trial_timeout_s": trial_timeout(part),
        "channels": [channel["ChannelName"] for channel in part.given.get("InputDataConfig", ())],
    }


def _dimension(each: Range) -> dict[str, Any]:
    dimension = each.dimension
    if isinstance(dimension, Categorical):
        return {"name": each.name, "type": each.kind, "choices": list(dimension.choices)}
    if not isinstance(dimension, Float | Int):
        raise TypeError("the service has no other kind of range")
    return {
        "name": each.name,
        "type": each.kind,
        "low": dimension.low,
        "high": dimension.high,
        "scale": dimension.scale.value,
        "log": dimension.scale is Scale.LOG,
        "auto_resolved": each.auto,
    }
