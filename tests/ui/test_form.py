from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.spaces import OPTIONS, WORDS, spaces

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.spec import (
    CONSTRUCTORS,
    AnyDimension,
    Categorical,
    Constraint,
    Definition,
    Discrete,
    ExecutorKind,
    Float,
    Int,
    JobSpec,
    Program,
    Pruning,
    Space,
    objectives_of,
    option_fields,
)
from astraml_lab.spec.options import read_options
from astraml_lab.ui.cell_text import body_without, cell_of
from astraml_lab.ui.form import TuneForm
from astraml_lab.ui.form_fields import OptionField
from astraml_lab.ui.form_text import json_of
from astraml_lab.ui.form_words import dimension_of, entered_of
from astraml_lab.ui.places import put

SPACE: dict[str, AnyDimension] = {
    "lr": Float(1e-4, 1e-1, log=True),
    "width": Int(16, 256, step=16),
    "optimizer": Categorical(["sgd", "adamw", "true", None, True, 3, "a, b"]),
    "momentum": Float(0.5, 0.99, when={"optimizer": "sgd"}),
    "batch": Discrete([32, 64, 128]),
}
SPEC = JobSpec(
    name="my digits",
    tag={"team": "vision", "note": "a b"},
    trials=40,
    parallel=2,
    devices=(0, 2),
    max_runtime=5400.0,
    prune=Pruning.MEDIAN,
    wait=False,
    definitions=(Definition(space=Space(SPACE), objectives=objectives_of("accuracy")),),
)


def spec_of_cell(cell: str) -> JobSpec:
    line, _, body = cell.partition("\n")
    parsed = parse_cell(body, {kind.__name__: kind for kind in CONSTRUCTORS})
    return read_options(line.removeprefix("%%tune")).spec(parsed.space)


def test_a_specification_survives_the_form() -> None:
    assert TuneForm(SPEC).spec() == SPEC
    for wait in (None, True):
        spec = SPEC.model_copy(update={"wait": wait})
        assert TuneForm(spec).spec() == spec


def test_a_specification_survives_the_cell() -> None:
    assert spec_of_cell(cell_of(SPEC, "report(accuracy=1)")) == SPEC


@settings(max_examples=50)
@given(
    trials=st.integers(1, 1000),
    seconds=st.integers(1, 10**6).map(float) | st.floats(0.001, 1e5),
    name=st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and text == text.strip()),
    gpus=st.none() | st.sampled_from([0.0, 0.25, 1.0, 4.0]),
)
def test_any_options_survive_the_cell(trials: int, seconds: float, name: str, gpus: float | None) -> None:
    definition = Definition(space=Space({"x": Float(0, 1)}), objectives=objectives_of((), "loss"))
    spec = JobSpec(name=name, trials=trials, trial_timeout=seconds, gpus=gpus, definitions=(definition,))
    assert spec_of_cell(cell_of(spec)) == spec


def test_every_option_of_the_specification_has_a_field_with_its_help() -> None:
    form = TuneForm()
    for name, info in option_fields().items():
        if name not in {"check", "form", "dry_run"}:
            assert form.options[name].help == info.description


def test_the_fields_of_what_becomes_of_failed_trials_and_checkpoints_show_what_fits() -> None:
    form = TuneForm(JobSpec(definitions=SPEC.definitions))
    assert form.options["retries"].control.placeholder == "once if it crashed or its kernel died"
    assert form.options["retry_delay"].control.placeholder == "1s"
    assert "best:3" in form.options["keep_checkpoints"].control.options
    for name, text in {
        "retries": "2",
        "retry_delay": "10s",
        "keep_checkpoints": "last:7",
        "warm_start": "digits, 'old digits'",
        "executor": "processes",
    }.items():
        form.options[name].control.value = text
    spec = form.spec()
    assert (spec.retries, spec.retry_delay, spec.keep_checkpoints) == (2, 10.0, "last:7")
    assert (spec.warm_start, spec.executor) == (("digits", "old digits"), ExecutorKind.PROCESSES)
    form.options["keep_checkpoints"].control.value = "some"
    assert not form.check()


