"""A running job on a terminal: how far it is, what is best, and what its running trials report."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from astraml_lab.cli.answers import in_a_shell
from astraml_lab.spec import JobState, format_duration, format_number, params_words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from astraml_lab.jobs import Job
    from astraml_lab.spec import JobView, TrialView

_ROWS = 6
"""So many running trials are shown one by one."""
_METRICS = 4
_BAR = 28
_OFTEN = 0.4
"""Seconds between two pictures."""
_COLOURS = {JobState.RUNNING: "green", JobState.FAILED: "red", JobState.STALE: "red"}


class Picture:
    """Drawn in place while a command waits; a context manager that leaves nothing behind.

    Args:
        console: The terminal.
        footer: What the last line says.
    """

    def __init__(self, console: Console, footer: str) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._footer = footer
        self._drawn_at = float("-inf")

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def draw(self, job: Job) -> None:
        """Draw the job as it is now, if it was not drawn just before."""
        now = time.monotonic()
        if now - self._drawn_at >= _OFTEN:
            self._drawn_at = now
            self._live.update(drawn(job, time.time(), self._footer), refresh=True)


def drawn(job: Job, now: float, footer: str = "") -> RenderableType:
    """Return the picture of a job at `now`, in seconds since the epoch."""
    view = job.view()
    running = [job.reader.trial(number) for number in view.running[:_ROWS]]
    rows = Table.grid(padding=(0, 2))
    for trial in running:
        if trial is not None:
            rows.add_row(*_trial(job, trial, now))
    more = len(view.running) - _ROWS
    parts: list[RenderableType] = [_head(view, now)]
    parts += [line for line in (_best(view), _why(view)) if line is not None]
    parts += [rows] if view.running else []
    parts += [Text(f"  … and {more} more running", style="dim")] if more > 0 else []
    parts += [Text(footer, style="dim")] if footer else []
    return Group(*parts)


def _head(view: JobView, now: float) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=max(1, view.trials), completed=view.finished, width=_BAR)
    failed = f", {view.failed} failed" if view.failed else ""
    clock = format_duration(view.runtime(now)) if view.started_at is not None else ""
    left = _seconds_left(view, now)
    head.add_row(
        Text(view.name, style="bold", overflow="ellipsis", no_wrap=True),
        Text(view.state, style=_COLOURS.get(view.state, "yellow")),
        bar,
        f"{view.finished}/{view.trials} trials{failed}",
        clock + (f", about {format_duration(left)} left" if left else ""),
    )
    return head


def _best(view: JobView) -> Text | None:
    if view.best_value is not None:
        metric = view.objectives[0].metric
        runs = f": {view.confirmed}" if view.confirmed is not None else ""
        said = f"  best {metric} {format_number(view.best_value)} (trial {view.best[0]}{runs})"
        return Text(said, style="bold")
    if view.best:
        return Text(f"  {len(view.best)} on the Pareto front", style="bold")
    return Text(f"  {view.none_keeps} so far") if view.none_keeps and not view.state.ended else None


def _why(view: JobView) -> Text | None:
    return Text(f"  {in_a_shell(view.reason)}", style="yellow") if view.reason else None


def _trial(job: Job, trial: TrialView, now: float) -> tuple[Text, ...]:
    latest = ", ".join(_latest(job, trial)[:_METRICS])
    return (
        Text(f"  trial {trial.number}", style="cyan"),
        Text(latest or "no report yet", overflow="ellipsis", no_wrap=True),
        Text(params_words(trial.params), style="dim", overflow="ellipsis", no_wrap=True),
        Text(format_duration(trial.runtime(now)), style="dim"),
    )


def _latest(job: Job, trial: TrialView) -> list[str]:
    """Say the last values that a trial has reported, those of the objectives first."""
    from astraml_lab.lab import manager

    store = manager().store
    row = store.load_job(job.project, job.name, job.generation)
    curves = store.load_curves(row.id, trial.number) if row is not None else ()
    wanted = [objective.metric for objective in job.view().objectives]
    ordered = sorted(curves, key=lambda curve: curve.metric not in wanted)
    return [f"{each.metric} {format_number(float(each.values[-1]))}" for each in ordered if len(each.values)]


def _seconds_left(view: JobView, now: float) -> float:
    """Guess the seconds left from the pace so far; 0 where there is nothing to go by."""
    if view.state is not JobState.RUNNING or not view.finished or view.finished >= view.trials:
        return 0.0
    left = view.runtime(now) / view.finished * (view.trials - view.finished)
    return max(1.0, round(left / 5) * 5 if left > 10 else round(left))  # noqa: PLR2004 - nobody believes its seconds
