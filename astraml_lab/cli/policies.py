"""`astraml policy get|set`: the policy of a project, which its AstraML requests are held against."""

from __future__ import annotations

from typing import Annotated

import typer

from astraml_lab.cli import answers
from astraml_lab.cli.naming import JSON  # noqa: TC001 - typer reads it
from astraml_lab.cli.requests import FILE, request_of

app = typer.Typer(help="The policy of a project: defaults, ceilings, allowed values.", no_args_is_help=True)
PROJECT = Annotated[str, typer.Option(help="Whose policy.")]


@app.command("get")
def get(*, project: PROJECT = "default", as_json: JSON = False) -> None:
    """Print the policy of a project: as YAML, in the form that `set` takes."""
    from astraml_lab import lab

    found = lab.policy(project)
    if as_json:
        answers.print_json(found)
        return
    import yaml

    typer.echo(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), nl=False)


@app.command("set")
def put(
    file: FILE,
    *,
    project: PROJECT = "default",
    as_json: JSON = False,
) -> None:
    """Give a project a policy; it binds what is submitted from then on.

    A document that says its `version`, as `get` prints it, takes the place of that version alone.
    """
    from astraml_lab import lab

    made = lab.set_policy(request_of(file), project)
    if as_json:
        answers.print_json(made)
    else:
        typer.echo(
            f"The policy of {project} is of version {made['version']}; jobs that were submitted keep theirs."
        )
