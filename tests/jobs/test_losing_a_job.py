"""A kernel that finds that another one has its job lets go of all that the job held."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import pytest
from plugins.patience import until
from sqlalchemy import update

from astraml_lab.devices import LeaseRequest
from astraml_lab.errors import Conflict
from astraml_lab.jobs import events
from astraml_lab.jobs.live_reader import LiveReader
from astraml_lab.spec import JobState
from astraml_lab.store.tables import leases

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial


def reports(trial: Trial) -> None:
    pause = threading.Event()
    for step in itertools.count():
        trial.report({"score": float(step)})
        pause.wait(0.02)


def lose(bench: Bench, job: Job) -> None:
    """Let a kernel that is gone by now have had the job; its runner learns it when it writes next."""
    mine = leases.c.generation_id == job._generation_id
    theirs = {"fence": leases.c.fence + 1, "owner": "kernel 9", "pid_started_at": 0.0}
    with bench.store.begin() as connection:
        connection.execute(update(leases).where(mine).values(theirs))


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_the_devices_of_a_lost_job_are_free_for_the_next(bench: Bench, executor: str) -> None:
    lost = bench.launch(reports, name="lost", executor=executor, trial_timeout=600)
    until(lambda: any(trial.view().step for trial in lost.trials.values()))
    lose(bench, lost)
    bench.manager._runners[lost._generation_id].tell(events.Enqueue({"x": 0.5}, Future()))

    assert lost.wait(120).state is JobState.STALE
    # a thread ends at its next report
    until(lambda: bench.pool.refuse_reason(LeaseRequest("next", 0)) is None)
    assert bench.launch(lambda x: x, name="next", trials=2).wait(120).state is JobState.SUCCEEDED


def test_who_enqueues_into_a_lost_job_gets_an_answer(bench: Bench) -> None:
    go = threading.Event()
    answers: list[Future[int]] = [Future(), Future()]

    def train(x: float) -> float:
        go.wait(120)
        return x

    lost = bench.launch(train, name="lost")
    runner = bench.manager.runner(lost._generation_id)
    assert runner is not None
    until(lambda: len(lost.trials) > 0 and runner.record._next_heartbeat)  # the next one is 10 s away
    lose(bench, lost)
    for answer in answers:
        runner.tell(events.Enqueue({"x": 0.5}, answer))

    assert [type(answer.exception(120)) for answer in answers] == [Conflict, Conflict]
    go.set()


def test_a_trial_that_asks_while_its_job_is_lost_gets_an_answer(bench: Bench) -> None:
    lost_now = threading.Event()
    begun: list[int] = []

    def train(trial: Trial) -> float:
        begun.append(trial.number)
        lost_now.wait(120)
        return trial.suggest_float("late", 0.0, 1.0) if trial.number else 1.0

    lost = bench.launch(train, name="lost", trials=2, parallel=2)
    until(lambda: len(begun) == 2)
    lose(bench, lost)
    lost_now.set()

    assert lost.wait(120).state is JobState.STALE
    until(lambda: not any(thread.name == "lost trial 1" for thread in threading.enumerate()))


def test_of_the_jobs_that_ended_long_ago_none_stays_in_memory(bench: Bench) -> None:
    jobs = []
    for number in range(14):
        jobs.append(bench.launch(lambda x: x, name=f"job{number}", trials=1))
        runner = bench.manager.runner(jobs[-1]._generation_id)
        assert runner is not None
        assert runner.done.wait(120)
    kept = [reader for reader in bench.manager._readers.values() if isinstance(reader, LiveReader)]
    elsewhere = bench.store.acquire(jobs[0]._generation_id, "another test")
    bench.store.update_generation(elsewhere, state=JobState.RUNNING, ended_at=None)

    assert len(kept) == 9
    assert jobs[0].view().state is JobState.RUNNING
