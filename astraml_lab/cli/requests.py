"""The commands for requests of services: what they would be, running them, asking by SQL, migrating them."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from astraml_lab.cli.service_line import with_options
from astraml_lab.errors import (
    Conflict,
    InvalidSpec,
    JobCancelled,
    JobFailed,
    NotFound,
    Problem,
    RequestRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.jobs import Job

REQUEST = Annotated[str, typer.Argument(help="A .json, .yaml or .yml file, or - for the standard input.")]
DIALECT = Annotated[str | None, typer.Option(help="sagemaker, vertex or astraml; else told by its fields.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
TARGET = Annotated[str | None, typer.Option(help="What each trial runs: a script's path, or a module.")]
KEY = Annotated[str | None, typer.Option(help="With the same key the same request is the same job.")]
VERSION = Annotated[str | None, typer.Option(help="The version that an AstraML request without one is of.")]
BAD_INPUT, INTERRUPTED = 2, 130
_SECONDS_TO_STOP = 30.0


class _Interrupted(BaseException):
    """Ctrl-C; no KeyboardInterrupt, which in a notebook only ends the waiting."""


def translate(
    file: REQUEST,
    *,
    dialect: DIALECT = None,
    api_version: VERSION = None,
    as_json: JSON = False,
) -> None:
    """Show what a request would run here, and what becomes of each field; nothing runs."""
    from astraml_lab import lab

    try:
        translation = lab.translate(_request(file), dialect, api_version=api_version)
    except RequestRefused as error:
        if not as_json:
            raise
        typer.echo(_as_json(error.as_dict()))
        raise typer.Exit(BAD_INPUT) from None
    typer.echo(_as_json(translation.as_dict()) if as_json else str(translation))


def submit(  # noqa: PLR0913 - each is an option of the command
    file: Annotated[str | None, typer.Argument(help="A request's file, or - for the standard input.")] = None,
    *,
    project: Annotated[str | None, typer.Option(help="AstraML's project_id.")] = None,
    model: Annotated[str | None, typer.Option(help="AstraML's model.")] = None,
    dataset: Annotated[str | None, typer.Option(help="AstraML's dataset: s3://bucket/dataset.")] = None,
    gpus: Annotated[int | None, typer.Option(help="GPUs of each trial.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="A hyperparameter.")] = None,
    epochs: Annotated[int | None, typer.Option(help="A hyperparameter.")] = None,
    lr: Annotated[float | None, typer.Option(help="A hyperparameter: 3e-5.")] = None,
    target: TARGET = None,
    dialect: DIALECT = None,
    api_version: VERSION = None,
    idempotency_key: KEY = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would run.")] = False,
    as_json: JSON = False,
) -> None:
    """Run a request in the foreground until its job has ended; Ctrl-C stops the job.

    What stands for its image is `--target`, or what the project's astraml.toml says. An AstraML request may
    be given by options alone; they win over its file.
    """
    from astraml_lab import lab
    from astraml_lab.lab.requests import begin

    said: dict[str, Any] = {"project": project, "model": model, "dataset": dataset, "gpus": gpus}
    said |= {"batch_size": batch_size, "epochs": epochs, "lr": lr}
    request = with_options(None if file is None else _request(file), said)
    if dry_run:
        translation = lab.read(request, dialect, api_version=api_version)
        typer.echo(_as_json(translation.as_dict()) if as_json else str(translation))
        return
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        try:
            job = begin(
                request, dialect, target=target, api_version=api_version, idempotency_key=idempotency_key
            )
        except NotFound as error:
            raise NotFound(f"{error}; or say --target train.py, or [targets] in astraml.toml") from None
        status = _run(job, quiet=as_json)
    if as_json:
        typer.echo(_as_json(_facts(job)))
    raise typer.Exit(status)


def query(
    sql: Annotated[str, typer.Argument(help="One statement, or - for the standard input.")],
    *,
    as_json: JSON = False,
) -> None:
    """Answer SQL over jobs, trials and windows; or a StackQL statement on Vertex AI's tuning jobs."""
    from astraml_lab import lab

    answer = lab.sql(sys.stdin.read() if sql == "-" else sql)
    if isinstance(answer, dict):
        typer.echo(_as_json(answer))
    elif as_json:
        typer.echo(answer.to_json(orient="records"))
    else:
        typer.echo(answer.to_string(index=False) if len(answer) else "No row.")


def migrate(
    file: REQUEST,
    *,
    accept_v2_defaults: Annotated[
        bool, typer.Option("--accept-v2-defaults", help="Fill in the new defaults in place of marks.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="A new file; by default the standard output.")] = None,
) -> None:
    """Bring an AstraML request of version 1 to version 2.1; what changed goes to the standard error."""
    from astraml_lab.dialects.astraml import migrate as migrated

    text, difference = migrated(_request(file), accept_defaults=accept_v2_defaults)
    typer.echo(difference, err=True)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise Conflict(f"{output} is there already: remove it, or choose another name") from None
    except OSError as error:
        problem = Problem("--output", str(output), str(error.strerror))
        raise InvalidSpec([problem], subject="the command") from None


def _request(file: str) -> Path | str:
    if file == "-":
        return sys.stdin.read()
    path = Path(file)
    if not path.is_file():
        raise NotFound(f"there is no file {file}")
    return path


def _run(job: Job, *, quiet: bool) -> int:
    """Wait for the end of a job; return the exit status."""
    from astraml_lab import lab

    try:
        with _stoppable():
            lab.accompany(job, watched=False, waits=True)
    except _Interrupted:
        job.stop("interrupted at the command line")
        job.wait(_SECONDS_TO_STOP)
        print(repr(job), flush=True)  # noqa: T201 - to where the progress went
        return INTERRUPTED
    except (JobFailed, JobCancelled):
        if not quiet:
            raise
        return 1
    return 0


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise _Interrupted

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _facts(job: Job) -> dict[str, Any]:
    view = job.view()
    best = [job.trials[number].view() for number in view.best]
    return {
        "name": job.name,
        "project": job.project,
        "state": view.state,
        "reason": view.reason,
        "trials": view.finished,
        "best": [{"number": each.number, "values": each.values, "params": each.params} for each in best],
    }


def _as_json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, default=str)
