"""Schedules in the store: who records a tick has it, and what its job's death or deletion leaves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from astraml_lab.clock import FakeClock
from astraml_lab.errors import Conflict, NotFound
from astraml_lab.spec import JobState, TickState
from astraml_lab.store import NewTick, ScheduleRecord, Store
from astraml_lab.store import schedules as module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from astraml_lab.store import TickRecord

NOON = 1_800_000_000.0
REQUEST = {"model": "bert-base", "schedule": {"cron": "0 * * * *"}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, clock=FakeClock(NOON)) as made:
        yield made


@pytest.fixture
def nightly(store: Store) -> ScheduleRecord:
    return store.schedules.add("p-demo", "Nightly", request=REQUEST)


def tick(hour: int, *, late: bool = False, job: str | None = None) -> NewTick:
    at = NOON + hour * 3600
    return NewTick(f"cron:nightly:{hour}", at, f"nightly-{hour}" if job is None else job, late=late)


def record(store: Store, seen: ScheduleRecord, *due: NewTick, overlap: str = "forbid") -> Any:
    return store.schedules.record(seen, due, due[-1].planned_at, overlap=overlap)


def states(store: Store, schedule: ScheduleRecord) -> list[TickState]:
    return [each.state for each in reversed(store.schedules.ticks(schedule.id))]


def again(store: Store, schedule: ScheduleRecord) -> ScheduleRecord:
    found = store.schedules.get(schedule.id)
    assert found is not None
    return found


def start(store: Store, claimed: TickRecord) -> int:
    """Make the job of a tick, owned by this process."""
    made, _ = store.create_job("p-demo", claimed.job, spec="{}", fingerprint="", owner="me")
    store.schedules.end(claimed, TickState.STARTED, generation_id=made.id)
    return made.id


def orphan(store: Store, claimed: TickRecord) -> None:
    """Give a claim to a process that is gone."""
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    with store.begin() as connection:
        row = {"pid": int(child.stdout), "id": claimed.id}
        connection.execute(text("UPDATE ticks SET pid = :pid, pid_started_at = 1 WHERE id = :id"), row)


def test_a_schedule_is_found_by_project_and_its_name_is_used_once(
    store: Store, nightly: ScheduleRecord
) -> None:
    assert store.schedules.find() == store.schedules.find("P-DEMO") == (nightly,)
    assert (nightly.request, nightly.enabled, nightly.since) == (REQUEST, True, NOON)
    assert store.schedules.find("other") == ()
    with pytest.raises(Conflict, match="there is a schedule `nightly`"):
        store.schedules.add("p-demo", "nightly", request=REQUEST)


def test_of_two_that_saw_the_same_the_first_has_the_tick(store: Store, nightly: ScheduleRecord) -> None:
    (claimed,) = record(store, nightly, tick(1))
    assert (claimed.state, claimed.mine, claimed.job) == (TickState.CLAIMED, True, "nightly-1")
    assert record(store, nightly, tick(1)) == ()
    # a clock that was set back: the moment comes again, the tick does not
    assert record(store, again(store, nightly), tick(1)) == ()
    assert states(store, nightly) == [TickState.CLAIMED]


def test_while_a_run_goes_on_the_next_is_skipped_and_says_for_which(
    store: Store, nightly: ScheduleRecord
) -> None:
    (first,) = record(store, nightly, tick(1))
    (early,) = record(store, again(store, nightly), tick(2))
    assert (early.state, early.reason) == (TickState.SKIPPED, "nightly-1 still went on")
    start(store, first)
    (second,) = record(store, again(store, nightly), tick(3))
    assert second.state is TickState.SKIPPED
    with store.begin() as connection:
        connection.execute(text("UPDATE generations SET state = 'SUCCEEDED'"))
    (third,) = record(store, again(store, nightly), tick(4))
    assert third.state is TickState.CLAIMED


def test_overlapping_runs_are_allowed_where_that_is_said(store: Store, nightly: ScheduleRecord) -> None:
    found = record(store, nightly, tick(1), tick(2), overlap="allow")
    assert [each.state for each in found] == [TickState.CLAIMED] * 2


def test_a_replacing_run_waits_and_the_next_takes_its_place(store: Store, nightly: ScheduleRecord) -> None:
    (first,) = record(store, nightly, tick(1), overlap="replace")
    start(store, first)
    record(store, again(store, nightly), tick(2), overlap="replace")
    (third,) = record(store, again(store, nightly), tick(3), overlap="replace")
    assert states(store, nightly) == [TickState.STARTED, TickState.SKIPPED, TickState.WAITING]
    assert store.schedules.take(third, overlap="replace") is None
    with store.begin() as connection:
        connection.execute(text("UPDATE generations SET state = 'CANCELLED'"))
    taken = store.schedules.take(third, overlap="replace")
    assert taken is not None
    assert taken.state is TickState.CLAIMED
    assert store.schedules.take(third, overlap="replace") is None


def test_late_runs_wait_for_each_other(store: Store, nightly: ScheduleRecord) -> None:
    found = record(store, nightly, tick(1, late=True), tick(2, late=True), tick(3))
    assert [each.state for each in found] == [TickState.CLAIMED, TickState.WAITING, TickState.SKIPPED]
    assert [each.planned_at for each in store.schedules.open_ticks()] == [NOON + 3600, NOON + 7200]


def test_a_missed_tick_has_a_row_and_no_job(store: Store, nightly: ScheduleRecord) -> None:
    (found,) = record(store, nightly, tick(1, job=""))
    assert (found.state, found.job) == (TickState.MISSED, "")


def test_a_claim_of_a_dead_process_is_taken_over_once(store: Store, nightly: ScheduleRecord) -> None:
    (claimed,) = record(store, nightly, tick(1))
    assert store.schedules.take(claimed, overlap="forbid") is None
    orphan(store, claimed)
    (left,) = store.schedules.open_ticks()
    assert left.orphan
    taken = store.schedules.take(left, overlap="forbid")
    assert taken is not None
    assert taken.mine
    assert store.schedules.take(left, overlap="forbid") is None


def test_a_job_that_its_dead_process_made_is_found_and_not_made_again(
    store: Store, nightly: ScheduleRecord
) -> None:
    (claimed,) = record(store, nightly, tick(1))
    made, _ = store.create_job("p-demo", "nightly-1", spec="{}", fingerprint="", owner="me")
    orphan(store, claimed)
    assert store.schedules.take(store.schedules.open_ticks()[0], overlap="forbid") is None
    (found,) = store.schedules.ticks(nightly.id)
    assert (found.state, found.generation_id, found.job_state) == (
        TickState.STARTED,
        made.id,
        JobState.QUEUED,
    )


def test_a_deleted_job_leaves_the_record_of_its_tick(store: Store, nightly: ScheduleRecord) -> None:
    (claimed,) = record(store, nightly, tick(1))
    generation_id = start(store, claimed)
    store.delete_job("p-demo", "nightly-1", owner="me")
    (found,) = store.schedules.ticks(nightly.id)
    assert (found.state, found.generation_id, found.job_state) == (TickState.STARTED, generation_id, None)


def test_a_removed_schedule_takes_its_ticks_along_and_leaves_its_jobs(
    store: Store, nightly: ScheduleRecord
) -> None:
    start(store, record(store, nightly, tick(1))[0])
    store.schedules.remove(nightly.id)
    assert (store.schedules.any(), store.schedules.get(nightly.id)) == (False, None)
    assert store.schedules.ticks(nightly.id) == ()
    assert record(store, nightly, tick(2)) == ()
    assert [job.name for job in store.list_jobs()] == ["nightly-1"]
    with pytest.raises(NotFound, match="was removed"):
        store.schedules.by_hand(nightly.id, tick(3))
    assert store.schedules.add("p-demo", "nightly", request=REQUEST).id > nightly.id


def test_a_paused_schedule_records_nothing_and_counts_from_its_resuming(
    store: Store, nightly: ScheduleRecord
) -> None:
    start(store, record(store, nightly, tick(1), overlap="replace")[0])
    record(store, again(store, nightly), tick(2), overlap="replace")
    store.schedules.enable(nightly.id, enabled=False)
    assert states(store, nightly) == [TickState.STARTED, TickState.SKIPPED]
    assert record(store, again(store, nightly), tick(3)) == ()
    assert isinstance(store.clock, FakeClock)
    store.clock.advance(86_400)
    store.schedules.enable(nightly.id, enabled=True)
    assert again(store, nightly).since == NOON + 86_400


def test_only_so_many_ticks_are_kept(
    store: Store, nightly: ScheduleRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    (first,) = record(store, nightly, tick(1))
    start(store, first)
    for hour in range(2, 8):
        record(store, again(store, nightly), tick(hour))
    # the run that goes on is not forgotten for those that it kept from running
    assert states(store, nightly) == [TickState.STARTED, TickState.SKIPPED, TickState.SKIPPED]
