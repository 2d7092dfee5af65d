"""Every notebook is executed with tiny parameters, as papermill does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
TINY: dict[str, dict[str, Any]] = {
    "finetune-a-transformer": {"trials": 1, "parallel": 1, "epochs": 1},
    "notebook-as-objective": {"trials": 1, "parallel": 1, "epochs": 2},
    "quickstart": {"trials": 4, "epochs": 1, "parallel": 2},
    "resume-after-a-crash": {"trials": 10, "epochs": 3, "pace": 0.4, "finished_before": 1},
    "sagemaker-job": {"rows": 60, "more_trials": 1},
    "train-one": {"epochs": 2},
    "training-loop": {"trials": 3, "epochs": 1},
    "two-objectives": {"trials": 6},
}
SAID = {
    "finetune-a-transformer": ["the soup was not great: "],
    "notebook-as-objective": ["notebook.ipynb in the folder of trial 0", "epochs = 2"],
    "resume-after-a-crash": ["crash STALE", "Lost or changed: 0.", "was cut off: goes on after epoch"],
    "sagemaker-job": ["Approximated (3 fields)", "Completed"],
}
"""What a notebook is about, as its outputs say it."""
PICTURE = "application/vnd.plotly.v1+json"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:papermill")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_headless_from_top_to_bottom_and_ends_with_a_picture(
    path: Path, tmp_path: Path
) -> None:
    executed = tmp_path / path.name
    papermill.execute_notebook(
        str(path),
        str(executed),
        parameters=TINY[path.stem],
        progress_bar=False,
        cwd=str(path.parent),
        iopub_timeout=120,
    )

    notebook = nbformat.read(executed, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    said = "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs
    )
    assert [sentence for sentence in SAID.get(path.stem, []) if sentence not in said] == []
    assert PICTURE in outputs[-1].data
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_with_a_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)

    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:papermill")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_parameter_of_a_notebook_has_a_type_and_a_comment(path: Path) -> None:
    parameters = papermill.inspect_notebook(str(path))

    assert set(TINY[path.stem]) <= set(parameters)
    assert [
        name
        for name, parameter in parameters.items()
        if parameter["inferred_type_name"] == "None" or not parameter["help"]
    ] == []
