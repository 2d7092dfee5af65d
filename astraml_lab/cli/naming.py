"""How a command names a job; the shell completes its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from astraml_lab.jobs import Job


def complete_name(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the jobs whose names begin so, of the project that was said."""
    from astraml_lab.store import default_home

    if not (default_home() / "lab.db").is_file():
        return []
    from astraml_lab import lab

    fitting = (view for view in lab.jobs(ctx.params.get("project")) if view.name.startswith(incomplete))
    return [(view.name, f"{view.state} in {view.project}") for view in fitting]


NAME = Annotated[str, typer.Argument(help="The job's name.", autocompletion=complete_name)]
NEWEST = Annotated[
    str | None, typer.Argument(help="The job's name; else the newest.", autocompletion=complete_name)
]
PROJECT = Annotated[str, typer.Option(help="Its project.")]
GENERATION = Annotated[
    int | None, typer.Option(min=1, help="Which of the searches that had this name; else the newest.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def find(name: str | None, project: str, generation: int | None = None) -> Job:
    """Return a job.

    Raises:
        NotFound: There is none; the message names the nearest.
    """
    from astraml_lab import lab

    return lab.job(name, project=project, generation=generation)
