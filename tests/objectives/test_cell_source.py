from __future__ import annotations

import textwrap
from types import ModuleType
from typing import Any

import pytest

from astraml_lab import spec
from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.cell_source import CellSyntaxError, ParsedCell, parse_cell
from astraml_lab.spec import Categorical, Discrete, Float, Int


def parse(source: str, **names: Any) -> ParsedCell:
    return parse_cell(textwrap.dedent(source), names)


def refusals(source: str, **names: Any) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        parse(source, **names)
    return [str(problem) for problem in caught.value.problems]


def test_the_designs_cell_is_understood() -> None:
    cell = parse(
        """\
        lr      = Float(1e-4, 1e-1, log=True)
        width: int = Int(16, 256, log=True)
        act     = Categorical(["relu", "gelu"])
        momentum = Float(0.5, 0.99, when={"optimizer": "sgd"})
        optimizer = Categorical(["sgd", "adamw"])
        size    = Discrete([16, 32])
        epochs  = 10
        model = make_model(width, act).to(device)
        report(loss=train(model, X, epochs))
        """,
        make_model=print,
        train=print,
        X=[1],
        epochs=3,
        unused=1,
    )
    assert cell.dimensions == {
        "lr": Float(1e-4, 1e-1, log=True),
        "width": Int(16, 256, log=True),
        "act": Categorical(["relu", "gelu"]),
        "momentum": Float(0.5, 0.99, when={"optimizer": "sgd"}),
        "optimizer": Categorical(["sgd", "adamw"]),
        "size": Discrete([16, 32]),
    }
    assert cell.names == ("make_model", "train", "X")


@pytest.mark.parametrize("constructor", ["Float", "lab.Float", "F"])
def test_a_dimension_is_whatever_resolves_to_a_constructor(constructor: str) -> None:
    assert list(parse(f"lr = {constructor}(0.0, 1.0)", lab=spec, F=Float).dimensions) == ["lr"]


@pytest.mark.parametrize(
    "line",
    [
        "from astraml_lab.spec import Float as F; lr = F(0.0, 1.0)",
        "import astraml_lab as lab; lr = lab.spec.Float(0.0, 1.0)",
        "F = Float; lr = F(0.0, 1.0)",
    ],
)
def test_the_cell_may_bring_the_constructors_itself(line: str) -> None:
    assert list(parse(line).dimensions) == ["lr"]


def test_another_librarys_float_is_no_dimension() -> None:
    assert not parse("column = Float(10)", Float=float).dimensions
    assert not parse("column = sa.Float(10)", sa=ModuleType("sa")).dimensions


