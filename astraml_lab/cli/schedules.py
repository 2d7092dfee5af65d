"""The commands for schedules: `astraml schedule …`, and `astraml scheduler`, which runs what comes due."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab.cli import answers, interrupts
from astraml_lab.cli.naming import JSON  # noqa: TC001 - typer reads it

if TYPE_CHECKING:
    from collections import deque

    from astraml_lab.jobs import Job
    from astraml_lab.jobs.scheduling import Schedule

NAME = Annotated[str, typer.Argument(help="The schedule's name.")]
PROJECT = Annotated[str | None, typer.Option(help="Its project, where several have one of that name.")]
_SECONDS_TO_STOP = 30.0
_GLANCE = 0.5
"""Seconds between two looks at the jobs that run."""

app = typer.Typer(help="Requests that run again and again.", no_args_is_help=True)


@app.command("list")
def list_schedules(
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's schedules.")] = None,
    as_json: JSON = False,
) -> None:
    """List the schedules: when each runs next, and what became of its last run."""
    from astraml_lab import lab

    found = lab.schedules(project)
    if as_json:
        answers.print_json([each.as_dict(1) for each in found])
    else:
        typer.echo(repr(found))


@app.command()
def show(name: NAME, *, project: PROJECT = None, as_json: JSON = False) -> None:
    """Show a schedule and what became of its runs."""
    found = _find(name, project)
    if as_json:
        answers.print_json(found.as_dict())
    else:
        typer.echo(found.text(runs=100))


@app.command()
def run(name: NAME, *, project: PROJECT = None, as_json: JSON = False) -> None:
    """Run a schedule's job now, in the foreground, whatever else runs; Ctrl-C stops it."""
    from astraml_lab.cli.watching import Watch

    job = _find(name, project).run()
    status = Watch(job, owned=True, quiet=as_json, bound=True).run()
    if as_json:
        answers.print_json(answers.facts_with_best(job))
    raise typer.Exit(status)


@app.command()
def pause(name: NAME, *, project: PROJECT = None, as_json: JSON = False) -> None:
    """Start no run until `resume`; what runs goes on."""
    _say(_find(name, project).pause(), as_json=as_json)


@app.command()
def resume(name: NAME, *, project: PROJECT = None, as_json: JSON = False) -> None:
    """Go on; what would have run meanwhile is not made up for."""
    _say(_find(name, project).resume(), as_json=as_json)


@app.command("remove")
def remove(name: NAME, *, project: PROJECT = None, as_json: JSON = False) -> None:
    """Forget a schedule; the jobs of its runs stay."""
    found = _find(name, project)
    found.remove()
    if as_json:
        answers.print_json({"removed": found.name, "project": found.project})
    else:
        typer.echo(f"{found.name} was removed; the jobs of its runs stay.")


app.command("rm", hidden=True)(remove)


def scheduler() -> None:
    """Run what schedules ask for, until Ctrl-C; then wait for the jobs that run, until Ctrl-C again."""
    from astraml_lab import lab

    presses, pressed = [0], threading.Event()

    def interrupt(*_: object) -> None:
        presses[0] += 1
        pressed.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    served, known = lab.scheduler(_line), lab.schedules()
    _line(f"serving {len(known)} schedule{'' if len(known) == 1 else 's'} until Ctrl-C")
    for line in repr(known).splitlines() if known else ():
        typer.echo(f"  {line}")
    sys.stdout.flush()
    served.start()
    while not pressed.wait(_GLANCE):
        _tell_of_ends(served.started)
    served.close(_SECONDS_TO_STOP)  # a job that it is just starting is waited for, too
    _tell_of_ends(served.started)
    if served.started:
        names = ", ".join(job.name for job in served.started)
        _line(f"no other run starts; waiting for {names}: Ctrl-C again stops that")
    while served.started and presses[0] == 1:
        pressed.clear()
        pressed.wait(_GLANCE)
        _tell_of_ends(served.started)
    for job in served.started:
        job.stop("the scheduler was stopped")
    until = time.monotonic() + _SECONDS_TO_STOP
    for job in served.started:
        job.wait(max(0.0, until - time.monotonic()))
    _tell_of_ends(served.started)
    raise typer.Exit(interrupts.STATUS if presses[0] > 1 else 0)


def stored(
    request: object,
    dialect: str | None,
    *,
    target: str | None,
    api_version: str | None,
    idempotency_key: str | None,
    as_json: bool,
) -> bool:
    """Store a request that has a schedule, and show it; return whether it has one."""
    from astraml_lab import lab
    from astraml_lab.dialects.plain import plain
    from astraml_lab.lab.scheduling import is_scheduled

    data = plain(request, dialect)
    if not is_scheduled(data, dialect):
        return False
    made = lab.schedule(data, target=target, api_version=api_version, idempotency_key=idempotency_key)
    _say(made, as_json=as_json)
    return True


def _find(name: str, project: str | None) -> Schedule:
    from astraml_lab import lab

    return lab.find_schedule(name, project)


def _say(schedule: Schedule, *, as_json: bool) -> None:
    if as_json:
        answers.print_json(schedule.as_dict())
    else:
        typer.echo(repr(schedule))


def _tell_of_ends(started: deque[Job]) -> None:
    for job in list(started):
        if job.state.ended:
            _line(repr(job))
            started.remove(job)


def _line(sentence: str) -> None:
    typer.echo(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {sentence}")
    sys.stdout.flush()
