"""A job listens to every kernel: a second manager over the same store is one that does not run it."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest
from jobs.passing import let_pass
from plugins.patience import until, within

from astraml_lab.errors import Conflict, InvalidSpec, NotFound
from astraml_lab.jobs import Job, Manager, controls, events
from astraml_lab.spec import Categorical, Float, JobState, TrialState
from astraml_lab.store import Control

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


SOON = 20.0
"""Seconds within which another kernel's wish is done: the runner looks once a second."""


@pytest.fixture
def other(bench: Bench) -> Iterator[Manager]:
    manager = Manager(bench.store, bench.manager._wiring, owner="another kernel")
    yield manager
    manager._writer.close()


class Gate:
    """Holds every trial, but for the first `passing`, until it is opened."""

    def __init__(self, passing: int = 0) -> None:
        self.passing = passing
        self.open = threading.Event()
        self.tried: list[float] = []

    def __call__(self, trial: Trial) -> float:
        self.tried.append(trial.params["x"])
        while trial.number >= self.passing and not self.open.wait(0.02):
            trial.report(score=0.0)
        return float(trial.params["x"])


def soon(claim: Callable[[], object]) -> None:
    """Wait until a claim holds, which has to be within `SOON`."""
    with within(SOON):
        until(claim)


def asked(bench: Bench) -> int:
    """Return how many wishes the kernel that runs the job has not taken yet."""
    with bench.store.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM controls").scalar_one())


def launched(bench: Bench, other: Manager, gate: Gate, **options: Any) -> tuple[Job, Job]:
    """Return a running job, as its own kernel and as another one sees it."""
    job = bench.launch(gate, name="digits", **{"trials": 3, "parallel": 1, **options})
    soon(lambda: len(gate.tried) == 1)
    return job, other.find("digits")


def test_another_kernel_pauses_and_resumes(bench: Bench, other: Manager) -> None:
    gate = Gate()
    job, there = launched(bench, other, gate)

    assert there.alive
    assert there.elsewhere == job.view().owner
    assert job.elsewhere == ""
    there.pause()
    soon(lambda: job.state is JobState.PAUSED)
    gate.open.set()
    soon(lambda: job.view().finished == 1)
    assert len(gate.tried) == 1
    there.resume()

    assert job.wait(120).state is JobState.SUCCEEDED
    assert job.view().finished == 3


def test_a_resume_right_after_a_pause_is_not_overtaken_by_it(bench: Bench, other: Manager) -> None:
    gate = Gate()
    job, there = launched(bench, other, gate)
    there.pause().resume()
    gate.open.set()

    assert job.wait(120).view().finished == 3


def test_another_kernel_enqueues_extends_and_stops(bench: Bench, other: Manager) -> None:
    gate = Gate()
    job, there = launched(bench, other, gate, trials=1)
    there.extend(50)
    soon(lambda: job.view().trials == 50)
    there.enqueue({"x": 0.125})
    pause = threading.Event()
    pause.wait(1.5)
    there.stop_trial(0)
    soon(lambda: job.trials[0].state is TrialState.STOPPED)
    soon(lambda: len(gate.tried) == 2)
    assert gate.tried[1] == 0.125
    there.stop()

    assert job.wait(120).state is JobState.CANCELLED
    soon(lambda: there.state is JobState.CANCELLED)


def test_what_does_not_fit_the_space_is_refused_before_it_is_sent(bench: Bench, other: Manager) -> None:
    gate = Gate()
    job, there = launched(bench, other, gate)
    with pytest.raises(InvalidSpec, match="no such parameter"):
        there.enqueue({"y": 1})
    with pytest.raises(InvalidSpec, match="must be"):
        job.enqueue({"x": 7.0})
    with pytest.raises(NotFound, match="no trial 9"):
        there.stop_trial(9)
    assert not bench.store.take(job._generation_id)
    gate.open.set()


def test_a_trial_runs_again_with_its_parameters(bench: Bench, other: Manager) -> None:
    gate = Gate(passing=2)
    job = bench.launch(gate, name="digits", trials=3, parallel=1)
    soon(lambda: len(gate.tried) == 3)
    there = other.find("digits")

    assert job.rerun(0) == 3
    assert there.rerun(1) is None
    soon(lambda: job.view().trials == 5)
    gate.open.set()
    job.wait(120)

    assert gate.tried[3:] == gate.tried[:2]
    assert job.trials[3].params == job.trials[0].params
    assert job.trials[3].view().seed != job.trials[0].view().seed
    assert [t.state for t in job.trials.values()] == [TrialState.COMPLETE] * 5


def test_a_trial_runs_again_also_behind_enqueued_points_that_no_budget_is_left_for(
    bench: Bench, other: Manager
) -> None:
    gate = Gate()
    job, _ = launched(bench, other, gate, trials=1)
    job.enqueue({"x": 0.5})

    assert job.rerun(0) == 2
    gate.open.set()
    assert job.wait(120).state is JobState.SUCCEEDED
    assert gate.tried[1:] == [0.5, gate.tried[0]]
    assert job.view().trials == 3


@pytest.mark.parametrize("paused", [False, True])
def test_a_wish_that_comes_right_before_the_end_of_the_last_trial_is_followed(
    bench: Bench, other: Manager, *, paused: bool
) -> None:
    gate = Gate()
    job, there = launched(bench, other, gate, trials=1)
    if paused:
        job.pause()
        soon(lambda: job.state is JobState.PAUSED)
    there.rerun(0)
    there.enqueue({"x": 0.5})
    gate.open.set()
    if paused:
        soon(lambda: job.view().trials == 3)
        job.resume()

    assert job.wait(120).state is JobState.SUCCEEDED
    assert gate.tried[1:] == [gate.tried[0], 0.5]