def test_arguments_name_the_notebook_or_literals_above() -> None:
    cell = parse(
        """\
        acts = ["relu", "gelu"]
        act = Categorical(acts)
        lr = Float(low, max(highs), log=True)
        pick = Categorical([str(n) for n in range(3)])
        """,
        low=0.1,
        highs=[0.5, 1.0],
    )
    assert cell.dimensions["act"] == Categorical(["relu", "gelu"])
    assert cell.dimensions["lr"] == Float(0.1, 1.0, log=True)
    assert cell.dimensions["pick"] == Categorical(["0", "1", "2"])
    assert set(cell.names) == {"low", "highs"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("if True:\n    lr = Float(0, 1)", ["line 3: Float(0, 1)", "inside `if`"]),
        ("for i in range(2):\n    lr = Float(0, 1)", ["line 3:", "inside `for`"]),
        ("def f():\n    lr = Float(0, 1)", ["line 3:", "inside a function"]),
        ("class A:\n    lr = Float(0, 1)", ["line 3:", "inside a class"]),
        ("with open('x'):\n    lr = Float(0, 1)", ["line 3:", "inside `with`"]),
        ("lrs = [Float(0, 1)]", ["line 2:", "in a list"]),
        ("lrs = (Float(0, 1),)", ["line 2:", "in a tuple"]),
        ("lrs = {'a': Float(0, 1)}", ["line 2:", "in a dict"]),
        ("a = b = Float(0, 1)", ["line 2:", "in a chained assignment"]),
        ("a, b = Float(0, 1)", ["line 2: (a, b)", "a single name"]),
        ("cfg.lr = Float(0, 1)", ["line 2: cfg.lr", "a single name"]),
        ("lr = Float(0, 1) * 2", ["line 2:", "in an expression"]),
        ("lr = 10 ** -Float(0, 1)", ["line 2:", "in an expression"]),
        ("model = make(Float(0, 1))", ["line 2:", "in the arguments of a call"]),
        ("Float(0, 1)", ["line 2:", "not assigned to a name"]),
        ("lr = Float(Float(0, 1), 1)", ["line 2:", "in the arguments of a call"]),
        ("lr = Float(0, 1)\nlr = Int(0, 1)", ["line 3: lr", "is a dimension already, on line 2"]),
        ("report = Float(0, 1)", ["line 2: report", "ours", "try `report_`"]),
        ("trial = Float(0, 1)", ["line 2: trial", "ours"]),
        ("device = Categorical(['a'])", ["line 2: device", "ours"]),
        ("report = print", ["line 2: report", "must not be assigned"]),
        ("import x as trial", ["line 2: trial", "must not be assigned"]),
        ("await job()", ["line 2: await", "top level"]),
        ("for x in y:\n    return 3", ["line 3: return", "top level"]),
        ("async for x in y: pass", ["line 2: await", "top level"]),
        ("lr = Float(1, 2, steep=3)", ["line 2: lr.steep", "no such field", "step"]),
        ("lr = Float(3, 2)", ["line 2: lr.low is 3", "must not be above high, 2"]),
        ("lr = Float()", ["line 2: lr", "TypeError", "low"]),
        ("lr = Float(0, 1 / 0)", ["line 2: lr", "ZeroDivisionError"]),
        ("n = len([1])\nlr = Float(0, n)", ["line 3: lr", "`n` is computed in this cell", "cell above"]),
        ('a = ["x"]\na.append("y")\nk = Categorical(a)', ["line 4: k", "`a` is computed in this cell"]),
        ("b = [1, 2]\nb[1] = 50\nx = Float(b[0], 60)", ["line 4: x", "`b` is computed in this cell"]),
        ("import math\nlr = Float(0, math.pi)", ["line 3: lr", "`math` is computed", "cell above"]),
        ("lr = Float(0, hihg)", ["line 2: lr", "`hihg` is not defined", 'did you mean "high"']),
        ("lr = Float(0, 1)\nw = Float(0, lr)", ["line 3: w", "depends on the dimension `lr`"]),
        ("a = Float(0, 1, when={'b': 1})", ["line 2: a.when.b", "names no dimension"]),
    ],
)
def test_refused_with_its_line(body: str, words: list[str]) -> None:
    (problem,) = refusals(body, high=1)
    for word in words:
        assert word in problem


@pytest.mark.parametrize(
    "statement",
    [
        "lr = 3",
        "lr += 1",
        "lr: float = 2",
        "for lr in []: pass",
        "for i, (lr, k) in []: pass",
        "with open('x') as lr: pass",
        "import numpy as lr",
        "from os import path as lr",
        "print(lr := 3)",
        "[lr := i for i in []]",
        "del lr",
        "if True: lr = 3",
        "def lr(): pass",
        "class lr: pass",
        "def f():\n    global lr",
        "try: pass\nexcept ValueError as lr: pass",
        "match 3:\n    case lr: pass",
    ],
)
def test_a_dimension_must_not_be_assigned_again(statement: str) -> None:
    (problem,) = refusals("lr = Float(0, 1)\n" + statement)
    assert "lr; is a dimension (line 2)" in problem


@pytest.mark.parametrize(
    "statement",
    [
        "def f(lr): lr = 3",
        "[lr for lr in []]",
        "f = lambda lr: lr",
        "class A:\n    lr = 3",
        "print(lr)",
        "cfg = dict(lr=lr)",
    ],
)
def test_a_name_in_another_scope_is_another_name(statement: str) -> None:
    assert list(parse("lr = Float(0, 1)\n" + statement).dimensions) == ["lr"]


