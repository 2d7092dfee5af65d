"""Kernels of one machine share its GPUs through their store."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from plugins.patience import until
from sqlalchemy import text

from astraml_lab.clock import FakeClock
from astraml_lab.devices import Claim, FakeProbe, Lease, LeaseRequest, Pool
from astraml_lab.jobs.device_ledger import StoreLedger
from astraml_lab.spec import JobState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugins.jobs import Bench

DIGITS = "default/digits#1"
KERNEL = """
import os, sys
from astraml_lab.clock import FakeClock
from astraml_lab.devices import FakeProbe, LeaseRequest, Pool
from astraml_lab.jobs.device_ledger import StoreLedger
from astraml_lab.store import Store

home, gpus = sys.argv[1], int(sys.argv[2])
store, clock = Store(home), FakeClock()
pool = Pool(FakeProbe(gpus), clock, ledger=StoreLedger(store, f"kernel {os.getpid()}"))
held = []
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "release":
        while held:
            held.pop().release()
        print("released", flush=True)
        continue
    clock.advance(1)
    lease = pool.try_lease(LeaseRequest("default/digits#1", gpus=float(line)))
    held += [lease] if lease else []
    print(lease.label if lease else "waits", flush=True)
"""


class Kernel:
    """Another kernel: a process of its own with a pool over the same store."""

    def __init__(self, home: Path, gpus: int = 1) -> None:
        command = [sys.executable, "-c", KERNEL, str(home), str(gpus)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def send(self, words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, words: object) -> str:
        self.send(words)
        return self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def started(home: Path) -> Iterator[list[Kernel]]:
    with Store(home):  # made before they race for it
        kernels = [Kernel(home) for _ in range(3)]
    assert [kernel.answer() for kernel in kernels] == ["ready"] * 3
    yield kernels
    for kernel in kernels:
        kernel.kill()


@pytest.fixture
def kernels(home: Path) -> Iterator[list[Kernel]]:
    with started(home) as kernels:
        yield kernels


@pytest.fixture(scope="module")
def racers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Kernel]]:
    """Kernels that give back all that they got."""
    with started(tmp_path_factory.mktemp("home")) as kernels:
        yield kernels


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store(home) as store:
        yield store


def race(kernels: list[Kernel], words: object) -> list[str]:
    for kernel in kernels:
        kernel.send(words)
    return sorted(kernel.answer() for kernel in kernels)


def lend(pool: Pool, request: LeaseRequest) -> Lease:
    lease = pool.try_lease(request)
    assert lease is not None
    return lease


@pytest.mark.parametrize(("gpus", "winners"), [(1.0, 1), (0.5, 2)])
def test_kernels_that_race_for_a_gpu_never_get_more_than_there_is(
    racers: list[Kernel], gpus: float, winners: int
) -> None:
    for _ in range(20):
        answers = race(racers, gpus)
        assert answers == ["cuda:0"] * winners + ["waits"] * (3 - winners)
        assert race(racers, "release") == ["released"] * 3


def test_what_a_killed_kernel_held_is_free_at_once(kernels: list[Kernel], store: Store) -> None:
    clock = FakeClock()
    pool = Pool(FakeProbe(1), clock, ledger=StoreLedger(store, "kernel 1"))
    first, second, _ = kernels
    assert first.ask(0.5) == second.ask(0.5) == "cuda:0"
    half = LeaseRequest("default/mine#3", gpus=0.5)
    assert pool.try_lease(half) is None
    assert pool.why_waiting(half.owner) == (
        f"waits for cuda:0: kernel {first.pid} (job default/digits#1) holds 0.5 of it, "
        f"kernel {second.pid} (job default/digits#1) holds 0.5 of it"
    )
    first.kill()
    clock.advance(0.5)
    lend(pool, half)
    clock.advance(0.5)
    assert pool.try_lease(half) is None
    second.kill()
    clock.advance(0.5)
    lend(pool, half)
    assert [claim.owner for claim in store.device_claims()] == ["kernel 1 (job default/mine#3)"] * 2


def test_two_pools_of_one_process_are_two_kernels(store: Store) -> None:
    ledgers = [StoreLedger(store, f"kernel {number}") for number in (1, 2)]
    here, there = (Pool(FakeProbe(1), FakeClock(), ledger=ledger) for ledger in ledgers)
    lend(here, LeaseRequest("the preflight", gpus=0.25))
    lend(there, LeaseRequest(DIGITS, gpus=0.75))
    assert ledgers[1].others() == (Claim("GPU-fake-0", 0.25, "kernel 1 (the preflight)"),)
    assert ledgers[0].others() == (Claim("GPU-fake-0", 0.75, "kernel 2 (job default/digits#1)"),)


def test_claims_go_with_their_leases_and_a_closed_slot_keeps_its_own(store: Store) -> None:
    pool = Pool(FakeProbe(2), FakeClock(), ledger=StoreLedger(store, "kernel 1"))
    wide = lend(pool, LeaseRequest(DIGITS, gpus=2))
    assert [claim.device for claim in store.device_claims()] == ["GPU-fake-0", "GPU-fake-1"]
    wide.release()
    assert store.device_claims() == ()
    stuck = lend(pool, LeaseRequest(DIGITS))
    stuck.close_slot()
    stuck.release()
    assert [claim.device for claim in store.device_claims()] == ["GPU-fake-0"]
    stuck.reopen()
    assert store.device_claims() == ()


def test_a_store_that_cannot_be_written_stops_no_trial(store: Store) -> None:
    pool = Pool(FakeProbe(2), FakeClock(), ledger=StoreLedger(store, "kernel 1"))
    with store.begin() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    assert lend(pool, LeaseRequest(DIGITS)).note == (
        "took cuda:0 without asking the other kernels, which may use it too: "
        "cannot claim a device: attempt to write a readonly database; "
        "check the file's permissions, or set ASTRAML_HOME to another folder"
    )
    store.close()  # the next connection may write
    assert lend(pool, LeaseRequest(DIGITS)).note == ""
    assert sorted(claim.device for claim in store.device_claims()) == ["GPU-fake-0", "GPU-fake-1"]


def test_a_job_says_which_kernel_it_waits_for_and_goes_on_when_that_is_killed(
    gpu_bench: Bench, home: Path
) -> None:
    other = Kernel(home, gpus=2)
    try:
        assert other.answer() == "ready"
        assert other.ask(2) == "cuda:0,1"
        job = gpu_bench.launch(lambda x: {"score": x}, name="mine", trials=2)
        expected = (
            f"waits for 1 GPU: kernel {other.pid} (job default/digits#1) holds cuda:0; "
            f"kernel {other.pid} (job default/digits#1) holds cuda:1"
        )
        until(lambda: job.view().reason == expected)
        assert job.view().parallel == 2, "what another kernel holds now does not make a job small for ever"
    finally:
        other.kill()
    assert job.wait(120).state is JobState.SUCCEEDED
