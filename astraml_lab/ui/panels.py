"""The charts of a job as plotly's plain JSON: traces and two axes, placed by whoever draws them."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from astraml_lab.spec import TrialState, format_number, params_words, state_words
from astraml_lab.ui import look
from astraml_lab.ui.lines import LINES, chosen, sampled
from astraml_lab.ui.thinning import thinned
from astraml_lab.ui.traces import Band, curve_columns, window_columns

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from numpy.typing import NDArray

    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobView, Objective, TrialView

_BARS = 400
_DIGITS = 5
_NAME = 26
"""Letters of a metric over a chart: two charts stand side by side, also in a narrow page."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much a picture may hold."""

    lines: int = LINES
    points: int = 250
    """Per line."""
    marks: int = 1_000
    """Trials that are drawn as points."""
    words: int = 300
    """Letters about the parameters in what is shown of a trial under the mouse."""


EVERYTHING = Room()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment, read once for all panels."""

    view: JobView
    trials: tuple[TrialView, ...]
    reader: JobReader
    now: float

    @classmethod
    def of(cls, reader: JobReader, now: float) -> Snapshot:
        """Read a job: first what is said of it all, so that the trials that this names are not older."""
        view = reader.view()
        _, trials = reader.trials(0)
        return cls(view, trials, reader, now)

    @property
    def by_number(self) -> dict[int, TrialView]:
        """The trials by number."""
        return {trial.number: trial for trial in self.trials}

    @property
    def param_names(self) -> list[str]:
        """The parameters of the job, and those that its trials asked for as they went."""
        found = (name for trial in self.trials for name in trial.params)
        return list(dict.fromkeys((*self.view.param_names, *found)))

    def latest(self) -> list[int]:
        """Return the numbers of the ended trials, the latest end first."""
        ended = [trial for trial in self.trials if trial.state.ended]
        ended.sort(key=lambda trial: (trial.ended_at or 0.0, trial.number), reverse=True)
        return [trial.number for trial in ended]


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart."""

    title: str
    traces: list[dict[str, Any]] = field(default_factory=list)
    x: dict[str, Any] = field(default_factory=look.axis)
    y: dict[str, Any] = field(default_factory=look.axis)
    empty: str = ""
    """What will be here, where nothing is yet."""


def metrics_panel(snapshot: Snapshot, metric: str, by: str = "step", room: Room = EVERYTHING) -> Panel:
    """Draw a metric of the trials, by step or by time."""
    numbers = chosen(snapshot.view, snapshot.latest(), (), room.lines)
    trials = snapshot.by_number
    traces = [*_band(snapshot, metric, set(numbers))] if by == "step" else []
    named: set[str] = set()
    for number in reversed(numbers):  # the best is drawn last, on top
        trial = trials.get(number)
        drawn = None if trial is None else _line(snapshot, trial, metric, by, room.points)
        if trial is None or drawn is None:
            continue
        style = _style(snapshot.view, trial)
        label = style.pop("label")
        if len(drawn[0]) == 1:  # a line of one point is not seen
            style["mode"] = "markers"
        traces.append(
            {
                "type": "scatter",
                "x": drawn[0],
                "y": drawn[1],
                "name": label,
                "legendgroup": label,
                "showlegend": label not in named,
                "hoverinfo": "x+y+text",
                "text": f"trial {number} · {state_words(trial)}",
                **style,
            }
        )
        named.add(label)
    empty = "" if traces else "No trial has reported this metric yet."
    x = look.axis("step" if by == "step" else "time (UTC)")
    return Panel(look.escaped(metric, _NAME), traces, x, look.axis(), empty)


def history_panel(snapshot: Snapshot, index: int = 0, room: Room = EVERYTHING) -> Panel:
    """Draw the objective at `index` for every trial, and the best so far."""
    objective = snapshot.view.objectives[index]
    title = f"{look.escaped(objective.metric, _NAME)} by trial"
    done = [
        (trial, trial.values[index])
        for trial in sorted(snapshot.trials, key=lambda trial: trial.number)
        if trial.values and math.isfinite(trial.values[index])
    ]
    if not done:
        return Panel(title, empty="The first finished trial will appear here.")
    best = _best_so_far(done, set(snapshot.view.violating), maximize=objective.maximize)
    every = {0, len(done) - 1, *(np.flatnonzero(np.diff(best)) + 1).tolist()}
    turns = thinned((turn for turn in sorted(every) if math.isfinite(best[turn])), room.marks)
    shown = thinned(done, room.marks)
    traces: list[dict[str, Any]] = [
        {
            **_points("trial", [trial.number for trial, _ in shown], [value for _, value in shown]),
            "text": [hover_text(trial, room) for trial, _ in shown],
            "marker": {"color": look.FINISHED, "size": 7, "opacity": 0.75},
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [done[turn][0].number for turn in turns],
            "y": rounded(best[turns]),
            "line": {"color": look.BEST, "width": 2.5, "shape": "hv"},
            "hoverinfo": "x+y",
        },
    ]
    return Panel(title, traces, look.axis("trial"), look.axis())


