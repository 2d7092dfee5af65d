"""Plotly figures of a job. The only module that imports plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from astraml_lab.clock import SystemClock
from astraml_lab.errors import InvalidSpec, Problem, one_of
from astraml_lab.spec import nearest, shown
from astraml_lab.ui import look
from astraml_lab.ui.panels import (
    Panel,
    Snapshot,
    history_panel,
    metrics_panel,
    pareto_panel,
    timeline_panel,
)
from astraml_lab.ui.parallel import parallel_trace
from astraml_lab.ui.parameters import PANES, importance_panel, slice_layout, slice_panels
from astraml_lab.ui.text import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import Objective


def figure(reader: JobReader, kind: str, **options: Any) -> go.Figure:
    """Return a figure of the job.

    Args:
        reader: The job.
        kind: `metrics` (options `metric`, `by="step"|"time"`), `history` (option `metric`), `pareto` (options
            `x`, `y`), `parallel`, `importance` (option `metric`), `slice` (options `metric`, `params`: names,
            by default the first six) or `timeline`.
        options: As named with the kind.

    Raises:
        InvalidSpec: There is no such figure, option or metric.
    """
    build = _KINDS.get(kind)
    if build is None:
        hint = nearest(kind, _KINDS)
        raise InvalidSpec([Problem("kind", shown(kind), one_of(list(_KINDS)), hint)], subject="the figure")
    allowed = _OPTIONS[kind]
    problems = [
        Problem(name, "", f"`{kind}` takes {one_of(allowed)}", nearest(name, allowed))
        for name in options
        if name not in allowed
    ]
    if problems:
        raise InvalidSpec(problems, subject="the figure")
    return build(Snapshot.of(reader, SystemClock().time()), **options)


def _metrics(snapshot: Snapshot, *, metric: str | None = None, by: str = "step") -> go.Figure:
    if by not in {"step", "time"}:
        raise InvalidSpec([Problem("by", shown(by), one_of(["step", "time"]))], subject="the figure")
    return _alone(snapshot, metrics_panel(snapshot, _metric(snapshot, metric), by))


def _history(snapshot: Snapshot, *, metric: str | None = None) -> go.Figure:
    objective = _objective(snapshot, metric, 0)
    return _alone(snapshot, history_panel(snapshot, snapshot.view.objectives.index(objective)))


def _pareto(snapshot: Snapshot, *, x: str | None = None, y: str | None = None) -> go.Figure:
    objectives = snapshot.view.objectives
    if len(objectives) < 2:  # noqa: PLR2004 - a plane
        given = str(len(objectives))
        problem = Problem("objectives", given, "a Pareto front needs two or more", "history shows one")
        raise InvalidSpec([problem], subject="the figure")
    across, up = _objective(snapshot, x, 1), _objective(snapshot, y, 0)
    pair = (objectives.index(across), objectives.index(up))
    return _alone(snapshot, pareto_panel(snapshot, pair))


def _timeline(snapshot: Snapshot) -> go.Figure:
    drawn = _alone(snapshot, timeline_panel(snapshot))
    drawn.update_layout(barmode="overlay", bargap=0.3)
    return drawn


def _parallel(snapshot: Snapshot) -> go.Figure:
    trace = parallel_trace(snapshot)
    title = f"{look.escaped(name_of(snapshot.view))} · parameters and results"
    margin = {"l": 70, "r": 40, "t": 90, "b": 30}
    return go.Figure({"data": [trace] if trace else [], "layout": look.layout(title, margin=margin)})


def _importance(snapshot: Snapshot, *, metric: str | None = None) -> go.Figure:
    objective = _objective(snapshot, metric, 0)
    drawn = _alone(snapshot, importance_panel(snapshot, snapshot.view.objectives.index(objective)))
    return drawn.update_layout(bargap=0.3)


def _slice(
    snapshot: Snapshot, *, metric: str | None = None, params: Sequence[str] | None = None
) -> go.Figure:
    objective = _objective(snapshot, metric, 0)
    known = snapshot.param_names
    names = known[:PANES] if params is None else [params] if isinstance(params, str) else list(params)
    problems = [
        Problem("params", shown(name), one_of(known), nearest(str(name), known))
        for name in names
        if name not in known
    ]
    if problems or not names:
        problems = problems or [Problem("params", "", "one parameter or more")]
        raise InvalidSpec(problems, subject="the figure")
    panels = slice_panels(snapshot, snapshot.view.objectives.index(objective), names)
    if panels[0].empty:
        return _alone(snapshot, panels[0])
    traces, axes = slice_layout(panels)
    title = f"{look.escaped(name_of(snapshot.view))} · {look.escaped(objective.metric)} by parameter"
    return go.Figure({"data": traces, "layout": look.layout(title, **axes)})


_KINDS: dict[str, Callable[..., go.Figure]] = {
    "metrics": _metrics,
    "history": _history,
    "pareto": _pareto,
    "parallel": _parallel,
    "importance": _importance,
    "slice": _slice,
    "timeline": _timeline,
}
_OPTIONS: dict[str, list[str]] = {
    "metrics": ["metric", "by"],
    "history": ["metric"],
    "pareto": ["x", "y"],
    "parallel": [],
    "importance": ["metric"],
    "slice": ["metric", "params"],
    "timeline": [],
}


def _alone(snapshot: Snapshot, panel: Panel) -> go.Figure:
    title = f"{look.escaped(name_of(snapshot.view))} · {panel.title}"
    layout = look.layout(title, xaxis=panel.x, yaxis=panel.y)
    if panel.empty:
        layout["annotations"] = [look.words(panel.empty)]
    return go.Figure({"data": panel.traces, "layout": layout})


def _metric(snapshot: Snapshot, metric: str | None) -> str:
    known = list(dict.fromkeys([*(o.metric for o in snapshot.view.objectives), *snapshot.view.metric_names]))
    if metric is None:
        return known[0] if known else "metric"
    if metric not in known:
        problem = Problem("metric", shown(metric), one_of(known), nearest(metric, known))
        raise InvalidSpec([problem], subject="the figure")
    return metric


def _objective(snapshot: Snapshot, metric: str | None, default: int) -> Objective:
    objectives = snapshot.view.objectives
    by_name = {objective.metric: objective for objective in objectives}
    if metric is None and objectives:
        return objectives[min(default, len(objectives) - 1)]
    if metric not in by_name:
        names = list(by_name)
        problem = Problem("metric", shown(metric), one_of(names), nearest(str(metric), names))
        raise InvalidSpec([problem], subject="the figure")
    return by_name[metric]
