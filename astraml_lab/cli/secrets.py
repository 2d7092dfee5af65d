"""`astraml secret set|list|remove`: values come from a prompt or the standard input, never from the line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab.cli import answers
from astraml_lab.cli.naming import JSON  # noqa: TC001 - typer reads it
from astraml_lab.errors import InvalidSpec, Problem

if TYPE_CHECKING:
    from astraml_lab.secrets import Secret

app = typer.Typer(
    help="Secrets by project: asked for in a trial, and never stored with a job.", no_args_is_help=True
)
NAME = Annotated[str, typer.Argument(help="What requests and trials call it: hf-token.")]
PROJECT = Annotated[str, typer.Option(help="Whose secret.")]


@app.command("set")
def put(
    name: NAME,
    surplus: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    project: PROJECT = "default",
    to: Annotated[
        str | None, typer.Option(help="keyring or file; else the system's keyring where there is one.")
    ] = None,
) -> None:
    """Keep a secret; its value is asked for without being shown, or read from the standard input."""
    from astraml_lab import secrets

    if surplus:  # it would be in the shell's history, and in the list of processes
        said = f"leave it out: you will be asked; or `astraml secret set {name} < file`"
        raise InvalidSpec([Problem("the value", "", said)], subject="the line")
    value = None if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n").removesuffix("\r")
    kept = secrets.set(name, value, project=project, to=to)  # type: ignore[arg-type]  # it checks that
    where = "the system's keyring" if kept.source == "keyring" else "secrets.json in the lab's home"
    typer.echo(f"{name} of {project} is kept in {where}.")
    _tell(kept)


@app.command("list")
def show(
    *,
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    as_json: JSON = False,
) -> None:
    """List the secrets and where they are; never their values."""
    from astraml_lab import secrets

    found = secrets.list(project)
    if as_json:
        rows = [{"project": each.project, "name": each.name, "source": each.source} for each in found]
        answers.print_json(rows)
        return
    for each in found:
        typer.echo("  ".join(part for part in (each.project, each.name, f"({each.source})") if part))
    if not found:
        typer.echo("No secret yet.")


@app.command("rm", hidden=True)
@app.command("remove")
def remove(name: NAME, *, project: PROJECT = "default") -> None:
    """Forget a secret."""
    from astraml_lab import secrets

    gone = secrets.remove(name, project=project)
    typer.echo(f"{name} of {project} is forgotten.")
    _tell(gone)


def _tell(secret: Secret) -> None:
    for note in secret.notes:
        typer.echo(f"Note: {note}.", err=True)
