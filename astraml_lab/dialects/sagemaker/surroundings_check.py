"""The last checks of a request, against the jobs that exist: its name, its parents, the quotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from astraml_lab.dialects.sagemaker.errors import IN_USE, LIMIT_EXCEEDED, NOT_FOUND, SageMakerError, invalid
from astraml_lab.dialects.sagemaker.plan import CONFIG, Part, Plan
from astraml_lab.spec import Categorical

ENDED = ("Completed", "Stopped", "Failed")
IDENTICAL = "IdenticalDataAndAlgorithm"
MOST_AT_ONCE = 100
_MOST_CHANGES = 10
_COST_OF_A_VALUE = 2
"""The service counts a changed static value twice."""
_WARM_START = "WarmStartConfig"
_LIMITS = f"{CONFIG}.ResourceLimits"

Existing = Mapping[str, Any]


def check_surroundings(plan: Plan, existing_jobs: Sequence[Existing]) -> Plan:
    """Refuse a name that is taken, a parent that does not fit, or more than the service's quotas.

    Args:
        plan: The request.
        existing_jobs: Each with `name`; parents with `status`, `objective` (`metric`, `direction`), `names`
            (tunable and static), `types` (tunable) and `training_jobs`. Compared only where they are there:
            `training_image`, `algorithm_name`, `input_data` (InputDataConfig), `static` (values by name) and
            `values` (categories by name).

    Returns:
        The request, with the training jobs that its parents bring.

    Raises:
        SageMakerError: ResourceInUse, ResourceNotFound, ValidationException or ResourceLimitExceeded.
    """
    existing = {str(job["name"]).casefold(): job for job in existing_jobs}
    if plan.name.casefold() in existing:
        raise in_use(str(existing[plan.name.casefold()]["name"]))
    parents = list(_parents(plan, existing))
    for parent in parents:
        _check_parent(plan, plan.parts[0], parent)
    plan = replace(plan, inherited=sum(int(parent.get("training_jobs", 0)) for parent in parents))
    _check_quotas(plan)
    return plan


def _parents(plan: Plan, existing: Mapping[str, Existing]) -> Iterator[Existing]:
    for index, name in enumerate(plan.parents):
        path = f"{_WARM_START}.ParentHyperParameterTuningJobs[{index}].HyperParameterTuningJobName"
        parent = existing.get(name.casefold())
        if parent is None:
            raise SageMakerError(NOT_FOUND, cannot_find(name), path)
        if parent.get("status") not in ENDED:
            raise invalid(
                path,
                f"The parent tuning job {name} is {parent.get('status')}; "
                f"it must be in a terminal state: {', '.join(ENDED)}.",
            )
        yield parent


def in_use(name: str) -> SageMakerError:
    """Make the error that a name is taken."""
    return SageMakerError(
        IN_USE,
        f"A hyperparameter tuning job with the name {name} already exists. Names are unique, ignoring case.",
        "HyperParameterTuningJobName",
    )


def cannot_find(name: str) -> str:
    """Say that no tuning job has this name, as the service does."""
    return f"Amazon SageMaker can't find a tuning job called {name}. Type another name."


def _check_parent(plan: Plan, part: Part, parent: Existing) -> None:
    for why in _misfits(plan, part, parent):
        raise invalid(_WARM_START, why)


def _misfits(plan: Plan, part: Part, parent: Existing) -> Iterator[str]:
    """Yield why the parent cannot be learned from, the weightiest first."""
    name = parent["name"]
    objective = {"metric": part.objective["MetricName"], "direction": part.objective["Type"].lower()}
    if dict(parent.get("objective", objective)) != objective:
        yield f"The objective metric and type are not the same in the parent tuning job {name}."
    names = {each.name for each in part.ranges} | set(part.static)
    if set(parent.get("names", names)) != names:
        yield (
            "The set of tunable plus static HyperParameter names is not the same across current and parent "
            "tuning jobs"
        )
    types = parent.get("types", {})
    for each in part.ranges:
        if types.get(each.name, each.kind) != each.kind:
            yield (
                f"The type of the hyperparameter '{each.name}' is {each.kind}, "
                f"and {types[each.name]} in the parent tuning job {name}."
            )
    changes = _changes(part, parent)
    if changes > _MOST_CHANGES:
        yield (
            f"There are {changes} changes of hyperparameters since the parent tuning job {name} "
            f"(tunable to static, static values, categories); at most {_MOST_CHANGES} are allowed."
        )
    if plan.warm_start is not None and plan.warm_start["WarmStartType"] == IDENTICAL:
        yield from _differences(part, parent)


def _changes(part: Part, parent: Existing) -> int:
    frozen = sum(1 for name in part.static if name in parent.get("types", {}))
    before = parent.get("static", {})
    changed = sum(1 for name, value in part.static.items() if name in before and before[name] != value)
    dropped = 0
    for each in part.ranges:
        if isinstance(each.dimension, Categorical):
            gone = set(parent.get("values", {}).get(each.name, ())) - set(each.dimension.choices)
            dropped += len(gone)
    return frozen + _COST_OF_A_VALUE * changed + dropped


def _differences(part: Part, parent: Existing) -> Iterator[str]:
    algorithm = part.given["AlgorithmSpecification"]
    here = {
        "training_image": ("TrainingImage", algorithm.get("TrainingImage")),
        "algorithm_name": ("AlgorithmName", algorithm.get("AlgorithmName")),
        "input_data": ("InputDataConfig", part.given.get("InputDataConfig", [])),
    }
    for key, (field, value) in here.items():
        if key in parent and parent[key] != value:
            yield f"{field} must be the same as in the parent tuning job {parent['name']} for {IDENTICAL}."


def _check_quotas(plan: Plan) -> None:
    if plan.trials + plan.inherited > plan.quota:
        parents = f" and its parents have {plan.inherited}" if plan.inherited else ""
        raise SageMakerError(
            LIMIT_EXCEEDED,
            f"The limit 'Maximum number of training jobs per hyperparameter tuning job' is {plan.quota}; "
            f"the request asks for {plan.trials}{parents}.",
            f"{_LIMITS}.MaxNumberOfTrainingJobs",
        )
    parallel = plan.limits["MaxParallelTrainingJobs"]
    if parallel > MOST_AT_ONCE:
        raise SageMakerError(
            LIMIT_EXCEEDED,
            f"The limit 'Maximum number of parallel training jobs per hyperparameter tuning job' is "
            f"{MOST_AT_ONCE}; the request asks for {parallel}.",
            f"{_LIMITS}.MaxParallelTrainingJobs",
        )