def test_constraints_survive_the_form_and_a_bad_one_is_marked() -> None:
    form = TuneForm(JobSpec(definitions=SPEC.definitions))
    field = form.options["subject_to"]
    field.control.value = "latency_ms <= 20, recall >= 0.9"
    spec = form.spec()
    assert list(map(str, spec.subject_to)) == ["latency_ms <= 20", "recall >= 0.9"]
    assert spec_of_cell(cell_of(spec)) == spec
    again = TuneForm(spec)
    assert again.options["subject_to"].control.value == field.control.value
    again.options["trials"].control.value = "7"
    assert again.spec().subject_to == spec.subject_to
    assert form.load(json_of(spec))
    assert form.spec() == spec
    odd = Constraint(metric="a, 'b'", at_least=True, threshold=0.5)
    assert TuneForm(spec.model_copy(update={"subject_to": (odd,)})).spec().subject_to == (odd,)
    field.control.value = "latency_ms < 20"
    assert not form.check()
    assert "latency_ms &lt;= 20" in field._said.value


def test_all_mistakes_are_shown_beside_their_fields_at_once() -> None:
    form = TuneForm(SPEC)
    form.options["trials"].control.value = "many"
    form.space.rows[0].low.value = "7"
    form.space.rows[1].name.value = ""
    form.space.rows[3].when.value = "optimizer: sgd"
    assert not form.check()
    assert "many" in form.options["trials"]._said.value
    assert "✕" in form.space.rows[0]._said.value
    assert "name" in form.space.rows[1]._said.value
    assert "name = value" in form.space.rows[3]._said.value
    with pytest.raises(InvalidSpec) as caught:
        form.spec()
    assert len(caught.value.problems) >= 4
    form.options["trials"].control.value = "5"
    form.check()
    assert "✕" not in form.options["trials"]._said.value


def test_a_condition_on_nothing_is_shown() -> None:
    form = TuneForm(SPEC)
    form.space.rows[2].name.value = "optimiser"
    assert not form.check()
    assert "optimizer" in form.space.rows[3]._said.value + form.message.value


def test_markup_in_a_mistake_is_escaped() -> None:
    form = TuneForm(SPEC)
    form.options["trials"].control.value = "<img src=x onerror=alert(1)>"
    form.check()
    assert "<img" not in form.options["trials"]._said.value + form.message.value


def test_a_good_form_says_so() -> None:
    form = TuneForm(SPEC)
    assert form.check()
    assert "5 dimensions, maximize accuracy, 40 trials" in form.message.value


def test_an_option_that_a_later_version_runs_is_refused_in_one_sentence() -> None:
    form = TuneForm(SPEC)
    form.options["executor"].control.value = "ray"
    assert not form.check()
    assert "--executor ray" in form.message.value


def test_rows_are_added_and_taken_away() -> None:
    form = TuneForm(SPEC)
    form.space.add("dropout", Float(0, 0.5))
    assert form.spec().space.names()[-1] == "dropout"
    form.space.rows[-1].row.children[0].children[-1].click()
    assert form.spec() == SPEC


def test_the_kind_of_a_dimension_decides_which_fields_it_has() -> None:
    form = TuneForm()
    row = form.space.rows[0]
    assert row.values.layout.display == "none"
    row.kind.value = "Categorical"
    assert row.low.layout.display == "none"
    row.values.value = "relu, 'gelu, tanh', 3, true, none"
    assert row.read()[1] == Categorical(["relu", "gelu, tanh", 3, True, None])


@settings(max_examples=150, deadline=None)
@given(spaces())
def test_any_dimension_reads_back_from_its_fields(space: Space) -> None:
    for dimension in space.dimensions.values():
        again = dimension_of(entered_of(dimension))
        assert repr(again) == repr(dimension)
        assert again == dimension


