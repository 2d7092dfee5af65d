from __future__ import annotations

import linecache
import textwrap
import threading
import time
from typing import Any

from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.objectives.fingerprint import changed
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.spec import Space

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
    names = {"data": [0.5] * 1000, "json": linecache, "__name__": "__main__", "lock": threading.Lock()}
    assert set(fingerprint("report(loss=len(data), n=json.loads, t=lock)", names)) == {"the cell"}


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
        "function cached", "function made"
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


def both(source: str, old: str, new: str, use: str) -> list[str]:
    """Return what changes in the fingerprint of a function that a notebook makes."""
    assert old in source
    found = []
    for text in (source, source.replace(old, new)):
        names = notebook(text, f"<nb {text}>")
        function = eval(use, names)  # noqa: S307 - the test's own text
        found.append(dict(FunctionCode(function, Space({})).fingerprint()))
    return changed(found[0], found[1])


MAKER = """
    def loss(x):
        return x + 1
    def make(n, inner=loss):
        def train(trial):
            return inner(n)
        return train
"""


def test_what_a_closure_holds_counts() -> None:
    assert both(MAKER + "    f = make(1)", "make(1)", "make(2)", "f") == ["`n` of train"]
    assert both(MAKER + "    f = make([1, 2])", "[1, 2]", "[1, 3]", "f") == ["`n` of train"]
    assert both(MAKER + "    f = make(1)", "x + 1", "x + 2", "f") == ["function inner"]
    assert both(MAKER + "    f = make(1, lambda x: x)", "x: x", "x: -x", "f") == ["function inner"]


def test_what_a_closure_changes_does_not() -> None:
    counting = """
        def make(seen, n):
            def train(trial):
                nonlocal n
                n += 1
                seen.append(n)
            return train
        f = make([1], 1)
    """
    assert both(counting, "make([1], 1)", "make([1, 2], 5)", "f") == []


def test_what_a_function_assigns_by_global_does_not() -> None:
    source = """
        calls = 1
        def count():
            global calls
            calls += 1
        def train(trial):
            count()
            return calls
    """
    assert both(source, "calls = 1", "calls = 5", "train") == []


def test_a_partials_arguments_count_wherever_it_is() -> None:
    source = """
        from functools import partial
        def fit(trial, lr=1, *, opt=None):
            return lr
        def other(trial, lr=1, *, opt=None):
            return lr
        one = partial(fit, opt="adam")
        def train(trial):
            return one(trial)
        CFG = {"step": partial(fit, lr=1)}
        def deep(trial):
            return CFG["step"](trial)
    """
    bound = ["what `fit` is bound to"]
    assert both(source, '"adam"', '"sgd"', "one") == bound
    assert both(source, '"adam"', '{"name": "sgd"}', "partial(one, lr=3)") == bound
    assert both(source, "partial(fit, opt", "partial(other, opt", "train") == [
        "`one`",
        "function other",
        "function fit",
    ]
    assert both(source, '"adam"', '"sgd"', "train") == ["`one`"]
    assert both(source, "lr=1)}", "lr=2)}", "deep") == ["`CFG`"]
    assert both(source, "return lr\n        def other", "return -lr\n        def other", "deep") == [
        "function fit"
    ]


BOUND = """
    class Tr:
        kind = "a"
        def __init__(self, lr):
            self.lr = lr
            self.cfg = {"depth": 1}
            self.history = []
            self.calls = 0
        def fit(self, trial):
            self.calls += 1
            self.history.append(trial)
            self.update(trial)
            return self.lr
        def update(self, trial):
            self.best = trial
        def __call__(self, trial):
            return self.lr
    tr = Tr(1)
    def train(trial):
        return tr.fit(trial)
"""


def test_the_attributes_of_a_methods_object_count() -> None:
    for use, part in (
        ("tr.fit", "what `fit` is bound to"),
        ("tr", "what `Tr` is bound to"),
        ("train", "`tr`"),
    ):
        assert both(BOUND, "Tr(1)", "Tr(2)", use) == [part]
        assert both(BOUND, '"depth": 1', '"depth": 2', use) == ["class Tr", part]
        assert both(BOUND, 'kind = "a"', 'kind = "b"', use) == ["class Tr"]


def test_what_methods_and_the_code_change_does_not() -> None:
    used = BOUND + "    tr.calls, tr.history, tr.best = 0, [], None"
    assert both(used, "0, [], None", "7, [1], 3", "tr.fit") == []
    assert both(used + "\n    tr.lr = 1", "tr.lr = 1", "tr.lr = 3", "tr.fit") == ["what `fit` is bound to"]


