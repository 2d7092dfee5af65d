"""Jobs as text, into the form and out of it."""

from __future__ import annotations

import json
import keyword
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.spaces import NAMES, OPTIONS, spaces

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives import call_in
from astraml_lab.objectives.function_call import call_of
from astraml_lab.spec import Categorical, Definition, Float, Int, JobSpec, Space, objectives_of
from astraml_lab.ui.cell_text import cell_of
from astraml_lab.ui.form import TuneForm
from astraml_lab.ui.form_text import job_in, json_of

BODY = "for step in range(3):\n    report(accuracy=step, loss=1)"
LOSS = {"objectives": [{"metric": "loss", "goal": "minimize"}]}
CELL = "%%tune --maximize accuracy --trials 7\nlr = Float(1e-4, 1e-1, log=True)\n\nreport(accuracy=lr)"
IDENTIFIERS = st.from_regex(r"[a-z_]{1,6}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name) and name not in {"report", "trial", "device", "range", "step"}
)


# A grid over floats would never end.
ANY = OPTIONS.map(lambda options: {**options, "strategy": "random"})


def written(spec: JobSpec) -> JobSpec:
    """Leave out what no text holds: how a cell was parsed, and the kind of its program."""
    definition = spec.definitions[0].model_copy(update={"program": None})
    return spec.model_copy(update={"definitions": (definition,)})


@settings(max_examples=15, deadline=None)
@given(spaces(IDENTIFIERS), ANY)
def test_a_cell_that_is_read_and_written_again_is_the_same_job(space: Space, options: dict[str, Any]) -> None:
    definition = Definition(space=space, objectives=objectives_of("accuracy"))
    cell = cell_of(JobSpec(definitions=(definition,), **options), BODY)
    form = TuneForm()
    assert form.load(cell), form.message.value
    assert form.spec() == JobSpec(definitions=(definition,), **options)
    assert form.program.body.value == BODY
    again = form.write_as_cell()
    assert again == cell
    assert written(job_in(again, {})) == written(job_in(cell, {}))


@settings(max_examples=15, deadline=None)
@given(spaces(NAMES), ANY)
def test_json_that_is_read_and_saved_again_is_the_same_job(space: Space, options: dict[str, Any]) -> None:
    definition = Definition(space=space, objectives=objectives_of("val/acc", "a, b"))
    spec = JobSpec(
        definitions=(definition,), **{**options, "target": None, "patience": None, "prune": "auto"}
    )
    form = TuneForm()
    assert form.load(json_of(spec)), form.message.value
    assert form.spec() == spec
    saved = JobSpec.model_validate_json(form.save())
    assert saved == spec


@settings(max_examples=15, deadline=None)
@given(spaces(NAMES), ANY)
def test_a_call_that_is_written_reads_back_as_the_same_job(space: Space, options: dict[str, Any]) -> None:
    spec = JobSpec(
        definitions=(Definition(space=space, objectives=objectives_of("accuracy")),),
        **options,
    )
    read = call_in(call_of("train", spec), {})
    assert read is not None
    assert read.definitions[0].program is not None
    assert read.definitions[0].program.source == "train"
    assert written(read) == spec


def test_what_the_cell_runs_travels_in_the_json() -> None:
    form = TuneForm()
    assert form.load(CELL)
    text = form.save()
    assert json.loads(text)["definitions"][0]["program"]["kind"] == "cell"
    other = TuneForm()
    assert other.load(text)
    assert other.program.body.value == "report(accuracy=lr)"
    assert other.write_as_cell() == form.write_as_cell()


def test_objects_behind_labels_come_back_with_the_notebooks_names() -> None:
    cell = '%%tune --maximize a\nnet = Categorical({"small": int, "large": float})\nreport(a=1)\n'
    form = TuneForm()
    assert form.load(cell)
    again = TuneForm()
    assert again.load(form.save())
    found = again.spec().space["net"]
    assert isinstance(found, Categorical)
    assert found.decode("large") is float
    assert again.write_as_cell() == cell.replace("\nreport", "\n\nreport")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"trials": 0, "strategie": 1, "definitions": [{"space": {"lr": {"type": "float", "low": 2}}}]}',
            ["trials", "strategie", "definitions[0].space.lr.high"],
        ),
        ('{"trials": 3,}', ["line 1"]),
        ("[1]", ["must be a %%tune cell"]),
        ("hello", ["must be a %%tune cell"]),
        ("", ["must be a %%tune cell"]),
        ("%%tune --trails 3\nlr = Float(2, 1)", ["--trails", "line 2"]),
        ("{" * 100_000, ["JSON"]),
        (json.dumps({"definitions": [LOSS, {**LOSS, "name": "other"}]}), ["the form holds one"]),
        ("tune(train, trials=open('x'))", ["only plain values"]),
        ("tune(train, **options)", ["options", "only plain values"]),
        ("tune(train, {'lr': Float(1)})", ["high"]),
        ("tune(train, maximize=3)", ["int"]),
    ],
)
def test_text_that_is_no_job_is_refused_with_every_mistake(text: str, says: list[str]) -> None:
    form = TuneForm()
    form.options["trials"].control.value = "11"
    assert not form.load(text)
    for words in says:
        assert words in form.message.value
    assert form.options["trials"].control.value == "11"


def test_a_file_that_is_chosen_is_read() -> None:
    form = TuneForm()
    about = {"name": "x.json", "type": "", "size": 9, "last_modified": datetime.now(UTC)}
    form.opening.file.set_trait("value", ({**about, "content": CELL.encode()},))
    assert form.options["trials"].control.value == "7"
    assert form.opening.file.value == ()


def test_a_job_that_tunes_a_function_is_written_as_a_call() -> None:
    def train(lr: float, width: int) -> float:
        return lr * width

    space = Space({"lr": Float(0, 1), "width": Int(1, 9)})
    spec = JobSpec(
        name="x", trials=3, definitions=(Definition(space=space, objectives=objectives_of("acc")),)
    )
    text = TuneForm(spec, body=train).write_as_cell()
    assert text.startswith(
        "from astraml_lab import Float, Int, tune\n\njob = tune(\n    train,\n    space={\n"
    )
    compile(text, "cell", "exec")
    form = TuneForm(body=train)
    assert form.load(text)
    assert (form.program.chosen.name, form.program.entered) == ("function", "train")
    assert form.spec() == spec


def test_a_space_that_is_given_without_its_name_is_read() -> None:
    found = call_in("tune(train, {'lr': Float(0, 1)}, maximize='accuracy')", {})
    assert found is not None
    assert found.space == Space({"lr": Float(0, 1)})


def test_a_call_whose_choices_are_objects_is_refused() -> None:
    space = Space({"net": Categorical({"a": int})})
    with pytest.raises(InvalidSpec, match="objects, which have no text"):
        call_of("train", JobSpec(definitions=(Definition(space=space, objectives=objectives_of("a")),)))
