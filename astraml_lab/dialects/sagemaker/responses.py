"""What the service answers of a tuning job and its training jobs, made of our views: pure functions.

Times are datetimes in UTC, as boto3 gives them. Members without a value are left out.
"""

from __future__ import annotations

import copy
import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.surroundings_check import IDENTICAL
from astraml_lab.dialects.sagemaker.writing import write
from astraml_lab.dialects.sagemaker.writing_ranges import text_of
from astraml_lab.spec import (
    Definition,
    Dialect,
    FailureKind,
    JobSpec,
    JobState,
    JobView,
    TrialState,
    TrialView,
    own_params,
    part_of,
    training_job_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

ARN = "arn:aws:sagemaker:local:000000000000"
_LONGEST_REASON = 1024
_JOB = {
    JobState.QUEUED: "InProgress",
    JobState.RUNNING: "InProgress",
    JobState.PAUSED: "InProgress",
    JobState.STALE: "Failed",
    JobState.STOPPING: "Stopping",
    JobState.SUCCEEDED: "Completed",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Stopped",
}
_TRIAL = {
    TrialState.WAITING: "InProgress",
    TrialState.RUNNING: "InProgress",
    TrialState.COMPLETE: "Completed",
    TrialState.PRUNED: "Stopped",
    TrialState.STOPPED: "Stopped",
    TrialState.FAILED: "Failed",
}
_LOST = {FailureKind.CRASHED, FailureKind.STALE}
"""What the service would call its own fault."""
KERNEL_ENDED = "InternalServerError: kernel ended"
"""Why a job Failed whose kernel is gone; where somebody resumes it, it is InProgress again."""


@dataclass(frozen=True)
class Tuning:
    """A job as the answers need it.

    Attributes:
        view: How it stands.
        spec: What it is.
        load: Gives its trials; called only where they are shown.
    """

    view: JobView
    spec: JobSpec
    load: Callable[[], Sequence[TrialView]]

    @property
    def request(self) -> Mapping[str, Any]:
        """The request that it was made of, or could have been."""
        origin = self.spec.origin
        if origin is not None and origin.dialect is Dialect.SAGEMAKER:
            return origin.request
        return write(self.spec.model_copy(update={"name": self.view.name})).request

    def trials(self) -> Sequence[TrialView]:
        """Load its trials; those that a dead kernel left open have failed."""
        trials = self.load()
        return [_lost(trial) for trial in trials] if self.view.state is JobState.STALE else trials


def _lost(trial: TrialView) -> TrialView:
    if trial.state.ended:
        return trial
    return replace(trial, state=TrialState.FAILED, kind=FailureKind.STALE, reason=KERNEL_ENDED)


def job_status(state: JobState) -> str:
    """Return what the service calls a job's state; a paused job is in progress."""
    return _JOB[state]


def trial_status(trial: TrialView) -> str:
    """Return what the service calls a trial's state; one that ran to its time limit was stopped."""
    if trial.kind is FailureKind.TIMEOUT and trial.started_at is not None:
        return "Stopped"
    return _TRIAL[trial.state]


def moment(seconds: float) -> dt.datetime:
    """Return a time as boto3 gives it."""
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def job_arn(name: str) -> str:
    """Return the name that the service would give a tuning job in all the world."""
    return f"{ARN}:hyper-parameter-tuning-job/{name}"


def created(name: str) -> dict[str, Any]:
    """Answer CreateHyperParameterTuningJob."""
    return {"HyperParameterTuningJobArn": job_arn(name)}


def describe(tuning: Tuning, now: float, parents_best: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Answer DescribeHyperParameterTuningJob.

    Args:
        tuning: The job.
        now: The time, for how long a running job has taken.
        parents_best: The `BestTrainingJob` of each parent, for the best of all.
    """
    view, trials, request = tuning.view, tuning.trials(), tuning.request
    answer = {
        **summary(tuning, trials),
        "HyperParameterTuningJobConfig": copy.deepcopy(request["HyperParameterTuningJobConfig"]),
        **_definitions(request),
        **{key: copy.deepcopy(request[key]) for key in ("WarmStartConfig", "Autotune") if key in request},
        "TuningJobCompletionDetails": _completion(tuning, trials),
        "ConsumedResources": {"RuntimeInSeconds": int(_runtime(view, now))},
    }
    del answer["Strategy"], answer["ResourceLimits"]
    best = best_of(training_summaries(tuning, trials))
    if best is not None:
        answer["BestTrainingJob"] = best
    if request.get("WarmStartConfig", {}).get("WarmStartType") == IDENTICAL:
        overall = best_of([*([best] if best else []), *parents_best])
        if overall is not None:
            answer["OverallBestTrainingJob"] = overall
    reason = KERNEL_ENDED if view.state is JobState.STALE else view.reason
    if job_status(view.state) == "Failed" and reason:
        answer["FailureReason"] = reason[:_LONGEST_REASON]
    return answer


def summary(tuning: Tuning, trials: Sequence[TrialView]) -> dict[str, Any]:
    """Return what a list of tuning jobs says of one."""
    view, config = tuning.view, tuning.request["HyperParameterTuningJobConfig"]
    parts = tuning.spec.definitions
    states = [objective_status(trial, part_of(parts, trial.params)) for trial in trials]
    answer = {
        "HyperParameterTuningJobName": view.name,
        "HyperParameterTuningJobArn": job_arn(view.name),
        "HyperParameterTuningJobStatus": job_status(view.state),
        "Strategy": config["Strategy"],
        "CreationTime": moment(view.created_at),
        "LastModifiedTime": moment(last_modified(view)),
        "TrainingJobStatusCounters": _counters(trials),
        "ObjectiveStatusCounters": {name: states.count(name) for name in ("Succeeded", "Pending", "Failed")},
        "ResourceLimits": copy.deepcopy(config["ResourceLimits"]),
    }
    if view.ended_at is not None and view.state.ended:
        answer["HyperParameterTuningEndTime"] = moment(view.ended_at)
    return answer


def last_modified(view: JobView) -> float:
    """Return when the state of a job last changed."""
    return next(at for at in (view.ended_at, view.started_at, view.created_at) if at is not None)


def training_summaries(tuning: Tuning, trials: Sequence[TrialView]) -> list[dict[str, Any]]:
    """Return the `TrainingJobSummary` of each trial, in their order."""
    return [_training_summary(tuning, trial) for trial in trials]


def _training_summary(tuning: Tuning, trial: TrialView) -> dict[str, Any]:
    spec, view = tuning.spec, tuning.view
    part = part_of(spec.definitions, trial.params)
    params = own_params(spec.definitions, trial.params)
    script = None if part.program is None else part.program.script
    names = {} if script is None else script.names
    name = training_job_name(view.name, trial.number, trial.seed)
    answer: dict[str, Any] = {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ARN}:training-job/{name}",
        "TuningJobName": view.name,
        "CreationTime": moment(trial.created_at),
        "TrainingJobStatus": trial_status(trial),
        "TunedHyperParameters": {
            names.get(key, key): text_of(value) for key, value in params.items() if value is not None
        },
        "ObjectiveStatus": objective_status(trial, part),
    }
    if part.name != "default":
        answer["TrainingJobDefinitionName"] = part.name
    if trial.started_at is not None:
        answer["TrainingStartTime"] = moment(trial.started_at)
    if trial.ended_at is not None:
        answer["TrainingEndTime"] = moment(trial.ended_at)
    if answer["TrainingJobStatus"] == "Failed" and trial.reason:
        answer["FailureReason"] = trial.reason[:_LONGEST_REASON]
    value = _value(trial, part)
    if value is not None and answer["ObjectiveStatus"] == "Succeeded":
        objective = part.objectives[0]
        answer["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": objective.goal.value.capitalize(),
            "MetricName": objective.metric,
            "Value": value,
        }
    return answer


def objective_status(trial: TrialView, part: Definition) -> str:
    """Return whether a trial has given its definition's objective a value: Succeeded, Pending or Failed."""
    if not trial.state.ended:
        return "Pending"
    if trial.state is TrialState.FAILED:
        return "Failed"
    return "Failed" if _value(trial, part) is None else "Succeeded"


def _value(trial: TrialView, part: Definition) -> float | None:
    """Return the value that counts: a stopped trial's is the last that it reported; NaN is none."""
    value = trial.metrics.get(part.objectives[0].metric) if part.objectives else None
    value = trial.values[0] if trial.values else value
    return value if value is not None and math.isfinite(value) else None


def best_of(summaries: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the training job with the best objective; the earlier of two that are equal."""
    best: Mapping[str, Any] | None = None
    for each in summaries:
        final = each.get("FinalHyperParameterTuningJobObjectiveMetric")
        if final is None:
            continue
        if best is None:
            best = each
            continue
        value, least = final["Value"], best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        if value > least if final["Type"] == "Maximize" else value < least:
            best = each
    return None if best is None else dict(best)


def _counters(trials: Sequence[TrialView]) -> dict[str, int]:
    states = [trial_status(trial) for trial in trials]
    lost = sum(1 for trial in trials if trial.state is TrialState.FAILED and trial.kind in _LOST)
    return {
        "Completed": states.count("Completed"),
        "InProgress": states.count("InProgress"),
        "RetryableError": lost,
        "NonRetryableError": states.count("Failed") - lost,
        "Stopped": states.count("Stopped"),
    }


def _definitions(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions as they are described: with the objective among the static hyperparameters."""
    config = request["HyperParameterTuningJobConfig"]
    answer: dict[str, Any] = {}
    for key in ("TrainingJobDefinition", "TrainingJobDefinitions"):
        if key in request:
            answer[key] = copy.deepcopy(request[key])
    for each in [*answer.get("TrainingJobDefinitions", ()), *_only(answer)]:
        objective = each.get("TuningObjective") or config.get("HyperParameterTuningJobObjective")
        if objective:
            each.setdefault("StaticHyperParameters", {})["_tuning_objective_metric"] = objective["MetricName"]
    return answer


def _only(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [answer["TrainingJobDefinition"]] if "TrainingJobDefinition" in answer else []


def _completion(tuning: Tuning, trials: Sequence[TrialView]) -> dict[str, Any]:
    """Count the finished training jobs since the best last improved by more than the limit of the job."""
    spec = tuning.spec
    if len(spec.objectives) != 1:
        return {}
    ended = sorted((each for each in trials if each.state.ended), key=lambda each: each.ended_at or 0.0)
    sign = 1.0 if spec.objectives[0].maximize else -1.0
    best: float | None = None
    waited = 0
    for trial in ended:
        value = _value(trial, part_of(spec.definitions, trial.params))
        counts = value is not None and trial.state is not TrialState.FAILED
        gain = 0.0 if best is None or value is None else sign * (value - best)
        if counts and (best is None or gain > spec.limits.improvement * abs(best)):
            best, waited = value, 0
        else:
            waited += 1
    details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": waited}
    criteria = tuning.request["HyperParameterTuningJobConfig"].get("TuningJobCompletionCriteria", {})
    detects = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled"
    view = tuning.view
    done = view.state is JobState.SUCCEEDED and view.ended_at is not None
    if detects and done and view.ended_at is not None and waited >= (spec.max_no_improvement or 0):
        details["ConvergenceDetectedTime"] = moment(view.ended_at)
    return details


def _runtime(view: JobView, now: float) -> float:
    if view.started_at is None:
        return 0.0
    until = view.ended_at if view.ended_at is not None and view.state.ended else now
    return max(0.0, until - view.started_at)
