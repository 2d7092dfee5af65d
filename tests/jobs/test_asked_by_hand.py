"""Points and trials that somebody asks for by hand are tried, whatever is left of the budget."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.spec import JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

POINTS = (0.125, 0.25)


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Callable[[Trial], float]:
    """Return a function as a notebook has it, so that an ended job finds it again."""

    def train(trial: Trial) -> float:
        return float(trial.params["x"])

    monkeypatch.setattr("__main__.train", train, raising=False)
    return train


class Gate:
    """Holds every trial until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.started = threading.Semaphore(0)

    def __call__(self, trial: Trial) -> float:
        self.started.release()
        assert self.open.wait(120)
        return float(trial.params["x"])


def xs(job: Job) -> list[Any]:
    return [trial.params["x"] for trial in job.trials.values()]


@pytest.mark.parametrize("points", [POINTS[:1], POINTS])
@pytest.mark.parametrize("first", ["enqueue", "rerun"])
def test_a_running_job_tries_points_and_a_trial_again_in_the_order_of_asking(
    bench: Bench, points: tuple[float, ...], first: str
) -> None:
    gate = Gate()
    job = bench.launch(gate, name="digits", trials=3, parallel=3)
    for _ in range(3):
        assert gate.started.acquire(timeout=120)
    if first == "rerun":
        job.rerun(0)
    for x in points:
        job.enqueue({"x": x})
    if first == "enqueue":
        job.rerun(0)
    gate.open.set()

    assert job.wait(120).state is JobState.SUCCEEDED
    again = xs(job)[0]
    wanted = [*points, again] if first == "enqueue" else [again, *points]
    assert xs(job)[3:] == wanted
    assert {trial.state for trial in job.trials.values()} == {TrialState.COMPLETE}
    assert job.view().trials == 4 + len(points)


@pytest.mark.parametrize("points", [POINTS[:1], POINTS])
@pytest.mark.parametrize("first", ["enqueue", "rerun"])
def test_an_ended_job_goes_on_for_points_and_for_a_trial_again(
    bench: Bench, train: Callable[[Trial], float], points: tuple[float, ...], first: str
) -> None:
    job = bench.run(train, name="digits", trials=3)
    if first == "rerun":
        job.rerun(0)
        job.wait(120)
    for x in points:
        job.enqueue({"x": x})
    if first == "enqueue":
        job.rerun(0)

    assert job.wait(120).state is JobState.SUCCEEDED
    again = xs(job)[0]
    wanted = [*points, again] if first == "enqueue" else [again, *points]
    assert xs(job)[3:] == wanted
    assert job.view().trials == 4 + len(points)


def test_a_point_takes_what_is_left_of_the_budget_before_that_grows(bench: Bench) -> None:
    gate = Gate()
    job = bench.launch(gate, name="digits", trials=3, parallel=1)
    assert gate.started.acquire(timeout=120)

    assert [job.enqueue({"x": 0.125}), job.enqueue({"x": 0.25})] == [1, 2]
    assert job.view().trials == 3
    assert job.enqueue({"x": 0.5}) == 3
    assert job.view().trials == 4
    gate.open.set()
    job.wait(120)
    assert xs(job)[1:] == [0.125, 0.25, 0.5]


def test_a_job_that_ends_by_its_target_says_what_was_not_tried_and_goes_on_for_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()

    def train(trial: Trial) -> float:
        return gate(trial)

    monkeypatch.setattr("__main__.train", train, raising=False)
    job = bench.launch(train, name="digits", trials=9, parallel=1, target=0.0)
    assert gate.started.acquire(timeout=120)
    job.enqueue({"x": 0.125})
    job.enqueue({"x": 0.25})
    gate.open.set()

    assert job.wait(120).view().reason.endswith("(target 0); 2 enqueued points were not tried")
    assert job.rerun(0) == 3
    job.wait(120)
    assert xs(job) == [xs(job)[0], 0.125, 0.25, xs(job)[0]]
    assert job.view().trials == 4


def test_an_ended_job_goes_on_for_one_point_alone(bench: Bench, train: Callable[[Trial], float]) -> None:
    job = bench.run(train, name="digits", trials=50, max_no_improvement=1, seed=1)
    done = job.view().finished
    assert done < 50

    assert job.enqueue({"x": 0.125}) == done
    assert job.wait(120).view().finished == job.view().trials == done + 1
    assert xs(job)[done] == 0.125


def test_a_stopped_job_that_goes_on_tries_the_points_that_were_left(bench: Bench) -> None:
    gate = Gate()
    job = bench.launch(gate, name="digits", trials=2, parallel=1)
    assert gate.started.acquire(timeout=120)
    for x in (*POINTS, 0.5):
        job.enqueue({"x": x})
    assert job.view().trials == 4
    job.stop()
    gate.open.set()
    assert job.wait(120).view().reason == "stopped by you; 3 enqueued points were not tried"

    again = bench.run(gate, name="digits", trials=2)
    assert again.state is JobState.SUCCEEDED
    assert xs(again)[1:] == [*POINTS, 0.5]
    assert again.view().trials == again.view().finished == 4
