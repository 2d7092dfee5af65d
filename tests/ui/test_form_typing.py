"""What the form says while somebody types, before anything was checked."""

from __future__ import annotations

import threading
from typing import Any

from plugins.patience import PATIENCE
from pydantic import Field

from astraml_lab.devices import FakeProbe
from astraml_lab.spec import Categorical, Float, JobSpec, option_fields
from astraml_lab.ui import form as form_module
from astraml_lab.ui.debounce import Debounce
from astraml_lab.ui.form import TuneForm
from astraml_lab.ui.form_fields import OptionField

EVIL = "<img src=x onerror=alert(1)>\"' 🤖" + "x" * 10_000


def typing(**options: Any) -> TuneForm:
    return TuneForm(patience=0, **options)


def everything(widget: Any) -> list[Any]:
    return [widget, *(each for child in getattr(widget, "children", ()) for each in everything(child))]


def mistakes(form: TuneForm) -> list[str]:
    said = {name: field._said.value for name, field in form.options.items()}
    said |= {f"row {index}": row._said.value for index, row in enumerate(form.space.rows)}
    said |= {"goals": form.goals._said.value, "program": form.program._said.value, "end": form.message.value}
    return [name for name, words in said.items() if "is-mistake" in words]


def test_only_the_field_that_changed_complains_before_the_first_check() -> None:
    form = typing()
    assert mistakes(form) == []  # though no metric is named yet
    form.options["trials"].control.value = "many"
    assert mistakes(form) == ["trials"]
    form.options["trials"].control.value = "7"
    assert mistakes(form) == []
    form.space.rows[0].low.value = "5"
    assert mistakes(form) == ["row 0"]
    assert "must not be above high" in form.space.rows[0]._said.value
    form.space.rows[0].low.value = "0.01"
    assert mistakes(form) == []
    assert not form.check()
    assert mistakes(form) == ["goals", "end"]


def test_after_a_check_every_mistake_stays_beside_its_field_until_it_is_mended() -> None:
    form = typing()
    form.check()
    assert mistakes(form) == ["goals", "end"]
    form.goals.rows[0].metric.value = "accuracy"
    assert mistakes(form) == []


def test_a_mistake_takes_the_place_of_the_help() -> None:
    form = typing()
    field = form.options["parallel"]
    assert "How many trials run at once" in field._said.value
    field.control.value = "0"
    assert "How many" not in field._said.value
    field.control.value = ""
    assert "How many trials run at once" in field._said.value


def test_the_body_is_judged_in_its_own_lines() -> None:
    form = typing()
    form.goals.rows[0].metric.value = "accuracy"
    form.program.body.value = "a = 1\nb = ("
    assert "line 2" in form.program._said.value
    form.program.body.value = "a = 1\nreport = 3"
    assert "line 2" in form.program._said.value
    assert "report" in form.program._said.value
    form.program.body.value = "report(accuracy=lr)"
    assert mistakes(form) == []


def test_a_function_that_does_not_fit_the_space_is_named_with_its_parameter() -> None:
    def train(rate: float) -> float:
        return rate

    form = typing(body=train)
    form.goals.rows[0].metric.value = "accuracy"
    form.check()
    assert "train(rate)" in form.program._said.value + form.message.value


def test_typing_is_judged_once_it_pauses() -> None:
    judged = threading.Event()
    calls = []

    def judge() -> None:
        calls.append(1)
        judged.set()

    debounce = Debounce(1.0, judge)
    for _ in range(20):
        debounce.ask()
    assert judged.wait(PATIENCE)
    assert len(calls) == 1
    debounce.ask()
    debounce.cancel()
    assert not debounce._timer


