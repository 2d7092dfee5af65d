from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plugins.patience import until

from astraml_lab.clock import FakeClock
from astraml_lab.devices import Claim, FakeProbe, Lease, LeaseRequest, Pool
from astraml_lab.devices.claims import Claims
from astraml_lab.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GB = 10**9
DIGITS = "default/digits#1"


class Machine:
    """GPUs, a clock and a ledger in memory that several kernels share."""

    def __init__(self, gpus: int = 1) -> None:
        self.probe = FakeProbe(gpus, total_bytes=80 * GB)
        self.clock = FakeClock()
        self.rows: dict[int, tuple[str, Claim]] = {}
        self.next_id = 1
        self.lock = threading.Lock()
        self.broken = ""
        self.reads = 0

    def kernel(self, name: str) -> Pool:
        return Pool(self.probe, self.clock, ledger=View(self, name))


class View:
    """The ledger of one kernel."""

    def __init__(self, machine: Machine, kernel: str) -> None:
        self.machine = machine
        self.kernel = kernel
        self.before_claim: Callable[[], None] = lambda: None

    def claim(self, devices: Sequence[str], share: float, owner: str) -> tuple[int, ...] | None:
        self.before_claim()
        self.check()
        with self.machine.lock:
            for device in devices:
                used = sum(claim.share for _, claim in self.machine.rows.values() if claim.device == device)
                if used + share > 1 + 1e-9:
                    return None
            first = self.machine.next_id
            self.machine.next_id += len(devices)
            for number, device in enumerate(devices, first):
                claim = Claim(device, share, f"kernel {self.kernel} (job {owner})")
                self.machine.rows[number] = (self.kernel, claim)
            return tuple(range(first, self.machine.next_id))

    def release(self, ids: Sequence[int]) -> None:
        self.check()
        for number in ids:
            del self.machine.rows[number]

    def others(self) -> tuple[Claim, ...]:
        self.check()
        self.machine.reads += 1
        return tuple(claim for kernel, claim in self.machine.rows.values() if kernel != self.kernel)

    def check(self) -> None:
        if self.machine.broken:
            raise StoreUnavailable(self.machine.broken)


def lend(pool: Pool, request: LeaseRequest) -> Lease:
    lease = pool.try_lease(request)
    assert lease is not None
    return lease


def test_what_one_kernel_holds_another_waits_for_and_says_whose_it_is() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("4711")
    lease = lend(there, LeaseRequest(DIGITS))
    assert here.try_lease(LeaseRequest("mine")) is None
    assert here.why_waiting("mine") == "waits for cuda:0: kernel 4711 (job default/digits#1) holds it"
    lease.release()
    assert machine.rows == {}
    assert here.try_lease(LeaseRequest("mine")) is None
    machine.clock.advance(0.5)
    assert lend(here, LeaseRequest("mine")).devices == (0,)


def test_parts_of_two_kernels_pack_on_one_gpu() -> None:
    machine = Machine(2)
    here, there = machine.kernel("1"), machine.kernel("2")
    half = LeaseRequest(DIGITS, gpus=0.5)
    leases = [lend(pool, half) for pool in (there, here)]
    assert [lease.devices for lease in leases] == [(0,), (0,)]
    assert lend(here, LeaseRequest("whole")).devices == (1,)
    assert here.try_lease(half) is None
    assert here.why_waiting(DIGITS) == (
        "waits for 0.5 GPU: cuda:0 (used by this job); kernel 2 (job default/digits#1) holds 0.5 of cuda:0; "
        "cuda:1 (used by whole)"
    )


def test_a_whole_gpu_waits_for_the_part_that_another_kernel_holds() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("2")
    third = LeaseRequest(DIGITS, gpus=1 / 3)
    for _ in range(2):
        lend(there, third)
    assert here.try_lease(LeaseRequest("mine")) is None
    assert here.why_waiting("mine") == "waits for cuda:0: kernel 2 (job default/digits#1) holds 0.67 of it"
    lend(there, third)
    machine.clock.advance(0.5)
    assert here.why_waiting("mine") == "waits for cuda:0: kernel 2 (job default/digits#1) holds it"


def test_another_kernel_that_is_faster_is_noticed_at_the_claim_and_a_free_gpu_taken_instead() -> None:
    machine = Machine(2)
    here, there = machine.kernel("1"), machine.kernel("2")
    here.why_waiting("nobody")
    first = lend(here, LeaseRequest("mine"))
    assert first.devices == (0,)
    first.release()  # the view of others is fresh, and about to be wrong
    lend(there, LeaseRequest(DIGITS))
    assert lend(here, LeaseRequest("mine")).devices == (1,)
    assert here.try_lease(LeaseRequest("mine")) is None


