"""Where a cell's text assigns calls, counted in characters whatever the text holds."""

from __future__ import annotations

import ast

import pytest

from astraml_lab.objectives import CellLines

CELL = """größe = Int(1, 9); lr: float = Float(0, 1)  # the rate 🤖\r
act = Categorical(\r
    ["ß", "b"],\r
)\r
plain = 3
lr = again(lr)
"""


def test_the_first_call_that_a_name_is_assigned_is_found_where_it_stands() -> None:
    lines = CellLines(CELL)
    found = lines.assigned({"act", "lr", "größe", "plain", "missing"})
    assert list(found) == ["größe", "lr", "act"]
    assert [lines.of(each.call) for each in found.values()] == [
        "Int(1, 9)",
        "Float(0, 1)",
        'Categorical(\n    ["ß", "b"],\n)',
    ]
    assert isinstance(found["lr"].statement, ast.AnnAssign)


def test_other_calls_take_their_place_and_all_else_stays() -> None:
    text = CellLines(CELL).with_calls({"größe": "Int(2, 3)", "act": "None", "lr": "Float(0.25, 1)"})
    assert text.splitlines() == [
        "größe = Int(2, 3); lr: float = Float(0.25, 1)  # the rate 🤖",
        "act = None",
        "plain = 3",
        "lr = again(lr)",
    ]


def test_what_is_no_python_has_no_lines() -> None:
    with pytest.raises(SyntaxError):
        CellLines("lr = Float(")