def _best_so_far(
    done: Sequence[tuple[TrialView, float]], violating: Container[int], *, maximize: bool
) -> NDArray[Any]:
    """Return the best value after each trial, of those that keep to the job's constraints; else NaN."""
    values = np.array([math.nan if trial.number in violating else value for trial, value in done])
    return np.fmax.accumulate(values) if maximize else np.fmin.accumulate(values)


def pareto_panel(snapshot: Snapshot, pair: tuple[int, int] = (1, 0), room: Room = EVERYTHING) -> Panel:
    """Draw two objectives against each other, the one at `pair[0]` across; the front on top."""
    across, up = (snapshot.view.objectives[index] for index in pair)
    title = f"{look.escaped(up.metric, _NAME // 2)} against {look.escaped(across.metric, _NAME // 2)}"
    points = [
        (trial, trial.values[pair[0]], trial.values[pair[1]])
        for trial in snapshot.trials
        if trial.values and len(trial.values) > max(pair)
    ]
    points = [point for point in points if math.isfinite(point[1]) and math.isfinite(point[2])]
    if not points:
        return Panel(title, empty="The first finished trial will appear here.")
    best, violating = set(snapshot.view.best), set(snapshot.view.violating)
    inside = [point for point in points if point[0].number not in violating]
    rest = thinned([point for point in inside if point[0].number not in best], room.marks)
    outside = thinned([point for point in points if point[0].number in violating], room.marks)
    front = sorted((point for point in points if point[0].number in best), key=lambda point: point[1:])
    front = thinned(front, room.marks)
    traces = [
        {
            **_points("dominated", [x for _, x, _ in rest], [y for *_, y in rest]),
            "text": [hover_text(trial, room) for trial, *_ in rest],
            "marker": {"color": look.FINISHED, "size": 7, "opacity": 0.5},
        },
        {
            **_points("Pareto front", [x for _, x, _ in front], [y for *_, y in front]),
            "text": [hover_text(trial, room) for trial, *_ in front],
            "mode": "lines+markers",
            "line": {"color": look.BEST, "width": 1.5, "dash": "dot"},
            "marker": {"color": look.BEST, "size": 10, "symbol": "diamond"},
        },
    ]
    if len(snapshot.view.objectives) > 2:  # noqa: PLR2004 - a plane shows two: the front is no line in it
        traces[1] |= {"mode": "markers"}
    if outside:
        style = {"color": look.FINISHED, "size": 7, "opacity": 0.5, "symbol": "circle-open"}
        traces.append(
            {
                **_points("outside the constraints", [x for _, x, _ in outside], [y for *_, y in outside]),
                "text": [hover_text(trial, room) for trial, *_ in outside],
                "marker": style,
            }
        )
    return Panel(title, traces, look.axis(_directed(across)), look.axis(_directed(up)))


def timeline_panel(snapshot: Snapshot, room: Room = EVERYTHING) -> Panel:
    """Draw when each trial ran on which device."""
    ran = sorted(
        (trial for trial in snapshot.trials if trial.started_at is not None),
        key=lambda trial: (trial.started_at or 0.0, trial.number),
    )[-min(_BARS, room.marks) :]
    if not ran:
        return Panel("Timeline", empty="The first trial will appear here when it starts.")
    lanes = lanes_of(ran, snapshot.now)
    traces = []
    for state in TrialState:
        mine = [trial for trial in ran if trial.state is state]
        if not mine:
            continue
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": state.value.lower(),
                "base": [_moment(trial.started_at or 0.0) for trial in mine],
                "x": [round(trial.runtime(snapshot.now) * 1000) for trial in mine],
                "y": [lanes[trial.number] for trial in mine],
                "text": [hover_text(trial, room) for trial in mine],
                "textposition": "none",
                "hoverinfo": "text",
                "marker": {
                    "color": look.STATE_COLOURS[state],
                    "line": {"width": 1, "color": look.PAPER},
                    "pattern": {
                        "shape": "" if state in {TrialState.COMPLETE, TrialState.RUNNING} else "/",
                        "fillmode": "overlay",
                        "fgcolor": look.PAPER,
                    },
                },
            }
        )
    return Panel("Timeline", traces, look.axis("time (UTC)", type="date"), look.axis(autorange="reversed"))


