"""A request with a schedule is stored, and each of its ticks is a job of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from plugins.patience import until
from sqlalchemy import text

import astraml_lab as lab
from astraml_lab.clock import FakeClock, SystemClock
from astraml_lab.errors import Conflict, InvalidSpec, NotFound, RequestRefused, StoreUnavailable
from astraml_lab.jobs.scheduling import Scheduler
from astraml_lab.lab import find_schedule, manager, scheduler, scheduling
from astraml_lab.objectives import TARGETS
from astraml_lab.spec import JobState, TickState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from astraml_lab.jobs import Job
    from astraml_lab.jobs.scheduling import Run, Schedule
    from astraml_lab.store import ScheduleRecord
    from astraml_lab.trial import Trial

HOUR = 3600.0
REQUEST = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "name": "nightly",
    "model": "bert-base",
    "dataset": "data.csv",
    "schedule": {"cron": "0 * * * *", "timezone": "Europe/Berlin"},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a store of its own."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    manager().close()


def sure(trial: Trial) -> None:
    trial.report(accuracy=0.5)


def scheduled(request: dict[str, Any] = REQUEST, **rule: Any) -> Schedule:
    """Submit the request with another rule, with a function in place of its model."""
    lab.register("bert-base", sure)
    made: Schedule = lab.submit({**request, "schedule": {**REQUEST["schedule"], **rule}})  # type: ignore[dict-item]
    return made


def let_pass(hours: float) -> None:
    """Have the schedules be left alone for so long."""
    with manager().store.begin() as connection:
        connection.execute(text("UPDATE schedules SET since = since - :seconds"), {"seconds": hours * HOUR})


def run_due() -> list[Job]:
    """Serve the schedules once, and wait for the jobs that this started."""
    before = len(scheduler().started)
    scheduler().turn()
    return [job.wait(120) for job in list(scheduler().started)[before:]]


def states(schedule: Schedule) -> list[TickState]:
    return [tick.state for tick in reversed(schedule.ticks())]


def test_a_tick_is_a_job_that_records_its_schedule_and_when_it_was_planned() -> None:
    made = scheduled()
    assert (made.name, made.project, lab.jobs()) == ("nightly", "p-demo", [])
    assert run_due() == []
    let_pass(1)

    (job,) = run_due()

    (tick,) = made.ticks()
    assert (tick.state, tick.job, tick.job_state) == (TickState.STARTED, job.name, JobState.SUCCEEDED)
    assert job.name.startswith("nightly-20")
    origin = job.spec.origin
    assert origin is not None
    assert origin.run is not None
    assert (origin.run.schedule, origin.run.planned_at) == ("nightly", tick.planned_at)
    assert tick.planned_at % HOUR == 0
    assert "schedule" not in origin.request
    assert job.name in repr(made)
    assert run_due() == []
    job.delete()
    assert made.ticks()[0].state is TickState.STARTED
    assert "deleted" in repr(made)


def test_the_same_request_again_is_the_same_schedule_and_a_used_name_is_refused() -> None:
    first, again = scheduled(), scheduled()
    assert (len(lab.schedules()), again.record.id) == (1, first.record.id)
    assert "is scheduled already" in repr(again)
    with pytest.raises(Conflict, match="there is a schedule `nightly`"):
        scheduled(overlap="allow")
    first.remove()
    assert repr(first) == "the schedule nightly was removed"
    assert scheduled(overlap="allow").rule.overlap == "allow"


def test_a_key_is_that_of_one_schedule_and_a_removed_one_is_not_made_again() -> None:
    lab.register("bert-base", sure)
    first = lab.submit(REQUEST, idempotency_key="monday")
    again = lab.submit(REQUEST, idempotency_key="monday")
    assert (again.record.id, "is scheduled already" in again.said) == (first.record.id, True)

    with pytest.raises(RequestRefused) as refused:
        lab.schedule({**REQUEST, "name": "other"}, idempotency_key="monday")
    assert refused.value.code == "idempotency-key-reused"
    assert [each.name for each in lab.schedules()] == ["nightly"]

    first.remove()
    with pytest.raises(RequestRefused) as refused:
        lab.submit(REQUEST, idempotency_key="monday")
    assert refused.value.code == "schedule-not-found"
    assert lab.submit(REQUEST, idempotency_key="tuesday").name == "nightly"


def test_a_request_whose_schedule_is_refused_leaves_its_key_free() -> None:
    lab.register("bert-base", sure)
    wrong = {**REQUEST, "schedule": {"cron": "@daily"}}
    with pytest.raises(RequestRefused):
        lab.submit(wrong, idempotency_key="monday")

    assert lab.submit(REQUEST, idempotency_key="monday").name == "nightly"


def test_the_rule_may_be_given_beside_the_request() -> None:
    lab.register("bert-base", sure)
    plain = {name: value for name, value in REQUEST.items() if name not in {"schedule", "name"}}
    made = lab.schedule(plain, cron="30 2 * * 1-5", timezone="America/New_York", overlap="replace")
    assert (made.name, made.rule.text, made.rule.overlap) == ("bert-base", "30 2 * * 1-5", "replace")
    assert made.next is not None
    assert (made.next.hour, made.next.minute) == (2, 30)
    with pytest.raises(InvalidSpec, match="cron="):
        lab.schedule(plain)
    with pytest.raises(RequestRefused) as refused:
        lab.schedule(plain, cron="0 0 30 2 *")
    assert (refused.value.code, refused.value.status) == ("invalid-cron", 422)


def test_a_function_cannot_be_the_target_of_a_schedule() -> None:
    with pytest.raises(InvalidSpec, match="a function ends with its kernel"):
        lab.submit(REQUEST, target=sure)


def test_a_schedule_for_which_nothing_stands_is_refused_at_once() -> None:
    with pytest.raises(NotFound, match=r"lab\.register"):
        lab.submit({**REQUEST, "model": "stranger"})
    assert lab.schedules() == []


def test_a_kernel_that_lacks_the_function_leaves_the_tick_to_others() -> None:
    lab.register("mine", sure)
    made = lab.submit({**REQUEST, "model": "mine"})
    let_pass(1)
    TARGETS.forget("mine")
    assert run_due() == []
    assert made.ticks() == ()
    assert "does not run in this kernel: nothing here runs mine" in repr(made)
    lab.register("mine", sure)
    assert [job.state for job in run_due()] == [JobState.SUCCEEDED]


def test_policies_bind_at_each_run_and_a_refused_run_is_recorded_with_its_sentence() -> None:
    made = scheduled()
    lab.set_policy({"ceilings": {"epochs": 4}}, "p-demo")
    let_pass(1)
    (clamped,) = run_due()
    assert clamped.spec.origin is not None
    assert clamped.spec.origin.provenance["epochs"] == "default+clamped"
    lab.set_policy({"allowed": {"dataset_prefixes": ["s3://"]}}, "p-demo")
    made.remove()
    made = scheduled({**REQUEST, "dataset": "s3://bucket/data"})
    lab.set_policy({"allowed": {"dataset_prefixes": ["s3://other/"]}}, "p-demo")
    let_pass(1)

    assert run_due() == []

    failed = made.ticks()[0]
    assert failed.state is TickState.FAILED
    assert "/dataset" in failed.reason


def test_a_secret_that_is_gone_fails_the_run_and_the_next_one_goes_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASTRAML_SECRET_P_DEMO_HUB_KEY", "open sesame")
    made = scheduled({**REQUEST, "env": {"HUB": {"secret": "hub-key"}}})
    monkeypatch.delenv("ASTRAML_SECRET_P_DEMO_HUB_KEY")
    let_pass(1)
    assert run_due() == []
    assert made.ticks()[0].state is TickState.FAILED
    assert "hub-key" in made.ticks()[0].reason


def test_a_run_that_goes_on_keeps_the_next_from_starting_or_is_replaced() -> None:
    clock, go_on = FakeClock(1_800_000_000.0), threading.Event()
    manager().store.clock = clock
    served = Scheduler(manager(), clock, scheduling._prepare)

    def slow(trial: Trial) -> None:
        while not (go_on.wait(0.02) or trial.should_stop()):
            trial.report(accuracy=0.5)

    lab.register("bert-base", slow)
    forbids = lab.submit(REQUEST)
    replaces = lab.submit(
        {**REQUEST, "name": "eager", "schedule": {"cron": "0 * * * *", "overlap": "replace"}}
    )
    try:
        assert served.turn() == 30.0
        clock.advance(HOUR)
        served.turn()
        first, old = forbids.jobs()[0], replaces.jobs()[0]
        clock.advance(HOUR)
        assert served.turn() <= 1.0
        assert states(forbids) == [TickState.STARTED, TickState.SKIPPED]
        assert states(replaces) == [TickState.STARTED, TickState.WAITING]
        assert old.wait(120).state.ended
        served.turn()
        assert states(replaces) == [TickState.STARTED, TickState.STARTED]
        assert (first.state.ended, replaces.jobs()[0].state.ended) == (False, False)
    finally:
        go_on.set()
        for job in served.started:
            job.wait(120)
    clock.advance(HOUR - 1)
    assert 0 < served.turn() <= 1.0 + 1e-6


def test_a_clock_that_was_years_ahead_does_not_silence_a_schedule() -> None:
    made, clock = scheduled(), FakeClock(1_800_000_000.0)
    let_pass(-20 * 365 * 24)
    served = Scheduler(manager(), clock, scheduling._prepare)
    served.turn()
    assert made.ticks() == ()
    clock.advance(HOUR)
    served.turn()
    assert states(made) == [TickState.STARTED]
    served.started[0].wait(120)


def test_a_schedule_that_cannot_be_read_does_not_keep_the_others_from_running() -> None:
    scheduled()
    manager().store.schedules.add("a-first", "broken", request={"schedule": {"cron": "of no kind"}})
    let_pass(1)
    assert [job.state for job in run_due()] == [JobState.SUCCEEDED]


def test_a_store_that_is_locked_while_a_request_is_read_costs_no_run() -> None:
    made, locked = scheduled(), [StoreUnavailable("the store is locked")]

    def prepare(record: ScheduleRecord) -> Run:
        if locked:
            raise locked.pop()
        return scheduling._prepare(record)

    let_pass(1)
    served = Scheduler(manager(), SystemClock(), prepare)
    with pytest.raises(StoreUnavailable):
        served.turn()
    assert made.ticks() == ()
    served.turn()
    assert states(made) == [TickState.STARTED]
    served.started[0].wait(120)


def test_a_listener_that_is_gone_keeps_no_run_from_starting() -> None:
    made = [scheduled(), scheduled({**REQUEST, "name": "other"})]

    def gone(sentence: str) -> None:
        raise BrokenPipeError(sentence)

    let_pass(1)
    served = Scheduler(manager(), SystemClock(), scheduling._prepare, gone)
    served.turn()
    assert [states(each) for each in made] == [[TickState.STARTED]] * 2
    for job in served.started:
        job.wait(120)


def test_a_run_by_hand_does_not_count_as_a_tick() -> None:
    made = scheduled()
    let_pass(1)
    job = made.run().wait(120)
    assert job.spec.origin is not None
    assert job.spec.origin.run is not None
    assert job.spec.origin.run.by_hand
    assert len(run_due()) == 1
    assert len(made.jobs()) == 2


def test_a_request_may_be_stored_paused() -> None:
    made = scheduled(enabled=False)
    let_pass(3)
    assert (made.paused, made.next, run_due()) == (True, None, [])
    made.resume()
    assert (made.paused, run_due()) == (False, [])


def test_the_thread_starts_what_is_added_while_it_sleeps() -> None:
    made = scheduled()
    served = scheduler()
    served.start()
    try:
        let_pass(1)
        served.start()  # what a submit does: have it look now
        until(lambda: made.ticks() and made.ticks()[0].state is TickState.STARTED)
        assert states(made) == [TickState.STARTED]
    finally:
        served.close(10)
    assert not served.alive
    made.jobs()[0].wait(120)


def test_the_service_makes_lists_and_removes_schedules() -> None:
    lab.register("bert-base", sure)
    made = lab.api("POST", "/v2/tuning-jobs", REQUEST)
    assert (made.status, made.headers["Location"]) == (201, "/v2/schedules/nightly")
    assert lab.api("POST", "/v2/tuning-jobs", REQUEST).status == 200
    (listed,) = lab.api("GET", "/v2/schedules").body["schedules"]
    assert (listed["name"], listed["project_id"], listed["paused"]) == ("nightly", "p-demo", False)
    assert lab.api("POST", "/v2/schedules/nightly:pause").body["paused"] is True
    run = lab.api("POST", "/v2/schedules/nightly:run")
    assert (run.status, run.body["schedule"]["schedule"]) == (201, "nightly")
    find_schedule("nightly").jobs()[0].wait(120)
    assert lab.api("GET", "/v2/schedules/nightly").body["runs"][0]["job_id"] == run.body["id"]
    assert lab.api("DELETE", "/v2/schedules/nightly").status == 204
    gone = lab.api("GET", "/v2/schedules/nightly")
    assert (gone.status, gone.body["code"]) == (404, "schedule-not-found")
    wrong = lab.api("POST", "/v2/tuning-jobs", {**REQUEST, "schedule": {"cron": "@daily"}})
    assert (wrong.status, wrong.body["code"]) == (422, "invalid-cron")


def test_the_service_takes_a_key_with_a_schedule_and_with_a_run_by_hand() -> None:
    lab.register("bert-base", sure)
    key = {"Idempotency-Key": "monday"}
    made = [lab.api("POST", "/v2/tuning-jobs", REQUEST, key) for _ in range(2)]
    assert [each.status for each in made] == [201, 200]
    assert made[1].headers["Idempotency-Replayed"] == "true"
    other = lab.api("POST", "/v2/tuning-jobs", {**REQUEST, "name": "other"}, key)
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")

    key = {"Idempotency-Key": "now"}
    runs = [lab.api("POST", "/v2/schedules/nightly:run", None, key) for _ in range(2)]
    assert [each.status for each in runs] == [201, 200]
    assert runs[0].body["id"] == runs[1].body["id"]
    (job,) = find_schedule("nightly").jobs()
    job.wait(120)
