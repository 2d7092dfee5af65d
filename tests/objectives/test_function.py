from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.spec import Float, Int, Space, objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from objectives.conftest import MakeTrial

SPACE = Space({"lr": Float(0.0, 1.0), "width": Int(1, 8)})
ONE = objectives_of(minimize="loss")
TWO = objectives_of(maximize="acc", minimize="ms")
SCALE = 3


def code(function: Callable[..., Any], objectives: Any = ONE) -> FunctionCode:
    return FunctionCode(function, SPACE, objectives)


def refusals(function: Any) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        code(function)
    return [str(problem) for problem in caught.value.problems]


def scaled(lr: float, width: int) -> float:
    return lr * width * SCALE


@pytest.mark.parametrize(
    "function",
    [
        lambda trial: trial.params["lr"] * trial.params["width"],
        lambda lr, width: lr * width,
        lambda **params: params["lr"] * params["width"],
        lambda trial, lr: lr * trial.params["width"],
        lambda lr, *, width, verbose=True: lr * width,  # noqa: ARG005 - a default of its own
        lambda lr, /, **rest: lr * rest["width"],
        functools.partial(lambda lr, width, scale: lr * width * scale, scale=1),
    ],
)
def test_parameters_are_matched_by_signature(function: Any, make_trial: MakeTrial) -> None:
    assert code(function).run(make_trial(lr=0.5, width=4)[0]) == {"loss": 2.0}


def test_report_is_handed_in(make_trial: MakeTrial) -> None:
    trial, recorder = make_trial(lr=0.5, width=4)
    assert code(lambda report, **p: report(loss=p["lr"])).run(trial) is None
    assert recorder.reports == [{"loss": 0.5}]


@pytest.mark.parametrize(
    ("returned", "report"),
    [
        (None, None),
        ((0.9, 3), {"acc": 0.9, "ms": 3.0}),
        ([0.9, 3], {"acc": 0.9, "ms": 3.0}),
        ({"acc": 1, "ms": 2, "extra": 3}, {"acc": 1.0, "ms": 2.0, "extra": 3.0}),
    ],
)
def test_what_is_returned_is_the_final_report(
    returned: Any, report: Mapping[str, float] | None, make_trial: MakeTrial
) -> None:
    assert code(lambda trial: returned, TWO).run(make_trial()[0]) == report  # noqa: ARG005 - its name counts


@pytest.mark.parametrize("returned", ["0.5", (1, 2, 3), 0.5, object(), {"acc": "x"}])
def test_anything_else_is_a_type_error_that_says_what_fits(returned: Any, make_trial: MakeTrial) -> None:
    with pytest.raises(TypeError, match="returned"):
        code(lambda trial: returned, TWO).run(make_trial()[0])  # noqa: ARG005 - its name counts


def test_missing_and_unknown_names_are_refused_at_once_with_the_nearest() -> None:
    first, second, third = refusals(lambda lrr, t, **_: None)[:2] + refusals(lambda lr, widht=3: None)  # noqa: ARG005
    assert "(lrr)" in first
    assert 'did you mean "lr"' in first
    assert "call it `trial`" in second
    assert third.startswith("space.width")
    assert 'did you mean "widht"' in third


@pytest.mark.parametrize("name", ["trial", "report"])
def test_our_names_are_no_dimensions(name: str) -> None:
    with pytest.raises(InvalidSpec, match="ours in a trial"):
        FunctionCode(lambda **params: params, Space({name: Float(0.0, 1.0)}), ONE)


async def asynchronous(trial: object) -> None: ...


@pytest.mark.parametrize("function", [3, asynchronous, dict])
def test_what_cannot_be_called_once_per_trial_is_refused(function: Any) -> None:
    assert len(refusals(function)) == 1


def test_the_fingerprint_names_the_function_and_what_it_reaches() -> None:
    made = code(scaled)
    assert set(made.fingerprint()) == {"function scaled", "`SCALE`"}
    assert made.program.kind == "function"
    assert made.program.source.startswith("def scaled(")
    assert made.program.names == ("SCALE",)


def test_the_traceback_starts_in_the_function(make_trial: MakeTrial) -> None:
    made = code(lambda lr, width: lr / (width * 0))
    with pytest.raises(ZeroDivisionError) as caught:
        made.run(make_trial(lr=1, width=1)[0])
    text = made.traceback(caught.value)
    assert text.count("File") == 1
    assert "width * 0" in text
