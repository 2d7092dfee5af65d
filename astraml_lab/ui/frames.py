"""The wire format of the dashboard: one JSON head and one block of float32 per message.

Both travel as binary buffers, because Jupyter walks through every JSON content in Python.
`widgets/src/store.js` reads what is written here.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from astraml_lab.dialects.report import service_of
from astraml_lab.jobs.holding import BY_HAND
from astraml_lab.spec import Categorical, Discrete, Int, Scale
from astraml_lab.store.processes import this_host
from astraml_lab.ui.text import made_of, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.search import Importance
    from astraml_lab.spec import AnyDimension, JobView, ParamValue, TrialView

_NAME = 200
_REASON = 600
_NOTE = 2_000
_NOTES = 5
_METRICS = 24
_SHARES = 50
PARAMS = 200
_VALUES = 500
"""So many choices of a dimension travel at most: forms offer the first, charts show those that were tried;"""
_ALL_VALUES = 4_000
"""and so many of all, where each dimension has still so many:"""
_SOME_VALUES = 20


@dataclass(slots=True)
class Frame:
    """What changed since the frame before; `head` is empty where nothing did."""

    head: dict[str, Any] = field(default_factory=dict)
    blocks: list[np.ndarray] = field(default_factory=list)
    """float32 arrays, in the order in which the head's traces name their sizes."""

    def buffers(self) -> list[bytes]:
        """Return the head as JSON and all blocks as one run of little-endian float32."""
        head = json.dumps(self.head, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        values = np.concatenate(self.blocks).astype("<f4", copy=False).tobytes() if self.blocks else b""
        return [head.encode("utf-8", "replace"), values]


def job_head(view: JobView) -> dict[str, Any]:
    """Return what the header shows of a job, apart from what moves by itself (`vital_head`)."""
    return {
        "id": view.id,
        "name": one_line(view.name, _NAME),
        "project": one_line(view.project, _NAME),
        "state": view.state.value,
        "ended": view.state.ended,
        "objectives": [
            {"metric": objective.metric, "maximize": objective.maximize} for objective in view.objectives
        ],
        "trials": view.trials,
        "counts": {state.value: count for state, count in view.counts.items()},
        "finished": view.finished,
        "failed": view.failed,
        "infeasible": view.infeasible,
        "params": list(view.param_names),
        "metrics": list(view.metric_names),
        "reason": one_line(view.reason, _REASON),
        "hand": view.reason == BY_HAND,
        "note": one_line("; ".join(each for each in (view.note, made_of(view)) if each), _NOTE),
        "service": service_of(view.origin),
        "elsewhere": elsewhere(view),
        "disk": view.disk_bytes,
        "best": list(view.best),
        "mean": None if view.confirmed is None else plain(view.confirmed.mean),
        "runs": "" if view.confirmed is None else str(view.confirmed),
        "violating": list(view.violating),
        "none_keeps": one_line(view.none_keeps, _REASON),
        "running": list(view.running),
        "started": view.started_at,
        "stopped": view.ended_at,
        "stands": view.held_at,
        "held": view.held,
    }


def vital_head(view: JobView) -> dict[str, Any]:
    """Return what moves all the time: the estimate and the devices. Sent rarely."""
    return {
        "eta": None if view.eta is None else round(view.eta, 1),
        "devices": [
            {
                "label": device.label,
                "used": device.used_bytes,
                "total": device.total_bytes,
                "load": None if device.utilization is None else round(device.utilization, 2),
            }
            for device in view.devices
        ],
    }


def space_head(view: JobView) -> dict[str, Any]:
    """Return the dimensions by name, as far as charts and forms need them."""
    dimensions = dict(list(view.space.dimensions.items())[:PARAMS])
    counts = [len(_values(each)) for each in dimensions.values()]
    whole = sum(min(count, _VALUES) for count in counts) <= _ALL_VALUES
    most = _VALUES if whole else max(_SOME_VALUES, _ALL_VALUES // len(counts))
    return {name: _dimension(each, most) for name, each in dimensions.items()}


def _dimension(dimension: AnyDimension, most: int) -> dict[str, Any]:
    head = _range(dimension, most)
    if len(_values(dimension)) > most:
        head["of"] = len(_values(dimension))
    # A condition that is cut would be another one: the kernel judges what a form sends.
    conditions = {name: values for name, values in (dimension.when or {}).items() if len(values) <= most}
    if conditions:
        head["when"] = {name: [plain(value) for value in values] for name, values in conditions.items()}
    return head


def _values(dimension: AnyDimension) -> Sequence[ParamValue]:
    if isinstance(dimension, Categorical):
        return dimension.choices
    return dimension.values if isinstance(dimension, Discrete) else ()


def _range(dimension: AnyDimension, most: int) -> dict[str, Any]:
    if isinstance(dimension, Categorical):
        return {"kind": "words", "choices": [plain(choice) for choice in dimension.choices[:most]]}
    if isinstance(dimension, Discrete):
        values = list(dimension.values)
        return {"kind": "number", "low": values[0], "high": values[-1], "values": values[:most]}
    log = {"log": True} if dimension.scale is Scale.LOG else {}
    whole = {"whole": True} if isinstance(dimension, Int) else {}
    return {"kind": "number", "low": dimension.low, "high": dimension.high, **log, **whole}


def importance_head(metric: str, importance: Importance) -> dict[str, Any]:
    """Return how much the parameters matter for a metric, the largest first."""
    shares = list(importance.shares.items())[:_SHARES]
    return {
        "m": metric,
        "shares": [[name, round(share, 4)] for name, share in shares],
        "reason": importance.reason,
        "trials": importance.trials,
        "of": importance.of,
    }


def trial_row(trial: TrialView, objectives: Sequence[str]) -> dict[str, Any]:
    """Return what the table and the charts of points need of a trial; defaults are left out.

    Of many metrics only the first travel: the objectives are among them.
    """
    metrics = {name: trial.metrics[name] for name in objectives if name in trial.metrics} | trial.metrics
    row: dict[str, Any] = {
        "n": trial.number,
        "state": trial.state.value,
        "params": {name: plain(value) for name, value in list(trial.params.items())[:PARAMS]},
        "metrics": {name: plain(value) for name, value in list(metrics.items())[:_METRICS]},
        "start": trial.started_at,
        "end": trial.ended_at,
    }
    if trial.values is not None:
        row["values"] = [plain(float(value)) for value in trial.values]
    optional = {
        "kind": trial.kind.value if trial.kind is not None else "",
        "reason": one_line(trial.reason, _REASON),
        "device": one_line(trial.device, 60),
        "step": trial.step,
        "attempt": trial.attempt if trial.attempt > 1 else None,
        "disk": trial.disk_bytes or None,
        "notes": [one_line(note, _REASON) for note in trial.notes[-_NOTES:]],
    }
    return row | {name: value for name, value in optional.items() if value or value == 0}


def elsewhere(view: JobView) -> str:
    """Return the kernel that runs the job, where that is another one."""
    return one_line(view.owner, _NAME) if view.owner != f"{this_host()}:{os.getpid()}" else ""


def plain(value: object) -> object:
    """Return a value that JSON can say: a non-finite number becomes its name, a long text is cut."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if isinstance(value, str):
        return value if len(value) <= _NAME else value[: _NAME - 1] + "…"
    if value is None or isinstance(value, bool | int | float):
        return value
    return one_line(str(value), _NAME)
