"""What is asked of a job, or read of it, at the very moment at which it ends."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from jobs.test_losing_a_job import lose
from plugins.patience import PATIENCE, until

from astraml_lab.clock import SystemClock
from astraml_lab.errors import StoreUnavailable
from astraml_lab.jobs import Manager
from astraml_lab.jobs.owner import Owner
from astraml_lab.jobs.record import Record
from astraml_lab.jobs.scheduling import Scheduler
from astraml_lab.output import router
from astraml_lab.spec import JobState, TrialState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.jobs.scheduling.scheduler import Run
    from astraml_lab.store import ScheduleRecord
    from astraml_lab.trial import Trial


def same(x: float) -> float:
    return x


def never(_schedule: ScheduleRecord) -> Run:
    raise AssertionError("there is no schedule")


class Held:
    """A function of a trial that waits."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, x: float) -> float:
        self.go.wait(PATIENCE)
        return x


class LastEnd:
    """The end of a first trial, held once it is stored and before its job looks further."""

    def __init__(self) -> None:
        self.comes, self.go_on = threading.Event(), threading.Event()


@pytest.fixture
def last_end(monkeypatch: pytest.MonkeyPatch) -> LastEnd:
    made, saves = LastEnd(), Record.save

    def save(record: Record, searcher: Any, view: Any, *told: Any) -> None:
        saves(record, searcher, view, *told)
        if told and not made.comes.is_set():
            made.comes.set()
            assert made.go_on.wait(PATIENCE)

    monkeypatch.setattr(Record, "save", save)
    return made


@pytest.fixture
def in_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define `same` where a notebook does."""
    monkeypatch.setattr(sys.modules["__main__"], "same", same, raising=False)
    monkeypatch.setattr(same, "__module__", "__main__")


def ended(bench: Bench, job: Job) -> None:
    runner = bench.manager.runner(job._generation_id)
    assert runner is not None
    assert runner.done.wait(PATIENCE)


def test_a_stop_that_comes_too_late_is_no_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    job = bench.launch(held, trials=1)
    sends = Owner.send

    def send(owner: Owner, event: Any) -> bool:
        held.go.set()
        ended(bench, job)
        return sends(owner, event)

    monkeypatch.setattr(Owner, "send", send)
    assert job.stop().state is JobState.SUCCEEDED


def test_who_reads_that_a_job_is_stopping_knows_that_its_trials_are_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, reported, moves = threading.Event(), threading.Event(), Record.move

    def train(trial: Trial) -> None:
        trial.report(score=1.0)
        go.wait(PATIENCE)
        try:
            trial.report(score=2.0)
        finally:
            reported.set()

    def move(record: Record, state: JobState, reason: str = "") -> None:
        moves(record, state, reason)
        if state is JobState.STOPPING:
            go.set()
            assert reported.wait(PATIENCE)

    monkeypatch.setattr(Record, "move", move)
    job = bench.launch(train, trials=1)
    until(lambda: any(trial.metrics for trial in job.trials.values()))
    assert job.stop().wait(PATIENCE).trials[0].state is TrialState.STOPPED


def test_a_budget_that_is_raised_while_the_last_trial_is_stored_is_spent(
    bench: Bench, last_end: LastEnd
) -> None:
    bench.launch(same, name="digits", trials=1)
    assert last_end.comes.wait(PATIENCE)
    again = bench.launch(same, name="digits", trials=3)
    last_end.go_on.set()
    assert (again.wait(PATIENCE).state, again.view().finished) == (JobState.SUCCEEDED, 3)


@pytest.mark.usefixtures("in_notebook")
@pytest.mark.parametrize("asks", ["the cell again", "resume"])
def test_a_budget_that_is_raised_while_the_end_is_written_is_spent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, asks: str
) -> None:
    closes, closing, go = Record.close, threading.Event(), threading.Event()

    def close(record: Record, *given: Any) -> None:
        closing.set()
        assert go.wait(PATIENCE)
        closes(record, *given)

    monkeypatch.setattr(Record, "close", close)
    job = bench.launch(same, name="digits", trials=1)
    assert closing.wait(PATIENCE)
    threading.Timer(0.2, go.set).start()
    if asks == "resume":
        job.resume(trials=3)
    else:
        bench.launch(same, name="digits", trials=3)
    assert (job.wait(PATIENCE).state, job.view().finished) == (JobState.SUCCEEDED, 3)


def test_an_end_that_cannot_be_written_leaves_a_job_that_listens(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes, tried, works = Record.close, threading.Event(), threading.Event()

    def close(record: Record, *given: Any) -> None:
        tried.set()
        if not works.is_set():
            raise StoreUnavailable("the disk is full")
        closes(record, *given)

    monkeypatch.setattr(Record, "close", close)
    job = bench.launch(same, trials=1)
    assert tried.wait(PATIENCE)
    until(lambda: bench.manager.runner(job._generation_id).closing is False)  # type: ignore[union-attr]
    job.extend(3)
    works.set()
    assert job.wait(PATIENCE).state is JobState.SUCCEEDED
    assert job.view().finished == 3


def test_a_stop_wins_over_more_trials(bench: Bench, last_end: LastEnd) -> None:
    job = bench.launch(same, trials=1)
    assert last_end.comes.wait(PATIENCE)
    job.extend(50).stop()
    last_end.go_on.set()
    assert job.wait(PATIENCE).state is JobState.CANCELLED
    assert job.view().finished == 1


def test_a_view_of_a_job_that_has_ended_has_no_trial_that_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, me = Held(), threading.get_ident()
    job = bench.launch(held, trials=1)
    until(lambda: job.view().running)
    runner = bench.manager.runner(job._generation_id)
    assert runner is not None
    lock = runner.live.lock

    class EndsBehind:
        """The job's lock; the job ends as soon as a reader has let go of it."""

        def __enter__(self) -> None:
            lock.acquire()

        def __exit__(self, *_exc: object) -> None:
            lock.release()
            if threading.get_ident() == me:
                held.go.set()
                ended(bench, job)

    reader = job.reader
    monkeypatch.setattr(runner.live, "lock", EndsBehind())
    view = reader.view()
    assert not (view.state.ended and view.running)


