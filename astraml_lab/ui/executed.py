"""The executed notebook of a trial, for a page: opened where its server has the file, else downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Conflict
from astraml_lab.jobs.naming import file_name
from astraml_lab.ui.answers import Answer

if TYPE_CHECKING:
    from astraml_lab.ui.answers import Request

_LARGEST = 20_000_000
"""Bytes up to which a notebook goes to the page; of a larger one it is told where it lies."""


def runs_notebook(job: Any) -> bool:
    """Whether the trials of a job execute a notebook."""
    spec = getattr(job, "spec", None)
    program = None if spec is None else spec.definitions[0].program
    return program is not None and program.kind == "notebook"


def executed(job: Any, request: Request) -> Answer:
    """Return a trial's notebook, as far as it came.

    Raises:
        Conflict: No trial is selected, or its notebook is not there.
    """
    if request.number is None:
        raise Conflict("No trial is selected.")
    path: Path | None = job.trials[request.number].notebook
    if path is None:
        raise Conflict(f"Trial {request.number} has no executed notebook.")
    said = f"The executed notebook of trial {request.number}: `{path}`"
    place = {"path": str(path), "home": str(Path.home())}
    if path.stat().st_size > _LARGEST:
        return Answer(said=f"{said}, too large to be downloaded from here", **place)
    name = f"{file_name(job.reader.view().name)}-trial-{request.number}.ipynb"
    return Answer(said=said, file=name, text=path.read_text(encoding="utf-8"), **place)
