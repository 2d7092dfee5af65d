"""`astraml policy get|set`: the policy of a project, which its AstraML requests are held against."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from astraml_lab.errors import NotFound

app = typer.Typer(help="The policy of a project: defaults, ceilings, allowed values.", no_args_is_help=True)
PROJECT = Annotated[str, typer.Option(help="Whose policy.")]


@app.command("get")
def get(
    *,
    project: PROJECT = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Print the policy of a project: as YAML, in the form that `set` takes."""
    from astraml_lab import lab

    found = lab.policy(project)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    import yaml

    typer.echo(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), nl=False)


@app.command("set")
def put(
    file: Annotated[str, typer.Argument(help="A .json, .yaml or .yml file, or - for the standard input.")],
    *,
    project: PROJECT = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Give a project a policy; it binds what is submitted from then on.

    A document that says its `version`, as `get` prints it, takes the place of that version alone.
    """
    from astraml_lab import lab

    if file != "-" and not Path(file).is_file():
        raise NotFound(f"there is no file {file}")
    made = lab.set_policy(sys.stdin.read() if file == "-" else Path(file), project)
    said = f"The policy of {project} is of version {made['version']}; jobs that were submitted keep theirs."
    typer.echo(json.dumps(made, indent=2, ensure_ascii=False) if as_json else said)
