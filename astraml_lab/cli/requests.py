"""The commands for requests of services: what they would be, asking by SQL, migrating them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from astraml_lab.cli import answers
from astraml_lab.cli.naming import JSON, NAME, PROJECT, find
from astraml_lab.errors import Conflict, InvalidSpec, NotFound, Problem

FILE = Annotated[str, typer.Argument(help="A .json, .yaml or .yml file, or - for the standard input.")]
DIALECT = Annotated[str | None, typer.Option(help="sagemaker, vertex or astraml; else told by its fields.")]
VERSION = Annotated[str | None, typer.Option(help="The version that an AstraML request without one is of.")]


def translate(
    file: FILE,
    *,
    dialect: DIALECT = None,
    api_version: VERSION = None,
    as_json: JSON = False,
) -> None:
    """Show what a request would run here, and what becomes of each field; nothing runs."""
    from astraml_lab import lab

    translation = lab.translate(request_of(file), dialect, api_version=api_version)
    if as_json:
        answers.print_json(translation.as_dict())
    else:
        typer.echo(str(translation))


def query(
    sql: Annotated[str, typer.Argument(help="One statement, or - for the standard input.")],
    *,
    as_json: JSON = False,
) -> None:
    """Answer SQL over jobs, trials and windows; or a StackQL statement on Vertex AI's tuning jobs."""
    from astraml_lab import lab

    answer = lab.sql(sys.stdin.read() if sql == "-" else sql)
    if isinstance(answer, dict):
        answers.print_json(answer)
    elif as_json:
        typer.echo(answer.to_json(orient="records"))
    else:
        typer.echo(answer.to_string(index=False) if len(answer) else "No row.")


def export(
    name: NAME,
    form: Annotated[str, typer.Argument(help="astraml, sagemaker, vertex, csv or cell.")] = "astraml",
    output: Annotated[Path | None, typer.Argument(help="A new file; else the standard output.")] = None,
    *,
    option: Annotated[
        list[str] | None,
        typer.Option(help="What the service needs and the job does not say.", metavar="NAME=VALUE"),
    ] = None,
    project: PROJECT = None,
) -> None:
    """Write a job as a request of a service, its trials as a table, or its cell."""
    if form == "optuna":
        problem = Problem("FORM", form, "a study is a Python object: lab.job(…).study")
        raise InvalidSpec([problem], subject="the command")
    pairs = dict(_option_of(text) for text in option or ())
    made = find(name, project).export(form, **pairs)
    for sentence in getattr(made, "left_out", ()):
        typer.echo(f"The request cannot say: {sentence}", err=True)
    _write(made if isinstance(made, str) else answers.as_json(made), output)


def migrate(
    file: FILE,
    *,
    accept_v2_defaults: Annotated[
        bool, typer.Option("--accept-v2-defaults", help="Fill in the new defaults in place of marks.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="A new file; by default the standard output.")] = None,
) -> None:
    """Bring an AstraML request of version 1 to version 2.1; what changed goes to the standard error."""
    from astraml_lab.dialects.astraml import migrate as migrated

    text, difference = migrated(request_of(file), accept_defaults=accept_v2_defaults)
    typer.echo(difference, err=True)
    _write(text, output)


def request_of(file: str) -> Path | str | bytes:
    """Return a request's file, the text of the standard input for `-`, or what a pipe (`<(…)`) holds.

    Raises:
        NotFound: There is no such file.
    """
    if file == "-":
        return sys.stdin.read()
    path = Path(file)
    if path.is_dir():
        raise NotFound(f"{file} is a folder, and no request's file")
    if path.is_fifo():
        return path.read_bytes()
    if not path.is_file():
        raise NotFound(f"there is no file {file}")
    return path


def _option_of(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InvalidSpec([Problem("--option", f'"{text}"', "NAME=VALUE")], subject="the command")
    return name.replace("-", "_"), value


def _write(text: str, output: Path | None) -> None:
    """Write a text to a new file, or to the standard output."""
    whole = text if text.endswith("\n") else text + "\n"
    if output is None:
        typer.echo(whole, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as new:
            new.write(whole)
    except FileExistsError:
        raise Conflict(f"{output} is there already: remove it, or choose another name") from None
    except OSError as error:
        problem = Problem("FILE", str(output), str(error.strerror))
        raise InvalidSpec([problem], subject="the command") from None
