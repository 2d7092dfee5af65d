"""A job in words, for people who look at nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.spec import format_duration

if TYPE_CHECKING:
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobView


def describe_job(view: JobView) -> str:
    """Say a job in one line."""
    parts = [f"{view.name} {view.state}", f"{view.finished}/{view.trials} trials"]
    if view.started_at is not None and view.ended_at is not None:
        parts.append(format_duration(view.runtime(view.ended_at)))
    if view.best_value is not None:
        runs = f": {view.confirmed}" if view.confirmed is not None else ""
        parts.append(f"best {view.objectives[0].metric} {view.best_value:.4g} (trial {view.best[0]}{runs})")
    elif view.best:
        parts.append(f"{len(view.best)} on the front")
    return " · ".join([*parts, *([view.reason] if view.reason else [])])


def first_traceback(reader: JobReader) -> str:
    """Return the first traceback of a user's code, to stand below a sentence; mostly empty."""
    failed = (view for view in reader.trials()[1] if view.traceback)
    first = next(failed, None)
    return f"\n\nTrial {first.number}:\n{first.traceback.rstrip()}" if first else ""
