from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.clock import FakeClock
from astraml_lab.devices import FakeProbe, Lease, LeaseRequest, Pool

if TYPE_CHECKING:
    from collections.abc import Sequence

GB = 10**9


def pool_of(gpus: int) -> Pool:
    return Pool(FakeProbe(gpus, total_bytes=80 * GB), FakeClock())


def lend(pool: Pool, request: LeaseRequest) -> Lease:
    lease = pool.try_lease(request)
    assert lease is not None
    return lease


def test_whole_gpus_are_lent_once_and_come_back() -> None:
    pool, request = pool_of(2), LeaseRequest("digits")
    with lend(pool, request) as first:
        second = lend(pool, request)
        assert (first.devices, second.devices) == ((0,), (1,))
        assert (first.label, second.label) == ("cuda:0", "cuda:1")
        assert pool.try_lease(request) is None
    again = lend(pool, request)
    assert again.devices == (0,)


def test_parts_pack_and_leave_whole_gpus_whole() -> None:
    pool = pool_of(2)
    half = LeaseRequest("small", gpus=0.5)
    assert [lend(pool, half).devices for _ in range(2)] == [(0,), (0,)]
    assert lend(pool, LeaseRequest("big")).devices == (1,)


def test_ten_tenths_fit() -> None:
    pool, tenth = pool_of(1), LeaseRequest("tiny", gpus=0.1)
    leases = [lend(pool, tenth) for _ in range(10)]
    assert pool.try_lease(tenth) is None
    for lease in leases:
        lease.release()
    pool.cancel("tiny")
    assert pool.slots(tenth) == 10
    assert lend(pool, LeaseRequest("whole")).devices == (0,)


def test_a_trial_may_take_several_gpus() -> None:
    pool = pool_of(4)
    lease = lend(pool, LeaseRequest("wide", gpus=2, devices=(3, 1, 2)))
    assert (lease.devices, lease.label) == ((1, 2), "cuda:1,2")
    assert pool.slots(LeaseRequest("wide", gpus=2, devices=(3, 1, 2))) == 1


@pytest.mark.parametrize(
    ("devices", "reserve", "usable"),
    [(None, 1, {1, 2, 3}), ((0, 2), 0, {0, 2}), ((0, 2), 2, {0, 2}), ((0, 1, 2), 2, {1, 2}), (None, 3, {3})],
)
def test_devices_and_reserve_leave_the_users_gpus_alone(
    devices: tuple[int, ...] | None, reserve: int, usable: set[int]
) -> None:
    pool, request = pool_of(4), LeaseRequest("digits", devices=devices, reserve=reserve)
    used: set[int] = set()
    while (lease := pool.try_lease(request)) is not None:
        used.update(lease.devices)
    assert used == usable
    assert pool.slots(request) == len(usable)


def test_the_memory_of_other_processes_holds_a_trial_back() -> None:
    probe, clock = FakeProbe(1, total_bytes=80 * GB), FakeClock()
    pool, request = Pool(probe, clock), LeaseRequest("digits")
    probe.occupy(0, 40 * GB)
    assert pool.try_lease(request) is None
    assert pool.why_waiting("digits") == "waits for 1 GPU: cuda:0 (other processes hold 40.0 of 80.0 GB)"
    assert pool.try_lease(LeaseRequest("digits", gpus=0.5)) is not None
    probe.occupy(0, 2 * GB)
    clock.advance(1)
    assert pool.try_lease(LeaseRequest("digits", gpus=0.5)) is not None
    assert pool.why_waiting("digits") == ""


def test_who_waits_longer_is_not_overtaken_on_the_same_devices() -> None:
    pool = pool_of(2)
    first = lend(pool, LeaseRequest("a", devices=(0,)))
    assert pool.try_lease(LeaseRequest("b", devices=(0,))) is None
    assert pool.try_lease(LeaseRequest("c", gpus=0.5, devices=(0,))) is None
    first.release()
    assert pool.try_lease(LeaseRequest("a", devices=(0,))) is None
    assert pool.why_waiting("c") == "waits its turn behind b"
    assert lend(pool, LeaseRequest("d")).devices == (1,)
    assert lend(pool, LeaseRequest("b", devices=(0,))).devices == (0,)
    assert pool.why_waiting("c") == "waits for 0.5 GPU: cuda:0 (used by b)"


def test_two_jobs_take_turns() -> None:
    pool = pool_of(1)
    order, lease = [], lend(pool, LeaseRequest("a"))
    for _ in range(3):
        for owner in ("a", "b"):
            pool.try_lease(LeaseRequest(owner))
        lease.release()
        lease = next(got for owner in ("a", "b") if (got := pool.try_lease(LeaseRequest(owner))) is not None)
        order.append(lease.owner)
    assert order in (["a", "b", "a"], ["b", "a", "b"])


def test_leaving_the_queue_lets_the_next_one_in() -> None:
    pool = pool_of(1)
    half = lend(pool, LeaseRequest("a", gpus=0.5))
    assert pool.try_lease(LeaseRequest("b")) is None
    assert pool.try_lease(LeaseRequest("c", gpus=0.5)) is None
    pool.cancel("b")
    assert pool.try_lease(LeaseRequest("c", gpus=0.5)) is not None
    half.release()


