from __future__ import annotations

import functools
import socket
import sqlite3
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectives.children import cell, notebook

from astraml_lab.errors import InvalidSpec
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.objectives.survey import survey
from astraml_lab.objectives.travel import check
from astraml_lab.spec import Categorical, Float, Space, objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from astraml_lab.objectives.base import Code

EMPTY = Space({})
SPACE = Space({"lr": Float(0.0, 1.0)})


def refusals(code: Code, space: Space = EMPTY) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        check(code, space)
    return [str(problem) for problem in caught.value.problems]


def refusal(name: str, names: dict[str, Any]) -> str:
    (found,) = refusals(cell(name, names))
    return found


def stuck(where: str, what: str, verb: str = "make", because: str = "") -> str:
    reason = f": {because}" if because else ""
    hint = f"{verb} it inside the cell, or use --executor threads"
    return f"{where} is {what}; it cannot be sent to a process{reason} ({hint})"


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def test_what_most_cells_use_may_travel() -> None:
    names = notebook("import math\nclass Net: pass\ndef f(x): return math.pi\ng = lambda: f(1)\nnet = Net()")
    names |= {"sys": sys, "X": np.zeros(3), "part": functools.partial(len), "word": "x", "none": None}
    used = ", ".join(name for name in names if not name.startswith("__"))
    assert check(cell(f"({used})", names), SPACE).notes == ()


def test_every_name_that_cannot_travel_is_named_at_once(db: sqlite3.Connection, tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "db": db,
        "lock": threading.Lock(),
        "steps": (n for n in range(3)),
        "thread": threading.Thread(),
        "fine": 3,
    }
    with (tmp_path / "log").open("w") as names["log"], socket.socket() as names["sock"]:
        found = refusals(cell("db, lock, steps, thread, log, sock, fine", names))
    assert found == [
        stuck("`db`", "a sqlite3.Connection", "open"),
        stuck("`lock`", "a _thread.lock"),
        stuck("`steps`", "a generator"),
        stuck("`thread`", "a threading.Thread", because="it holds a _thread.lock"),
        stuck("`log`", "an open file", "open", "Cannot pickle files that are not opened for reading: w"),
        stuck("`sock`", "a socket.socket", "open"),
    ]


def test_the_message_is_one_of_ours(db: sqlite3.Connection) -> None:
    with pytest.raises(
        InvalidSpec, match="1 mistake in what the trials' processes need, nothing was started"
    ):
        check(cell("db", {"db": db}), SPACE)


def test_the_chain_of_functions_is_named(db: sqlite3.Connection) -> None:
    names = notebook(
        """
        def read(): return db
        def load(): return read()
        def outer(held):
            def inner(): return held
            return inner
        def late(x, default=None): return default
        class Store:
            def fetch(self): return db2
        store = Store()
        """
    )
    names |= {
        "db": db,
        "db2": threading.RLock(),
        "late": names["late"],
        "inner": names["outer"](iter(db.execute("select 1"))),
    }
    names["late"].__defaults__ = (threading.Lock(),)
    assert refusals(cell("load, inner, late, store", names)) == [
        stuck("`held`, used by `inner`", "a sqlite3.Cursor", "open"),
        stuck("`default`, used by `late`", "a _thread.lock"),
        stuck("`db2`, used by `Store.fetch`", "a _thread.RLock"),
        stuck("`db`, used by `read`, used by `load`", "a sqlite3.Connection", "open"),
    ]


def test_a_name_of_the_cell_goes_before_the_chain(db: sqlite3.Connection) -> None:
    names = notebook("def load(): return db")
    names["db"] = db
    assert refusals(cell("load(), db", names)) == [stuck("`db`", "a sqlite3.Connection", "open")]


class Holder:
    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)


def test_the_place_inside_a_value_is_named() -> None:
    lock = threading.Lock()
    assert refusal("a", {"a": {"x": [1, (lock,)]}}) == stuck("`a['x'][1][0]`", "a _thread.lock")
    assert refusal("a", {"a": functools.partial(print, lock)}) == stuck("`a.args[0]`", "a _thread.lock")
    assert refusal("a", {"a": functools.partial(max, key=lock)}) == stuck(
        "`a.keywords['key']`", "a _thread.lock"
    )
    assert refusal("a", {"a": {lock}}) == stuck("`a{…}`", "a _thread.lock")
    names = notebook(
        """
        import threading
        class Held:
            lock = threading.Lock()
        class Config:
            pass
        held, config = Held(), Config()
        config.deep = Config()
        config.deep.lock = threading.Lock()
        """
    )
    assert refusal("held", names) == stuck("`Held.lock`", "a _thread.lock")
    assert refusal("config", names) == stuck("`config.deep.lock`", "a _thread.lock")


def test_an_object_of_a_library_is_to_blame_as_a_whole() -> None:
    lock = threading.Lock()
    kind = f"a {Holder.__module__}.Holder"
    shown = stuck("`a[0]`", kind, because="`a[0].deep.lock` is a _thread.lock")
    assert refusal("a", {"a": [Holder(deep=Holder(lock=lock))]}) == shown
    assert refusal("a", {"a": Holder(_lock=lock)}) == stuck("`a`", kind, because="it holds a _thread.lock")


class Refuses:
    def __reduce__(self) -> Any:
        raise ValueError("not\nme.")


def test_an_object_that_refuses_in_its_own_words_is_quoted() -> None:
    assert "`a` is a objectives" not in refusal("a", {"a": Refuses()})
    assert refusal("a", {"a": Refuses()}).endswith(
        "Refuses; it cannot be sent to a process: not me (make it inside the cell, or use --executor threads)"
    )