def lanes_of(trials: Sequence[TrialView], now: float) -> dict[int, str]:
    """Give each trial a row: its device, and a further row of it where two overlap."""
    free: dict[str, list[float]] = {}
    lanes = {}
    for trial in trials:
        device = trial.device or "cpu"
        ends = free.setdefault(device, [])
        start, end = trial.started_at or 0.0, trial.ended_at or now
        row = next((index for index, until in enumerate(ends) if until <= start), len(ends))
        if row == len(ends):
            ends.append(end)
        ends[row] = end
        lanes[trial.number] = look.escaped(device, 20) + (f" · {row + 1}" if row else "")
    return lanes


def _line(
    snapshot: Snapshot, trial: TrialView, metric: str, by: str, points: int
) -> tuple[list[Any], list[float | None]] | None:
    if by == "time":
        windows = snapshot.reader.windows(trial.number, metric)
        if windows is None or not len(windows.starts):
            return None
        columns = window_columns(windows, float(windows.starts[0]), points)
        start = float(windows.starts[0])
        return [_moment(start + float(x)) for x in columns.data[0]], rounded(columns.data[1])
    curve = snapshot.reader.curve(trial.number, metric)
    if curve is None or not len(curve.steps):
        return None
    data = curve_columns(curve, points).data
    return [int(x) if x == int(x) else float(x) for x in data[0].tolist()], rounded(data[1])


def _style(view: JobView, trial: TrialView) -> dict[str, Any]:
    if trial.number in view.best[:5]:
        label = f"trial {trial.number}, best" if len(view.objectives) == 1 else "on the front"
        width = 3.0 if trial.number == view.best[0] else 2.2
        return {"label": label, "mode": "lines", "line": {"color": look.BEST, "width": width}}
    if not trial.state.ended:
        rank = view.running.index(trial.number) if trial.number in view.running else 0
        colour = look.RUNNING_COLOURS[rank % len(look.RUNNING_COLOURS)]
        return {
            "label": f"trial {trial.number}, running",
            "mode": "lines",
            "line": {"color": colour, "width": 2},
        }
    dash = {TrialState.COMPLETE: "solid", TrialState.PRUNED: "dot"}.get(trial.state, "dash")
    colour = look.STATE_COLOURS[trial.state] if trial.state is TrialState.FAILED else look.FINISHED
    line = {"color": colour, "width": 1.2, "dash": dash}
    return {"label": trial.state.value.lower(), "mode": "lines", "line": line, "opacity": 0.6}


def _band(snapshot: Snapshot, metric: str, shown: set[int]) -> list[dict[str, Any]]:
    others = [number for number in snapshot.latest() if number not in shown]
    band = Band()
    for number in sampled(others, len(others)):
        curve = snapshot.reader.curve(number, metric)
        if curve is not None:
            band.fold(curve.steps, curve.values)
    if not band.trials:
        return []
    x, low, high = band.columns().data
    edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "x": x.tolist(), "hoverinfo": "skip"}
    every = band.trials == len(others)
    rest = "the other trial" if len(others) == 1 else f"the other {len(others)} trials"
    name = f"band: {rest}" if every else f"band: {band.trials} of {rest}"
    return [
        {**edge, "y": rounded(low), "showlegend": False, "legendgroup": "others"},
        {
            **edge,
            "y": rounded(high),
            "fill": "tonexty",
            "fillcolor": look.FAINT,
            "name": name,
            "legendgroup": "others",
        },
    ]


def _points(name: str, x: list[Any], y: list[float]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": rounded(np.array(x, dtype=float)),
        "y": rounded(np.array(y, dtype=float)),
        "hoverinfo": "text",
    }


def hover_text(trial: TrialView, room: Room = EVERYTHING) -> str:
    """Return what is shown of a trial under the mouse."""
    values = ", ".join(format_number(float(value)) for value in trial.values or ())
    params = look.escaped(params_words(trial.params), room.words)
    lines = [f"trial {trial.number} · {state_words(trial)}", values, params]
    return "<br>".join(line for line in lines if line)


def _directed(objective: Objective) -> str:
    return (
        f"{look.escaped(objective.metric, _NAME)} ({'higher' if objective.maximize else 'lower'} is better)"
    )


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def rounded(values: NDArray[Any]) -> list[float | None]:
    """Return plain numbers of five digits: half the size of what float32 prints."""
    return [float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()]
