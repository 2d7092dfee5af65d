"""Many jobs in words: what a terminal shows, and the text side of the table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from astraml_lab.dialects.report import service_of
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import JobView

_HELD = frozenset({JobState.PAUSED, JobState.STALE})
_HEADER = ("job", "state", "trials", "best", "objectives", "created")
NO_JOBS = "No jobs yet. `%tune examples` shows cells to start from."


def job_table(jobs: Sequence[JobView]) -> str:
    """Return one line per job under a header and what those wait for that do not run; or how to start one."""
    if not jobs:
        return NO_JOBS
    rows = [_HEADER, *(_job(view) for view in jobs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    held = [f"{view.name}: {view.reason}" for view in jobs if view.state in _HELD and view.reason]
    return "\n".join([*(line.rstrip() for line in lines), *([""] if held else []), *held])


def _job(view: JobView) -> tuple[str, ...]:
    notes = ", ".join(each for each in (view.project, service_of(view.origin)) if each not in {"default", ""})
    name = f"{view.name} ({notes})" if notes else view.name
    value = view.best_value
    best = f"trial {view.best[0]}" if len(view.best) == 1 else f"{len(view.best)} on the front"
    best = best if value is None else f"{value:.4g} ({best})"
    goals = ", ".join(f"{objective.goal} {objective.metric}" for objective in view.objectives)
    created = datetime.fromtimestamp(view.created_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    trials = f"{view.finished}/{view.trials}"
    return name, view.state.value, trials, best if view.best else "", goals, created