def test_who_lost_a_race_keeps_its_place_in_the_queue() -> None:
    machine = Machine()
    ledger = View(machine, "1")
    here, there = Pool(machine.probe, machine.clock, ledger=ledger), machine.kernel("2")
    theirs: list[Lease] = []
    ledger.before_claim = lambda: theirs.append(lend(there, LeaseRequest(DIGITS))) if not theirs else None
    assert here.try_lease(LeaseRequest("first")) is None
    assert here.try_lease(LeaseRequest("second")) is None
    theirs[0].release()
    machine.clock.advance(0.5)
    assert here.try_lease(LeaseRequest("second")) is None
    assert here.why_waiting("second") == "waits its turn behind first"
    assert lend(here, LeaseRequest("first")).devices == (0,)


def test_while_a_claim_is_written_other_jobs_of_the_kernel_can_ask_and_find_the_gpu_taken() -> None:
    machine = Machine()
    ledger = View(machine, "1")
    pool = Pool(machine.probe, machine.clock, ledger=ledger)
    heard: list[Lease | None] = []

    def meanwhile() -> None:
        ledger.before_claim = lambda: None
        thread = threading.Thread(target=lambda: heard.append(pool.try_lease(LeaseRequest("other"))))
        thread.start()
        thread.join(120)

    ledger.before_claim = meanwhile
    assert lend(pool, LeaseRequest("mine")).devices == (0,)
    assert heard == [None]


def test_a_claim_that_fails_in_an_unknown_way_leaves_nothing_set_aside() -> None:
    machine = Machine()
    ledger = View(machine, "1")
    pool = Pool(machine.probe, machine.clock, ledger=ledger)

    def fail() -> None:
        raise RuntimeError("a mistake of ours")

    ledger.before_claim = fail
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        pool.try_lease(LeaseRequest("mine"))
    ledger.before_claim = lambda: None
    assert lend(pool, LeaseRequest("mine")).devices == (0,)


def test_the_claims_of_others_are_read_twice_a_second_at_most_and_never_without_a_gpu() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("2")
    lend(there, LeaseRequest(DIGITS))
    before = machine.reads
    for _ in range(10):
        here.try_lease(LeaseRequest("mine"))
        here.why_waiting("mine")
        machine.clock.advance(0.1)
    assert machine.reads - before == 2
    bare = Machine(0)
    lend(bare.kernel("1"), LeaseRequest("mine"))
    assert (bare.reads, bare.rows) == (0, {})


def test_cpu_slots_are_each_kernels_own() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("2")
    cpu = LeaseRequest(DIGITS, gpus=0)
    assert lend(here, cpu).label == lend(there, cpu).label == "cpu"
    assert machine.rows == {}


def test_the_memory_of_a_claimed_share_is_not_counted_again() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("2")
    half = LeaseRequest(DIGITS, gpus=0.5)
    lend(there, half)
    machine.probe.occupy(0, 40 * GB)
    lease = lend(here, half)
    lease.release()
    machine.probe.occupy(0, 70 * GB)
    machine.clock.advance(0.5)
    assert here.try_lease(half) is None
    assert here.why_waiting(DIGITS) == (
        "waits for 0.5 GPU: cuda:0 (other processes hold 70.0 of 80.0 GB); "
        "kernel 2 (job default/digits#1) holds 0.5 of cuda:0"
    )


def test_the_memory_of_trials_in_processes_of_their_own_is_their_jobs_share() -> None:
    machine = Machine()
    pool = machine.kernel("1")
    apart, inside = LeaseRequest("apart", 0.5, apart=True), LeaseRequest("inside", 0.5)
    first = lend(pool, apart)
    machine.probe.occupy(0, 40 * GB)
    second = lend(pool, apart)
    for lease in (first, second):
        lease.release()
    machine.clock.advance(0.5)
    lend(pool, inside)
    assert pool.try_lease(inside) is None, "here the same memory is a stranger's"


def test_a_closed_slot_stays_claimed_and_another_kernel_does_not_call_that_hopeless() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("2")
    lease = lend(there, LeaseRequest(DIGITS))
    lease.close_slot()
    lease.release()
    assert here.try_lease(LeaseRequest("mine")) is None
    assert here.refuse_reason(LeaseRequest("mine")) is None
    assert there.refuse_reason(LeaseRequest(DIGITS)) is not None
    lease.reopen()
    assert machine.rows == {}


