"""What runs, as the form asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.getipython import get_ipython
from plugins.notebooks import write_notebook
from plugins.patience import until

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.objectives import KINDS, Asks, FunctionCode, Made, Notebook, ObjectiveKind, notebook_job
from astraml_lab.objectives.kinds import functions_of
from astraml_lab.spec import Definition, Float, JobSpec, Space, objectives_of
from astraml_lab.trial import report
from astraml_lab.ui.form import TuneForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DEFINITION = Definition(space=Space({"lr": Float(0, 1)}), objectives=objectives_of("accuracy"))


def train(lr: float) -> float:
    return lr


class Lab:
    def __init__(self) -> None:
        self.asked: list[tuple[str, JobSpec, Any]] = []

    def launch(self, spec: JobSpec, code: Any) -> Any:
        self.asked.append(("launch", spec, code))
        return type("Launched", (), {"name": spec.name or "made up", "project": spec.project})()

    def preflight(self, spec: JobSpec, code: Any) -> str:
        self.asked.append(("check", spec, code))
        return "Configuration 0 ran on <cpu>."


@pytest.fixture
def script() -> Iterator[ObjectiveKind]:
    def make(text: str, spec: JobSpec, _names: Mapping[str, Any]) -> Made:
        return Made(spec.space, FunctionCode({"train.py": train}[text], spec.space, spec.objectives))

    before = KINDS["script"]
    kind = ObjectiveKind("script", "a script", "A Python file.", Asks.LINE, make)
    KINDS.register(kind)
    yield kind
    KINDS.register(before)


def test_the_kinds_of_objective_are_those_of_the_registry(script: ObjectiveKind) -> None:
    lab = Lab()
    form = TuneForm(JobSpec(definitions=(DEFINITION,)), lab=lab, patience=0)
    assert [name for _, name in form.program.kind.options][:3] == ["cell", "function", "script"]
    form.program.kind.value = script.name
    assert script.help in form.program._said.value
    assert form.program.body.layout.display == "none"
    form.program.line.value = "train.py"
    form.launch()
    assert isinstance(lab.asked[0][2], FunctionCode)


def test_the_functions_of_the_notebook_are_offered_and_neither_ours_nor_hidden_ones() -> None:
    own: dict[str, Any] = {}
    exec("def first(): ...\ndef second(): ...\ndef _hidden(): ...", {"__name__": "__main__"}, own)  # noqa: S102
    names = {"report": report, "train": train, "Float": Float, "three": 3, "get_ipython": get_ipython, **own}
    assert functions_of(names) == ["second", "first", "train"]


def test_a_function_that_the_notebook_does_not_know_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidSpec, match="did you mean"):
        KINDS["function"].make("trian", JobSpec(definitions=(DEFINITION,)), {"train": train})


def test_a_form_of_a_notebook_keeps_its_kernel_and_what_it_is_given(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "train.ipynb", "lr = 0.1\nepochs = 1", "1 + 1")
    spec = JobSpec(definitions=(DEFINITION,))
    spec, _ = notebook_job(Notebook(path, kernel="python3", parameters={"epochs": 3}), spec)
    lab = Lab()
    form = TuneForm(spec, lab=lab, patience=0)

    form.launch()
    assert lab.asked[0][1].definitions[0].program == spec.definitions[0].program
    assert f'Notebook("{path}", kernel="python3", parameters={{\'epochs\': 3}})' in form.write_as_cell()


def test_check_tries_the_first_configuration_and_says_what_it_found() -> None:
    lab = Lab()
    form = TuneForm(JobSpec(definitions=(DEFINITION,)), body=train, lab=lab)
    assert form.check()
    assert lab.asked[0][0] == "check"
    assert "No mistakes: 1 dimension, maximize accuracy, 20 trials." in form.message.value
    assert "Configuration 0 ran on &lt;cpu&gt;." in form.message.value


def test_check_says_what_the_preflight_refuses() -> None:
    class Refusing(Lab):
        def preflight(self, spec: JobSpec, code: Any) -> str:
            raise InvalidSpec(
                [Problem(spec.objectives[0].metric, "", f"never reported by {code.program.kind}")]
            )

    form = TuneForm(JobSpec(definitions=(DEFINITION,)), body=train, lab=Refusing())
    assert not form.check()
    assert "accuracy; never reported by function" in form.message.value


def test_without_anything_that_runs_check_says_so() -> None:
    lab = Lab()
    form = TuneForm(JobSpec(definitions=(DEFINITION,)), lab=lab)
    assert form.check()
    assert "Nothing would run yet" in form.message.value
    assert form.launch() is None
    assert "nothing would run" in form.program._said.value
    assert lab.asked == []


def test_a_launch_takes_the_place_of_the_form_and_the_form_comes_back() -> None:
    form = TuneForm(JobSpec(definitions=(DEFINITION,)), body=train, lab=Lab())
    form.launch()
    assert form._entry.layout.display == "none"
    assert "Launched as made up" in form.message.value
    form._bar.children[0].click()
    assert form._entry.layout.display is None
    assert form._bar.layout.display == "none"


def test_code_that_cannot_even_be_judged_is_said_in_the_form_and_ends_no_thread() -> None:
    def make(text: str, spec: JobSpec, _names: Mapping[str, Any]) -> Made:
        if text == "broken.py":
            raise RuntimeError("<no> such interpreter")
        if text == "missing.py":
            raise NotFound("there is no missing.py")
        return Made(spec.space, FunctionCode(train, spec.space, spec.objectives))

    KINDS.register(ObjectiveKind("strange", "a script", "A Python file.", Asks.LINE, make))
    try:
        form = TuneForm(JobSpec(definitions=(DEFINITION,)), patience=0)
        form.program.kind.value = "strange"
        form.program.line.value = "broken.py"
        assert "RuntimeError: &lt;no&gt; such interpreter" in form.message.value
        form.program.line.value = "missing.py"
        assert "there is no missing.py" in form.message.value
        form.program.line.value = "train.py"
        assert form.message.value == ""
        form.program.line.value = "broken.py"
        form._check_button.click()
        until(lambda: not form._check_button.disabled)
        assert "RuntimeError" in form.message.value
    finally:
        KINDS.remove("strange")