@pytest.mark.parametrize("statement", ["device = 'cuda'", "from astraml_lab import report, current_trial"])
def test_what_every_pasted_script_does_is_allowed(statement: str) -> None:
    parse(statement)


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_lines() -> None:
    problems = refusals(
        """\
        lr = Float(3, 2)
        if True:
            width = Int(1, 2)
        report = print
        lr = 4
        """
    )
    assert [problem.split(":")[0] for problem in problems] == ["line 2", "line 4", "line 5", "line 6"]


@pytest.mark.parametrize(
    ("line", "number"),
    [("%matplotlib inline", 3), ("!pip install x", 3), ("files = !ls", 3), ("  %time f()", 3), ("x?", 3)],
)
def test_magics_and_shell_commands_are_refused(line: str, number: int) -> None:
    start = "for i in []:" if line.startswith(" ") else "x = 1"
    (problem,) = refusals(f"{start}\n{line}\ny = 2")
    assert problem.startswith(f"line {number}: {line.strip()}")
    assert "move it to a cell above" in problem


def test_all_magics_are_found_and_a_percent_sign_in_a_text_is_none() -> None:
    assert len(refusals("%time x\ny = 3\n!ls\n")) == 2
    assert parse('text = """\n%time\n!ls\n"""\nx = 3 \\\n  % 2').dimensions == {}


def test_a_syntax_error_keeps_its_line_and_caret() -> None:
    with pytest.raises(CellSyntaxError) as caught:
        parse("x = 1\ny = = 2\n")
    shown = "".join(caught.value._render_traceback_())
    assert caught.value.error.lineno == 3
    assert "line 3" in shown
    assert "    y = = 2\n        ^\nSyntaxError: invalid syntax" in shown


@pytest.mark.parametrize("body", ["break", "def f():\n    nonlocal q", "def f(a, a): pass"])
def test_what_only_the_compiler_finds_has_a_line_too(body: str) -> None:
    with pytest.raises(CellSyntaxError) as caught:
        parse("x = 1\n" + body)
    assert (caught.value.error.lineno or 0) >= 3
    assert caught.value.error.text in {*body.split("\n")} | {line + "\n" for line in body.split("\n")}


def test_an_empty_cell_is_refused() -> None:
    assert "has no code" in refusals("\n  \n# only a comment\n")[0]


def test_the_names_used_are_those_that_the_cell_takes_from_the_notebook() -> None:
    cell = parse(
        """\
        import math
        total = total + step          # reads the notebook's
        for i in range(n):
            loss = f(i)
            print(loss)
        def g(a):
            return a + k + later
        later = 3
        class Net(Base):
            size = width
            def forward(self):
                return helper(self.size)
        values = [scale * v for v in data]
        """,
        loss=1.0,
        later=1,
        math=1,
    )
    assert set(cell.names) == {
        "total", "step", "n", "f", "k", "Base", "width", "helper", "scale", "data"
    }  # fmt: skip


def test_literal_annotations_and_a_future_import_are_ordinary_python() -> None:
    cell = parse("lr = Float(0, 1)\nfrom __future__ import annotations\nx: Unknown = 3")
    assert list(cell.dimensions) == ["lr"]


def test_labels_keep_their_objects() -> None:
    cell = parse("act = Categorical({'up': str.upper})")
    assert cell.space.decode({"act": "up"})["act"] is str.upper


def test_a_key_in_the_cell_is_refused_with_the_way_to_do_it_and_not_repeated() -> None:
    key = "hf_" + "abcdefghij" * 3
    cell = f'x = Float(0, 1)\nlogin(token="{key}")\nopen_at("postgres://me:hunter2@host/db")\nreport(loss=x)'
    with pytest.raises(InvalidSpec) as refused:
        parse_cell(cell, {})
    said = str(refused.value)
    assert said.count("would be stored with the job") == 2
    assert "line 3" in said
    assert "line 4" in said
    assert 'in the cell it is trial.secret("NAME")' in said
    assert key not in said
    assert "hunter2" not in said
    launched = parse_cell("x = Float(0, 1)\nreport(loss=x)", {}).space
    assert parse_cell(cell, {}, space=launched).space == launched
    assert parse_cell('x = Float(0, 1)\ntoken = "hf"\nreport(loss=x)', {}).space == launched
