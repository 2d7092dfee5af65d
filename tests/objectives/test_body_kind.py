from __future__ import annotations

import pytest

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.body import BodyKind, body_kind
from astraml_lab.objectives.cell_source import CellSyntaxError, parse_cell
from astraml_lab.objectives.script_values import decoded
from astraml_lab.trial.outside import read_report


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"name": "digits", "trials": 3}', BodyKind.JSON),
        ('\n  {"ok": true}', BodyKind.JSON),
        ("{'a': 1}.items()", BodyKind.PYTHON),
        ('{"trials": 3,}', BodyKind.YAML),
        ("lr = Float(0, 1)", BodyKind.PYTHON),
        ("name: digits\ntrials: 20\n", BodyKind.YAML),
        ("x: int\ny = 3", BodyKind.PYTHON),
        ("name: digits\nspace:\n  lr: {type: float}\n", BodyKind.YAML),
        ("# a request\nname: my job\n", BodyKind.YAML),
        ("---\nname: my job\n", BodyKind.YAML),
        ("x = = 3", BodyKind.PYTHON),
        ("for i in y:\n  print(i", BodyKind.PYTHON),
        ("else: print(3)", BodyKind.PYTHON),
        ("%time x\ny = 3", BodyKind.PYTHON),
        ("# nothing", BodyKind.PYTHON),
    ],
)
def test_a_body_is_json_then_python_then_yaml(body: str, kind: BodyKind) -> None:
    assert body_kind(body) is kind


@pytest.mark.parametrize(
    ("body", "first", "line"),
    [
        ('{"name": "digits"\n "trials": 3}', "as JSON", "line 3"),
        ("name: my job\nspace: [1, 2\n", "as a YAML request", "line"),
    ],
)
def test_a_broken_request_shows_both_readings_the_likelier_first(body: str, first: str, line: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        body_kind(body)
    likelier, other = caught.value.problems
    assert likelier.path == first
    assert line in likelier.allowed
    assert other.path == "as Python"


def test_broken_python_is_just_that() -> None:
    with pytest.raises(CellSyntaxError) as caught:
        parse_cell("x = = 3", {})
    assert "YAML" not in str(caught.value)


def test_what_is_nested_too_deeply_is_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidSpec, match="nested too deeply"):
        body_kind('{"a": ' + "[" * 100_000)
    with pytest.raises(InvalidSpec, match="nested too deeply"):
        parse_cell("x = " + "-" * 100_000 + "1", {})
    assert decoded("[" * 100_000) == "[" * 100_000
    assert read_report('{"metrics": ' + "[" * 100_000) is None
