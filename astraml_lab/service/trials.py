"""Trials: their results, metrics in windows, and logs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.lab import manager
from astraml_lab.metrics import roll_up
from astraml_lab.metrics.windows import LATENESS
from astraml_lab.service.answers import Response
from astraml_lab.service.jobs import find, id_of

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.jobs import Job
    from astraml_lab.service.answers import Call
    from astraml_lab.spec import TrialView
    from astraml_lab.spec.views import WindowRow

_WIDTHS = (30, 300, 3600)
_MOST_LINES = 10_000
_MOST_BYTES = 1 << 20


def list_trials(call: Call, job: str) -> Response:  # noqa: ARG001 - handlers are called alike
    """Answer with the trials of a job."""
    return Response(200, {}, {"trials": [_rendered(view) for view in find(job).reader.trials()[1]]})


def get(call: Call, job: str, trial: str) -> Response:  # noqa: ARG001
    """Answer with one trial."""
    return Response(200, {}, _rendered(_find(find(job), trial)))


def metrics(call: Call, job: str, trial: str) -> Response:
    """Answer with a metric in windows: complete ones change with a higher revision only."""
    found = find(job)
    view = _find(found, trial)
    name = call.query.get("name") or next(iter(view.metrics), "")
    generation = int(id_of(found).removeprefix("tj-"))
    # what this kernel has folded and not yet written comes with a later read
    series = {
        each: manager().store.load_series(generation, view.number, each, roll_up=roll_up)
        for each in dict.fromkeys((*view.metrics, name))
    }
    width, rows = series[name]
    if "resolution" in call.query:
        asked = _number(call, "resolution", 1, max(_WIDTHS))
        load = manager().store.load_series
        width, rows = load(generation, view.number, name, width=float(asked), roll_up=roll_up)
    watermark = math.inf if view.state.ended else _newest(series) - LATENESS
    windows = [_window(row, complete=row.sealed(watermark)) for row in rows]
    finite = watermark if math.isfinite(watermark) else None
    return Response(
        200,
        {},
        {
            "trial": view.number,
            "name": name,
            "window_s": width,
            "watermark": finite,
            "final": view.state.ended,
            "windows": windows,
        },
    )


def logs(call: Call, job: str, trial: str) -> Response:
    """Answer with the last lines of a trial, or with what follows an offset that an answer gave."""
    found = find(job)
    view = _find(found, trial)
    if "from_offset" in call.query:
        offset = _number(call, "from_offset", 0, 1 << 62)
        return Response(
            200, {}, {"trial": view.number, **_following(found.trials[view.number].log.path, offset)}
        )
    tail = _number(call, "tail", 1, _MOST_LINES, default=100)
    return Response(200, {}, {"trial": view.number, "lines": found.reader.log_tail(view.number, tail)})


def _following(path: Path, offset: int) -> dict[str, Any]:
    """Return the whole lines after an offset, and where the next begin."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_MOST_BYTES)
    except FileNotFoundError:
        data = b""
    cut = data.rfind(b"\n") + 1
    whole = data if cut == 0 and len(data) == _MOST_BYTES else data[:cut]
    return {"lines": whole.decode("utf-8", "replace").splitlines(), "next_offset": offset + len(whole)}


def _find(job: Job, number: str) -> TrialView:
    view = job.reader.trial(int(number))
    if view is None:
        raise ProblemError("trial-not-found", f"{job.name} has no trial {int(number)}")
    return view


def _number(call: Call, name: str, least: int, most: int, default: int = 0) -> int:
    text = call.query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not least <= int(text[:20]) <= most:
        raise ProblemError("malformed", f"{name} is a whole number, {least} to {most}")
    return int(text)


def _newest(series: dict[str, tuple[float, tuple[WindowRow, ...]]]) -> float:
    times = (
        row.last_ts if row.last_ts is not None else row.start for _, rows in series.values() for row in rows
    )
    return max(times, default=-math.inf)


def _window(row: WindowRow, *, complete: bool) -> dict[str, Any]:
    return {
        "start": row.start,
        "end": row.start + row.width,
        "count": row.count,
        "sum": row.total if row.count else None,
        "mean": row.mean,
        "min": row.minimum,
        "max": row.maximum,
        "last": row.last,
        "first_ts": row.first_ts,
        "last_ts": row.last_ts,
        "nonfinite": row.nonfinite,
        "revision": row.revision,
        "complete": complete,
    }


def _rendered(view: TrialView) -> dict[str, Any]:
    return {
        "number": view.number,
        "state": view.state.value,
        "kind": view.kind.value if view.kind is not None else None,
        "reason": view.reason,
        "code": "trial-failed" if view.kind is not None else None,
        "params": dict(view.params),
        "values": _plain(view.values),
        "metrics": {name: _finite(value) for name, value in view.metrics.items()},
        "step": view.step,
        "device": view.device,
        "seed": view.seed,
        "attempt": view.attempt,
        "created_at": view.created_at,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
    }


def _plain(values: tuple[float, ...] | None) -> list[float | None] | None:
    return None if values is None else [_finite(value) for value in values]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