def test_what_is_cancelled_while_it_waits_for_its_turn_is_not_done() -> None:
    class Turn:
        """A lock that tells when somebody comes to it."""

        lock = threading.Lock()
        awaited = threading.Event()

        def __enter__(self) -> None:
            self.awaited.set()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    turn, calls = Turn(), []
    debounce = Debounce(0.01, lambda: calls.append(1), turn)
    with turn.lock:
        debounce.ask()
        timer = debounce._timer
        assert turn.awaited.wait(PATIENCE)
        debounce.cancel()
    assert timer
    timer.join(PATIENCE)
    assert not calls


def test_the_preview_follows_the_range_and_keeps_its_place_while_there_is_none() -> None:
    form = typing()
    row = form.space.rows[0]
    first = row._picture.value
    assert first.count("<circle") == 10
    assert "half below 0.00316" in row._said.value
    row.high.value = "1"
    assert row._picture.value != first
    row.high.value = "x"
    assert "<circle" not in row._picture.value
    assert 'height="30"' in row._picture.value
    row.high.value = "0.1"
    assert row._picture.value == first


def test_conditions_on_other_dimensions_are_offered() -> None:
    form = typing()
    form.space.add("optimizer", Categorical(["sgd", "adam w"]))
    assert form.space.rows[0].when.options == ("optimizer = sgd", "optimizer = 'adam w'")
    assert form.space.rows[1].when.options == ()


def test_the_metrics_that_the_body_reports_are_offered() -> None:
    form = typing()
    form.program.body.value = "report(accuracy=1, loss=2)"
    assert form.goals.rows[0].metric.options == ("accuracy", "loss")


def test_the_gpus_that_are_there_are_named() -> None:
    assert "No GPU here: trials run on the CPU." in typing()._devices
    assert typing(probe=FakeProbe(2))._devices.startswith("2 GPUs here: 0 Fake GPU 0, 86 of 86 GB free; 1 ")


def test_an_empty_field_shows_what_holds() -> None:
    shown = {name: getattr(field.control, "placeholder", "") for name, field in typing().options.items()}
    assert shown["parallel"] == "one per GPU, or 1"
    assert shown["max_runtime"] == "no limit"
    assert shown["trials"] == "20"
    assert "none" not in {words for name, words in shown.items() if name != "target"}


def test_the_limits_of_a_number_are_part_of_its_help() -> None:
    options = typing().options
    assert "1 to 4,096." in options["parallel"]._said.value
    assert "At least 1." in options["patience"]._said.value
    assert options["gpus"].label == "GPUs per trial"


def test_a_field_that_is_added_to_the_specification_is_in_the_form(monkeypatch: Any) -> None:
    class Later(JobSpec):
        colour: str = Field(default="red", title="Favourite colour")
        """What it looks like (default: red)."""

    fields = {**option_fields(), "colour": Later.model_fields["colour"]}
    monkeypatch.setattr(form_module, "option_fields", lambda: fields)
    monkeypatch.setattr(form_module, "JobSpec", Later)
    form = typing()
    field = form.options["colour"]
    assert isinstance(field, OptionField)
    assert (field.label, field.control.placeholder) == ("Favourite colour", "red")
    assert field.row in everything(form)


def test_markup_quotes_and_ten_thousand_characters_are_shown_as_text() -> None:
    form = typing()
    form.space.rows[0].kind.value = "Categorical"
    form.space.rows[0].values.value = f"{EVIL!r}, b"
    form.space.rows[0].name.value = EVIL
    form.options["trials"].control.value = EVIL
    form.goals.rows[0].metric.value = EVIL
    form.program.body.value = EVIL
    form.check()
    form.load(EVIL)
    shown = [form.message, form.goals._said, form.program._said, form.space.rows[0]._said]
    shown += [form.space.rows[0]._picture, *(field._said for field in form.options.values())]
    assert not [each.value for each in shown if "<img" in each.value]


def test_a_row_that_is_taken_away_takes_its_mistakes_along() -> None:
    form = typing()
    form.space.add("", Float(0, 1))
    form.space.rows[1].low.value = "7"
    assert mistakes(form) == ["row 1"]
    form.space.rows[1].row.children[0].children[-1].click()
    assert mistakes(form) == []
