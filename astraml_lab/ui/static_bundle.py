"""The final picture of a job: what stays in the saved notebook and needs no kernel and no widget."""

from __future__ import annotations

import html
import json
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from astraml_lab.jobs.naming import tune_line
from astraml_lab.spec import TrialState, format_number, state_words, value_words
from astraml_lab.ui import look
from astraml_lab.ui.panels import (
    Panel,
    Room,
    Snapshot,
    history_panel,
    metrics_panel,
    pareto_panel,
    timeline_panel,
)
from astraml_lab.ui.picture import png_of
from astraml_lab.ui.text import best_words, name_of, one_line, summary, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import TrialView

PLOTLY = "application/vnd.plotly.v1+json"
LIMIT = 280_000
SMALL = Room(10, 60, 300, 80)
"""For a picture that is sent again and again while the job runs."""
_ROOMS = (Room(40, 200), Room(20, 120, 600, 160), SMALL, Room(5, 40, 100, 40))
_ROWS = 12
_COLUMNS = 6
_BOTTOM, _CHARTS, _LEGEND, _UNDER_AXIS = 16, 300, 124, 46
_EDGE, _LINE, _HEADING = 24, 20, 44
_HEADER, _ROW, _TEXT_LINE = 30, 24, 16
_NARROWEST, _WIDEST, _BESIDE = 4, 10, 2.5
"""Letters: a column is as wide as what is in it, within these, and has so much room beside it."""
_ENDING, _ENDING_WIDE = 54, 17
"""Letters of why a trial ended, and of its column where there is little room."""
_TITLE_LINE = 72
"""Letters that a line has in a narrow page."""


def bundle(reader: JobReader, now: float, *, png: bool = False, room: Room | None = None) -> dict[str, Any]:
    """Return the mimebundle: plotly's JSON, text, and a PNG where one is wanted and can be made.

    It holds neither `text/html`, which exporters would prefer and fill with scripts, nor a widget.

    Args:
        reader: The job.
        now: The time.
        png: Whether a PNG is wanted.
        room: How much it may hold at most; else as much as a stored picture may.
    """
    snapshot = Snapshot.of(reader, now)
    drawn = picture(snapshot, room)
    made: dict[str, Any] = {PLOTLY: drawn, "text/plain": summary(snapshot.view, snapshot.trials, now)}
    image = png_of(drawn) if png else None
    if image is not None:
        made["image/png"] = image
    return made


def picture(snapshot: Snapshot, most: Room | None = None) -> dict[str, Any]:
    """Return one figure of the job: title, two main charts, best trials; within the size limit."""
    for room in _ROOMS[_ROOMS.index(most) if most else 0 :]:
        drawn = _picture(snapshot, room)
        if len(json.dumps(drawn)) < LIMIT:
            break
    return drawn