@settings(max_examples=20, deadline=None)
@given(spaces())
def test_any_space_survives_the_form(space: Space) -> None:
    definition = Definition(space=space, objectives=objectives_of("val/acc ", "a, b"))
    spec = JobSpec(definitions=(definition,))
    assert TuneForm(spec).spec() == spec


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, WORDS, max_size=3), st.lists(WORDS.filter(bool), max_size=3))
def test_any_tags_and_lists_read_back_from_their_fields(tags: dict[str, str], jobs: list[str]) -> None:
    fields = option_fields()
    for name, value in (("tag", tags), ("warm_start", tuple(jobs))):
        field = OptionField(name, fields[name], value)
        assert field.value() == value
        assert type(value)(field._read(field.control.value)) == value


@settings(max_examples=25, deadline=None)
@given(OPTIONS)
def test_any_options_read_back_from_their_fields(given_options: dict[str, Any]) -> None:
    definition = Definition(space=Space({"x": Int(0, 9)}), objectives=objectives_of("acc"))
    spec = JobSpec(definitions=(definition,), **given_options)
    form = TuneForm(spec)
    assert form.spec() == spec
    for field in form.options.values():
        field._entered_first = None  # as if every field had been edited
    assert form.spec() == spec


class Net:
    """An object behind a label."""


def test_objects_behind_labels_survive_the_form_and_the_cell_that_is_written_again() -> None:
    source = 'net = Categorical({"small": Net, "large": [Net, Net]})\nreport(accuracy=len(str(net)))'
    names: dict[str, Any] = {"Categorical": Categorical, "Net": Net}
    parsed = parse_cell(source, names)
    definition = Definition(
        space=parsed.space, objectives=objectives_of("accuracy"), program=Program(kind="cell", source=source)
    )
    form = TuneForm(JobSpec(definitions=(definition,)))
    read = form.spec().space["net"]
    assert isinstance(read, Categorical)
    assert read.decode("small") is Net
    assert source.splitlines()[0] in form.write_as_cell()
    form.space.rows[0].values.value = "large"
    _, fewer = form.space.rows[0].read()
    assert isinstance(fewer, Categorical)
    assert fewer.decode("large") == [Net, Net]
    form.space.rows[0].values.value = "large, huge"
    assert not form.check()
    assert "no object has this label" in form.space.rows[0]._said.value


def test_objects_that_have_no_text_are_refused_in_one_sentence() -> None:
    definition = Definition(
        space=Space({"net": Categorical({"net": Net})}), objectives=objectives_of("accuracy")
    )
    with pytest.raises(InvalidSpec) as caught:
        cell_of(JobSpec(definitions=(definition,)))
    assert "objects, which have no text" in str(caught.value)


def test_several_definitions_are_refused() -> None:
    two = tuple(Definition(name=name, objectives=objectives_of("loss")) for name in ("a", "b"))
    with pytest.raises(InvalidSpec, match="the form holds one"):
        TuneForm(JobSpec(definitions=two))
    with pytest.raises(InvalidSpec, match="a cell holds one"):
        cell_of(JobSpec(definitions=two))


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("lr = Float(0, 1); rate = lr * 2\nreport(loss=rate)", "rate = lr * 2\nreport(loss=rate)"),
        ("a = 1; lr = Float(0, 1)  # why\nreport(loss=a)", "a = 1  # why\nreport(loss=a)"),
        ("a = 1; lr = Float(0, 1); b = 2\nreport(loss=a)", "a = 1; b = 2\nreport(loss=a)"),
        ("lr = Float(0, 1); w = Int(1, 2);  # both\nreport(loss=lr)", "report(loss=lr)"),
        (
            "a = 'é\x0c'; lr = Float(0, 1)\n\x0c\nlr = lr * 2\nreport(loss=lr)",
            "a = 'é\x0c'\n\x0c\nlr = lr * 2\nreport(loss=lr)",
        ),
        ("a = 1; \\\nlr = Float(0, 1)\nfor b in (): pass", "a = 1\nfor b in ():\n    pass"),
        ("lr = Float(0, 1)\r\nreport(loss=lr)\r\n", "report(loss=lr)"),
        ("if", "if"),
    ],
)
def test_only_the_dimensions_are_taken_out_of_a_cell(source: str, body: str) -> None:
    assert body_without(source, ["lr", "w"]) == body


