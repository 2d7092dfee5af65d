"""Notebooks that trials execute, written by tests."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(path: Path, parameters: str, *cells: str, kernel: dict[str, Any] | None = None) -> Path:
    """Write a notebook: a cell tagged `parameters` (none where it is empty), and code cells."""
    made = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# A notebook"),
            *(
                nbformat.v4.new_code_cell(textwrap.dedent(each).strip())
                for each in (parameters, *cells)
                if each
            ),
        ]
    )
    if parameters:
        made.cells[1].metadata["tags"] = ["parameters"]
    made.metadata["kernelspec"] = PYTHON if kernel is None else kernel
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path