def _picture(snapshot: Snapshot, room: Room) -> dict[str, Any]:
    view = snapshot.view
    names = [objective.metric for objective in view.objectives] + list(view.metric_names)
    left = metrics_panel(snapshot, names[0], "step", room) if names else Panel("", empty="No metric yet.")
    right = _second(snapshot, room)
    table = _table(snapshot)
    # Sizes in pixels: the charts and their legend, and as much table as there are rows.
    endings = [html.unescape(text) for text in table[0]["cells"]["values"][-1]] if table else []
    below = (
        _HEADER + sum(_ROW + _TEXT_LINE * (len(text) // _ENDING_WIDE) for text in endings) + 8 if table else 0
    )
    inside = _CHARTS + _LEGEND + below
    floor = (_LEGEND + below) / inside
    traces = [*left.traces, *({**trace, "xaxis": "x2", "yaxis": "y2"} for trace in right.traces)]
    heading = {"yref": "paper", "y": 1.0, "yanchor": "bottom", "font": {"size": 13, "color": look.INK}}
    notes = [look.words(left.title, **{**heading, "x": 0.0, "xanchor": "left"})]
    notes.append(look.words(right.title, **{**heading, "x": 0.55, "xanchor": "left"}))
    title = _title(snapshot)
    top = _LINE * (title.count("<br>") + 1) + _HEADING
    middle = (1 + floor) / 2
    notes += [look.words(left.empty, x=0.22, y=middle)] if left.empty else []
    notes += [look.words(right.empty, x=0.77, y=middle)] if right.empty else []
    layout = look.layout(
        title,
        height=inside + top + _BOTTOM,
        xaxis=left.x | {"domain": [0, 0.46], "anchor": "y"},
        yaxis=left.y | {"domain": [floor, 1], "anchor": "x"},
        xaxis2=right.x | {"domain": [0.55, 1], "anchor": "y2"},
        yaxis2=right.y | {"domain": [floor, 1], "anchor": "x2"},
        annotations=notes,
        barmode="overlay",
        margin={"l": 56, "r": 24, "t": top, "b": _BOTTOM},
    )
    layout["title"] |= {"y": 1 - _EDGE / layout["height"], "yref": "container", "yanchor": "top"}
    layout["legend"] |= {"y": floor - _UNDER_AXIS / inside, "yanchor": "top"}
    if table:
        table[0]["domain"]["y"] = [0, below / inside]
    return {"data": [*traces, *table], "layout": layout}


def _second(snapshot: Snapshot, room: Room) -> Panel:
    objectives = snapshot.view.objectives
    if len(objectives) > 1:
        return pareto_panel(snapshot, room=room)
    return history_panel(snapshot, room=room) if objectives else timeline_panel(snapshot, room)


def _title(snapshot: Snapshot) -> str:
    view, many = snapshot.view, len(snapshot.trials) > _ROWS
    progress = [f"{view.finished}/{view.trials} trials", best_words(view, snapshot.trials)]
    parts = [*progress, times(view, snapshot.now)]
    ending = [view.reason, f"the best {_ROWS} are listed" if many else ""]
    moment = datetime.fromtimestamp(snapshot.now, UTC).astimezone()
    saved = "" if view.state.ended else f" at {moment:%Y-%m-%d %H:%M}"
    name = f"<b>{look.escaped(name_of(view), 34)}</b>  {view.state.value.lower()}{saved}"
    lines = [*_wrapped(parts), *_wrapped(ending)]
    small = [f"<span style='font-size:12px'>{look.escaped(line, 200)}</span>" for line in lines]
    live = tune_line("show", view.name, view.project, *(["--live"] if view.state.ended else []))
    hint = look.escaped(f"to look around: {live}", _TITLE_LINE)
    return "<br>".join([name, *small, f"<span style='font-size:11px;color:{look.QUIET}'>{hint}</span>"])


def _wrapped(parts: Sequence[str]) -> list[str]:
    """Put parts on lines that are whole also in a narrow page: plotly breaks none."""
    text = one_line(" · ".join(part for part in parts if part), 2 * _TITLE_LINE - 10)
    return textwrap.wrap(text, _TITLE_LINE, break_on_hyphens=False)


def _table(snapshot: Snapshot) -> list[dict[str, Any]]:
    view = snapshot.view
    rows = _best_first(snapshot)[:_ROWS]
    if not rows:
        return []
    metrics = [objective.metric for objective in view.objectives][:_COLUMNS]
    names = snapshot.param_names[:_COLUMNS]
    header = [one_line(name, _WIDEST) for name in ("trial", *metrics, *names)]
    columns = [[str(trial.number) for trial in rows]]
    columns += [[_value(trial, index, name) for trial in rows] for index, name in enumerate(metrics)]
    columns += [[_cell(trial.params.get(name)) for trial in rows] for name in names]
    endings = [_ending(trial) for trial in rows]
    letters = [max(len(name) + 1, *map(len, column)) for name, column in zip(header, columns, strict=True)]
    wide = [min(_WIDEST, max(_NARROWEST, count)) for count in letters]
    wide.append(min(_ENDING_WIDE, max(map(len, endings)) + 1))
    ink = [look.INK] * len(rows)
    quiet = [look.INK if trial.values else look.QUIET for trial in rows]
    cells = _cells([[look.escaped(text) for text in column] for column in (*columns, endings)], look.PAPER)
    cells["font"] |= {"color": [ink, *[quiet] * len(metrics), *[ink] * (len(names) + 1)]}
    return [
        {
            "type": "table",
            "domain": {"x": [0, 1]},
            "columnwidth": [_BESIDE + count for count in wide],
            "header": _cells([f"<b>{look.escaped(name)}</b>" for name in (*header, "ended")], look.GRID),
            "cells": cells,
        }
    ]


def _ending(trial: TrialView) -> str:
    """Say how a trial ended, as short as it can be: its reason, or its state where there is none."""
    if trial.state is TrialState.PRUNED:
        return one_line(trial.reason.partition(":")[0] or state_words(trial), _ENDING)
    failed = trial.state is TrialState.FAILED and trial.reason
    return one_line(trial.reason if failed else state_words(trial), _ENDING)


def _cells(values: Sequence[Any], fill: str) -> dict[str, Any]:
    return {
        "values": list(values),
        "align": "left",
        "fill": {"color": fill},
        "line": {"color": look.GRID, "width": 1},
        "font": {"size": 11, "color": look.INK},
        "height": _ROW,
    }


def _best_first(snapshot: Snapshot) -> list[TrialView]:
    front = set(snapshot.view.best)
    objectives = snapshot.view.objectives
    sign = -1.0 if objectives and objectives[0].maximize else 1.0

    def rank(trial: TrialView) -> tuple[bool, bool, float, int]:
        value = sign * trial.values[0] if trial.values else 0.0
        return trial.number not in front, trial.state is not TrialState.COMPLETE, value, trial.number

    return sorted(snapshot.trials, key=rank)


def _value(trial: TrialView, index: int, metric: str) -> str:
    """Return a result; of a trial that has none its last report."""
    if trial.values and len(trial.values) > index:
        return format_number(float(trial.values[index]))
    last = trial.metrics.get(metric)
    return "" if last is None else format_number(last)


def _cell(value: object) -> str:
    return "" if value is None else one_line(value_words(value), 40)
