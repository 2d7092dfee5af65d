"""Parallel coordinates: every finished trial as a line through its parameters and results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from astraml_lab.spec import Scale, TrialState, format_number, is_number, value_words
from astraml_lab.ui import look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import AnyDimension, TrialView
    from astraml_lab.ui.panels import Snapshot

_LINES = 2_000
_AXES = 12
_DECADES = 100


def parallel_trace(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return the trace, or `None` while no trial has finished."""
    done = [trial for trial in snapshot.trials if trial.state is TrialState.COMPLETE and trial.values][
        -_LINES:
    ]
    if not done:
        return None
    names = snapshot.param_names[:_AXES]
    known = snapshot.view.space.dimensions
    axes = [_axis(name, [trial.params.get(name) for trial in done], known.get(name)) for name in names]
    columns = [
        _value_axis(index, objective.metric, done) for index, objective in enumerate(snapshot.view.objectives)
    ]
    first = snapshot.view.objectives[0] if snapshot.view.objectives else None
    line: dict[str, Any] = {"color": look.FINISHED}
    if first is not None and columns:
        line = {"color": columns[0]["values"], "colorscale": "Viridis", "reversescale": not first.maximize}
    return {
        "type": "parcoords",
        "dimensions": [*axes, *columns],
        "line": line,
        "labelfont": {"size": 12, "color": look.INK},
        "tickfont": {"size": 11, "color": look.QUIET},
        "rangefont": {"size": 1, "color": "rgba(0,0,0,0)"},
    }


def _value_axis(index: int, metric: str, done: Sequence[TrialView]) -> dict[str, Any]:
    values = [
        trial.values[index] if trial.values and len(trial.values) > index else math.nan for trial in done
    ]
    return {"label": look.escaped(metric, 24), "values": values}


def _axis(name: str, values: list[Any], dimension: AnyDimension | None) -> dict[str, Any]:
    label = look.escaped(name, 24)
    numbers = [value for value in values if is_number(value)]
    if len(numbers) == len(values) and numbers:
        wide = max(numbers) > _DECADES * min(numbers)
        scale = getattr(dimension, "scale", Scale.LOG if wide else Scale.LINEAR)
        if min(numbers) > 0 and scale is Scale.LOG:
            return _log_axis(label, [float(value) for value in values])
        return {"label": label, "values": values}
    # Words, switches, and parameters that are not active in every trial: one place on the axis for each.
    places = {text: place for place, text in enumerate(dict.fromkeys(map(_word, values)))}
    return {
        "label": label,
        "values": [places[_word(value)] for value in values],
        "tickvals": list(places.values()),
        "ticktext": [look.escaped(text, 20) for text in places],
    }


def _log_axis(label: str, values: list[float]) -> dict[str, Any]:
    logs = [math.log10(value) for value in values]
    ticks = range(math.floor(min(logs)), math.ceil(max(logs)) + 1)
    return {
        "label": label,
        "values": logs,
        "tickvals": list(ticks),
        "ticktext": [format_number(float(10.0**tick)) for tick in ticks],
    }


def _word(value: object) -> str:
    return "not active" if value is None else value_words(value)
