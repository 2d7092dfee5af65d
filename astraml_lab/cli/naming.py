"""How a command names a job; the shell completes its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab.errors import InvalidSpec, NotFound, Problem

if TYPE_CHECKING:
    from astraml_lab.jobs import Job


def complete_name(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the jobs whose names begin so, of the project that was said."""
    from astraml_lab.spec import default_home

    if not (default_home() / "lab.db").is_file():
        return []
    from astraml_lab import lab

    fitting = (view for view in lab.jobs(ctx.params.get("project")) if view.name.startswith(incomplete))
    return [(view.name, f"{view.state} in {view.project}") for view in fitting]


NAME = Annotated[str, typer.Argument(help="The job's name.", autocompletion=complete_name)]
NEWEST = Annotated[
    str | None, typer.Argument(help="The job's name; else the newest.", autocompletion=complete_name)
]
PROJECT = Annotated[
    str | None, typer.Option(help="Its project; else that of the job, where one alone has the name.")
]
GENERATION = Annotated[
    int | None, typer.Option(min=1, help="Which of the searches that had this name; else the newest.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def find(name: str | None, project: str | None, generation: int | None = None) -> Job:
    """Return a job; without a project the one of that name, wherever it is.

    Raises:
        NotFound: There is none; the message names the nearest.
        InvalidSpec: Several projects have one of that name.
    """
    from astraml_lab import lab

    return lab.job(name, project=project or _project_of(name), generation=generation)


def _project_of(name: str | None) -> str:
    from astraml_lab.lab import manager
    from astraml_lab.spec import nearest
    from astraml_lab.store import name_key

    known = manager().store.list_jobs()
    fitting = [each.project for each in known if name is None or name_key(each.name) == name_key(name)]
    projects = list(dict.fromkeys(fitting))
    if name is None or len(projects) == 1:
        return next(iter(projects), "default")  # the newest job comes first
    if "default" in projects:
        return "default"
    if projects:
        problem = Problem("--project", "", f"{', '.join(projects)} have a job {name}: say which")
        raise InvalidSpec([problem], subject="the command")
    near = nearest(name, [each.name for each in known if each.project != "default"])
    if near and not any(each.project == "default" for each in known):
        raise NotFound(f"no job {name!r} in any project; {near}")
    return "default"
