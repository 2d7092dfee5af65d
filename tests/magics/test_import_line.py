from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from astraml_lab.magics import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from pathlib import Path

    from magics.conftest import Notebook


def test_a_file_is_imported_with_what_the_line_says(notebook: Notebook) -> None:
    names = "--name sweep --project vision"
    said = notebook.run(f"%tune import runs.csv --maximize acc,f1 --minimize time --params lr,width {names}")
    assert said.strip() == "<imported>"
    options = {
        "name": "sweep",
        "project": "vision",
        "maximize": ["acc", "f1"],
        "minimize": ["time"],
        "params": ["lr", "width"],
    }
    assert notebook.lab.imported == [("runs.csv", options)]


def test_a_variable_gives_the_job_its_name(notebook: Notebook) -> None:
    frame = pd.DataFrame({"x": [1.0], "loss": [2.0]})
    notebook.shell.user_ns["old_runs"] = frame
    notebook.run("%tune import old_runs --minimize loss")
    ((source, options),) = notebook.lab.imported
    assert source is frame
    assert options == {"name": "old_runs", "project": "default", "minimize": ["loss"]}


def test_what_is_neither_file_nor_variable_is_refused(notebook: Notebook) -> None:
    notebook.shell.user_ns["old_runs"] = pd.DataFrame()
    assert 'called old_run: did you mean "old_runs"?' in notebook.refused("%tune import old_run")
    said = notebook.refused("%tune import nothing")
    assert "No variable and no table file is called nothing: a file (.csv, .jsonl …)" in said
    assert notebook.lab.imported == []


@pytest.mark.parametrize("name", ["job.json", "job.yaml", "folder/JOB.YML"])
def test_a_request_still_goes_where_requests_go(notebook: Notebook, name: str) -> None:
    notebook.run(f"%tune import {name}")
    assert (notebook.lab.submitted, notebook.lab.imported) == ([name], [])


def test_the_magic_line_says_what_it_made_of_a_table(notebook: Notebook, tmp_path: Path) -> None:
    unload_ipython_extension(notebook.shell)
    load_ipython_extension(notebook.shell)
    path = tmp_path / "runs.csv"
    path.write_text("lr,note,loss\n" + "".join(f"0.{n + 1},remark {n},{n}\n" for n in range(60)))
    lines = notebook.run(f"%tune import {path} --minimize loss").splitlines()
    assert lines == [
        "runs SUCCEEDED · 60/60 trials · best loss 0 (trial 0) · imported from runs.csv: 60 trials",
        "  read as a table with parameters lr",
        "  left out: note (60 different texts)",
    ]
    assert lines[0].split()[0] in notebook.run("%tune")
