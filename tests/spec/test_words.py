from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from astraml_lab.spec import (
    FailureKind,
    ParamValue,
    TrialState,
    TrialView,
    format_number,
    objectives_of,
    params_words,
    trial_words,
    value_words,
)

NUMBERS = json.loads((Path(__file__).parents[2] / "widgets/tests/numbers.json").read_text())


@pytest.mark.parametrize(("value", "text"), NUMBERS)
def test_values_are_spelled_as_on_the_page(value: object, text: str) -> None:
    assert value_words(value) == text


def test_numbers_that_are_none_have_names_and_digits_can_be_asked_for() -> None:
    assert [format_number(value) for value in (math.nan, math.inf, -math.inf)] == ["NaN", "∞", "-∞"]
    assert format_number(0.98123, digits=2) == "0.98"


def test_a_trial_is_said_in_one_line_its_objectives_first() -> None:
    params: dict[str, ParamValue] = {"lr": 0.0031239, "act": "relu", "momentum": None}
    metrics = {"loss": 0.25, "accuracy": 0.9}
    trial = TrialView(
        7, TrialState.COMPLETE, params, values=(0.981,), metrics=metrics, started_at=10.0, ended_at=22.0
    )
    line = "trial 7 complete · accuracy 0.981, loss 0.25 · lr=0.003124, act=relu · 12 s"
    assert trial_words(trial, objectives_of("accuracy")) == line
    assert params_words(params) == "lr=0.003124, act=relu"


def test_a_failure_names_its_kind_and_an_impossible_point_is_none() -> None:
    failed = TrialView(0, TrialState.FAILED, {}, kind=FailureKind.NO_METRIC, reason="it reported nothing")
    assert trial_words(failed, ()) == "trial 0 failed (no metric) · it reported nothing"
    impossible = TrialView(1, TrialState.FAILED, {}, kind=FailureKind.INFEASIBLE)
    assert trial_words(impossible, ()) == "trial 1 infeasible"
