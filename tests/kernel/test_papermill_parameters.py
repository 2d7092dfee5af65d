"""A `%%tune` cell under `papermill -p`: what reaches its options, what it prints, and how it fails."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from plugins.notebooks import write_notebook

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CELL = """
%%tune --maximize score --trials {trials} --parallel $parallel --max-runtime budget --window slice --name n
x = Float(0.0, 1.0)

import time
for step in range(40):
    time.sleep(0.03)
    report(score=x * scale)
"""
FAILS = """
%%tune --maximize score --trials trials --name broken --no-wait
x = Float(0.0, 1.0)
raise ValueError("no data")
"""
DEFAULTS = "trials = 1\nparallel = 1\nbudget = '1m'\nslice = 30\nscale = 1.0"


def papermill(notebook: Path, *options: str) -> subprocess.CompletedProcess[str]:
    output = str(notebook.with_name("output.ipynb"))
    command = [sys.executable, "-m", "papermill", str(notebook), output, "--no-progress-bar", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def texts(notebook: Path) -> str:
    cells = nbformat.read(notebook.with_name("output.ipynb"), as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join(str(each.get("text", "")) for each in outputs)


def test_parameters_reach_the_cell_and_its_options_and_a_line_is_printed_per_window(tmp_path: Path) -> None:
    after = """
job = lab.job('n')
view = job.view()
print(job.spec.trials, job.spec.max_runtime, view.state)
print("seconds", view.ended_at - view.created_at)
"""
    load = "%load_ext astraml_lab\nimport astraml_lab as lab"
    notebook = write_notebook(tmp_path / "night.ipynb", DEFAULTS, load, CELL.strip(), after, "%tune wait")
    given = ["-p", "trials", "2", "-p", "budget", "2h", "-p", "slice", "1", "-p", "scale", "100.0"]
    done = papermill(notebook, *given)
    assert done.returncode == 0, done.stderr
    said = texts(notebook)
    assert "2 7200.0 SUCCEEDED" in said
    lines = [line for line in said.splitlines() if line.startswith("n  ")]
    seconds = next(float(line.split()[1]) for line in said.splitlines() if line.startswith("seconds "))
    assert 3 <= len(lines) <= seconds + 3, said
    assert "2/2 trials" in lines[-1]
    assert "n SUCCEEDED" in said
    stored = notebook.with_name("output.ipynb").read_text()
    assert "application/vnd.plotly.v1+json" in stored
    assert "widget-view" not in stored


def test_waiting_for_a_failed_job_fails_the_notebook(tmp_path: Path) -> None:
    never = "print('ran on')"
    notebook = write_notebook(
        tmp_path / "broken.ipynb", "trials = 1", "%load_ext astraml_lab", FAILS.strip(), "%tune wait", never
    )
    done = papermill(notebook)
    assert done.returncode != 0
    assert "JobFailed: broken FAILED" in done.stderr
    assert "ran on" not in texts(notebook)
