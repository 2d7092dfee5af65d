"""Which failures are tried again, how the attempts are told apart, and what the budget says of it."""

from __future__ import annotations

import errno
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.clock import FakeClock
from astraml_lab.jobs import disk
from astraml_lab.jobs.live import LiveTrial
from astraml_lab.jobs.retrying import RetryPolicy, Waiting
from astraml_lab.spec import FailureKind, JobState, TrialState

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.trial import Trial


class Flaky:
    """Fails so often, for each trial, before it works."""

    def __init__(self, failures: int, error: type[BaseException] = RuntimeError) -> None:
        self.failures = failures
        self.error = error
        self.calls: list[int] = []
        self.params: dict[int, list[Any]] = {}

    def __call__(self, trial: Trial) -> float:
        self.calls.append(trial.number)
        self.params.setdefault(trial.number, []).append((trial.params["x"], trial.seed))
        trial.report(score=0.5)
        if self.calls.count(trial.number) <= self.failures:
            raise self.error("the weather")
        return 1.0


def test_a_users_exception_is_not_tried_again_by_itself(bench: Bench) -> None:
    train = Flaky(1)
    job = bench.run(train, trials=2)
    assert train.calls == [0, 1]
    assert job.trials[0].state is TrialState.FAILED


def test_retries_use_the_same_parameters_and_count_once(bench: Bench) -> None:
    train = Flaky(2)
    job = bench.run(train, trials=3, retries=2, retry_delay=0.01)

    assert job.state is JobState.SUCCEEDED
    assert job.view().finished == 3
    assert sorted(job.trials) == [0, 1, 2]
    assert [train.calls.count(number) for number in range(3)] == [3, 3, 3]
    assert all(len(set(given)) == 1 for given in train.params.values())
    view = job.trials[0].view()
    assert (view.state, view.attempt, view.values) == (TrialState.COMPLETE, 3, (1.0,))
    assert view.notes[0].startswith("attempt 1 failed (RuntimeError: the weather): tried again after")
    log = job.trials[0].log.path.read_text()
    assert "--- attempt 2 ---" in log
    assert "--- attempt 3 ---" in log


def test_what_an_earlier_attempt_reported_is_forgotten(bench: Bench) -> None:
    steps = iter([3, 1])

    def train(trial: Trial) -> None:
        last = next(steps)
        for step in range(1, last + 1):
            trial.report(score=float(last), step=step)
        if last == 3:
            raise RuntimeError

    job = bench.run(train, trials=1, retries=1, retry_delay=0.01)
    curve = job.reader.curve(0, "score")
    assert curve is not None
    assert curve.values.tolist() == [1.0]
    stored = bench.store.load_curves(bench.store.list_jobs()[0].id, 0, "score")
    assert [curve.values.tolist() for curve in stored] == [[1.0]]
    rows = job.reader.windows(0, "score")
    assert rows is not None
    assert int(rows.counts.sum()) == 1


def test_a_trial_that_goes_on_failing_fails_with_its_last_reason(bench: Bench) -> None:
    job = bench.run(Flaky(9), trials=1, retries=2, retry_delay=0.01)
    view = job.trials[0].view()
    assert (view.state, view.kind, view.attempt) == (TrialState.FAILED, FailureKind.EXCEPTION, 3)
    assert view.reason == "RuntimeError: the weather"
    assert job.state is JobState.FAILED


def test_a_nan_is_not_tried_again(bench: Bench) -> None:
    calls: list[int] = []

    def train(trial: Trial) -> float:
        calls.append(trial.number)
        return float("nan")

    bench.run(train, trials=2, retries=3, retry_delay=0.01)
    assert calls == [0, 1]


def test_a_job_that_is_stopped_while_a_retry_waits_ends_at_once(bench: Bench) -> None:
    job = bench.launch(Flaky(1), trials=1, retries=1, retry_delay=60)
    pause = threading.Event()
    while "attempt 1 failed" not in "".join(job.trials[0].view().notes if job.trials else ()):
        pause.wait(0.01)
    job.stop().wait(120)
    assert job.state is JobState.CANCELLED
    assert job.trials[0].state is TrialState.STOPPED


