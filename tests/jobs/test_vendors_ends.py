"""Jobs end by the criteria that imported requests bring, and their trials by their vendor's own rules."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from jobs.passing import let_pass
from plugins.patience import until

from astraml_lab.devices import LeaseRequest
from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import (
    Categorical,
    Discrete,
    FailureKind,
    Int,
    JobState,
    Limits,
    TrialState,
)

if TYPE_CHECKING:
    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


def test_running_trials_finish_where_the_vendor_lets_them(bench: Bench) -> None:
    both, done = threading.Barrier(2, timeout=120), threading.Event()

    def train(trial: Trial) -> float:
        both.wait()
        if trial.number == 0:
            return 1.0
        while not done.wait(0.001):
            trial.report(score=0.1)  # would raise if the trial were told to stop
        return 0.5

    job = bench.launch(train, trials=9, parallel=2, target=1.0, limits=Limits(cut=False), prune="off")
    while not job.view().counts[TrialState.COMPLETE]:
        time.sleep(0.005)
    done.set()
    job.wait(120)

    assert job.state is JobState.SUCCEEDED
    assert [job.trials[n].state for n in range(2)] == [TrialState.COMPLETE] * 2
    assert len(job.trials) == 2


def test_a_job_ends_at_a_time_of_day(bench: Bench) -> None:
    job = bench.run(lambda x: x, trials=1000, limits=Limits(end_at=time.time() - 1, min_complete=3))
    assert job.state is JobState.SUCCEEDED
    assert "it was to end at" in job.view().reason
    assert len(job.trials) == 3


def test_no_trial_begins_beyond_the_vendors_maximum_once_every_minimum_is_met(bench: Bench) -> None:
    limits = Limits(min_complete=2, max_trials=6)
    job = bench.run(lambda x: x, trials=20, parallel=4, limits=limits)
    assert (job.state, len(job.trials)) == (JobState.SUCCEEDED, 6)
    assert job.view().reason == "no more than 6 trials were asked for"
    assert {trial.state for trial in job.trials.values()} == {TrialState.COMPLETE}


def test_a_trial_that_waits_too_long_for_a_device_fails_and_is_tried_again(gpu_bench: Bench) -> None:
    taken = [gpu_bench.pool.try_lease(LeaseRequest("somebody", 1.0)) for _ in range(2)]
    assert all(taken)

    limits = Limits(max_wait=0.2, retry_lost=True)
    options: dict[str, Any] = {"trials": 2, "retries": 1, "retry_delay": 0.01, "limits": limits}
    job = gpu_bench.run(lambda x: x, **options)

    assert job.state is JobState.FAILED
    trial = job.trials[0].view()
    assert (trial.state, trial.kind, trial.attempt) == (TrialState.FAILED, FailureKind.TIMEOUT, 2)
    assert trial.reason == "waited longer than 0.2 s for a device"
    assert trial.notes == ("attempt 1 failed (waited longer than 0.2 s for a device): tried again",)


def test_the_time_of_a_pause_is_no_wait_for_a_device(gpu_bench: Bench) -> None:
    taken = [gpu_bench.pool.try_lease(LeaseRequest("somebody", 1.0)) for _ in range(2)]

    job = gpu_bench.launch(lambda x: x, trials=1, retries=0, limits=Limits(max_wait=600))
    until(lambda: job.view().reason)
    job.pause()
    until(lambda: job.state is JobState.PAUSED)
    let_pass(gpu_bench, 1200)
    job.resume()
    until(lambda: job.state is not JobState.PAUSED)
    assert job.wait(0.2).state is JobState.RUNNING  # it waits again, as if for the first time
    for lease in taken:
        assert lease is not None
        lease.release()

    assert job.wait(120).state is JobState.SUCCEEDED, job.view().reason


def test_a_trial_that_violates_a_constraint_is_kept_and_marked_and_never_the_best(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        trial.report(score=trial.number, recall=0.9 if trial.number < 2 else 0.1)

    job = bench.run(train, trials=3, prune="off", subject_to="recall >= 0.5")

    assert job.best.number == 1
    unsafe = job.trials[2].view()
    assert (unsafe.state, unsafe.values) == (TrialState.COMPLETE, (2.0,))
    assert unsafe.notes == ("recall 0.1 is not at least 0.5, so it is never the best",)
    assert job.study.best_trial.number == 1, "for Optuna, too"
    assert job.view().violating == (2,)
    stored = bench.store.load_job("default", job.name)
    assert stored is not None
    assert StoredReader(bench.store, stored).view().violating == (2,)


def test_a_grid_that_is_through_ends_the_job_before_its_budget(bench: Bench) -> None:
    space = {
        "size": Discrete([16, 32]),
        "deep": Int(1, 2),
        "kind": Categorical(["a", "b"]),
        "rate": Int(1, 2, when={"kind": "b"}),
    }

    def train(size: float, deep: int, kind: str, rate: int | None) -> float:
        return size + deep + (rate or 0) + len(kind)

    job = bench.run(train, space, trials=99, strategy="grid", parallel=3)

    assert job.state is JobState.SUCCEEDED
    assert job.view().reason == "every point of the space was tried: 12 trials"
    points = [tuple(trial.params.values()) for _, trial in sorted(job.trials.items())]
    assert len(set(points)) == 12
    assert points[:3] == [(16, 1, "a", None), (16, 1, "b", 1), (16, 1, "b", 2)]


def test_the_last_value_of_a_trial_counts_when_its_time_is_up(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        for step in range(1, 10**9):
            trial.report(score=step, step=step)

    job = bench.run(train, trials=1, trial_timeout=0.2, on_timeout="keep_last", prune="off")

    trial = job.trials[0].view()
    assert job.state is JobState.SUCCEEDED
    assert (trial.state, trial.kind) == (TrialState.COMPLETE, FailureKind.TIMEOUT)
    assert trial.values == (float(trial.step or 0),)
    assert trial.reason == "ran longer than 0.2 s (--trial-timeout)"


def test_a_trial_without_a_value_fails_when_its_time_is_up(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        while True:
            trial.report(other=1.0)

    job = bench.run(train, trials=1, trial_timeout=0.1, on_timeout="keep_last")
    assert (job.trials[0].state, job.trials[0].kind) == (TrialState.FAILED, FailureKind.TIMEOUT)


@pytest.mark.parametrize("returned", [True, False])
def test_the_last_number_counts_where_the_vendor_reads_over_nan(bench: Bench, *, returned: bool) -> None:
    def train(trial: Trial) -> float | None:
        for value in (0.3, 0.7, math.nan):
            trial.report(score=value)
        return math.inf if returned else None

    job = bench.run(train, trials=1, on_nan="last_finite", prune="off")
    assert job.trials[0].values == (0.7,)
    only = bench.run(lambda trial: trial.report(score=math.nan), trials=1, on_nan="last_finite")
    assert only.trials[0].state is TrialState.FAILED


def test_the_best_value_counts_where_the_vendor_selects_it(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        for value in (0.3, 0.7, math.nan, 0.5):
            trial.report(score=value)

    job = bench.run(train, trials=1, select="best", on_nan="last_finite", prune="off")
    assert job.trials[0].values == (0.7,)


@pytest.mark.parametrize("best", [0, 1])
def test_the_age_of_the_best_survives_a_resume(bench: Bench, best: int) -> None:
    def train(trial: Trial) -> float:
        if trial.number == 1:
            let_pass(bench, 1200)
        return float(trial.number == best)

    options: dict[str, Any] = {"name": "old", "prune": "off"}
    assert bench.run(train, trials=2, **options).state is JobState.SUCCEEDED
    bench.manager.close(5)
    bench.manager = type(bench.manager)(bench.store, bench.wiring, owner="another")

    job = bench.run(train, trials=4, limits=Limits(max_seconds_without_progress=600), **options)
    if best == 0:
        assert (len(job.trials), job.view().reason) == (2, "no better score for 10 m")
    else:
        assert (len(job.trials), job.view().reason) == (4, "all trials are done")
