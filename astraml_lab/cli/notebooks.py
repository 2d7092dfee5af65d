"""`astraml lab`: JupyterLab, opened on the notebooks."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from astraml_lab.errors import MissingExtra, NotFound
from astraml_lab.optional import installed

_FIRST = "quickstart.ipynb"


def lab(
    folder: Annotated[
        Path | None, typer.Argument(help="What to open: a folder, or a notebook.", show_default=False)
    ] = None,
    *,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(min=0, help="The port; 0 takes a free one.")] = None,
) -> None:
    """Open JupyterLab on the notebooks of the repository.

    An installed package has no notebooks of its own: there it opens the current folder.
    """
    if not installed("jupyterlab"):
        raise MissingExtra("jupyterlab", "lab")
    if folder is not None and not folder.exists():
        raise NotFound(f"there is no {folder}")
    place, said = _place() if folder is None else (folder, f"JupyterLab opens {folder}.")
    typer.echo(said, err=True)
    words = [sys.executable, "-m", "jupyterlab", str(place)]
    words += [] if browser else ["--no-browser"]
    words += [] if port is None else [f"--port={port}"]
    sys.stderr.flush()
    os.execv(words[0], words)  # noqa: S606 - Ctrl-C and the exit status are JupyterLab's own


def _place() -> tuple[Path, str]:
    """Return what to open, and a sentence that says so."""
    found = Path(__file__).resolve().parents[2] / "notebooks"
    if (found / _FIRST).is_file():
        return found / _FIRST, f"JupyterLab opens {found / _FIRST}; the other notebooks lie beside it."
    here = Path.cwd()
    return here, (
        f"JupyterLab opens the current folder, {here}: this package is installed without the repository, "
        "which has the notebooks. `%tune examples` in a cell shows cells to start from."
    )
