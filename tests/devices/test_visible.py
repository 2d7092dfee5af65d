from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.clock import FakeClock, SystemClock
from astraml_lab.devices import FakeProbe, Lease, LeaseRequest, Pool, SystemProbe, environment
from astraml_lab.devices.visible import narrowed

if TYPE_CHECKING:
    from astraml_lab.devices import Device

VARIABLE = "CUDA_VISIBLE_DEVICES"
MIG = "MIG-5f2c0b1e-7b1a-5c4e-9d3f-0a1b2c3d4e5f"


class NamelessProbe:
    """GPUs of a driver that tells only numbers."""

    def list(self) -> tuple[Device, ...]:
        return tuple(replace(gpu, uuid=str(gpu.index)) for gpu in FakeProbe(2).list())


def lend(pool: Pool, request: LeaseRequest) -> Lease:
    lease = pool.try_lease(request)
    assert lease is not None
    return lease


def test_a_process_sees_the_gpus_of_its_lease_by_the_drivers_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "7,5,3")
    pool = Pool(FakeProbe(3), FakeClock())
    lease = lend(pool, LeaseRequest("wide", gpus=2, devices=(1, 2)))
    assert environment(lease, 4) == {
        "CUDA_VISIBLE_DEVICES": "GPU-fake-1,GPU-fake-2",
        "MKL_NUM_THREADS": "4",
        "OMP_NUM_THREADS": "4",
        "OPENBLAS_NUM_THREADS": "4",
    }


def test_where_the_driver_has_no_names_the_kernels_own_entries_are_narrowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "3,5")
    pool = Pool(NamelessProbe(), FakeClock())
    assert environment(lend(pool, LeaseRequest("one", devices=(1,))), 1)[VARIABLE] == "5"


def test_a_trial_on_the_cpu_sees_no_gpu() -> None:
    lease = lend(Pool(FakeProbe(2), FakeClock()), LeaseRequest("cpu", gpus=0))
    assert environment(lease, 1)[VARIABLE] == ""


@pytest.mark.parametrize(
    ("visible", "devices", "left"),
    [
        (None, (1,), "1"),
        (None, (0, 2), "0,2"),
        ("3,5", (1,), "5"),
        (" 3 , 5 ", (0, 1), "3,5"),
        ("GPU-aa,GPU-bb", (1,), "GPU-bb"),
        (f"{MIG}", (0,), MIG),
        (f"2,{MIG},GPU-cc", (1, 2), f"{MIG},GPU-cc"),
        ("3,5", (), ""),
        (None, (), ""),
        ("", (0,), "0"),
        ("3", (1,), "1"),
    ],
)
def test_torchs_numbers_are_those_under_the_kernels_own_variable(
    visible: str | None, devices: tuple[int, ...], left: str
) -> None:
    assert narrowed(devices, {} if visible is None else {VARIABLE: visible}) == left


ENTRIES = st.lists(
    st.one_of(
        st.integers(0, 15).map(str),
        st.uuids().map(lambda name: f"GPU-{name}"),
        st.uuids().map(lambda name: f"MIG-{name}"),
    ),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(ENTRIES, st.data())
def test_narrowing_twice_is_narrowing_once_by_the_numbers_of_the_first(
    entries: list[str], data: st.DataObject
) -> None:
    outer = data.draw(st.lists(st.sampled_from(range(len(entries))), min_size=1, unique=True))
    inner = data.draw(st.lists(st.sampled_from(range(len(outer))), min_size=1, unique=True))
    once = {VARIABLE: narrowed(outer, {VARIABLE: ", ".join(entries)})}
    assert narrowed(inner, once).split(",") == [entries[outer[number]] for number in inner]


SEEN = """
import torch
print(torch.cuda.device_count(), torch.cuda.get_device_properties(0).uuid)
"""


@pytest.mark.gpu
def test_a_process_of_its_own_sees_the_gpu_that_was_lent() -> None:
    last = SystemProbe().list()[-1].index or 0
    lease = lend(Pool(SystemProbe(), SystemClock()), LeaseRequest("gpu", 0.01, devices=(last,)))
    env = {**os.environ, **environment(lease, 1)}
    done = subprocess.run(
        [sys.executable, "-c", SEEN], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["1", lease.uuids[0].removeprefix("GPU-")]


def test_nothing_is_changed_in_this_process() -> None:
    before = dict(os.environ)
    environment(lend(Pool(FakeProbe(1), FakeClock()), LeaseRequest("one")), 2)
    assert dict(os.environ) == before
