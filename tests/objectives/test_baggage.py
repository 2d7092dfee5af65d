from __future__ import annotations

import collections
import functools
import pickle
import sys
import threading
import xml
import xml.sax.saxutils
from typing import TYPE_CHECKING, Any

import cloudpickle
from hypothesis import given
from hypothesis import strategies as st
from objectives.children import cell, notebook, run_all_in_child, run_in_child

from astraml_lab.objectives.function import FunctionCode
from astraml_lab.spec import Float, Space, objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from objectives.conftest import MakeTrial

SPACE = Space({"lr": Float(0.0, 1.0)})
LOSS = objectives_of(minimize="loss")
NOTEBOOK = """
    import math
    scale = 2.0
    state = {"calls": 0}
    class Net:
        def forward(self, x):
            state["calls"] += 1
            return helper(x) * scale
    def helper(x):
        if x > 0.9:
            raise ValueError("too large")
        return math.sqrt(x)
    def calls():
        return state["calls"]
    def make(factor):
        return lambda x: Net().forward(x) * factor
"""


def function(fn: Callable[..., Any]) -> FunctionCode:
    return FunctionCode(fn, SPACE, LOSS)


def test_a_cell_runs_in_a_fresh_interpreter(tmp_path: Path) -> None:
    names = notebook(NOTEBOOK)
    code = cell(
        """\
        lr = Float(0.0, 1.0)
        device = str(device)
        Net().forward(lr)
        report(loss=Net().forward(lr), n=calls(), number=trial.number, cpu=device == "cpu")
        """,
        names,
    )
    ran = run_in_child(code, tmp_path, lr=0.25)
    assert ran.reports == [{"loss": 1.0, "n": 2.0, "number": 3.0, "cpu": 1.0}]
    assert ran.fingerprint == code.fingerprint()
    assert ran.source == code.program.source


def test_it_loads_no_floor_above_and_no_heavy_library(tmp_path: Path) -> None:
    loaded = run_in_child(cell("report(loss=1)", {}), tmp_path).loaded
    above = tuple(
        f"astraml_lab.{floor}" for floor in ("jobs", "ui", "search", "magics", "lab", "store", "cli")
    )
    assert not [name for name in loaded if name.startswith(above)]
    assert not {"optuna", "torch", "pandas", "IPython", "sqlalchemy", "plotly"}.intersection(loaded)


def test_the_traceback_has_the_true_lines_of_all_cells(tmp_path: Path) -> None:
    names = notebook(NOTEBOOK)
    ran = run_in_child(cell("lr = Float(0.0, 1.0)\n\nreport(loss=make(2)(lr))", names), tmp_path, lr=0.95)
    lines = [line for line in ran.traceback.splitlines() if not set(line) <= set(" ^~")]
    assert lines == [
        "Traceback (most recent call last):",
        '  File "<tune digits>", line 4, in <module>',
        "    report(loss=make(2)(lr))",
        '  File "/tmp/ipykernel_123/456.py", line 16, in <lambda>',
        "    return lambda x: Net().forward(x) * factor",
        '  File "/tmp/ipykernel_123/456.py", line 8, in forward',
        "    return helper(x) * scale",
        '  File "/tmp/ipykernel_123/456.py", line 11, in helper',
        '    raise ValueError("too large")',
        "ValueError: too large",
    ]


def test_lines_travel_with_functions_that_hide_in_objects(tmp_path: Path) -> None:
    names = notebook("import collections\nsteps = collections.deque([lambda x: x / 0])", "/tmp/nb/7.py")  # noqa: S108 - no file
    ran = run_in_child(cell("steps[0](1)", names), tmp_path)
    assert 'File "/tmp/nb/7.py", line 2, in <lambda>\n    steps = collections.deque' in ran.traceback


def test_only_the_names_that_are_used_travel(tmp_path: Path) -> None:
    names = notebook("def used(x):\n    return x + small\nsmall = 1\ndef unused():\n    return lock")
    names |= {"lock": threading.Lock(), "X": bytes(10_000_000), "other": [1]}
    code = cell("lr = Float(0.0, 1.0)\nreport(loss=used(lr))", names)
    assert len(cloudpickle.dumps(code)) < 5_000
    assert run_in_child(code, tmp_path, lr=0.5).reports == [{"loss": 1.5}]


def test_a_submodule_that_is_reached_as_an_attribute_is_imported(tmp_path: Path) -> None:
    assert xml.sax.saxutils
    names = {"xml": xml}
    ran = run_in_child(cell("report(loss=len(xml.sax.saxutils.escape('<')))", names), tmp_path)
    assert ran.reports == [{"loss": 4.0}]


def test_plain_pickle_finds_the_notebooks_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = notebook(NOTEBOOK)
    monkeypatch.setattr(sys.modules["__main__"], "Net", names["Net"], raising=False)
    names["pickle"] = pickle
    code = cell("report(loss=pickle.loads(pickle.dumps(Net())).forward(0.25))", names)
    assert run_in_child(code, tmp_path).reports == [{"loss": 1.0}]


