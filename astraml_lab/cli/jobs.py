"""The commands that look at jobs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab.cli import answers
from astraml_lab.cli.naming import GENERATION, JSON, NAME, NEWEST, PROJECT, find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.spec import JobView


def list_jobs(
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's jobs.")] = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state: running, failed …")] = None,
    as_json: JSON = False,
) -> None:
    """List the jobs, the newest first."""
    from astraml_lab import lab

    views = lab.jobs(project, state)
    if as_json:
        answers.print_json([answers.job_facts(view) for view in views])
    elif not views:
        typer.echo("No job yet." if project is None and state is None else "No such job.")
    elif sys.stdout.isatty():
        _print_table(views)
    else:
        for row in (_HEADER, *map(_row, views)):
            typer.echo("\t".join(row))


def show(
    name: NEWEST = None,
    *,
    project: PROJECT = None,
    generation: GENERATION = None,
    as_json: JSON = False,
) -> None:
    """Show a job and its trials."""
    job = find(name, project, generation)
    if as_json:
        facts = answers.job_facts(job.view())  # first: the best that it names are then among the trials
        trials = [answers.trial_facts(view) for view in job.reader.trials()[1]]
        answers.print_json({"job": facts, "trials": trials})
        return
    typer.echo(answers.in_a_shell(repr(job)))
    note = job.view().note
    if note:
        typer.echo(f"  note: {note}")
    for line in repr(job.trials).splitlines():
        typer.echo(f"  {line}")


def status(
    name: NEWEST = None, *, project: PROJECT = None, generation: GENERATION = None, as_json: JSON = False
) -> None:
    """Say on one line how a job is doing."""
    job = find(name, project, generation)
    if as_json:
        answers.print_json(answers.job_facts(job.view()))
    else:
        typer.echo(answers.in_a_shell(repr(job)))


def best(
    name: NEWEST = None, *, project: PROJECT = None, generation: GENERATION = None, as_json: JSON = False
) -> None:
    """Show the best values so far: one trial, or those on the Pareto front."""
    from astraml_lab.errors import NotFound
    from astraml_lab.spec import format_number

    job = find(name, project, generation)
    view = job.view()
    found = [job.trials[number].view() for number in view.best]
    if not found:
        raise NotFound(view.without_best)
    if as_json:
        answers.print_json([answers.best_facts(each) for each in found])
        return
    for trial in found:
        finals = zip((each.metric for each in view.objectives), trial.values or (), strict=False)
        values = ", ".join(f"{metric} {format_number(value)}" for metric, value in finals)
        typer.echo(f"trial {trial.number}  {values}".rstrip())
        if view.confirmed is not None:
            typer.echo(f"  confirmed: {format_number(view.confirmed.mean)}, {view.confirmed}")
        for parameter, value in trial.params.items():
            typer.echo(f"  {parameter} = {value!r}")


def metrics(
    name: NAME,
    metric: Annotated[str | None, typer.Argument(help="The metric; else what is tuned.")] = None,
    *,
    trial: Annotated[int | None, typer.Option(min=0, help="Only this trial.")] = None,
    window: Annotated[
        str | None, typer.Option(help="In windows of time: 30s; else step by step.", metavar="TIME")
    ] = None,
    project: PROJECT = None,
    as_json: JSON = False,
) -> None:
    """Show what a metric did, step by step or in windows of time."""
    from astraml_lab.errors import NotFound

    job = find(name, project)
    view = job.view()
    names = [*(each.metric for each in view.objectives), *view.metric_names]
    wanted = metric or next(iter(names), None)
    if wanted is None:
        raise NotFound(f"{job.name} has reported no metric yet")
    table = job.metrics(wanted, window)
    if trial is not None:
        job.trials[trial].view()
        table = table[table["trial"] == trial]
    if as_json:
        typer.echo(table.to_json(orient="records", date_format="iso"))
    elif len(table):
        typer.echo(table.to_string(index=False))
    else:
        known = ", ".join(dict.fromkeys(names))
        raise NotFound(f"nothing of {wanted} yet; {job.name} has {known or 'no metric'}")


_HEADER = ("job", "project", "state", "trials", "best", "reason")


def _row(view: JobView) -> tuple[str, ...]:
    best = "" if view.best_value is None else f"{view.best_value:.4g}"
    reason = answers.in_a_shell(view.reason)
    return view.name, view.project, view.state, f"{view.finished}/{view.trials}", best, reason


def _print_table(views: Sequence[JobView]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for column in _HEADER:
        table.add_column(column)
    for view in views:
        table.add_row(*map(Text, _row(view)))
    Console().print(table)