@pytest.mark.parametrize(
    ("kind", "retries", "attempts"),
    [
        (FailureKind.EXCEPTION, None, 1),
        (FailureKind.OOM, None, 1),
        (FailureKind.TIMEOUT, None, 1),
        (FailureKind.CRASHED, None, 2),
        (FailureKind.STALE, None, 2),
        (FailureKind.CRASHED, 0, 1),
        (FailureKind.STALE, 3, 4),
        (FailureKind.OOM, 3, 4),
        (FailureKind.TIMEOUT, 2, 3),
        (FailureKind.NAN, 3, 1),
        (FailureKind.NO_METRIC, 3, 1),
        (FailureKind.INFEASIBLE, 3, 1),
    ],
)
def test_the_policy_by_kind(kind: FailureKind, retries: int | None, attempts: int) -> None:
    policy = RetryPolicy(retries, 1.0)
    tried = 1
    while policy.allows(kind, tried):
        tried += 1
    assert tried == attempts


def test_the_pause_doubles_and_has_an_end() -> None:
    policy = RetryPolicy(50, 2.0)
    assert [policy.pause(attempt) for attempt in (1, 2, 3, 4)] == [2, 4, 8, 16]
    assert policy.pause(50) == 300


def test_what_waits_comes_in_the_order_of_its_times() -> None:
    clock = FakeClock(0.0)
    waiting = Waiting(clock)
    first, second = (LiveTrial(number, {}, seed=0, created_at=0.0) for number in range(2))
    waiting.add(first, 10.0)
    waiting.add(second, 1.0)
    assert waiting.pop() is None
    clock.advance(1.5)
    assert waiting.ready
    assert waiting.pop() is second
    clock.advance(10)
    assert waiting.pop() is first
    assert len(waiting) == 0


def test_a_trial_that_finds_the_disk_full_runs_again_when_there_is_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    full = threading.Event()
    sentences: list[str] = []

    def shortage(_home: Path) -> str:
        return "the disk is full" if full.is_set() else ""

    monkeypatch.setattr(disk, "shortage", shortage)

    def train(trial: Trial) -> float:
        calls.append(trial.number)
        if len(calls) == 1:
            full.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        return 1.0

    job = bench.launch(train, trials=2)
    pause = threading.Event()
    while job.view().state is not JobState.PAUSED:
        pause.wait(0.01)
    sentences.append(job.view().reason)
    full.clear()
    job.wait(120)

    assert sentences == ["the disk is full"]
    assert job.state is JobState.SUCCEEDED
    assert sorted(calls) == [0, 0, 1]
    assert job.trials[0].state is TrialState.COMPLETE


def test_a_trial_that_finds_another_disk_full_is_not_tried_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["astraml_lab.jobs.settling"], "_FULL_PAUSE", 0.01)

    def train(trial: Trial) -> float:
        if trial.number == 0:
            raise OSError(errno.ENOSPC, "No space left on device", "/mnt/shared/batch")
        return 1.0

    job = bench.run(train, trials=2)

    assert (job.trials[0].kind, job.trials[0].view().attempt) == (FailureKind.EXCEPTION, 3)
    assert "No space left on device: '/mnt/shared/batch'" in job.trials[0].reason
    assert job.trials[1].state is TrialState.COMPLETE


def test_a_trial_that_waits_for_its_retry_can_be_stopped_alone(bench: Bench) -> None:
    job = bench.launch(Flaky(1), trials=1, retries=1, retry_delay=60)
    pause = threading.Event()
    while "attempt 1 failed" not in "".join(job.trials[0].view().notes if job.trials else ()):
        pause.wait(0.01)
    job.stop_trial(0)
    while job.trials[0].view().state is not TrialState.STOPPED:
        pause.wait(0.01)
    job.stop().wait(120)
    assert job.trials[0].reason == "stopped by you"


def test_a_trial_that_goes_on_from_a_checkpoint_and_reports_nothing_is_told_what_to_do(bench: Bench) -> None:
    def train(trial: Trial) -> None:
        done = trial.checkpoint_dir / "done"
        if not done.exists():
            done.touch()
            trial.report(score=1.0)
            raise RuntimeError("odd")

    trial = bench.run(train, trials=1, retries=1, retry_delay=0.01).trials[0]

    assert trial.view().attempt == 2
    assert trial.reason.endswith(
        "it reported nothing; it went on from a checkpoint, and what it reported before that does not count: "
        "have the code report the checkpoint's values again, also where nothing is left to train"
    )


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_vendor_that_tries_lost_trials_again_tries_no_others(kind: FailureKind) -> None:
    policy = RetryPolicy(3, 1.0, lost=True)

    assert policy.allows(kind, 3) == (kind in {FailureKind.CRASHED, FailureKind.STALE})
    assert not policy.allows(kind, 4)