@pytest.mark.usefixtures("in_notebook")
def test_of_two_wishes_that_take_an_ended_job_up_both_are_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = bench.run(same, name="digits", trials=1)
    taking_over = sys.modules["astraml_lab.jobs.taking_over"]
    both, takes = threading.Barrier(2), taking_over.take_over

    def take_over(*given: Any, **how: Any) -> None:
        both.wait(PATIENCE)
        takes(*given, **how)

    monkeypatch.setattr(taking_over, "take_over", take_over)
    answers: list[int | None] = []
    wishes = [
        threading.Thread(target=lambda x=x: answers.append(job.enqueue({"x": x})), daemon=True)
        for x in (0.1, 0.2)
    ]
    for wish in wishes:
        wish.start()
    for wish in wishes:
        wish.join(PATIENCE)
    assert sorted(answers) == [1, 2]  # type: ignore[type-var]
    assert job.wait(PATIENCE).view().finished == 3


def test_a_scheduler_that_is_closed_while_it_looks_around_ends(bench: Bench) -> None:
    scheduler = Scheduler(bench.manager, SystemClock(), never)
    looks, closed = threading.Event(), threading.Event()

    class Wake(threading.Event):
        def clear(self) -> None:
            looks.set()
            closed.wait(PATIENCE)
            super().clear()

    scheduler._wake = Wake()
    scheduler.start()
    assert looks.wait(PATIENCE)
    closing = threading.Thread(target=scheduler.close, args=(PATIENCE,))
    closing.start()
    until(scheduler._ended.is_set)
    closed.set()
    closing.join(PATIENCE)
    assert not scheduler.alive


def test_a_trial_that_was_never_launched_leaves_nothing_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = router._router._users
    saves, lost, held = Record.save, threading.Event(), Held()

    def save(record: Record, searcher: Any, view: Any, *told: Any) -> None:
        if view.number == 1 and not told:
            assert lost.wait(PATIENCE)
        saves(record, searcher, view, *told)

    monkeypatch.setattr(Record, "save", save)
    job = bench.launch(held, name="lost", trials=2, parallel=2)
    until(lambda: len(job.view().running) == 2)
    lose(bench, job)
    lost.set()
    held.go.set()
    assert job.wait(PATIENCE).state is JobState.STALE
    until(lambda: router._router._users == users)


def test_a_reader_that_was_let_go_of_meanwhile_is_made_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = bench.run(same, trials=1)
    stored = Manager.stored

    def found(manager: Manager, generation_id: int) -> Any:
        row = stored(manager, generation_id)
        with manager._lock:  # as another job does that is registered
            manager._readers.pop(generation_id, None)
            manager._runners.pop(generation_id, None)
        return row

    monkeypatch.setattr(Manager, "stored", found)
    assert job.view().finished == 1


def test_a_read_that_fails_is_done_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(same, name="digits", trials=3)
    other = Manager(bench.store, bench.wiring, owner="another kernel")
    job = other.find("digits")
    loads = Store.load_trials

    def load_trials(*_given: Any, **_how: Any) -> Any:
        monkeypatch.setattr(Store, "load_trials", loads)
        raise StoreUnavailable("busy")

    monkeypatch.setattr(Store, "load_trials", load_trials)
    other.forget(job._generation_id)
    with pytest.raises(StoreUnavailable):
        job.view()
    assert job.view().finished == 3
    other.close(PATIENCE)
