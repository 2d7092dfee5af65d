"""A request in Vertex's own terms, as data: what `Translation.as_dict()` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.fidelity import gpus
from astraml_lab.dialects.vertex.parameters import Parameter, grid_size, names, walk
from astraml_lab.dialects.vertex.rules import objectives
from astraml_lab.dialects.vertex.scalars import epoch, seconds
from astraml_lab.spec import Scale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import Fidelity

DEFAULT_TIMEOUT = 604_800.0
"""A trial of a CustomJob may run for seven days."""
SCALES = {
    "UNIT_LINEAR_SCALE": Scale.LINEAR,
    "UNIT_LOG_SCALE": Scale.LOG,
    "UNIT_REVERSE_LOG_SCALE": Scale.VERTEX_REVERSE_LOG,
}
SAMPLERS = {"GRID_SEARCH": "grid", "RANDOM_SEARCH": "random"}


def outcome(job: Mapping[str, Any], fidelity: Fidelity) -> dict[str, Any]:
    """Say what a request means; `job` has passed all checks."""
    study, scheduling = job["studySpec"], job["trialJobSpec"].get("scheduling", {})
    return {
        "metrics": [{"id": each["metricId"], "direction": direction(each)} for each in objectives(study)],
        "search_space": _search_space(study),
        "sampler": SAMPLERS.get(study.get("algorithm", ""), "tpe"),
        "limits": {
            "max_trials": job["maxTrialCount"],
            "parallel": min(job["parallelTrialCount"], job["maxTrialCount"]),
            "max_failed": job.get("maxFailedTrialCount", 0),
            "trials_expected": _expected(job),
        },
        "measurement": "best" if study.get("measurementSelectionType") == "BEST_MEASUREMENT" else "last",
        "stopping": _stopping(study),
        "trial_timeout_s": seconds(scheduling["timeout"]) if "timeout" in scheduling else DEFAULT_TIMEOUT,
        "restart": restarts(scheduling),
        "task": "container" if "containerSpec" in _pool(job) else "python_package",
        "gpus_per_trial": gpus(job),
        "pools": len(job["trialJobSpec"]["workerPoolSpecs"]),
        "labels": dict(job.get("labels", {})),
        "display_name": job["displayName"],
        "safety": _safety(study),
        "study_stopping": _study_stopping(study),
        "accepted_not_acted": sorted(fidelity.accepted_not_acted),
        "approximated": sorted(fidelity.approximated),
        "warnings": list(fidelity.warnings),
    }


def direction(metric: Mapping[str, Any]) -> str:
    """Return which way a metric is better; unspecified is up, as the proto file says."""
    return "minimize" if metric["goal"] == "MINIMIZE" else "maximize"


def restarts(scheduling: Mapping[str, Any]) -> bool:
    """Whether a trial is run again when its worker died."""
    return bool(scheduling.get("restartJobOnWorkerRestart")) and not scheduling.get("disableRetries")


def _pool(job: Mapping[str, Any]) -> Mapping[str, Any]:
    pool: Mapping[str, Any] = job["trialJobSpec"]["workerPoolSpecs"][0]
    return pool


def _expected(job: Mapping[str, Any]) -> int:
    study = job["studySpec"]
    expected = int(job["maxTrialCount"])
    config = study.get("studyStoppingConfig", {})
    if "maxNumTrials" in config:
        least = int(config.get("minNumTrials", 0))
        expected = min(expected, max(int(config["maxNumTrials"]), least))
    if study.get("algorithm") == "GRID_SEARCH":
        expected = min(expected, grid_size(walk(study["parameters"])))
    return expected


def _search_space(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = walk(study["parameters"])
    return [_dimension(each, name) for each, name in zip(found, names(found), strict=True)]


def _dimension(parameter: Parameter, name: str) -> dict[str, Any]:
    said: dict[str, Any] = {"id": parameter.id, "type": parameter.kind}
    scale = SCALES[parameter.scale]
    if parameter.kind in {"double", "integer"}:
        said |= {"low": parameter.domain["minValue"], "high": parameter.domain["maxValue"]}
        said |= {"scale": scale.value, "log": scale is Scale.LOG}
    else:
        said["choices"] = list(parameter.domain["values"])
        if parameter.kind == "discrete":
            said["scale"] = scale.value
    if parameter.parent is not None:
        said["when"] = {"parent": parameter.parent.id, "values": parameter.needs()}
    if name != parameter.id:
        said["name"] = name
    return said


def _stopping(study: Mapping[str, Any]) -> dict[str, Any] | None:
    for field, kind in (
        ("medianAutomatedStoppingSpec", "median"),
        ("decayCurveStoppingSpec", "decay_curve"),
        ("convexAutomatedStoppingSpec", "convex"),
    ):
        if field in study:
            spec = study[field]
            said = {"type": kind, "use_elapsed_duration": spec.get("useElapsedDuration", False)}
            if kind == "convex":
                said |= {
                    "max_step_count": spec.get("maxStepCount") or None,
                    "min_step_count": least_step(spec),
                }
                said["min_measurement_count"] = spec.get("minMeasurementCount") or 5
            return said
    return None


def least_step(convex: Mapping[str, Any]) -> int:
    """Return the step before which the convex rule stops nobody: a tenth of maxStepCount unless given."""
    return int(convex.get("minStepCount") or max(1, convex.get("maxStepCount", 0) // 10))


def _safety(study: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": each["metricId"],
            "at_least": direction(each) == "maximize",
            "threshold": each["safetyConfig"].get("safetyThreshold", 0.0),
        }
        for each in study["metrics"]
        if "safetyConfig" in each
    ]


def _study_stopping(study: Mapping[str, Any]) -> dict[str, Any] | None:
    config = study.get("studyStoppingConfig")
    if config is None:
        return None
    least, most = (config.get(f"{word}imumRuntimeConstraint", {}) for word in ("min", "max"))
    return {
        "asap": config.get("shouldStopAsap", False),
        "min_runtime_s": seconds(least["maxDuration"]) if "maxDuration" in least else None,
        "not_before": epoch(least["endTime"]) if "endTime" in least else None,
        "max_runtime_s": seconds(most["maxDuration"]) if "maxDuration" in most else None,
        "end_at": epoch(most["endTime"]) if "endTime" in most else None,
        "min_trials": config.get("minNumTrials"),
        "max_trials": config.get("maxNumTrials"),
        "max_trials_no_progress": config.get("maxNumTrialsNoProgress"),
        "max_seconds_no_progress": (
            seconds(config["maxDurationNoProgress"]) if "maxDurationNoProgress" in config else None
        ),
    }
