"""SQL over jobs: the lab's own tables, and StackQL's `google.aiplatform.hyperparameter_tuning_jobs`."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import NotFound
from astraml_lab.jobs import views_of
from astraml_lab.lab.default import manager
from astraml_lab.lab.known import known_job
from astraml_lab.lab.requests import read, start
from astraml_lab.lab.resources import Resource, cancel, delete, resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from astraml_lab.dialects.stackql import Effect, Table
    from astraml_lab.jobs import Job
    from astraml_lab.spec import JobView

JOBS = (
    "project", "name", "generation", "state", "reason", "note", "metric", "goal", "best", "best_value",
    "budget", "finished", "running", "strategy", "dialect", "created_at", "started_at", "ended_at", "tags",
)  # fmt: skip
TRIALS = (
    "project", "job", "number", "state", "kind", "reason", "value", "objective_values", "params", "metrics",
    "step", "device", "attempt", "created_at", "started_at", "ended_at", "runtime",
)  # fmt: skip
WINDOWS = (
    "project", "job", "trial", "metric", "start", "width", "count", "mean", "min", "max", "last",
)  # fmt: skip
COLUMNS: Mapping[str, Sequence[str]] = {"jobs": JOBS, "trials": TRIALS, "windows": WINDOWS}


def sql(text: str, jobs: Sequence[Mapping[str, Any]] | None = None) -> pd.DataFrame | dict[str, Any]:
    """Run one statement of SQL over jobs.

    A SELECT over the tables `jobs`, `trials` and `windows` reads the newest generation of every job; times
    are seconds since 1970, UTC, and `params`, `metrics`, `objective_values` and `tags` are JSON:
    `params ->> 'lr'`. A statement on `google.aiplatform.hyperparameter_tuning_jobs` means what it does in
    StackQL; INSERT starts a job, DELETE removes it, EXEC … cancel stops it. Questions run in a private SQLite
    in memory, for at most two seconds.

    Args:
        text: The statement.
        jobs: Vertex AI resources to answer from in place of the lab's own jobs; then nothing is changed, and
            what is no SELECT is answered with what it would do.

    Returns:
        A table; with `jobs` and a statement that changes something, what it would do.

    Raises:
        RequestRefused: The statement is refused; its `code` says why.
    """
    from astraml_lab.dialects import stackql

    if jobs is not None:
        answer = stackql.answer(text, jobs)
        return answer.as_dict() if isinstance(answer, stackql.Effect) else _frame(answer, nulls=True)
    named = stackql.tables_of(text, COLUMNS)
    if named is not None:
        return _frame(stackql.select(text, {name: _rows(_ROWS[name]) for name in named}, COLUMNS))
    answer = stackql.answer(text, resources())
    return _done(answer) if isinstance(answer, stackql.Effect) else _frame(answer, nulls=True)


def _done(effect: Effect) -> pd.DataFrame:
    """Do what a statement asks for."""
    from astraml_lab.dialects.stackql import Table

    table = Table((), message=effect.message)
    if effect.op == "create":
        started = start(read(dict(effect.body or {}), "vertex", parent=effect.parent).spec)
        made = Resource(known_job(started))
        rows = (tuple(made.get(name) for name in effect.returning),) if effect.returning else ()
        table = Table(effect.returning, rows, effect.message)
    elif effect.op == "delete":
        delete(effect.name)
    elif effect.op == "cancel":
        cancel(effect.name)
    else:
        table = Table(("name",), tuple((name,) for name in effect.names or ()), effect.message)
    return _frame(table, nulls=True)


def _frame(table: Table, *, nulls: bool = False) -> pd.DataFrame:
    """Return a table for pandas; with `nulls` a NULL is None, and whole numbers beside it stay whole."""
    import pandas as pd

    frame = pd.DataFrame(list(table.rows), columns=list(table.columns), dtype=object if nulls else None)
    if nulls:
        columns = [column if column.isna().any() else column.infer_objects() for _, column in frame.items()]
        frame = pd.concat(columns, axis=1) if columns else frame
    if table.message:
        frame.attrs["message"] = table.message
    return frame


def _rows(read: Callable[[JobView, Job], Iterator[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rows of every job: all that one has, or none of one that is deleted meanwhile."""
    rows = []
    for view in views_of(manager()):
        with contextlib.suppress(NotFound):
            rows += list(read(view, manager().find(view.name, view.project)))
    return rows


def _job_rows(view: JobView, job: Job) -> Iterator[dict[str, Any]]:
    spec, objective = job.spec, view.objectives[0] if view.objectives else None
    yield {
        **dataclasses.asdict(dataclasses.replace(view, objectives=(), counts={}, devices=())),
        "state": str(view.state),
        "metric": objective and objective.metric,
        "goal": objective and str(objective.goal),
        "best": view.best[0] if len(view.best) == 1 else None,
        "budget": view.trials,
        "finished": view.finished,
        "running": len(view.running),
        "strategy": str(spec.strategy),
        "dialect": spec.origin and str(spec.origin.dialect),
    }


def _trial_rows(view: JobView, job: Job) -> Iterator[dict[str, Any]]:
    for trial in job.reader.trials()[1]:
        ended, started = trial.ended_at, trial.started_at
        yield {
            **dataclasses.asdict(trial),
            "project": view.project,
            "job": view.name,
            "state": str(trial.state),
            "kind": trial.kind and str(trial.kind),
            "value": trial.values[0] if trial.values else None,
            "objective_values": trial.values,
            "runtime": None if ended is None or started is None else ended - started,
        }


def _window_rows(view: JobView, job: Job) -> Iterator[dict[str, Any]]:
    for trial in job.reader.trials()[1]:
        for metric in view.metric_names:
            found = job.reader.windows(trial.number, metric)
            if found is None:
                continue
            for index, begun in enumerate(found.starts):
                yield {
                    "project": view.project,
                    "job": view.name,
                    "trial": trial.number,
                    "metric": metric,
                    "start": float(begun),
                    "width": found.width,
                    "count": int(found.counts[index]),
                    "mean": float(found.means[index]),
                    "min": float(found.minima[index]),
                    "max": float(found.maxima[index]),
                    "last": float(found.lasts[index]),
                }


_ROWS: Mapping[str, Callable[[JobView, Job], Iterator[dict[str, Any]]]] = {
    "jobs": _job_rows,
    "trials": _trial_rows,
    "windows": _window_rows,
}
