"""The commands that look at jobs and control them, whichever kernel runs them."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from astraml_lab.errors import Conflict

NAME = Annotated[str, typer.Argument(help="The job's name.")]
PROJECT = Annotated[str, typer.Option(help="Its project.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def list_jobs(
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's jobs.")] = None,
    as_json: JSON = False,
) -> None:
    """List the jobs, the newest first."""
    from astraml_lab import lab

    views = lab.jobs(project)
    if as_json:
        rows = [{"name": v.name, "project": v.project, "state": v.state, "trials": v.finished} for v in views]
        typer.echo(json.dumps(rows))
        return
    table = Table(box=None, header_style="bold")
    for column in ("job", "project", "state", "trials", "best", "reason"):
        table.add_column(column)
    for view in views:
        best = "" if view.best_value is None else f"{view.best_value:.4g}"
        trials = f"{view.finished}/{view.trials}"
        table.add_row(view.name, view.project, view.state, trials, best, view.reason)
    Console().print(table if views else "No job yet.")


def show(
    name: NAME,
    *,
    project: PROJECT = "default",
    as_json: JSON = False,
) -> None:
    """Show a job and its trials."""
    from astraml_lab import lab

    job = lab.job(name, project=project)
    trials = job.reader.trials()[1]
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(trial) for trial in trials], default=str))
        return
    typer.echo(repr(job))
    for line in repr(job.trials).splitlines():
        typer.echo(f"  {line}")


def stop(
    name: NAME,
    trial: Annotated[int | None, typer.Argument(min=0, help="Only this trial.")] = None,
    *,
    project: PROJECT = "default",
) -> None:
    """Stop a job, or one of its trials, whichever kernel runs it; what finished is kept."""
    from astraml_lab import lab

    job = lab.job(name, project=project)
    kernel = job.elsewhere
    if trial is None:
        job.stop()
    else:
        job.stop_trial(trial)
    what = job.name if trial is None else f"trial {trial} of {job.name}"
    typer.echo(_asked(kernel, f"stop {what}") or repr(job))


def pause(name: NAME, *, project: PROJECT = "default") -> None:
    """Have a job start no new trial, whichever kernel runs it; running ones go on."""
    from astraml_lab import lab

    job = lab.job(name, project=project).pause()
    typer.echo(_asked(job.elsewhere, f"pause {job.name}"))


def resume(name: NAME, *, project: PROJECT = "default") -> None:
    """End the pause of a job, whichever kernel runs it."""
    from astraml_lab import lab

    job = lab.job(name, project=project)
    if not job.alive:
        raise Conflict(
            f"{job.name} is {job.state}: nobody runs it; in its notebook, %tune resume takes it up"
        )
    typer.echo(_asked(job.resume().elsewhere, f"resume {job.name}"))


def _asked(kernel: str, what: str) -> str:
    """Say who was asked; empty if there was nobody to ask."""
    return f"Asked kernel {kernel} to {what}; it looks once a second." if kernel else ""
