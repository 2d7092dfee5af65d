"""What the parameters do: how much each matters, and an objective against each of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from astraml_lab.search import importance_in
from astraml_lab.spec import Categorical, Scale, is_number, value_words
from astraml_lab.ui import look
from astraml_lab.ui.panels import EVERYTHING, Panel, hover_text, rounded
from astraml_lab.ui.thinning import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import TrialView
    from astraml_lab.ui.panels import Snapshot

_BARS = 20
PANES = 6
"""Parameters that are drawn side by side unless others are named."""
_COLUMNS = 3
_GAP_X, _GAP_Y = 0.05, 0.22
_WHOLE = 200
"""So much of a name or value tells one from another."""


def importance_panel(snapshot: Snapshot, index: int = 0) -> Panel:
    """Draw how much each parameter matters for the objective at `index`, by Optuna's PED-ANOVA."""
    metric = look.escaped(snapshot.view.objectives[index].metric)
    title = f"importance of the parameters for {metric}"
    found = importance_in(snapshot.view, snapshot.trials, index)
    if not found.shares:
        return Panel(title, empty=found.reason)
    shares = list(found.shares.items())[:_BARS][::-1]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [round(share, 4) for _, share in shares],
        "y": [look.escaped(name, _WHOLE) for name, _ in shares],
        "text": [f"{share:.1%}" for _, share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "y+text",
        "marker": {"color": look.BLUE},
    }
    of = f"{found.trials} of {found.of}" if found.trials < found.of else f"{found.of}"
    x = look.axis(f"share, from {of} finished trials", tickformat=".0%", rangemode="tozero")
    return Panel(title, [trace], x, _words_axis([name for name, _ in shares], 24))


def slice_panels(snapshot: Snapshot, index: int, names: Sequence[str]) -> list[Panel]:
    """Draw the objective at `index` against each of these parameters, where it is active."""
    objective = snapshot.view.objectives[index]
    done = [
        trial
        for trial in sorted(snapshot.trials, key=lambda trial: trial.number)
        if trial.values and math.isfinite(trial.values[index])
    ]
    if not done:
        return [Panel("", empty="The first finished trial will appear here.")]
    y = look.axis(look.escaped(objective.metric, 24))
    return [_slice(snapshot, done, index, name, y) for name in names]


def slice_layout(panels: Sequence[Panel]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Place the panels in rows and columns; return all traces and the layout's axes."""
    columns = min(_COLUMNS, 2 if len(panels) == 4 else len(panels))  # noqa: PLR2004 - two rows of two
    rows = -(-len(panels) // columns)
    wide, high = (1 - _GAP_X * (columns - 1)) / columns, (1 - _GAP_Y * (rows - 1)) / rows
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {"height": 420 if rows == 1 else 250 * rows + 60}
    for place, panel in enumerate(panels):
        mark = str(place + 1) if place else ""
        left, top = place % columns * (wide + _GAP_X), 1 - place // columns * (high + _GAP_Y)
        shared: dict[str, Any] = {"matches": "y"} if place else {}
        if place % columns:
            shared |= {"showticklabels": False, "title": {}}
        axes[f"xaxis{mark}"] = panel.x | {"domain": [left, left + wide], "anchor": f"y{mark}"}
        domain = [max(0.0, top - high), top]
        axes[f"yaxis{mark}"] = panel.y | {"domain": domain, "anchor": f"x{mark}"} | shared
        traces += [trace | {"xaxis": f"x{mark}", "yaxis": f"y{mark}"} for trace in panel.traces]
    return traces, axes


def _slice(snapshot: Snapshot, done: Sequence[TrialView], index: int, name: str, y: dict[str, Any]) -> Panel:
    dimension = snapshot.view.space.dimensions.get(name)
    active = [trial for trial in done if trial.params.get(name) is not None]
    words = isinstance(dimension, Categorical) or not all(is_number(trial.params[name]) for trial in active)
    log = not words and getattr(dimension, "scale", None) is Scale.LOG
    shown = thinned(active, EVERYTHING.marks)
    values = [trial.params[name] for trial in shown]
    texts = [value_words(value) for value in values]
    drawn = {
        "type": "scatter",
        "mode": "markers",
        "name": "trial",
        "x": [look.escaped(text, _WHOLE) for text in texts]
        if words
        else rounded(np.array(values, dtype=float)),
        "y": rounded(np.array([trial.values[index] for trial in shown if trial.values])),
        "text": [hover_text(trial) for trial in shown],
        "hoverinfo": "text",
        "showlegend": False,
        "marker": {
            "color": [trial.number for trial in shown],
            "colorscale": "Viridis",
            "size": 7,
            "opacity": 0.85,
        },
    }
    title = look.escaped(name, 24)
    axis = look.axis(title, type="log" if log else "linear")
    return Panel(name, [drawn], _words_axis(texts, 20, title) if words else axis, y)


def _words_axis(texts: Sequence[str], limit: int, title: str = "") -> dict[str, Any]:
    """Return an axis whose places are told apart by their whole text, under short labels."""
    labels = {look.escaped(text, _WHOLE): look.escaped(text, limit) for text in texts}
    return look.axis(title, type="category", labelalias=labels)