def test_a_frameworks_own_state_does_not_count() -> None:
    source = """
        from collections import UserList
        class Items(UserList):
            def __init__(self):
                super().__init__()
                self.width, self._hooks = 1, 0
            def __call__(self, trial):
                return self.width
        items = Items()
    """
    assert both(source, "1, 0", "1, 3", "items") == ["class Items"]
    assert both(source, "1, 0", "2, 0", "items") == ["class Items", "what `Items` is bound to"]
    assert both(source + "    items._hooks = 3", "= 3", "= 4", "items") == []


def test_two_lambdas_on_a_line_differ() -> None:
    first, second = lambda trial: 1, lambda trial: 2  # noqa: ARG005
    one, two = (dict(FunctionCode(each, Space({})).fingerprint()) for each in (first, second))
    assert changed(one, two) == ["function <lambda>"]


def test_a_lambda_by_name_is_named_and_comments_do_not_count() -> None:
    source = "act = lambda x: x + 1\ndef train(trial):\n    return act(1)"
    assert both(source, "x + 1", "x + 2", "train") == ["function act"]
    assert both(source, "x + 1", "x  +  1  # why", "train") == []


def test_functions_without_source_count_by_their_bytecode() -> None:
    def made(text: str) -> dict[str, str]:
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(text, names)  # noqa: S102 - the test's own text
        return dict(FunctionCode(names["train"], Space({})).fingerprint())

    text = "def train(trial):\n    if trial in {'a', 'b'}:\n        return 1\n    return trial.x"
    for old, new in (
        ("return 1", "return 2"),
        ("trial.x", "trial.y"),
        ("'b'", "'c'"),
        ("trial in", "trial not in"),
    ):
        assert changed(made(text), made(text.replace(old, new))) == ["function train"]
    assert changed(made(text), made("\n\n" + text)) == []


def test_what_a_decorator_does_counts() -> None:
    source = """
        import functools
        def times(k):
            def decorate(function):
                @functools.wraps(function)
                def inner(*args):
                    return k * function(*args)
                return inner
            return decorate
        K = 2
        @times(K)
        def train(trial):
            return 1
        class Net:
            @times(K)
            def __call__(self, trial):
                return 1
        net = Net()
    """
    assert both(source, "K = 2", "K = 3", "train") == ["`k` of train"]
    assert both(source, "k * f", "k + f", "train") == ["function train"]
    assert both(source, "k * f", "k + f", "net") == ["function Net.__call__"]
    assert both(source, "return 1\n        class", "return 2\n        class", "train") == ["function train"]


def test_what_is_behind_anothers_decorator_is_followed() -> None:
    source = """
        import contextlib
        @contextlib.contextmanager
        def step(x):
            yield x + 1
        def train(trial):
            return step(1)
    """
    assert both(source, "x + 1", "x + 2", "train") == ["function step"]


def test_another_librarys_function_is_known_by_its_name() -> None:
    source = "import json, pickle\ndump = json.dumps\ndef train(trial):\n    return dump(trial)"
    assert both(source, "json.dumps", "pickle.dumps", "train") == ["`dump`"]


def test_an_objects_and_a_functions_circle_ends() -> None:
    source = """
        class Node:
            def __call__(self, trial):
                return self.next
        node = Node()
        node.next, node.all = node, [node]
        node.all.append(node.all)
    """
    assert both(source, "return self.next", "return self.all", "node") == ["class Node"]


def test_a_value_that_raises_at_every_touch_is_left_out() -> None:
    source = """
        class Sour:
            __slots__ = ("x",)
            def __getattr__(self, name): raise OSError(name)
            def __eq__(self, other): raise OSError
            def __repr__(self): raise OSError
            def __hash__(self): raise OSError
        class Worse(dict):
            def __len__(self): raise OSError
        cfg, sour, worse, size = {"lr": 1, "sour": Sour()}, Sour(), Worse(), 1
        def train(trial):
            return sour, worse, size, cfg
    """
    assert both(source, "Worse(), 1", "Worse(), 2", "train") == ["`size`"]
    assert both(source, '"lr": 1', '"lr": 2', "train") == ["`cfg`"]


def test_a_usual_notebook_takes_little_time() -> None:
    step = """
        def step_{0}(x, y=1):
            for i in range(10):
                x += y * {0} + i
            return step_{1}(x) if CFG else x
    """
    functions = "".join(textwrap.dedent(step).format(n, n + 1) for n in range(20))
    names = notebook(functions + "CFG = {str(n): {'lr': n, 'betas': (0.9, n)} for n in range(100)}\n")
    parsed = parse_cell("lr = Float(0.0, 1.0)\nreport(loss=step_0(lr))", names)
    started = time.process_time()
    parts = CellCode(parsed, names).fingerprint()
    assert time.process_time() - started < 0.2  # some 10 ms
    assert len(parts) == 22
