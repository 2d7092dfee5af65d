from __future__ import annotations

import functools
import os
import sys
import threading
import types
from typing import TYPE_CHECKING

import cloudpickle
import numpy as np
import pytest

from astraml_lab.process import parcel, system

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def file() -> Iterator[int]:
    descriptor = system.unnamed_file("test")
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    made = types.ModuleType("astraml_cell_made_up")
    exec(compile("def double(x):\n    return 2 * x\n", "<a cell>", "exec"), vars(made))  # noqa: S102
    sys.modules[made.__name__] = made
    yield made
    sys.modules.pop(made.__name__, None)


def test_a_value_and_its_label_arrive_for_every_reader(file: int) -> None:
    parcel.pack(file, {"rows": np.arange(5)}, label="a label")
    for _ in range(2):
        arrived = parcel.Parcel(file)
        assert arrived.label == "a label"
        assert arrived.value()["rows"].tolist() == [0, 1, 2, 3, 4]


def test_what_is_shared_is_referred_to(file: int) -> None:
    data = list(range(100_000))
    parcel.pack(file, {"data": data, "more": 1}, shared=[data])
    assert os.fstat(file).st_size < 1000
    elsewhere = ["what the other side has"]
    assert parcel.Parcel(file).value([elsewhere])["data"] is elsewhere


def test_a_function_of_a_module_in_memory_travels_by_value(file: int, module: types.ModuleType) -> None:
    parcel.pack(file, module.double)
    del sys.modules[module.__name__]
    assert parcel.Parcel(file).value()(21) == 42


def test_what_the_user_registered_to_travel_by_value_stays_registered(
    file: int, module: types.ModuleType
) -> None:
    cloudpickle.register_pickle_by_value(module)
    parcel.pack(file, module.double)
    assert module.__name__ in cloudpickle.list_registry_pickle_by_value()
    cloudpickle.unregister_pickle_by_value(module)
    parcel.pack(file, module.double)
    assert module.__name__ not in cloudpickle.list_registry_pickle_by_value()


class Holder:
    def __init__(self, thing: object) -> None:
        self.thing = thing


def test_the_part_that_cannot_travel_is_named() -> None:
    lock = threading.Lock()

    def closed_over() -> object:
        return lock

    values = {
        "lock": closed_over,
        "run.thing": Holder(lock),
        "run['a'][1]": {"a": [1, lock]},
        "run[0].thing": functools.partial(print, Holder(lock)),
    }
    for name, value in values.items():
        assert parcel.explain(TypeError("no"), value, "run") == (
            f"`{name}` (_thread.lock) cannot be sent to a process: no"
        )
