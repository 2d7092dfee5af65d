"""`tune("train.py")`, the form's "a script", and the cells that are written for such jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import astraml_lab as lab
from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.jobs.cells import narrowed_cell
from astraml_lab.jobs.foreground_cell import foreground_cell
from astraml_lab.lab import build_spec
from astraml_lab.objectives import KINDS, ScriptCode, call_in
from astraml_lab.spec import Float, objectives_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a script into the working directory."""
    path = tmp_path / "project" / "train.py"
    path.parent.mkdir()
    path.write_text("import sys; print('score=' + sys.argv[sys.argv.index('--x') + 1])\n")
    monkeypatch.chdir(path.parent)
    return path


@pytest.mark.usefixtures("train")
def test_tune_takes_the_path_of_a_script_and_a_command() -> None:
    job = lab.tune("train.py", space={"x": Float(0.0, 1.0)}, maximize="score", trials=2, wait=True)
    view = job.trials[1].view()
    assert view.values == (view.params["x"],)
    echo = lab.Command("sh", "-c", 'echo "score=$2"', "sh")
    job = lab.tune(echo, space={"x": Float(0.0, 1.0)}, maximize="score", trials=1, wait=True)
    view = job.trials[0].view()
    assert view.values == (view.params["x"],)


@pytest.mark.usefixtures("train")
def test_a_job_of_a_script_or_a_command_goes_on_with_more_trials() -> None:
    space = {"x": Float(0.0, 1.0)}
    for name, target in (("path", "train.py"), ("words", lab.Command("sh", "-c", "echo score=1"))):
        lab.tune(target, space=space, maximize="score", trials=1, name=name, wait=True)
        assert len(lab.resume(name, trials=2).wait(120).trials) == 2


def test_a_script_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(InvalidSpec, match="there is no file"):
        lab.tune("nonesuch.py", space={"x": Float(0.0, 1.0)}, maximize="score")


def test_the_form_offers_a_script_and_writes_the_call_that_runs_it(train: Path) -> None:
    kind = KINDS["script"]
    spec = build_spec({"x": Float(0.0, 1.0)}, objectives_of(["score"], []), {"trials": 3})
    made = kind.make(" train.py ", spec, {})
    assert isinstance(made.code, ScriptCode)
    assert made.code.program.source == str(train)
    assert kind.write is not None
    cell = kind.write("train.py", spec)
    assert 'tune(\n    "train.py",' in cell
    again = call_in(cell, {"Float": Float})
    assert again is not None
    program = again.definitions[0].program
    assert program is not None
    assert (program.kind, program.source) == ("script", "train.py")
    assert again.space == spec.space


@pytest.mark.usefixtures("train")
def test_a_job_of_a_script_can_be_narrowed_and_says_that_it_cannot_be_stepped_through() -> None:
    job = lab.tune(
        "train.py", space={"x": Float(0.0, 1.0)}, maximize="score", trials=2, name="wide", wait=True
    )
    cell = narrowed_cell(job, [0], name="narrow", source="wide")
    assert "train.py" in cell
    assert 'warm_start=("wide",)' in cell.replace("'", '"')
    with pytest.raises(NotFound, match="runs a script"):
        foreground_cell(job.spec, job.trials[0].view(), '"wide", 0')


def test_a_command_that_holds_a_key_is_refused_and_the_key_not_repeated() -> None:
    key = "ghp_" + "abcdefghij" * 3
    with pytest.raises(InvalidSpec, match="the command; holds a key or a password") as refused:
        lab.tune(
            lab.Command("python", "train.py", f"--token={key}"), {"x": lab.Float(0, 1)}, maximize="score"
        )
    assert key not in str(refused.value)
