"""Every notebook is executed with tiny parameters, as papermill does it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
TINY = {"quickstart": {"trials": 4, "epochs": 1, "parallel": 2}}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:papermill")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_headless_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    executed = tmp_path / path.name
    papermill.execute_notebook(str(path), str(executed), parameters=TINY[path.stem], progress_bar=False)

    cells = nbformat.read(executed, as_version=4).cells
    assert not [
        output for cell in cells for output in cell.get("outputs", []) if output.output_type == "error"
    ]
    assert "widgets" not in nbformat.read(executed, as_version=4).metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_with_a_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)

    assert notebook.metadata.kernelspec.name == "python3"
    assert any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert all(not cell.get("outputs") for cell in notebook.cells)
