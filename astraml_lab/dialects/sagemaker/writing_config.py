"""A job's options as `HyperParameterTuningJobConfig`; what it cannot say is listed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.plan import RANDOM_QUOTA, SERVICE_QUOTA
from astraml_lab.dialects.sagemaker.surroundings_check import MOST_AT_ONCE
from astraml_lab.dialects.sagemaker.writing_ranges import MOST_VALUES, values_of
from astraml_lab.spec import Pruning, StoppingKind, StoppingRule, Strategy

if TYPE_CHECKING:
    from astraml_lab.spec import Definition, JobSpec

_STRATEGIES = {
    Strategy.AUTO: "Bayesian",
    Strategy.TPE: "Bayesian",
    Strategy.RANDOM: "Random",
    Strategy.GRID: "Grid",
    Strategy.HYPERBAND: "Hyperband",
}
_RUNTIME = (120, 15_768_000)
_LEAST_PATIENCE = 3
_SEEDS = 2**31
_USUAL = StoppingRule(kind=StoppingKind.AVERAGES)


def write_config(spec: JobSpec, size: float, left_out: list[str]) -> dict[str, Any]:
    """Write everything but the objective and the ranges, over which there are `size` points."""
    strategy = write_strategy(spec)
    if _STRATEGIES.get(spec.strategy) != strategy:
        left_out.append(f"The strategy {spec.strategy}: it is {strategy} in the request.")
    config: dict[str, Any] = {"Strategy": strategy, "ResourceLimits": _limits(spec, strategy, size, left_out)}
    if strategy == "Hyperband" and spec.stopping is not None:
        band = {"MinResource": spec.stopping.min_resource or 1, "MaxResource": spec.stopping.max_resource}
        config["StrategyConfig"] = {"HyperbandStrategyConfig": band}
    config["TrainingJobEarlyStoppingType"] = _early_stopping(spec, strategy, left_out)
    criteria = _criteria(spec, left_out)
    if criteria:
        config["TuningJobCompletionCriteria"] = criteria
    if spec.seed is not None:
        config["RandomSeed"] = spec.seed % _SEEDS
        if spec.seed >= _SEEDS:
            left_out.append(f"The seed {spec.seed}: it is {spec.seed % _SEEDS} in the request.")
    return config


def write_strategy(spec: JobSpec) -> str:
    """Return the service's strategy that comes nearest."""
    if spec.strategy is Strategy.HYPERBAND and not (spec.stopping and spec.stopping.max_resource):
        return "Random"
    if spec.strategy is Strategy.GRID and not all(map(_is_listable, spec.definitions)):
        return "Random"
    return _STRATEGIES.get(spec.strategy, "Bayesian")


def _is_listable(definition: Definition) -> bool:
    listed = map(values_of, definition.space.dimensions.values())
    return all(values is not None and len(values) <= MOST_VALUES for values in listed)


def _limits(spec: JobSpec, strategy: str, size: float, left_out: list[str]) -> dict[str, int]:
    quota = RANDOM_QUOTA if strategy == "Random" else SERVICE_QUOTA
    trials = int(size) if strategy == "Grid" else int(min(spec.trials, size, quota))
    if trials != spec.trials:
        left_out.append(f"{spec.trials} trials: the request asks for {trials}.")
    limits = {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": spec.parallel or 1}
    if limits["MaxParallelTrainingJobs"] > MOST_AT_ONCE:
        limits["MaxParallelTrainingJobs"] = MOST_AT_ONCE
        left_out.append(f"{spec.parallel} trials at once: the service runs at most {MOST_AT_ONCE}.")
    if spec.max_runtime is not None:
        least, most = _RUNTIME
        seconds = min(most, max(least, math.ceil(spec.max_runtime)))
        if seconds != spec.max_runtime:
            left_out.append(f"max_runtime {spec.max_runtime:g} s: it is {seconds} s in the request.")
        limits["MaxRuntimeInSeconds"] = seconds
    return limits


def _early_stopping(spec: JobSpec, strategy: str, left_out: list[str]) -> str:
    rule = spec.stopping
    if rule is None and spec.prune in {Pruning.OFF, Pruning.HYPERBAND}:
        return "Off"
    if rule is not None and rule.kind is StoppingKind.HYPERBAND and strategy == "Hyperband":
        return "Off"
    allowed = strategy != "Hyperband" and len(spec.definitions) == 1
    if rule != _USUAL or not allowed:
        which = spec.prune if rule is None else rule.kind
        instead = "the service has its own median rule" if allowed else "the service has none for this job"
        left_out.append(f"The rule by which trials are given up, {which}: {instead}.")
    return "Auto" if allowed else "Off"


def _criteria(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    criteria: dict[str, Any] = {}
    if spec.target is not None:
        criteria["TargetObjectiveMetricValue"] = spec.target
    if spec.max_no_improvement is not None:
        count = max(_LEAST_PATIENCE, spec.max_no_improvement)
        if count != spec.max_no_improvement:
            left_out.append(f"max_no_improvement {spec.max_no_improvement}: it is {count} in the request.")
        criteria["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": count}
    return criteria
