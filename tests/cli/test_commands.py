from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import nbformat
import pytest
from typer.testing import CliRunner

import astraml_lab as lab
from astraml_lab.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

RUN = [sys.executable, "-c", "from astraml_lab.cli import main; main()"]


@pytest.fixture
def digits() -> None:
    lab.tune(lambda x: x, {"x": lab.Float(0, 1)}, maximize="score", trials=2, name="digits")


@pytest.mark.usefixtures("digits")
def test_jobs_are_listed_and_shown_for_people_and_for_programs() -> None:
    runner = CliRunner()

    assert "digits" in runner.invoke(app, ["list"]).output
    (row,) = json.loads(runner.invoke(app, ["list", "--json"]).output)
    assert (row["name"], row["project"], row["state"], row["trials"]) == ("digits", "default", "SUCCEEDED", 2)
    shown = runner.invoke(app, ["show", "digits"]).output
    assert "digits SUCCEEDED · 2/2 trials" in shown
    assert "trial 1 complete" in shown
    facts = json.loads(runner.invoke(app, ["show", "digits", "--json"]).output)
    assert facts["job"] == row
    assert [trial["number"] for trial in facts["trials"]] == [0, 1]


def test_an_empty_store_says_so() -> None:
    assert CliRunner().invoke(app, ["list"]).output.strip() == "No job yet."


def test_our_errors_are_one_sentence_and_exit_status_2() -> None:
    ran = subprocess.run([*RUN, "show", "nothing"], capture_output=True, text=True, check=False)

    assert ran.returncode == 2
    assert ran.stderr.startswith("astraml: no job 'nothing' in project default")
    assert "Traceback" not in ran.stderr


def test_the_quickstart_trains_and_says_what_came_out(tmp_path: Path) -> None:
    output = tmp_path / "executed.ipynb"
    tiny = ["--trials", "3", "--epochs", "1", "--output", str(output)]
    ran = subprocess.run([*RUN, "quickstart", *tiny], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    for said in ("3 trials, 2 at once", "Best accuracy: trial", "The Pareto front", str(output), "is back:"):
        assert said in ran.stdout
    assert "WARNING" not in ran.stdout + ran.stderr
    cells = nbformat.read(output, as_version=4).cells
    tuned = next(cell for cell in cells if cell.source.startswith("%%tune"))
    picture = tuned.outputs[0].data
    assert "application/vnd.plotly.v1+json" in picture
    assert "application/vnd.jupyter.widget-view+json" not in picture
    assert output.stat().st_size < 600_000


def test_a_failing_quickstart_exits_with_status_1_and_says_why(tmp_path: Path) -> None:
    wrong = ["--trials", "1", "--name", "x" * 300, "--output", str(tmp_path / "executed.ipynb")]
    ran = subprocess.run([*RUN, "quickstart", *wrong], capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "1 to 200 printable characters" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*RUN, "quickstart", "--output", str(tmp_path / "no" / "such.ipynb")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "its folder must exist" in ran.stderr) == (2, True)