def test_plain_pickle_finds_the_cells_own_classes(tmp_path: Path) -> None:
    code = cell(
        """\
        import pickle
        class Net:
            size = 3
        report(loss=pickle.loads(pickle.dumps(Net())).size)
        """,
        {},
    )
    assert run_in_child(code, tmp_path).reports == [{"loss": 3.0}]


def test_arriving_where_it_came_from_changes_nothing() -> None:
    names = notebook(NOTEBOOK)
    before = dict(vars(sys.modules["__main__"]))
    code = cloudpickle.loads(cloudpickle.dumps(cell("report(loss=Net().forward(1))", names)))
    assert vars(sys.modules["__main__"]) == before
    again = cloudpickle.loads(cloudpickle.dumps(code))
    assert again.program == code.program


def test_a_cell_takes_the_values_as_they_are_at_its_launch(make_trial: MakeTrial) -> None:
    names: dict[str, Any] = {"n": 1}
    code = cell("report(loss=n)", names)
    names["n"] = 2
    trial, recorder = make_trial()
    cloudpickle.loads(cloudpickle.dumps(code)).run(trial)
    assert recorder.reports == [{"loss": 1.0}]


def test_a_cells_class_travels_by_value_while_its_trial_runs(make_trial: MakeTrial, box: list[Any]) -> None:
    code = cell(
        "class Net:\n    size = 3\nbox += [Net, dumps(Net)]", {"box": box, "dumps": cloudpickle.dumps}
    )
    code.run(make_trial()[0])
    net, data = box
    assert b"size" in data
    assert pickle.loads(data).__name__ == net.__name__  # noqa: S301 - our own
    assert not [name for name in cloudpickle.list_registry_pickle_by_value() if "astraml" in name]


def test_a_cell_that_renames_its_module_leaves_nothing_behind(make_trial: MakeTrial) -> None:
    cell("__name__ = 'other'", {}).run(make_trial()[0])
    assert not [name for name in cloudpickle.list_registry_pickle_by_value() if "astraml" in name]


def notebook_functions() -> dict[str, Callable[..., Any]]:
    names = notebook(
        """
        import functools
        scale = 2.0
        def plain(lr):
            return lr * scale
        def make(factor):
            def closure(trial, *, more=factor):
                return trial.params["lr"] * more
            return closure
        class Trainer:
            def __init__(self):
                self.scale = scale
            def fit(self, lr):
                return lr * self.scale
            def __call__(self, lr):
                return self.fit(lr)
        def three(lr, a, b):
            return lr * (a - b)
        def decorate(fn):
            @functools.wraps(fn)
            def inner(*args, **kwargs):
                return fn(*args, **kwargs)
            return inner
        @decorate
        def wrapped(lr):
            return plain(lr)
        """
    )
    return {
        "a function": names["plain"],
        "a closure": names["make"](2.0),
        "a bound method": names["Trainer"]().fit,
        "a callable object": names["Trainer"](),
        "a partial": functools.partial(names["three"], a=5, b=3),
        "a decorated function": names["wrapped"],
        "a lambda": lambda lr: lr * 2,
    }


def test_functions_of_all_kinds_run_in_a_fresh_interpreter(tmp_path: Path) -> None:
    codes = {kind: function(fn) for kind, fn in notebook_functions().items()}
    all_ran = dict(zip(codes, run_all_in_child(list(codes.values()), tmp_path, lr=0.5), strict=True))
    assert {kind: ran.traceback for kind, ran in all_ran.items() if ran.traceback} == {}
    assert [ran.returned for ran in all_ran.values()] == [{"loss": 1.0}] * len(codes)
    assert [ran.fingerprint for ran in all_ran.values()] == [code.fingerprint() for code in codes.values()]


def test_a_function_of_an_installed_module_travels_by_its_name(tmp_path: Path) -> None:
    code = FunctionCode(collections.Counter, Space({"a": Float(0.0, 1.0)}), LOSS)
    assert len(cloudpickle.dumps(code)) < 1_000
    assert run_in_child(code, tmp_path, a=0.5).returned == {"a": 0.5}


def test_a_functions_default_stays_its_own_object() -> None:
    names = notebook("missing = object()\ndef train(lr, x=missing):\n    return float(x is missing) + lr")
    code = cloudpickle.loads(cloudpickle.dumps(function(names["train"])))
    assert code._signature.parameters["x"].default is code._function.__defaults__[0]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)
NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])


@given(st.dictionaries(NAMES, PLAIN), st.sets(NAMES, min_size=1))
def test_whatever_a_cell_reads_arrives_and_nothing_else(values: dict[str, Any], used: set[str]) -> None:
    names = {**values, "lock": threading.Lock()}
    code = cloudpickle.loads(cloudpickle.dumps(cell(f"[{', '.join(sorted(used))}]", names)))
    assert code._names == {name: value for name, value in values.items() if name in used}
