"""A trial as Vertex AI's Trial: its state, its measurements, why it is infeasible."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.scalars import duration, timestamp
from astraml_lab.spec import Select, TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.spec import CurveView, Definition, JobSpec, TrialView

    Curves = Mapping[str, CurveView]

CANCELLED = "cancelled"
_STATES = {
    TrialState.WAITING: "REQUESTED",
    TrialState.RUNNING: "ACTIVE",
    TrialState.COMPLETE: "SUCCEEDED",
    TrialState.PRUNED: "SUCCEEDED",
    TrialState.STOPPED: "SUCCEEDED",
    TrialState.FAILED: "INFEASIBLE",
}
"""A trial that was given up early has succeeded: its last measurement counts."""


def render_trial(spec: JobSpec, trial: TrialView, job: str, curves: Curves | None = None) -> dict[str, Any]:
    """Render one trial.

    Args:
        spec: The job.
        trial: The trial.
        job: The job's resource name.
        curves: What it reported, by metric; without them there are no `measurements`.
    """
    its_id = str(trial.number + 1)
    definition = next(
        (each for each in spec.definitions if each.name == trial.definition), spec.definitions[0]
    )
    measurements = _measurements(_metrics(spec, definition), curves or {})
    final = _final(spec, definition, trial, measurements)
    state = _STATES[trial.state]
    if state == "SUCCEEDED" and final is None:
        state = "INFEASIBLE"
    rendered: dict[str, Any] = {
        "name": f"{job}/trials/{its_id}",
        "id": its_id,
        "state": state,
        "parameters": _parameters(definition, trial),
    }
    if final is not None and state == "SUCCEEDED":
        rendered["finalMeasurement"] = final
    if measurements:
        rendered["measurements"] = measurements
    if trial.started_at is not None:
        rendered["startTime"] = timestamp(trial.started_at)
    if trial.ended_at is not None and state in {"SUCCEEDED", "INFEASIBLE"}:
        rendered["endTime"] = timestamp(trial.ended_at)
    if state == "INFEASIBLE":
        stopped = trial.state is TrialState.STOPPED
        rendered["infeasibleReason"] = CANCELLED if stopped else trial.reason or "no measurement was reported"
    return rendered


def _parameters(definition: Definition, trial: TrialView) -> list[dict[str, Any]]:
    script = definition.program.script if definition.program is not None else None
    names = script.names if script is not None else {}
    return [
        {"parameterId": names.get(name, name), "value": value}
        for name, value in trial.params.items()
        if value is not None
    ]


def _metrics(spec: JobSpec, definition: Definition) -> list[str]:
    tuned = (each.metric for each in definition.objectives)
    return list(dict.fromkeys([*tuned, *(each.metric for each in spec.subject_to)]))


def _final(
    spec: JobSpec, definition: Definition, trial: TrialView, measurements: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Return the measurement that counts: the trial's values, else its last or its best report."""
    if not trial.state.ended:
        return None
    values = dict(zip((each.metric for each in definition.objectives), trial.values or (), strict=False))
    if not values and spec.select is Select.BEST and len(definition.objectives) == 1 and measurements:
        return dict(_best(definition, measurements))
    known = {**trial.metrics, **values}
    metrics = _values({name: known[name] for name in _metrics(spec, definition) if name in known})
    if not metrics:
        return None
    final: dict[str, Any] = {"metrics": metrics}
    if trial.step is not None:
        final["stepCount"] = str(trial.step)
    if trial.started_at is not None and trial.ended_at is not None:
        final["elapsedDuration"] = duration(max(0.0, trial.ended_at - trial.started_at))
    return final


def _best(definition: Definition, measurements: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    objective = definition.objectives[0]

    def worth(measurement: Mapping[str, Any]) -> float:
        value = next(
            (each["value"] for each in measurement["metrics"] if each["metricId"] == objective.metric), None
        )
        if value is None:
            return -math.inf
        return float(value) if objective.maximize else -float(value)

    return max(measurements, key=worth)


def _values(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """List metrics; JSON has no NaN, so what is none is left out."""
    return [{"metricId": name, "value": value} for name, value in metrics.items() if math.isfinite(value)]


def _measurements(names: Sequence[str], curves: Curves) -> list[dict[str, Any]]:
    """Join the curves of the metrics by step."""
    by_step: dict[int, dict[str, float]] = {}
    for name in names:
        curve = curves.get(name)
        if curve is None:
            continue
        for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True):
            by_step.setdefault(int(step), {})[name] = value
    rendered = [{"stepCount": str(step), "metrics": _values(by_step[step])} for step in sorted(by_step)]
    return [each for each in rendered if each["metrics"]]
