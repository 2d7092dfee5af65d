from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astraml_lab.errors import InvalidSpec
from astraml_lab.magics.options import parse_options
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.spec import (
    CONSTRUCTORS,
    AnyDimension,
    Categorical,
    Definition,
    Discrete,
    Float,
    Int,
    JobSpec,
    Program,
    Pruning,
    Space,
    objectives_of,
    option_fields,
)
from astraml_lab.ui.cell_text import body_without, cell_of
from astraml_lab.ui.form import TuneForm

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
    return parse_options(line.removeprefix("%%tune")).spec(parsed.space)


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


def test_all_mistakes_are_shown_beside_their_fields_at_once() -> None:
    form = TuneForm(SPEC)
    form.options["trials"].control.value = "many"
    form.dimensions[0].low.value = "7"
    form.dimensions[1].name.value = ""
    form.dimensions[3].when.value = "optimizer: sgd"
    assert not form.check()
    assert "many" in form.options["trials"]._said.value
    assert "✕" in form.dimensions[0]._said.value
    assert "name" in form.dimensions[1]._said.value
    assert "name = value" in form.dimensions[3]._said.value
    with pytest.raises(InvalidSpec) as caught:
        form.spec()
    assert len(caught.value.problems) >= 4
    form.options["trials"].control.value = "5"
    form.check()
    assert "✕" not in form.options["trials"]._said.value


def test_a_condition_on_nothing_is_shown() -> None:
    form = TuneForm(SPEC)
    form.dimensions[2].name.value = "optimiser"
    assert not form.check()
    assert "optimizer" in form.dimensions[3]._said.value + form.message.value


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
    form.options["retries"].control.value = "3"
    assert not form.check()
    assert "--retries" in form.message.value


def test_rows_are_added_and_taken_away() -> None:
    form = TuneForm(SPEC)
    form._add_dimension("dropout", Float(0, 0.5))
    assert form.spec().space.names()[-1] == "dropout"
    form._dimension_box.children[-1].children[0].children[-1].click()
    assert form.spec() == SPEC


def test_the_kind_of_a_dimension_decides_which_fields_it_has() -> None:
    form = TuneForm()
    row = form.dimensions[0]
    assert row.values.layout.display == "none"
    row.kind.value = "Categorical"
    assert row.low.layout.display == "none"
    row.values.value = "relu, 'gelu, tanh', 3, true, none"
    assert row.read()[1] == Categorical(["relu", "gelu, tanh", 3, True, None])


def test_a_name_that_is_no_python_name_cannot_be_written_as_a_cell() -> None:
    form = TuneForm(SPEC)
    form.dimensions[0].name.value = "learning rate"
    assert form.write_as_cell() == ""
    assert "learning rate" in form.dimensions[0]._said.value + form.message.value


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
    assert text == form.cell.value


class Lab:
    """A facade that keeps what it is asked to launch."""

    def __init__(self) -> None:
        self.launched: list[tuple[JobSpec, Any]] = []

    def launch(self, spec: JobSpec, code: Any) -> Any:
        self.launched.append((spec, code))
        return type("Launched", (), {"name": spec.name})()


def test_launch_hands_over_the_cell() -> None:
    lab = Lab()
    form = TuneForm(SPEC, body="report(accuracy=lr * width)", lab=lab)
    assert form.launch() is form.job
    spec, code = lab.launched[0]
    assert spec.space == SPEC.space
    assert spec.wait is False
    assert spec.definitions[0].program is not None
    assert code.program.kind == "cell"


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
