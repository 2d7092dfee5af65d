"""Jobs in words: what a terminal, a log and the text side of an output show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from astraml_lab.spec import FailureKind, TrialState, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astraml_lab.spec import JobView, TrialView

_LARGE = 1e5
_SMALL = 1e-3


def format_number(value: object, digits: int = 3) -> str:
    """Spell a value for people: a float with `digits` significant digits, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value == 0:
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def one_line(text: str, limit: int = 120) -> str:
    """Put a text on one line and cut it where it would flood the place."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def name_of(view: JobView) -> str:
    """Name the job as `%tune` does."""
    project = "" if view.project == "default" else f"{view.project}/"
    return one_line(f"{project}{view.name}", 80)


def best_words(view: JobView, trials: Iterable[TrialView]) -> str:
    """Say what is best so far: `best accuracy 0.981 (trial 7)`, the front's size, or nothing."""
    if not view.best:
        return ""
    if len(view.objectives) > 1:
        return f"{len(view.best)} on the Pareto front"
    found = next((trial for trial in trials if trial.number == view.best[0]), None)
    if found is None or not found.values or not view.objectives:
        return f"best trial {view.best[0]}"
    metric = one_line(view.objectives[0].metric, 40)
    return f"best {metric} {format_number(float(found.values[0]))} (trial {found.number})"


def progress_line(view: JobView, trials: Iterable[TrialView], now: float) -> str:
    """Say on one line how far the job is.

    `digits  12/40 trials  best accuracy 0.981 (trial 7)  1 m 20 s, about 3 m left`
    """
    parts = [name_of(view)]
    if view.state.value != "RUNNING":
        parts.append(view.state.value.lower())
    parts.append(f"{view.finished}/{view.trials} trials")
    if view.failed:
        parts.append(f"{view.failed} failed")
    if view.infeasible:
        parts.append(f"{view.infeasible} infeasible")
    best = best_words(view, trials)
    parts += [best] if best else []
    clock = times(view, now)
    parts += [clock] if clock else []
    if view.reason:
        parts.append(one_line(view.reason))
    return "  ".join(parts)


def times(view: JobView, now: float) -> str:
    """Say how long the job has run and how long it will: `1 m 20 s, about 3 m left`."""
    if view.started_at is None:
        return ""
    text = format_duration(max(0.0, (view.ended_at or now) - view.started_at))
    if view.eta is not None and not view.state.ended and view.eta > 0:
        text += f", about {roughly(view.eta)} left"
    return text


def roughly(seconds: float) -> str:
    """Spell an estimate: nobody believes its seconds once it is longer than two minutes."""
    if seconds < 10:  # noqa: PLR2004 - below that every second counts
        return format_duration(max(1.0, round(seconds)))
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return format_duration(round(seconds / 5) * 5)
    return format_duration(round(seconds / 60) * 60)


def params_words(trial: TrialView, limit: int = 6) -> str:
    """Name the active parameters of a trial: `lr 0.00312 · width 128`."""
    active = [(name, value) for name, value in trial.params.items() if value is not None]
    words = [f"{one_line(name, 30)} {one_line(format_number(value), 30)}" for name, value in active[:limit]]
    return " · ".join(words) + (" · …" if len(active) > limit else "")


def state_words(trial: TrialView) -> str:
    """Name the state of a trial, with the kind of a failure; an impossible point is none."""
    if trial.kind is FailureKind.INFEASIBLE:
        return trial.kind.value
    kind = f" ({trial.kind.value})" if trial.kind is not None else ""
    return trial.state.value.lower() + kind


def summary(view: JobView, trials: tuple[TrialView, ...], now: float) -> str:
    """Describe a job in a few lines: the text side of its picture."""
    lines = [progress_line(view, trials, now)]
    lines += [f"note: {one_line(view.note, 300)}"] if view.note else []
    by_number = {trial.number: trial for trial in trials}
    for number in view.best[:5]:
        trial = by_number.get(number)
        if trial is not None and trial.state is TrialState.COMPLETE:
            values = ", ".join(
                f"{one_line(objective.metric, 30)} {format_number(float(value))}"
                for objective, value in zip(view.objectives, trial.values or (), strict=False)
            )
            lines.append(f"  trial {number}: {values}  {params_words(trial)}".rstrip())
    return "\n".join(lines)
