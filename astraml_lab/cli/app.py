"""The commands of `astraml`: thin callers of `astraml_lab.lab`.

Exit status: 0 done, 2 bad input, 1 a job failed.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from astraml_lab._version import __version__
from astraml_lab.errors import AstramlError, Conflict, JobCancelled, JobFailed

app = typer.Typer(
    name="astraml",
    help="Hyperparameter tuning that lives in the notebook.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
BAD_INPUT = 2
NAME = Annotated[str, typer.Argument(help="The job's name.")]
PROJECT = Annotated[str, typer.Option(help="Its project.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def main() -> None:
    """Run the command line; our own errors are one sentence, without a traceback."""
    try:
        app()
    except AstramlError as error:
        sys.stderr.write(f"astraml: {error}\n")
        sys.exit(1 if isinstance(error, JobFailed | JobCancelled) else BAD_INPUT)


@app.callback(invoke_without_command=True)
def root(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False
) -> None:
    """Hyperparameter tuning that lives in the notebook."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def quickstart(
    *,
    trials: Annotated[int, typer.Option(min=1, help="Configurations to try.")] = 16,
    parallel: Annotated[int, typer.Option(min=1, help="How many at once.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images per trial.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 0,
    name: Annotated[str, typer.Option(help="The job's name; a finished one is shown.")] = "quickstart",
    output: Annotated[Path, typer.Option(help="Where the executed notebook goes.")] = Path(
        "quickstart.ipynb"
    ),
) -> None:
    """Tune a small network on handwritten digits, from a notebook, in about a minute."""
    from astraml_lab.cli.quickstart import run

    parameters = {"trials": trials, "parallel": parallel, "epochs": epochs, "seed": seed, "name": name}
    run(output, parameters)


@app.command("list")
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


@app.command()
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


@app.command()
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


@app.command()
def pause(name: NAME, *, project: PROJECT = "default") -> None:
    """Have a job start no new trial, whichever kernel runs it; running ones go on."""
    from astraml_lab import lab

    job = lab.job(name, project=project).pause()
    typer.echo(_asked(job.elsewhere, f"pause {job.name}"))


@app.command()
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
