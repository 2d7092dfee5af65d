"""What is refused of a notebook before anything runs, and what makes it the same notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from plugins.notebooks import PYTHON, write_notebook

import astraml_lab as lab
from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.notebook_source import read_notebook
from astraml_lab.spec import Categorical, Discrete, Float, Int

if TYPE_CHECKING:
    from pathlib import Path

DECLARED = """
lr: float = 0.1  # the rate
width = 3
epochs = 2  # type: int
act: str = "relu"
depth: "int | None" = None
"""


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a notebook into the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_notebook(tmp_path / "train.ipynb", DECLARED, "print(lr)")


def refused(notebook: Any, space: dict[str, Any]) -> list[str]:
    """Return the mistakes of a job, each as a sentence."""
    with pytest.raises(InvalidSpec) as caught:
        lab.tune(notebook=notebook, space=space, maximize="score")
    return [str(each) for each in caught.value.problems]


def test_what_a_notebook_declares_is_read_with_its_types(train: Path) -> None:
    declared = read_notebook(train, "train.ipynb").declared
    assert declared == {"lr": "float", "width": "", "epochs": "int", "act": "str", "depth": "int | None"}


@pytest.mark.usefixtures("train")
def test_a_name_that_it_does_not_declare_is_refused_with_those_that_it_does() -> None:
    (said,) = refused("train.ipynb", {"lrr": Float(0.0, 1.0)})
    assert said == (
        "space.lrr; train.ipynb declares no such parameter; it declares: lr, width, epochs, act, depth "
        '(did you mean "lr"?)'
    )


@pytest.mark.usefixtures("train")
def test_types_are_checked_as_far_as_they_are_declared_and_all_mistakes_are_told_at_once() -> None:
    space = {
        "epochs": Float(1.0, 5.0),
        "lr": Categorical([0.1, "auto"]),
        "act": Discrete([1.0, 2.0]),
        "width": Categorical(["any"]),
        "depth": Int(1, 3),
    }
    assert refused("train.ipynb", space) == [
        "space.epochs is Float; train.ipynb declares it as int, and it may be 1.0",
        'space.lr is Categorical; train.ipynb declares it as float, and it may be "auto"',
        "space.act is Discrete; train.ipynb declares it as str, and it may be 1",
    ]


@pytest.mark.usefixtures("train")
def test_what_it_is_given_beside_the_space_is_checked_too() -> None:
    given = {"lr": 0.5, "epochs": "many", "nonesuch": 1, "act": {"secret": "TOKEN"}, "width": object}
    said = refused(lab.Notebook("train.ipynb", parameters=given), {"lr": Float(0.0, 1.0)})
    assert said[0] == "parameters.lr is 0.5; varies in the space already"
    assert said[1] == 'parameters.epochs is "many"; train.ipynb declares it as int'
    assert said[2].startswith("parameters.nonesuch; train.ipynb declares no such parameter")
    assert "would stand in the executed notebook" in said[3]
    assert "a number, a text" in said[4]


@pytest.mark.usefixtures("train")
def test_a_key_that_is_written_out_is_refused_without_being_repeated() -> None:
    (said,) = refused(lab.Notebook("train.ipynb", parameters={"act": "hf_" + "x1" * 20}), {})
    assert "a key or a password" in said
    assert "x1x1" not in said


def test_a_notebook_without_the_tagged_cell_or_with_no_kernel_here_is_refused(train: Path) -> None:
    write_notebook(train, "", "print(1)")
    (said,) = refused("train.ipynb", {"lr": Float(0.0, 1.0)})
    assert "no cell tagged `parameters`" in said
    write_notebook(train, DECLARED, kernel={**PYTHON, "name": "pithon3"})
    (said,) = refused("train.ipynb", {"lr": Float(0.0, 1.0)})
    assert said.startswith('kernel is "pithon3"; one of')
    assert 'did you mean "python3"?' in said
    write_notebook(train, DECLARED, kernel={})
    (said,) = refused("train.ipynb", {"lr": Float(0.0, 1.0)})
    assert said.startswith("kernel; train.ipynb names no kernel (Notebook(")
    (said,) = refused(lab.Notebook("train.ipynb", kernel="ir"), {"lr": Float(0.0, 1.0)})
    assert said.startswith('kernel is "ir"')


def test_what_is_no_notebook_is_refused_in_a_sentence(train: Path) -> None:
    (said,) = refused("nonesuch.ipynb", {"lr": Float(0.0, 1.0)})
    assert "there is no file" in said
    train.write_text("print(1)")
    (said,) = refused("train.ipynb", {"lr": Float(0.0, 1.0)})
    assert "no notebook of format 4" in said
    train.write_text(json.dumps({"nbformat": 3, "cells": []}))
    (said,) = refused("train.ipynb", {"lr": Float(0.0, 1.0)})
    assert "of format 3" in said
    (said,) = refused("", {"lr": Float(0.0, 1.0)})
    assert "its path" in said


@pytest.mark.usefixtures("train")
def test_objects_behind_labels_and_two_objectives_are_refused() -> None:
    (said,) = refused("train.ipynb", {"act": Categorical({"relu": max})})
    assert "choices are objects" in said
    with pytest.raises(InvalidSpec, match="both an objective and notebook="):
        lab.tune("train.py", notebook="train.ipynb", maximize="score")
    with pytest.raises(InvalidSpec, match="a script, a Finetune, or notebook="):
        lab.tune(maximize="score")


def test_outputs_comments_and_text_make_no_other_notebook_and_code_does(train: Path) -> None:
    before = read_notebook(train, "").digest
    content = json.loads(train.read_text())
    code = content["cells"][2]
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["0.1\n"]}]
    code["execution_count"] = 7
    code["source"] = ["print( lr )  # the rate"]
    content["cells"][0]["source"] = ["# Another title"]
    train.write_text(json.dumps(content))
    found = read_notebook(train, "")
    assert found.digest == before
    assert "0.1\\n" not in found.text
    code["source"] = ["print(lr + 1)"]
    train.write_text(json.dumps(content))
    assert read_notebook(train, "").digest != before
    code["source"] = ["%time print(lr)"]
    train.write_text(json.dumps(content))
    assert read_notebook(train, "").digest != before
