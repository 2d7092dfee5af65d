from __future__ import annotations

import argparse
import dataclasses
import enum
import functools
import math
import threading
from collections import OrderedDict, deque, namedtuple
from datetime import timedelta
from pathlib import Path, PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.objectives.fingerprint import changed, changed_data

Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind is what notebooks have


@dataclasses.dataclass
class Config:
    lr: float
    sizes: tuple[int, ...] = ()


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Slotted:
    __slots__ = ("x",)
    x: int


def digest_of(value: Any, body: str = "use(CFG)") -> str | None:
    names = {"__name__": "__main__", "CFG": value}
    return CellCode(parse_cell(body, names), names).fingerprint().get("`CFG`")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"lr": 1}, {"lr": 2}),
        ({"lr": 1}, {"lr": 1, "mom": 2}),
        ({"model": {"act": {"name": "relu"}}}, {"model": {"act": {"name": "gelu"}}}),
        ({n: n for n in range(400)}, {n: n + (n == 399) for n in range(400)}),
        ({"lr": 1, "data": object()}, {"lr": 2, "data": object()}),
        ({"one": 1, "two": 2}, {"two": 2, "one": 1}),
        (OrderedDict(a=1), OrderedDict(a=2)),
        (MappingProxyType({"a": 1}), MappingProxyType({"a": 2})),
        (deque([1, 2]), deque([1, 3])),
        (SimpleNamespace(lr=1), SimpleNamespace(lr=2)),
        (argparse.Namespace(lr=1), argparse.Namespace(lr=2)),
        (Config(0.1, (1, 2)), Config(0.1, (1, 3))),
        (Pair(1, 2), Pair(1, 3)),
        ((1, (2, (3,))), (1, (2, (4,)))),
        ({"a", "b"}, {"a", "c"}),
        (frozenset({1, 2}), frozenset({1, 3})),
        (Path("data/a"), Path("data/b")),
        (PurePosixPath("a"), PurePosixPath("b")),
        (Color.RED, Color.BLUE),
        ([Color.RED], [Color.BLUE]),
        (np.float32(0.1), np.float32(0.2)),
        (np.float64(1), np.float32(1)),
        (np.int64(1), np.int64(2)),
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([1, 2]), np.array([[1, 2]])),
        (np.array([1], "i4"), np.array([1], "i8")),
        (np.array(["2026-01-01"], "M8[D]"), np.array(["2026-01-02"], "M8[D]")),
        (np.array("a"), np.array("b")),
        (np.ma.array([1, 2]), np.ma.array([1, 3])),
        (np.dtype("f4"), np.dtype("f8")),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]})),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"b": [1, 2]})),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1.0, 2.0]})),
        (pd.DataFrame({"a": [1]}, index=["x"]), pd.DataFrame({"a": [1]}, index=["y"])),
        (pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": ["x", "y"]})),
        (pd.DataFrame({"a": pd.array([1, None], "Int64")}), pd.DataFrame({"a": pd.array([1, 2], "Int64")})),
        (pd.Series(["x", "y"], dtype="category"), pd.Series(["x", "x"], dtype="category")),
        (pd.Series([1], name="a"), pd.Series([1], name="b")),
        (pd.Series([True, False]), pd.Series([True, True])),
        (pd.Index([1, 2]), pd.Index([1, 3])),
        (pd.date_range("2026-01-01", periods=3, tz="UTC"), pd.date_range("2026-01-02", periods=3, tz="UTC")),
        (np.tanh, np.sin),
        (timedelta(1), timedelta(2)),
        (functools.partial(math.pow, 2), functools.partial(math.pow, 3)),
        (math.exp, math.log),
        ([10**10_000], [10**10_000 + 1]),
        (1, True),
        (1, 1.0),
        (1, "1"),
        (range(3), range(4)),
        (b"a", bytearray(b"a")),
    ],
)
def test_a_changed_setting_is_a_change(one: Any, two: Any) -> None:
    assert digest_of(one) is not None
    assert digest_of(one) == digest_of(one)
    assert digest_of(one) != digest_of(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"lr": 1, "data": object()}, {"lr": 1, "data": object()}),
        ({f"{n}" for n in range(50)}, {f"{n}" for n in reversed(range(50))}),
        (np.array([[1, 2], [3, 4]]).T, np.array([[1, 3], [2, 4]])),
        ({"data": [1] * 1000}, {"data": [2] * 1000}),
        (float("nan"), float("nan")),
    ],
)
def test_equal_settings_are_none_and_data_in_them_stay_out(one: Any, two: Any) -> None:
    assert digest_of(one) == digest_of(two) is not None


@pytest.mark.parametrize(
    "value",
    [
        [0.5] * 1000,
        {n: n for n in range(1000)},
        np.broadcast_to(np.zeros(1), 9_000_000),
        np.array([object()]),
        pd.DataFrame({"a": [object()]}),
        pd.DataFrame({"a": ["x"] * 300_000}),
        "x" * 100_000,
        object(),
        threading.Lock(),
        np.random.default_rng(0),
        math,
    ],
)
def test_data_do_not_count(value: Any) -> None:
    assert digest_of(value) is None


