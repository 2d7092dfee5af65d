"""The commands that have a job do something, whichever process runs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab.cli import answers, interrupts
from astraml_lab.cli.naming import JSON, NAME, NEWEST, PROJECT, find
from astraml_lab.cli.patience import patiently
from astraml_lab.cli.submitting import DETACH  # noqa: TC001 - typer reads it
from astraml_lab.errors import Conflict, InvalidSpec, Problem

if TYPE_CHECKING:
    from astraml_lab.jobs import Job


def stop(
    name: NAME,
    trial: Annotated[int | None, typer.Argument(min=0, help="Only this trial.")] = None,
    *,
    project: PROJECT = None,
    as_json: JSON = False,
) -> None:
    """Stop a job, or one of its trials; what finished is kept."""
    job = find(name, project)
    process = job.elsewhere
    patiently(lambda: job.stop() if trial is None else job.stop_trial(trial), told=_say)
    what = job.name if trial is None else f"trial {trial} of {job.name}"
    _done(job, _asked(process, f"stop {what}") or repr(job), as_json=as_json)


def pause(name: NAME, *, project: PROJECT = None, as_json: JSON = False) -> None:
    """Have a job start no new trial; running ones go on."""
    job = find(name, project)
    process = job.elsewhere
    patiently(job.pause, told=_say)
    _done(job, _asked(process, f"pause {job.name}") or repr(job), as_json=as_json)


@interrupts.starting()
def resume(
    name: NAME,
    *,
    trials: Annotated[int | None, typer.Option(min=1, help="Raise the budget to this many.")] = None,
    confirm: Annotated[
        int | None, typer.Option(min=0, help="Run so many of the best once more, with other seeds.")
    ] = None,
    project: PROJECT = None,
    detach: DETACH = False,
    as_json: JSON = False,
) -> None:
    """End the pause of a job; or take up one that ended early, or whose process is gone."""
    from astraml_lab.cli.submitting import run_apart

    job = find(name, project)
    process = job.elsewhere
    if job.alive:
        patiently(lambda: job.resume(trials, confirm=confirm), told=_say)
        _done(job, _asked(process, f"resume {job.name}") or repr(job), as_json=as_json)
        return
    program = job.spec.definitions[0].program
    if program is not None and program.kind in {"cell", "function"}:
        raise Conflict(
            f"{job.name} is {job.state}, and its code lives where it was started: in its notebook, %tune "
            f'resume takes it up, in its script lab.resume("{job.name}")'
        )
    again = {"name": job.name, "project": job.project, "generation": job.generation}
    run_apart({"resume": {**again, "trials": trials, "confirm": confirm}}, detach=detach, as_json=as_json)


def wait(
    name: NEWEST = None,
    *,
    timeout: Annotated[
        str | None, typer.Option(help="At most so long: 90s, 10m, 2h.", metavar="TIME")
    ] = None,
    project: PROJECT = None,
    as_json: JSON = False,
) -> None:
    """Watch a job until it has ended; Ctrl-C ends the watching.

    Exit status: 0 it succeeded, 1 it failed, was stopped, or its process is gone, 124 the time was up.
    """
    from astraml_lab.cli.watching import Watch

    seconds = None if timeout is None else _seconds(timeout)
    job = find(name, project)
    result = Watch(job, owned=False, quiet=as_json, timeout=seconds).run()
    if as_json:
        answers.print_json(answers.facts_with_best(job))
    raise typer.Exit(result)


def delete(
    name: NAME,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: PROJECT = None,
    as_json: JSON = False,
) -> None:
    """Remove a job with all its generations and files; on a terminal it asks first."""
    job = find(name, project)
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        question = f"Delete {job!r}, with all its files?"
        if not typer.confirm(question, err=True):
            typer.echo(f"{job.name} is kept.", err=True)
            raise typer.Exit(1)
    generations, finished = patiently(job.delete, told=_say)
    if as_json:
        answers.print_json(
            {"name": job.name, "project": job.project, "generations": generations, "trials": finished}
        )
        return
    whole = f"all its {generations} generations, " if generations > 1 else ""
    trials = "1 finished trial" if finished == 1 else f"{finished or 'no'} finished trials"
    typer.echo(f"{job.name} is deleted, with {whole}{trials} and its files.")


def _done(job: Job, said: str, *, as_json: bool) -> None:
    if as_json:
        answers.print_json({**answers.job_facts(job.view()), "said": said})
    else:
        typer.echo(said)


def _asked(process: str, what: str) -> str:
    """Say who was asked; empty if there was nobody to ask."""
    return f"Asked kernel {process} to {what}; it looks once a second." if process else ""


def _seconds(text: str) -> float:
    from astraml_lab.spec import parse_duration, shown

    try:
        return float(str(parse_duration(text)))
    except ValueError as error:
        raise InvalidSpec([Problem("--timeout", shown(text), str(error))], subject="the command") from None


def _say(sentence: str) -> None:
    typer.echo(f"astraml: {sentence}", err=True)