def test_subscribers_hear_of_releases_and_may_use_the_pool() -> None:
    pool = pool_of(1)
    got: list[Lease | None] = []

    def retry() -> None:
        got.append(pool.try_lease(LeaseRequest("b")))

    pool.subscribe(retry)
    lease = lend(pool, LeaseRequest("a"))
    lease.release()
    lease.release()
    assert [lease is not None for lease in got] == [True]
    pool.unsubscribe(retry)
    pool.unsubscribe(retry)
    assert got[0] is not None
    got[0].release()
    assert len(got) == 1


def test_a_closed_slot_is_never_lent_again() -> None:
    pool, request = pool_of(2), LeaseRequest("digits")
    lease = lend(pool, request)
    lease.close_slot()
    lease.release()
    assert lend(pool, request).devices == (1,)
    assert pool.refuse_reason(request) is None
    refused = pool.refuse_reason(LeaseRequest("digits", devices=(0,)))
    assert refused == "every GPU is held by a trial that cannot be ended: restart the kernel"
    assert pool.try_lease(LeaseRequest("digits", devices=(0,))) is None
    assert pool.why_waiting("digits") == ""


def test_a_closed_part_leaves_the_rest_of_the_gpu() -> None:
    pool, half = pool_of(1), LeaseRequest("digits", gpus=0.5)
    lend(pool, half).close_slot()
    lend(pool, half).release()
    assert pool.refuse_reason(half) is None
    assert pool.refuse_reason(LeaseRequest("digits")) is not None


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (LeaseRequest("a", gpus=3), "3 GPUs per trial asked, 2 there"),
        (LeaseRequest("a", reserve=2), "1 GPU per trial asked, 0 there (2 reserved for your own cells)"),
        (LeaseRequest("a", devices=(1, 7)), "there is no GPU 7: there are GPUs 0 to 1"),
        (
            LeaseRequest("a", gpus=1.5),
            "1.5 GPUs cannot be had: ask for a whole number, or for a part of one such as 0.5",
        ),
    ],
)
def test_what_can_never_be_had_is_refused_and_waits_for_nothing(
    request_: LeaseRequest, sentence: str
) -> None:
    pool = pool_of(2)
    assert pool.refuse_reason(request_) == sentence
    assert pool.try_lease(request_) is None
    assert pool.why_waiting("a") == ""


def test_without_a_gpu_there_are_as_many_cpu_slots_as_the_job_runs_in_parallel() -> None:
    pool = pool_of(0)
    pair = LeaseRequest("pair", gpus=1, parallel=2)
    first = lend(pool, pair)
    assert (first.devices, first.label) == ((), "cpu")
    assert pool.refuse_reason(LeaseRequest("other", gpus=8, devices=(5,))) is None
    assert pool.try_lease(LeaseRequest("other")) is None
    assert pool.why_waiting("other") == "waits for a CPU slot: used by pair"
    first.release()
    assert lend(pool, LeaseRequest("other")).label == "cpu"
    assert pool.slots(pair) == 1


def test_cpu_trials_beside_gpus_take_cpu_slots() -> None:
    pool = pool_of(1)
    assert lend(pool, LeaseRequest("cpu", gpus=0)).devices == ()
    assert lend(pool, LeaseRequest("gpu")).devices == (0,)


def test_the_last_closed_cpu_slot_is_told_apart_from_waiting() -> None:
    pool = pool_of(0)
    lend(pool, LeaseRequest("a")).close_slot()
    assert "restart the kernel" in (pool.refuse_reason(LeaseRequest("a")) or "")


def test_a_closed_cpu_slot_is_a_threads_not_a_processs() -> None:
    pool, apart = pool_of(0), LeaseRequest("b", gpus=0, apart=True)
    lend(pool, LeaseRequest("a")).close_slot()
    assert pool.refuse_reason(apart) is None
    first = lend(pool, apart)
    assert pool.try_lease(apart) is None
    first.release()
    lend(pool, apart)


def test_where_cuda_is_broken_only_processes_get_a_gpu() -> None:
    pool, woken = pool_of(1), list[None]()
    pool.subscribe(lambda: woken.append(None))
    pool.break_cuda()
    assert len(woken) == 1
    sentence = "CUDA is broken in this kernel: restart it, or use --executor processes"
    assert pool.refuse_reason(LeaseRequest("a")) == sentence
    assert pool.try_lease(LeaseRequest("a")) is None
    assert lend(pool, LeaseRequest("a", gpus=0)).label == "cpu"
    assert lend(pool, LeaseRequest("a", apart=True)).devices == (0,)


SHARES = st.sampled_from([0.25, 1 / 3, 0.5, 1.0, 2.0])
STEPS = st.lists(st.tuples(st.sampled_from("abc"), SHARES, st.integers(0, 5)), max_size=40)


@given(STEPS)
def test_no_gpu_is_ever_lent_beyond_itself(steps: Sequence[tuple[str, float, int]]) -> None:
    pool, held = pool_of(3), list[Lease]()
    for owner, gpus, back in steps:
        lease = pool.try_lease(LeaseRequest(owner, gpus=gpus))
        if lease is not None:
            held.append(lease)
        elif held:
            held.pop(back % len(held)).release()
        for device in range(3):
            assert sum(lease.share for lease in held if device in lease.devices) <= 1 + 1e-6
    for lease in held:
        lease.release()
    for owner in "abc":
        pool.cancel(owner)
    assert lend(pool, LeaseRequest("d", gpus=3)).devices == (0, 1, 2)