@pytest.mark.parametrize("metrics", [(), ("accuracy",), ("val/acc", "class")])
def test_the_empty_cell_shows_a_report_that_is_python(metrics: tuple[str, ...]) -> None:
    definition = Definition(objectives=objectives_of(metrics))
    last = cell_of(JobSpec(definitions=(definition,))).splitlines()[-1]
    tree = ast.parse(last.removeprefix("# "))
    assert all(metric in ast.unparse(tree) for metric in metrics)


def test_a_name_that_is_no_python_name_cannot_be_written_as_a_cell() -> None:
    form = TuneForm(SPEC)
    form.space.rows[0].name.value = "learning rate"
    assert form.write_as_cell() == ""
    assert "learning rate" in form.space.rows[0]._said.value + form.message.value


def test_the_form_of_a_cell_leaves_its_dimensions_out_of_the_body() -> None:
    source = "lr = Float(1e-4, 1e-1, log=True)\nwidth: int = Int(\n    16, 256)\nlr2 = 1\nreport(loss=lr)"
    assert body_without(source, ["lr", "width"]) == "lr2 = 1\nreport(loss=lr)"
    definition = Definition(
        space=Space({"lr": SPACE["lr"]}),
        objectives=objectives_of((), "loss"),
        program=Program(kind="cell", source="lr = Float(1e-4, 1e-1, log=True)\nreport(loss=lr)"),
    )
    form = TuneForm(JobSpec(definitions=(definition,)))
    text = form.write_as_cell()
    assert text.count("Float(") == 1


class Lab:
    """A facade that keeps what it is asked to launch."""

    def __init__(self) -> None:
        self.launched: list[tuple[JobSpec, Any]] = []

    def launch(self, spec: JobSpec, code: Any) -> Any:
        self.launched.append((spec, code))
        return type("Launched", (), {"name": spec.name, "project": spec.project})()


def test_launch_hands_over_the_cell() -> None:
    lab = Lab()
    form = TuneForm(SPEC, body="report(accuracy=lr * width)", lab=lab)
    assert form.launch() is form.job
    spec, code = lab.launched[0]
    assert spec.space == SPEC.space
    assert spec.wait is False
    assert spec.definitions[0].program is not None
    assert code.program.kind == "cell"


def test_the_launched_job_is_shown_in_the_form_and_its_final_picture_takes_that_place() -> None:
    class ShowingLab(Lab):
        def launch(self, spec: JobSpec, code: Any) -> Any:
            self.place = put({"text/plain": "running"})
            return super().launch(spec, code)

    labs = [ShowingLab(), ShowingLab()]
    form = TuneForm(SPEC, body="report(accuracy=lr)", lab=labs[0])
    form.launch()
    (first,) = form._shown.children
    form._lab = labs[1]
    form.launch()
    labs[0].place.update({"text/plain": "the first is over"}, raw=True)
    labs[1].place.update({"text/plain": "over"}, raw=True)
    (shown,) = form._shown.children
    assert first.comm is None  # no widget is left behind for it
    assert [output["data"] for output in shown.outputs] == [{"text/plain": "over"}]


def test_launch_hands_over_a_function() -> None:
    def train(lr: float, width: int, **others: object) -> float:
        return lr * width + len(others)

    lab = Lab()
    TuneForm(SPEC, body=train, lab=lab).launch()
    assert lab.launched[0][1].program.kind == "function"


def test_nothing_is_launched_with_a_mistake_or_without_a_program() -> None:
    lab = Lab()
    assert TuneForm(SPEC, lab=lab).launch() is None
    form = TuneForm(SPEC, body="report(accuracy=1)", lab=lab)
    form.options["trials"].control.value = "0"
    assert form.launch() is None
    broken = TuneForm(SPEC, body="report(", lab=lab)
    assert broken.launch() is None
    assert broken.message.value
    assert not lab.launched
