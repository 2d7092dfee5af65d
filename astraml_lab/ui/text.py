"""Jobs in words: what a terminal, a log and the text side of an output show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from astraml_lab.dialects.report import summary_of
from astraml_lab.spec import TrialState, format_duration, format_number, trial_words
from astraml_lab.ui.thinning import thinned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astraml_lab.spec import JobView, TrialView

_SHOWN = 5
"""So many trials of a Pareto front are spelled out."""


def one_line(text: str, limit: int = 120) -> str:
    """Put a text on one line and cut it where it would flood the place."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def name_of(view: JobView) -> str:
    """Name the job as `%tune` does."""
    project = "" if view.project == "default" else f"{view.project}/"
    return one_line(f"{project}{view.name}", 80)


def made_of(view: JobView) -> str:
    """Say in one line of which request the job was made, and what became of it; mostly nothing."""
    if view.origin is None:
        return ""
    return f"{summary_of(view.origin.fidelity, view.origin.dialect)}: job.request"


def best_words(view: JobView, trials: Iterable[TrialView]) -> str:
    """Say what is best so far: `best accuracy 0.981 (trial 7)`, the front's size and volume, or nothing.

    Where no trial keeps to the constraints, that; at its end the job's reason says so.
    """
    if not view.best:
        return one_line(f"{view.none_keeps} so far") if view.none_keeps and not view.state.ended else ""
    if len(view.objectives) > 1:
        volume = "" if view.hypervolume is None else f", hypervolume {view.hypervolume:.3f}"
        return f"{len(view.best)} on the Pareto front{volume}"
    found = next((trial for trial in trials if trial.number == view.best[0]), None)
    if found is None or not found.values or not view.objectives:
        return f"best trial {view.best[0]}"
    metric = one_line(view.objectives[0].metric, 40)
    if view.confirmed is not None:
        return f"best {metric} {format_number(view.confirmed.mean)} (trial {found.number}: {view.confirmed})"
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
    text = format_duration(view.runtime(now))
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


def summary(view: JobView, trials: tuple[TrialView, ...], now: float) -> str:
    """Describe a job in a few lines: the text side of its picture."""
    lines = [progress_line(view, trials, now)]
    lines += [f"note: {one_line(each, 300)}" for each in (view.note, made_of(view)) if each]
    numbers = set(view.best)
    best = [trial for trial in trials if trial.number in numbers and trial.state is TrialState.COMPLETE]
    best.sort(key=lambda trial: trial.values or ())
    for trial in thinned(best, _SHOWN):
        finals = replace(trial, metrics={})  # a job may have dozens of others
        lines.append("  " + one_line(trial_words(finals, view.objectives), 300))
    if len(best) > _SHOWN:
        lines.append(f"  and {len(best) - _SHOWN} more on the front: job.pareto")
    return "\n".join(lines)