def test_what_pickle_itself_refuses_is_said() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert "recursion" in refusal("a", {"a": deep})


def test_a_function_is_told_its_own_words(db: sqlite3.Connection) -> None:
    names = notebook("def train(lr): return db")
    names["db"] = db
    (found,) = refusals(FunctionCode(names["train"], SPACE, objectives_of(minimize="loss")))
    assert found == (
        "`db`, used by `train` is a sqlite3.Connection; it cannot be sent to a process "
        '(open it inside `train`, or use executor="threads")'
    )


def test_the_objects_behind_labels_are_looked_at() -> None:
    space = Space({"act": Categorical({"relu": threading.Lock(), "id": len}), "b": Categorical(["x"])})
    assert refusals(cell("act", {}), space) == [stuck("`act['relu']`", "a _thread.lock")]


class Tensor:
    """Looks like torch's, on a GPU."""

    is_cuda = True
    device = "cuda:0"

    def __reduce__(self) -> Any:
        raise AssertionError("a tensor on a GPU must not be touched")

    def cpu(self) -> Any: ...


class Module:
    def __init__(self) -> None:
        self._parameters = {"weight": Tensor(), "bias": Tensor()}

    def cpu(self) -> Any: ...


def test_what_lives_on_a_gpu_is_named_with_how_to_move_it() -> None:
    names: dict[str, Any] = {"X": Tensor(), "model": Module(), "batch": {"y": Tensor()}}
    names["opt"] = Holder(state={names["model"]: [Tensor()]})
    here = f"{__name__}."

    def words(where: str, kind: str, how: str) -> str:
        return f"`{where}` is a {here}{kind} on cuda:0; GPU memory cannot be sent to a process ({how})"

    first = "move it to the CPU first"
    assert refusals(cell("X, model, batch, opt", names)) == [
        words("X", "Tensor that lives", f"{first}: X = X.cpu()"),
        words("model", "Module that lives", f"{first}: model = model.cpu()"),
        words("batch['y']", "Tensor that lives", f"{first}: batch['y'] = batch['y'].cpu()"),
        words("opt", "Holder with tensors", "make it inside the cell, or use --executor threads"),
    ]


def test_large_captures_are_named_with_their_size() -> None:
    names: dict[str, Any] = {"X_train": np.zeros(210_000_000, np.uint8), "small": np.zeros(10)}
    assert check(cell("X_train, small", names), EMPTY).notes == (
        "X_train (210 MB) is copied to the trials' processes once per job",
    )
    names |= {"y": bytes(60_000_000), "z": "x" * 45_000_000}
    found = check(cell("y, X_train, small, z", names), EMPTY)
    assert found.notes == (
        "X_train (210 MB) and y (60 MB) are copied to the trials' processes once per job, 315 MB in all",
    )
    assert found.size == pytest.approx(315_000_000, rel=0.001)


def test_many_middling_captures_are_large_together() -> None:
    names = {f"X{n}": bytes(n * 1_000_000) for n in (20, 30, 10)}
    assert check(cell(", ".join(names), names), EMPTY).notes == (
        "X30 (30 MB) is copied to the trials' processes once per job, 60 MB in all",
    )


def test_an_array_behind_several_names_counts_once() -> None:
    data = np.zeros(100_000_000, np.uint8)
    names = notebook("def load(): return data")
    names |= {"data": data, "same": {"again": data}}
    found = check(cell("load, same", names), EMPTY)
    assert found.notes == ("same (100 MB) is copied to the trials' processes once per job",)
    assert found.size == pytest.approx(100_000_000, rel=0.001)


def test_tensors_count_by_their_storage() -> None:
    torch = pytest.importorskip("torch")
    X = torch.zeros(20_000_000)  # noqa: N806 - as in notebooks
    names = {"X": X, "view": X[:10], "layer": torch.nn.Linear(10, 10), "sparse": torch.eye(3).to_sparse()}
    found = check(cell("X, view, layer, sparse", names), EMPTY)
    assert found.notes == ("X (80 MB) is copied to the trials' processes once per job",)


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (lambda: np.zeros(200_000_000, np.uint8), 0.5),
        (lambda: np.zeros((10_000, 20_000), np.uint8).T[::2], 0.5),
        (lambda: bytes(200_000_000), 0.5),
        (lambda: {"lr": [0.1] * 100}, 0.05),
    ],
)
def test_the_look_is_quick(make: Callable[[], Any], limit: float) -> None:
    code = cell("X", {"X": make()})
    started = time.process_time()
    check(code, EMPTY)
    assert time.process_time() - started < limit


VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(max_size=2000) | st.floats(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.builds(lambda x: Holder(x=x), inner)
        | st.builds(lambda x: functools.partial(len, x), inner)
        | st.builds(lambda x: lambda: x, inner)
    ),
    max_leaves=15,
)


@given(VALUES)
def test_the_size_is_that_of_the_pickle(value: Any) -> None:
    size = sum(survey({"value": value}).sizes.values())
    real = len(cloudpickle.dumps(value))
    assert abs(size - real) <= 0.5 * real + 200


@given(VALUES, st.booleans())
def test_it_refuses_what_cannot_be_pickled_and_nothing_else(value: Any, locked: bool) -> None:  # noqa: FBT001 - drawn
    held = [value, threading.Lock()] if locked else [value]
    assert bool(survey({"value": held}).snags) is locked