def test_what_the_cell_writes_into_holds_its_results() -> None:
    assert digest_of([], "CFG.append(1)") is None
    assert digest_of({}, "CFG[trial.number] = 1") is None
    assert digest_of({}, "CFG.setdefault(trial.number, []).append(1)") is None
    assert digest_of(np.zeros(3), "CFG[0] = 1") is None
    assert digest_of(np.zeros(3), "CFG.sort()") is None
    assert digest_of(np.zeros(3), "use.shuffle(CFG)") is None
    assert digest_of(np.zeros(3), "use.add(1, 2, out=CFG)") is None
    assert digest_of(pd.DataFrame({"a": [1]}), "CFG['b'] = 1") is None
    assert digest_of(pd.DataFrame({"a": [1]}), "CFG.drop(columns='a', inplace=True)") is None
    assert digest_of([], "CFG += [1]") is None
    assert digest_of(1, "CFG += 1") is not None


@pytest.mark.parametrize(
    "body",
    [
        "CFG['seen'] = 3",
        "CFG['seen']['x'] += 3",
        "CFG.update(seen=3)",
        "CFG.update({'seen': 3})",
        "CFG.setdefault('seen', 4)",
        "del CFG['seen']",
    ],
)
def test_a_written_key_leaves_the_others_in(body: str) -> None:
    first = digest_of({"lr": 1, "seen": 1}, body)
    assert first == digest_of({"lr": 1, "seen": 2}, body)
    assert first != digest_of({"lr": 2, "seen": 1}, body)


def test_a_written_attribute_leaves_the_others_in() -> None:
    body = "CFG.lr = 0.5"
    assert digest_of(SimpleNamespace(lr=1, n=1), body) == digest_of(SimpleNamespace(lr=2, n=1), body)
    assert digest_of(SimpleNamespace(lr=1, n=1), body) != digest_of(SimpleNamespace(lr=1, n=2), body)


def test_a_class_of_settings_counts_by_its_attributes() -> None:
    def part(lr: int, more: Any, body: str = "use(CFG)") -> str:
        kind = type("CFG", (), {"lr": lr, "more": more, "__module__": "__main__"})
        names = {"__name__": "__main__", "CFG": kind}
        return CellCode(parse_cell(body, names), names).fingerprint()["class CFG"]

    assert part(1, {"a": [1]}) == part(1, {"a": [1]})
    assert part(1, {"a": [1]}) != part(1, {"a": [2]})
    assert part(1, 2) != part(2, 2)
    assert part(1, 2, "CFG.lr = 3") == part(2, 2, "CFG.lr = 3")


def test_an_empty_slot_is_passed_over() -> None:
    slotted = Slotted()
    slotted.x = 1
    assert digest_of([slotted, Slotted()]) is not None


def test_tensors_on_the_cpu_count_and_no_model() -> None:
    torch = pytest.importorskip("torch")
    values = [torch.tensor(1.5), torch.tensor(2.5), torch.tensor([1, 2]), torch.tensor([1, 3])]
    values += [
        torch.tensor([1.0], dtype=torch.bfloat16),
        torch.tensor([[True]]),
        torch.zeros(100_000),
        torch.float32,
        torch.device("cpu"),
    ]
    digests = [digest_of(value) for value in values]
    assert None not in digests
    assert len(set(digests)) == len(values)
    trained = torch.zeros(1, requires_grad=True)
    for value in (
        torch.zeros(1).expand(20_000_000),
        trained,
        torch.zeros(2, device="meta"),
        torch.nn.Linear(1, 1),
    ):
        assert digest_of(value) is None
    cloned = torch.zeros(3)
    assert digest_of(cloned, "CFG.normal_()") is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (np.zeros(100_000), np.repeat([0.0, 1.0], [99_999, 1])),
        ({"lr": 1, "data": np.zeros(1_000)}, {"lr": 1, "data": np.ones(1_000)}),
        (pd.DataFrame({"a": range(1_000)}), pd.DataFrame({"a": range(1, 1_001)})),
    ],
)
def test_other_data_are_no_other_job_and_are_named(one: Any, two: Any) -> None:
    first, same, other = (
        CellCode(parse_cell("use(CFG)", names), names).fingerprint()
        for names in ({"__name__": "__main__", "CFG": value} for value in (one, one, two))
    )
    assert first == same
    assert not changed(first, other)
    assert changed_data(first, other) == ["`CFG`"]
    of_another_type = {"__name__": "__main__", "CFG": [0.0]}
    assert changed(first, CellCode(parse_cell("use(CFG)", of_another_type), of_another_type).fingerprint())


def uncompared(body: str, **names: Any) -> tuple[str, ...]:
    space = {"__name__": "__main__", **names}
    return CellCode(parse_cell(body, space), space).uncompared


def test_what_is_not_compared_is_named_with_its_type() -> None:
    names = {"net": object(), "cfg": {"lr": 1, "rows": [0] * 1000}, "math": math, "lr": 1, "seen": []}
    body = "report(loss=net(cfg, lr, math.pi))\nseen.append(1)"
    assert uncompared(body, **names) == ("net (object)", "cfg (list)")
    assert uncompared("report(loss=data.sum())", data=np.zeros(1000)) == ()


def test_arrays_and_tables_are_compared_up_to_a_limit_for_all_together() -> None:
    big = {name: np.zeros(4_000_000) for name in ("a", "b", "c")}
    assert uncompared("use(a, b, c)", **big) == ("c (ndarray)",)
    assert uncompared("use(a, b, c)", **dict.fromkeys("abc", big["a"])) == ()


def test_the_weights_of_a_model_of_the_notebooks_own_class_are_not_compared() -> None:
    torch = pytest.importorskip("torch")
    net = type("Net", (torch.nn.Linear,), {"__module__": "__main__"})
    assert uncompared("model(x)", model=torch.nn.Sequential()) == ("model (Sequential)",)
    assert uncompared("model(x)", model=net(1, 1)) == ("model (Net)",)
