from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest
from sqlalchemy import update

from astraml_lab.errors import Conflict, LeaseLost
from astraml_lab.spec.state import JobState, TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import leases, tables

if TYPE_CHECKING:
    from store.conftest import SaveTrial

    from astraml_lab.clock import FakeClock
    from astraml_lab.store import Lease, Store


def give_to(store: Store, lease: Lease, **values: object) -> None:
    with store.begin() as connection:
        mine = tables.leases.c.generation_id == lease.generation_id
        connection.execute(update(tables.leases).where(mine).values(**values))


def owner_of(store: Store, lease: Lease) -> Lease | None:
    record = store.load_generation(lease.generation_id)
    assert record is not None
    return record.lease if leases.is_alive(record.lease, store.clock.time()) else None


def state(store: Store, lease: Lease) -> JobState:
    record = store.load_generation(lease.generation_id)
    assert record is not None
    return record.state


def test_a_living_owner_is_not_overtaken_and_is_named(store: Store, lease: Lease) -> None:
    with pytest.raises(Conflict, match="kernel-1"):
        store.acquire(lease.generation_id, "kernel-2")
    assert owner_of(store, lease) == lease


def test_a_released_generation_is_free_and_the_fence_grows(store: Store, lease: Lease) -> None:
    store.release(lease)
    assert owner_of(store, lease) is None
    second = store.acquire(lease.generation_id, "kernel-2")
    assert second.fence == lease.fence + 1
    store.release(lease)
    assert owner_of(store, lease) == second


def test_what_the_old_owner_writes_is_refused(store: Store, lease: Lease, save_trial: SaveTrial) -> None:
    journal = store.journal(lease)
    store.acquire(lease.generation_id, "kernel-1")
    journal.append(["late"])
    with pytest.raises(LeaseLost):
        journal.commit()
    with pytest.raises(LeaseLost):
        journal.commit(lambda _connection: None)
    with pytest.raises(LeaseLost):
        save_trial(lease, TrialView(0, TrialState.RUNNING, {}))
    with pytest.raises(LeaseLost):
        store.renew(lease)
    with pytest.raises(LeaseLost):
        store.update_generation(lease, state=JobState.FAILED)
    assert store.load_trials(lease.generation_id) == ()


def test_a_job_whose_process_is_gone_reads_stale_and_can_be_taken(store: Store, lease: Lease) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert state(store, lease) is JobState.QUEUED
    give_to(store, lease, pid=child.pid)
    assert state(store, lease) is JobState.STALE
    assert store.acquire(lease.generation_id, "kernel-2").fence == 2
    assert state(store, lease) is JobState.QUEUED


def test_a_process_number_that_is_used_again_is_another_process(lease: Lease) -> None:
    assert leases.is_alive(lease, 0.0)
    assert not leases.is_alive(replace(lease, pid_started_at=lease.pid_started_at - 100), 0.0)


def test_an_owner_lives_however_the_clock_is_set(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a process's start is reckoned from the machine's, which moves with the clock
    started, platform = psutil.boot_time(), vars(psutil)["_psplatform"]
    monkeypatch.setattr(platform, "boot_time", lambda: started + 3_600)
    monkeypatch.setattr(platform, "BOOT_TIME", started + 3_600, raising=False)
    assert state(store, lease) is JobState.QUEUED
    with pytest.raises(Conflict):
        store.acquire(lease.generation_id, "kernel-2")


def test_an_owner_that_an_older_version_wrote_down_by_the_time_is_known(store: Store, lease: Lease) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        began = psutil.Process(child.pid).create_time()
        give_to(store, lease, pid=child.pid, pid_started_at=began)
        assert state(store, lease) is JobState.QUEUED
        give_to(store, lease, pid_started_at=began - 100)
        assert state(store, lease) is JobState.STALE
        child.communicate(b"\n")


def test_a_stale_generation_can_be_cancelled_for_good(store: Store, lease: Lease, clock: FakeClock) -> None:
    give_to(store, lease, host="elsewhere")
    store.request(lease.generation_id, "stop")
    clock.advance(61)
    assert store.cancel_stale(lease.generation_id, "stopped by you")
    record = store.load_generation(lease.generation_id)
    assert record is not None
    assert (record.state, record.reason, record.ended_at) == (
        JobState.CANCELLED,
        "stopped by you",
        clock.time(),
    )
    assert store.take(lease.generation_id) == ()
    assert owner_of(store, lease) is None
    with pytest.raises(LeaseLost):
        store.renew(lease)


def test_the_open_trials_of_a_cancelled_job_have_ended_too(
    store: Store, lease: Lease, save_trial: SaveTrial, clock: FakeClock
) -> None:
    ended = TrialView(0, TrialState.COMPLETE, {"lr": 0.5}, values=(1.0,), ended_at=5.0)
    save_trial(lease, ended)
    save_trial(lease, TrialView(1, TrialState.RUNNING, {"lr": 0.25}, started_at=6.0))
    save_trial(lease, TrialView(2, TrialState.WAITING, {}))
    give_to(store, lease, pid_started_at=0.0)
    assert store.cancel_stale(lease.generation_id, "stopped by you")
    first, *others = store.load_trials(lease.generation_id)
    assert first == ended
    assert {(view.state, view.reason, view.ended_at) for view in others} == {
        (TrialState.STOPPED, "stopped by you", clock.time())
    }
    assert others[0].params == {"lr": 0.25}


def test_only_a_stale_generation_is_cancelled(store: Store, lease: Lease) -> None:
    store.request(lease.generation_id, "stop")
    assert not store.cancel_stale(lease.generation_id, "why")
    assert state(store, lease) is JobState.QUEUED
    store.renew(lease)
    store.update_generation(lease, state=JobState.SUCCEEDED)
    store.release(lease)
    assert not store.cancel_stale(lease.generation_id, "why")
    assert state(store, lease) is JobState.SUCCEEDED
    assert len(store.take(lease.generation_id)) == 1
    assert not store.cancel_stale(999, "why")


def test_an_ended_job_is_not_stale(store: Store, lease: Lease) -> None:
    store.update_generation(lease, state=JobState.SUCCEEDED)
    store.release(lease)
    assert state(store, lease) is JobState.SUCCEEDED


def test_an_owner_elsewhere_lives_as_long_as_its_heart_beats(
    store: Store, lease: Lease, clock: FakeClock
) -> None:
    give_to(store, lease, host="elsewhere")
    clock.advance(59)
    with pytest.raises(Conflict, match="elsewhere"):
        store.acquire(lease.generation_id, "kernel-2")
    store.renew(lease)
    clock.advance(59)
    assert owner_of(store, lease) is not None
    clock.advance(2)
    assert state(store, lease) is JobState.STALE
    assert store.acquire(lease.generation_id, "kernel-2").owner == "kernel-2"