def test_a_trial_of_an_ended_job_runs_again_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(trial: Trial) -> float:
        lr = trial.suggest_float("lr", 0.0, 1.0)
        return lr if trial.number < 3 else -lr

    in_notebook(monkeypatch, train=train)
    job = bench.run(train, {}, name="digits", trials=50, target=-1.0)
    assert job.view().finished == 1
    number = job.rerun(0)
    job.wait(120)

    assert number == 1
    assert job.view().finished == job.view().trials == 2
    assert job.trials[1].params == job.trials[0].params


def test_nobody_is_asked_who_is_not_there(bench: Bench, other: Manager) -> None:
    job = bench.run(lambda x: x, name="digits", trials=1)
    spec, _ = bench.prepare(lambda x: x, name="gone")
    _, lease = bench.store.create_job("default", "gone", **stored(spec), owner="a kernel that died")
    bench.store.release(lease)
    gone = other.find("gone")

    for ended in (job, other.find("digits")):
        with pytest.raises(
            Conflict, match=r"digits is SUCCEEDED: nothing of it runs; `%tune resume digits --t"
        ):
            ended.pause()
    with pytest.raises(Conflict, match=r"gone is STALE: its kernel is gone; `%tune resume gone` takes it ov"):
        gone.pause()
    with pytest.raises(Conflict, match="trial 0 of digits is COMPLETE already"):
        job.stop_trial(0)
    assert job.stop().state is JobState.SUCCEEDED


def test_a_running_job_is_deleted_by_no_kernel(bench: Bench, other: Manager) -> None:
    gate = Gate()
    job, there = launched(bench, other, gate)
    with pytest.raises(
        Conflict, match=rf"in kernel {there.elsewhere}: stop it first \(`%tune stop digits`\)"
    ):
        there.delete()
    with pytest.raises(Conflict, match=r"digits is RUNNING: stop it first"):
        job.delete()
    gate.open.set()


def test_a_wait_in_another_kernel_ends_with_the_job(bench: Bench, other: Manager) -> None:
    gate = Gate()
    _, there = launched(bench, other, gate)
    assert there.wait(0.5).state is JobState.RUNNING
    gate.open.set()

    assert there.wait(120).state is JobState.SUCCEEDED


def test_the_same_search_with_more_trials_extends_it_from_another_kernel(
    bench: Bench, other: Manager
) -> None:
    gate = Gate()
    job, _ = launched(bench, other, gate)
    spec, code = bench.prepare(gate, name="digits", trials=5)
    assert other.launch(spec, code, attended=True).id == job.id
    soon(lambda: job.view().trials == 5)
    gate.open.set()
    job.wait(120)


@pytest.mark.parametrize(
    "event",
    [
        events.StopJob("enough"),
        events.StopTrial(7, "too slow"),
        events.Pause(),
        events.Unpause(),
        events.Extend(60),
    ],
)
def test_a_command_arrives_as_it_was_sent(event: controls.Told) -> None:
    assert controls.event_of(Control(*controls.row_of(event), created_at=0.0)) == event


def test_points_arrive_without_anybody_who_waits() -> None:
    point = controls.event_of(Control(*controls.row_of(events.Enqueue({"x": 1}, Future())), created_at=0.0))
    again = controls.event_of(Control(*controls.row_of(events.Rerun(7, Future())), created_at=0.0))
    assert isinstance(point, events.Enqueue)
    assert isinstance(again, events.Rerun)
    assert (dict(point.params), again.number) == ({"x": 1}, 7)


@pytest.mark.parametrize(
    ("command", "argument"),
    [("fly", 7), ("extend", "many"), ("stop_trial", 7), ("enqueue", 3), ("rerun", None)],
)
def test_what_a_kernel_does_not_understand_it_ignores(command: str, argument: object) -> None:
    assert controls.event_of(Control(command, argument, 0.0)) is None


def test_an_enqueued_choice_survives_the_store(bench: Bench, other: Manager) -> None:
    tried: list[object] = []
    go = threading.Event()

    def train(choice: str | None, x: float) -> float:
        tried.append(choice)
        go.wait(120)
        return x

    space = {"choice": Categorical(["a", None, True]), "x": Float(0, 1)}
    bench.launch(train, space, name="digits", trials=3, parallel=1)
    there = other.find("digits")
    soon(lambda: len(tried) == 1)
    assert there.enqueue({"choice": None}) is there.enqueue({"choice": True}) is None
    soon(lambda: not asked(bench))
    go.set()
    there.wait(120)

    assert tried[1:] == [None, True]


def in_notebook(monkeypatch: pytest.MonkeyPatch, **names: object) -> None:
    """Define names where a notebook has them."""
    for name, value in names.items():
        monkeypatch.setattr(f"__main__.{name}", value, raising=False)


def stored(spec: Any) -> dict[str, str]:
    return {"spec": spec.model_dump_json(), "fingerprint": "{}"}


def test_the_time_of_a_pause_counts_for_nobody(bench: Bench, other: Manager) -> None:
    gate, clock = Gate(), bench.wiring.clock
    job, seen = launched(bench, other, gate)
    soon(lambda: gate.tried)
    job.pause()
    soon(lambda: job.state is JobState.PAUSED)
    held = job.view()
    before = held.runtime(clock.time())
    let_pass(bench, 1200)
    assert job.view().runtime(clock.time()) == before
    job.resume()
    soon(lambda: job.state is JobState.RUNNING)
    assert before <= job.view().runtime(clock.time()) < before + 600
    gate.open.set()
    job.wait(120)
    soon(lambda: seen.state.ended)
    for view in (job.view(), seen.view()):
        assert view.ended_at is not None
        assert held.started_at is not None
        assert view.ended_at - held.started_at - view.runtime(view.ended_at) > 1199
