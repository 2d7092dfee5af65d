from __future__ import annotations

import linecache
import textwrap
from typing import Any

from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.objectives.fingerprint import changed

BODY = "lr = Float(0.0, 1.0)\nreport(loss=train(lr, size))"
NOTEBOOK = """
    import math
    size = 32
    depth = 2
    other = 5
    class Layer:
        '''A layer.'''
        width = 3
        def forward(self, x):
            return helper(x) * self.width
    def helper(x):
        return math.exp(x)
    def train(lr, size, *, twice=False):
        return Layer().forward(lr) * size * depth
"""


def notebook(source: str = NOTEBOOK, name: str = "<nb>") -> dict[str, Any]:
    """Run a notebook's cells; its functions have their source, as in a kernel."""
    text = textwrap.dedent(source)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), names)  # noqa: S102 - the test's own text
    return names


def fingerprint(body: str = BODY, names: dict[str, Any] | None = None) -> dict[str, str]:
    names = notebook() if names is None else names
    return dict(CellCode(parse_cell(body, names), names).fingerprint())


def after(old: str, new: str) -> list[str]:
    """Return what changes when a piece of the notebook does."""
    assert old in NOTEBOOK
    return changed(fingerprint(), fingerprint(names=notebook(NOTEBOOK.replace(old, new), f"<nb {new}>")))


def test_the_parts_are_the_cell_and_all_that_it_reaches() -> None:
    assert set(fingerprint()) == {
        "the cell", "function train", "function helper", "class Layer", "`size`", "`depth`"
    }  # fmt: skip


def test_comments_white_space_and_line_numbers_do_not_count() -> None:
    noisy = "# new\n\nlr = Float(0.0,   1.0)   # why\n\nreport(  loss=train(lr, size) )\n"
    assert changed(fingerprint(), fingerprint(noisy)) == []
    assert after("return math.exp(x)", "return math.exp( x )  # e") == []


def test_a_dimension_is_no_part_of_the_body() -> None:
    assert changed(fingerprint(), fingerprint(BODY.replace("1.0", "2.0"))) == []


def test_what_changed_is_named() -> None:
    assert changed(fingerprint(), fingerprint(BODY + "\nx = 1")) == ["the cell"]
    assert after("return math.exp(x)", "return math.log(x)") == ["function helper"]
    assert after("twice=False", "twice=True") == ["function train"]
    assert after("width = 3", "width = 4") == ["class Layer"]
    assert after("* self.width", "+ self.width") == ["class Layer"]
    assert after("size = 32", "size = 64") == ["`size`"]
    assert after("depth = 2", "depth = [2, 3]") == ["`depth`"]
    assert after("other = 5", "other = 6") == []


def test_a_part_that_comes_or_goes_is_a_change() -> None:
    assert changed({"the cell": "1", "`a`": "2"}, {"the cell": "1", "`b`": "3"}) == ["`b`", "`a`"]


def test_big_and_foreign_values_do_not_count() -> None:
    names = {"data": [0.5] * 1000, "json": linecache, "__name__": "__main__", "table": {"a": 1}}
    assert set(fingerprint("report(loss=len(data), n=json.loads, t=table)", names)) == {"the cell"}


def test_decorated_functions_and_functions_without_source_count() -> None:
    source = """
        import functools
        @functools.cache
        def cached(x):
            return x + 1
        partial = functools.partial(cached, 3)
    """
    one, two = notebook(source, "<nb 1>"), notebook(source.replace("x + 1", "x + 2"), "<nb 2>")
    body = "report(loss=cached(1) + partial() + made(2))"
    exec("def made(x): return x * 2", one)  # noqa: S102 - the test's own text
    exec("def made(x): return x * 3", two)  # noqa: S102 - the test's own text
    assert changed(fingerprint(body, one), fingerprint(body, two)) == [
        "function cached", "function partial", "function made"
    ]  # fmt: skip


def test_an_object_of_a_notebooks_class_stands_for_its_class() -> None:
    source = "class Net:\n    def size(self):\n        return 1\nnet = Net()"
    one, two = notebook(source, "<nb 1>"), notebook(source.replace("return 1", "return 2"), "<nb 2>")
    assert changed(fingerprint("report(x=net.size())", one), fingerprint("report(x=net.size())", two)) == [
        "class Net"
    ]


def test_functions_that_call_each_other_end() -> None:
    names = notebook("def a(x):\n    return b(x)\ndef b(x):\n    return a(x)")
    assert set(fingerprint("report(x=a(1))", names)) == {"the cell", "function a", "function b"}
