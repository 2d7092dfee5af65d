"""From any job to a HyperparameterTuningJob, with a list of what cannot be said there."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.translation import Export, Surroundings, not_said
from astraml_lab.dialects.vertex.errors import VertexError
from astraml_lab.dialects.vertex.reader import parse
from astraml_lab.dialects.vertex.rules import LONGEST_NAME, is_label
from astraml_lab.dialects.vertex.scalars import duration, timestamp
from astraml_lab.dialects.vertex.shapes import ROOT, messages
from astraml_lab.dialects.vertex.translate import read
from astraml_lab.dialects.vertex.writing_space import write_parameters
from astraml_lab.dialects.vertex.writing_task import Places, write_task
from astraml_lab.spec import (
    Dialect,
    ExecutorKind,
    JobSpec,
    Limits,
    Pruning,
    Select,
    StoppingKind,
    Strategy,
    changed_options,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import StoppingRule

_ALGORITHMS = {Strategy.RANDOM: "RANDOM_SEARCH", Strategy.GRID: "GRID_SEARCH"}
_VERTEX_CHOOSES = frozenset({Strategy.AUTO, Strategy.TPE})
_SAID = frozenset(
    {
        *("name", "tag", "trials", "parallel", "gpus", "strategy", "prune", "select", "max_no_improvement"),
        *("max_runtime", "trial_timeout", "max_failures", "retries", "on_nan", "on_timeout", "project"),
        "subject_to",
    }
)
"""Options that the request says, or that the service has one way only."""


def write(
    spec: JobSpec, *, image: str = "", machine_type: str = "", accelerator_type: str = "", output: str = ""
) -> Export:
    """Write a job as a request; one that was read from a request and is as it was, is that request.

    Args:
        spec: The job.
        image: The container of a job that names none: a cell, a function.
        machine_type: The machine of each trial.
        accelerator_type: The GPU of a trial that needs one.
        output: Where results go, `gs://…`.
    """
    places = Places(image, machine_type, accelerator_type, output)
    original = _request_of(spec)
    if original and places == Places() and _is_as_it_was(spec, original):
        return Export(copy.deepcopy(original))
    left_out: list[str] = []
    request = _write(spec, places, left_out)
    if original:
        _keep_recorded(ROOT, parse(original), request)
    left_out += _rest(spec)
    return Export(request, tuple(dict.fromkeys(left_out)))


def _request_of(spec: JobSpec) -> dict[str, Any]:
    if spec.origin is None or spec.origin.dialect is not Dialect.VERTEX:
        return {}
    return spec.origin.request


def _is_as_it_was(spec: JobSpec, original: Mapping[str, Any]) -> bool:
    """Whether the request still says what the job is; its name here may have been made unique."""
    try:
        before = read(original, Surroundings()).spec.model_copy(update={"name": spec.name})
    except VertexError:  # it was read by a version with other rules
        return False
    parts = ("definitions", "limits", "stopping")
    return changed_options(before) == changed_options(spec) and all(
        getattr(before, part) == getattr(spec, part) for part in parts
    )


def _keep_recorded(kind: str, old: Mapping[str, Any], new: dict[str, Any]) -> None:
    """Put back what was kept for the service and says nothing to us."""
    for name, field in messages()[kind].items():
        if name not in old:
            continue
        if field.recorded:
            new[name] = copy.deepcopy(old[name])
        elif field.type in messages() and name in new:
            for before, after in _pairs(old[name], new[name]):
                _keep_recorded(field.type, before, after)
    if kind == "CustomJobSpec":
        new["workerPoolSpecs"] += copy.deepcopy(list(old["workerPoolSpecs"][1:]))
    if kind == "MachineSpec" and "acceleratorType" in new:
        new["acceleratorType"] = old.get("acceleratorType", new["acceleratorType"])


def _pairs(old: Any, new: Any) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
    if not isinstance(old, list):
        return [(old, new)]
    if old and "parameterId" in old[0]:
        by_id = {each["parameterId"]: each for each in old}
        return [(by_id[each["parameterId"]], each) for each in new if each["parameterId"] in by_id]
    return list(zip(old, new, strict=False))


def _write(spec: JobSpec, places: Places, left_out: list[str]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "displayName": _name(spec, left_out),
        "studySpec": _study(spec, left_out),
        "maxTrialCount": spec.trials,
        "parallelTrialCount": spec.parallel or 1,
        "trialJobSpec": write_task(spec, places, left_out),
    }
    if spec.max_failures is not None:
        request["maxFailedTrialCount"] = spec.max_failures
    labels = {key: value for key, value in spec.tag.items() if key and is_label(key) and is_label(value)}
    if len(labels) < len(spec.tag):
        left_out.append(f"tag: {len(spec.tag) - len(labels)} of its tags; labels are lower-case.")
    if labels:
        request["labels"] = labels
    if len(spec.definitions) > 1:
        left_out.append(f"{len(spec.definitions) - 1} of its definitions: a job there has one.")
    return request


def _name(spec: JobSpec, left_out: list[str]) -> str:
    name = spec.name or "job"
    if len(name) > LONGEST_NAME:
        left_out.append(f"The name {name!r}: it has {LONGEST_NAME} characters at most there.")
    return name[:LONGEST_NAME]


def _study(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    definition = spec.definitions[0]
    script = definition.program.script if definition.program is not None else None
    study: dict[str, Any] = {
        "metrics": _metrics(spec, left_out),
        "parameters": write_parameters(
            definition.space,
            script.names if script is not None else {},
            left_out,
            grid=spec.strategy is Strategy.GRID,
        ),
    }
    if spec.strategy in _ALGORITHMS:
        study["algorithm"] = _ALGORITHMS[spec.strategy]
    elif spec.strategy not in _VERTEX_CHOOSES:
        left_out.append(f"The strategy {spec.strategy}: Vertex AI chooses its own.")
    if spec.select is Select.BEST:
        study["measurementSelectionType"] = "BEST_MEASUREMENT"
    study |= _stopping(spec, left_out)
    config = _config(spec, left_out)
    if config:
        study["studyStoppingConfig"] = config
    return study


def _metrics(spec: JobSpec, left_out: list[str]) -> list[dict[str, Any]]:
    """Write the objectives, then the constraints as safety metrics: each metric plays one part there."""
    objectives = spec.definitions[0].objectives
    written: dict[str, dict[str, Any]] = {
        each.metric: {"metricId": each.metric, "goal": each.goal.name} for each in objectives
    }
    for each in spec.subject_to:
        if each.metric in written:
            left_out.append(f"The constraint {each}: {each.metric} plays another part already.")
            continue
        written[each.metric] = {
            "metricId": each.metric,
            "goal": "MAXIMIZE" if each.at_least else "MINIMIZE",
            "safetyConfig": {"safetyThreshold": each.threshold},
        }
    return list(written.values())


def _stopping(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    rule = spec.stopping
    if rule is None and spec.prune is Pruning.OFF:
        return {}
    if len(spec.definitions[0].objectives) != 1:
        if rule is not None or spec.prune is not Pruning.AUTO:
            left_out.append("The rule by which trials are given up: it needs one objective there.")
        return {}
    if rule is None or rule.kind is StoppingKind.HYPERBAND:
        which = spec.prune if rule is None else rule.kind
        left_out.append(
            f"The rule by which trials are given up, {which}: it is Vertex AI's median rule there."
        )
        return {"medianAutomatedStoppingSpec": {}}
    timed = {"useElapsedDuration": True} if rule.by_time else {}
    if rule.kind is StoppingKind.AVERAGES:
        if not rule.best_so_far:
            left_out.append(
                "The median rule: Vertex AI's looks at a trial's best value, not its current one."
            )
        return {"medianAutomatedStoppingSpec": timed}
    if rule.kind is StoppingKind.DECAY_CURVE:
        return {"decayCurveStoppingSpec": timed}
    return {"convexAutomatedStoppingSpec": timed | _convex(rule)}


def _convex(rule: StoppingRule) -> dict[str, Any]:
    steps = {
        "maxStepCount": rule.max_resource,
        "minStepCount": rule.min_resource,
        "minMeasurementCount": rule.min_measurements,
    }
    return {name: value for name, value in steps.items() if value is not None}


def _config(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    limits = spec.limits
    least = _time(limits.min_runtime, limits.not_before, "minimum", left_out)
    most = _time(spec.max_runtime, limits.end_at, "maximum", left_out)
    config = {
        "shouldStopAsap": limits.cut or None,
        "minimumRuntimeConstraint": least,
        "maximumRuntimeConstraint": most,
        "minNumTrials": limits.min_complete or None,
        "maxNumTrials": limits.max_trials,
        "maxNumTrialsNoProgress": spec.max_no_improvement,
        "maxDurationNoProgress": (
            None
            if limits.max_seconds_without_progress is None
            else duration(limits.max_seconds_without_progress)
        ),
    }
    return {name: value for name, value in config.items() if value is not None}


def _time(length: float | None, end: float | None, word: str, left_out: list[str]) -> dict[str, str] | None:
    if length is not None:
        if end is not None:
            left_out.append(f"The {word} time of the job as a date: there it is a duration or a date.")
        return {"maxDuration": duration(length)}
    return None if end is None else {"endTime": timestamp(end)}


def _rest(spec: JobSpec) -> list[str]:
    """Name the options that no request of the service has."""
    options = changed_options(spec)
    if spec.executor is not ExecutorKind.RAY:
        options.pop("executor", None)  # where it runs is another's business there
    found = [not_said(name, value) for name, value in options.items() if name not in _SAID]
    limits, usual = spec.limits, Limits()
    found += [
        not_said(name, getattr(limits, name))
        for name in ("improvement", "max_wait", "grace")
        if getattr(limits, name) != getattr(usual, name)
    ]
    return found