def test_a_ledger_that_cannot_be_reached_stops_no_job_and_says_so_once() -> None:
    machine = Machine(3)
    pool = machine.kernel("1")
    machine.broken = "cannot claim a device: disk I/O error"
    first, second = lend(pool, LeaseRequest("mine")), lend(pool, LeaseRequest("mine"))
    assert first.note == (
        "took cuda:0 without asking the other kernels, which may use it too: "
        "cannot claim a device: disk I/O error"
    )
    assert (second.devices, second.note) == ((1,), "")
    first.release()
    machine.broken = ""
    third = lend(pool, LeaseRequest("mine"))
    assert third.note == ""
    claimed = sorted(claim.device for _, claim in machine.rows.values())
    assert claimed == ["GPU-fake-0", "GPU-fake-1"], "what ran without a claim has one now"
    for lease in (second, third):
        lease.release()
    assert machine.rows == {}
    machine.broken = "again"
    assert lend(pool, LeaseRequest("mine")).note != ""


def test_a_lease_that_is_given_back_while_it_is_claimed_at_last_leaves_no_claim() -> None:
    machine = Machine(2)
    ledger = View(machine, "1")
    pool = Pool(machine.probe, machine.clock, ledger=ledger)
    machine.broken = "disk I/O error"
    early = lend(pool, LeaseRequest("mine"))
    machine.broken = ""
    calls: list[int] = []

    def second_claim_meets_the_release() -> None:
        calls.append(1)
        if len(calls) == 2:
            early.release()

    ledger.before_claim = second_claim_meets_the_release
    lend(pool, LeaseRequest("mine"))
    assert len(calls) == 2
    assert [claim.device for _, claim in machine.rows.values()] == ["GPU-fake-1"]


def test_while_others_cannot_be_read_their_last_claims_count_for_a_minute() -> None:
    machine = Machine()
    here, there = machine.kernel("1"), machine.kernel("2")
    lend(there, LeaseRequest(DIGITS))
    assert here.try_lease(LeaseRequest("mine")) is None
    machine.broken = "cannot read"
    machine.clock.advance(59)
    assert here.try_lease(LeaseRequest("mine")) is None
    machine.clock.advance(1)
    assert lend(here, LeaseRequest("mine")).note != ""


def test_what_could_not_be_given_back_is_tried_again_without_anybody_asking() -> None:
    machine = Machine()
    ledger = View(machine, "1")
    claims = Claims(ledger, machine.clock, retry_seconds=0.01)
    pool = Pool(machine.probe, machine.clock, ledger=ledger)
    pool._claims = claims
    lease = lend(pool, LeaseRequest("mine"))
    machine.broken = "disk is full"
    lease.release()
    assert len(machine.rows) == 1
    machine.broken = ""
    until(lambda: not machine.rows)


def test_what_is_owed_is_given_back_before_the_next_claim() -> None:
    machine = Machine()
    pool = machine.kernel("1")
    lease = lend(pool, LeaseRequest("mine"))
    machine.broken = "disk is full"
    lease.release()
    machine.broken = ""
    assert lend(pool, LeaseRequest("mine")).note == ""
    assert len(machine.rows) == 1


def test_leases_know_what_the_driver_calls_their_gpus() -> None:
    pool = Machine(4).kernel("1")
    lease = lend(pool, LeaseRequest("wide", gpus=2, devices=(3, 1)))
    assert (lease.devices, lease.uuids) == ((1, 3), ("GPU-fake-1", "GPU-fake-3"))


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]), st.sampled_from([0.25, 0.5, 1.0, 2.0]), st.integers(0, 5), st.booleans()
    ),
    max_size=40,
)


@given(STEPS)
def test_no_gpu_is_ever_lent_beyond_itself_over_two_kernels(
    steps: Sequence[tuple[int, float, int, bool]],
) -> None:
    machine = Machine(3)
    kernels, held = [machine.kernel("1"), machine.kernel("2")], list[Lease]()
    for kernel, gpus, back, later in steps:
        lease = kernels[kernel].try_lease(LeaseRequest(f"job {kernel}", gpus=gpus))
        if lease is not None:
            held.append(lease)
        elif held:
            held.pop(back % len(held)).release()
        if later:
            machine.clock.advance(0.5)
        for device in range(3):
            assert sum(lease.share for lease in held if device in lease.devices) <= 1 + 1e-6
    for lease in held:
        lease.release()
    assert machine.rows == {}
