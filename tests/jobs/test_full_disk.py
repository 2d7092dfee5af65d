"""A disk filled to the brim in the middle of a job: it waits, nothing is lost, and it goes on by itself."""

from __future__ import annotations

import errno
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from plugins.jobs import Bench
from plugins.patience import until, within

from astraml_lab.errors import StoreUnavailable
from astraml_lab.spec import JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugins.full_disk import SmallDisk

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

TRIALS = 8


@pytest.fixture
def lab(small_disk: SmallDisk) -> Iterator[Bench]:
    made = Bench(small_disk.path / "home")
    yield made
    small_disk.free()
    made.close()


def finished(job: Job) -> dict[int, tuple[float, ...] | None]:
    return {n: trial.values for n, trial in job.trials.items() if trial.state.ended}


def while_trials_run(disk: SmallDisk, trial: Trial, _attempt: int) -> None:
    for step in range(5):
        time.sleep(0.02)
        if (trial.number, step) == (3, 2):
            disk.fill()
        trial.report(score=trial.params["x"] * step)


def as_a_trial_ends(disk: SmallDisk, trial: Trial, _attempt: int) -> None:
    if trial.number == 3:
        disk.fill()


def in_torch_save(disk: SmallDisk, trial: Trial, attempt: int) -> None:
    import torch

    if (trial.number, attempt) == (3, 1):
        disk.fill()
        torch.save({"weights": torch.zeros(100_000)}, trial.checkpoint_dir / "weights.pt")
        disk.refuse(RuntimeError("[enforce fail at inline_container.cc:595] . unexpected pos 64 vs 0"))


def in_a_plain_write(disk: SmallDisk, trial: Trial, attempt: int) -> None:
    if (trial.number, attempt) == (3, 1):
        disk.fill()
        (trial.checkpoint_dir / "weights.bin").write_bytes(bytes(100_000))
        disk.refuse(OSError(errno.ENOSPC, "No space left on device"))


@pytest.mark.parametrize("moment", [while_trials_run, as_a_trial_ends, in_torch_save, in_a_plain_write])
def test_the_job_pauses_says_why_and_goes_on_by_itself(
    small_disk: SmallDisk, lab: Bench, moment: Callable[[SmallDisk, Trial, int], None]
) -> None:
    attempts: list[int] = []

    def train(trial: Trial) -> float:
        attempts.append(trial.number)
        moment(small_disk, trial, attempts.count(trial.number))
        return float(trial.params["x"])

    job = lab.launch(train, trials=TRIALS, parallel=2, name="digits", prune="off")
    until(lambda: job.state is JobState.PAUSED and job.view().reason.startswith("the disk of"))
    reason, shown = job.view().reason, finished(job)
    threading.Event().wait(1.5)  # more than a look at the disk
    assert job.state is JobState.PAUSED
    assert finished(job).items() >= shown.items()
    assert len(shown) >= 1
    small_disk.free()
    job.wait(120)

    print(f"{moment.__name__}: {reason}")  # noqa: T201 - the sentence that is shown
    assert "is full but for 0.0 MB: free some space (%tune delete JOB" in reason
    assert "the job goes on by itself; nothing is lost" in reason
    assert job.raise_if_bad().state is JobState.SUCCEEDED
    assert sorted(job.trials) == list(range(TRIALS))
    assert {trial.state for trial in job.trials.values()} == {TrialState.COMPLETE}
    assert finished(job).items() >= shown.items()
    assert len(attempts) - len(set(attempts)) == (moment in {in_torch_save, in_a_plain_write})
    stored = {view.number: view.values for view in lab.store.load_trials(1)}
    assert stored == finished(job)


def test_between_two_trials_none_starts_that_could_not_be_remembered(
    small_disk: SmallDisk, lab: Bench
) -> None:
    started: list[int] = []
    paused = threading.Event()

    def train(trial: Trial) -> float:
        started.append(trial.number)
        if trial.number == 2:
            assert paused.wait(120)
        return float(trial.params["x"])

    job = lab.launch(train, trials=TRIALS, parallel=1)
    until(lambda: job.view().finished == 2)
    job.pause()
    until(lambda: job.state is JobState.PAUSED)
    paused.set()
    until(lambda: not job.view().running)
    small_disk.fill()
    begun = len(started)
    job.resume()
    until(lambda: "free some space" in job.view().reason)
    threading.Event().wait(1.2)
    assert len(started) <= begun + 1  # the one that the disk refused is the next to run
    small_disk.free()
    job.wait(120)

    assert job.state is JobState.SUCCEEDED
    assert job.view().finished == TRIALS
    assert sorted(started) == list(range(TRIALS))


def test_a_job_can_be_stopped_while_the_disk_is_full(small_disk: SmallDisk, lab: Bench) -> None:
    def train(trial: Trial) -> float:
        if trial.number == 3:
            small_disk.fill()
        for step in itertools.count():
            trial.report(score=trial.params["x"], step=step)
            if trial.number < 2:
                break
            time.sleep(0.02)
        return float(trial.params["x"])

    job = lab.launch(train, trials=TRIALS, parallel=2, prune="off")
    until(lambda: job.state is JobState.PAUSED)
    job.stop()
    until(lambda: job.state is JobState.STOPPING)
    threading.Event().wait(1.5)
    shown = finished(job)
    small_disk.free()
    job.wait(120)

    assert (job.state, job.view().reason) == (JobState.CANCELLED, "stopped by you")
    assert {n: trial.state for n, trial in job.trials.items()} == {
        0: TrialState.COMPLETE,
        1: TrialState.COMPLETE,
        2: TrialState.STOPPED,
        3: TrialState.STOPPED,
    }
    assert finished(job).items() >= shown.items()


@pytest.mark.slow
def test_a_process_that_finds_no_room_for_its_checkpoint_runs_again(
    small_disk: SmallDisk, lab: Bench
) -> None:
    marker = small_disk.path.parent / "second"

    def train(trial: Trial) -> float:
        if trial.number == 1 and not marker.exists():
            marker.touch()
            small_disk.fill()
            raise OSError(errno.ENOSPC, "No space left on device")
        return float(trial.params["x"])

    job = lab.launch(train, trials=3, parallel=1, executor="processes")
    until(lambda: job.state is JobState.PAUSED)
    small_disk.free()
    job.wait(120)
    assert job.state is JobState.SUCCEEDED
    assert [trial.state for trial in job.trials.values()] == [TrialState.COMPLETE] * 3
    (note,) = job.trials[1].view().notes
    assert "No space left on device): tried again after" in note


def test_what_a_trial_prints_meanwhile_stays_in_its_tail(small_disk: SmallDisk, lab: Bench) -> None:
    told, gate = threading.Event(), threading.Event()

    def train(x: float) -> float:
        print("before")  # noqa: T201 - a trial's own
        small_disk.fill()
        for number in range(50):
            print(f"line {number} " + "." * 200)  # noqa: T201
        told.set()
        assert gate.wait(120)
        print("after")  # noqa: T201
        return x

    job = lab.launch(train, trials=1)
    assert told.wait(120)
    lines = job.reader.log_tail(0)
    assert lines[0] == "before"
    assert [line.split(" .")[0] for line in lines[1:]] == [f"line {number}" for number in range(50)]
    small_disk.free()
    gate.set()
    job.wait(120)
    tail = job.trials[0].log.tail(60)
    assert [line.split(" .")[0] for line in str(tail).splitlines()][-52:] == [
        "before",
        *(f"line {number}" for number in range(50)),
        "after",
    ]


def weighty(trial: Trial) -> float:
    (trial.checkpoint_dir / "weights.bin").write_bytes(bytes(50_000))
    return 1.0


def test_a_full_disk_can_be_looked_at_and_cleared_up(small_disk: SmallDisk, lab: Bench) -> None:
    lab.run(weighty, name="old", trials=3)
    lab.run(lambda x: x, name="small", trials=3)
    gate = threading.Event()

    def train(trial: Trial) -> float:
        assert gate.wait(120)
        return float(trial.params["x"])

    job = lab.launch(train, name="digits", trials=4, parallel=1)
    small_disk.fill()
    until(lambda: job.state is JobState.PAUSED)
    for options in ({"name": "more"}, {}, {"name": "small", "trials": 9}, {"name": "old"}):
        with pytest.raises(StoreUnavailable) as caught:
            lab.launch(lambda x: x * 2, **options)
        assert str(caught.value) == (
            f"nothing was started: the disk of {small_disk.path / 'home'} is full but for 0.0 MB; free some "
            "space (%tune delete JOB removes a job with its files), then run this again"
        )
    assert [found.name for found in lab.manager.jobs()] == ["digits", "small", "old"]
    with within(5):
        lab.manager.find("small").delete()
        lab.manager.find("old").delete()
    assert not lab.store.files.job("default", "old").exists()
    assert [found.name for found in lab.manager.jobs()] == ["digits"]
    gate.set()
    # what was deleted is room enough; a real disk has a margin to wait for
    small_disk.free()
    job.wait(120)
    assert job.state is JobState.SUCCEEDED
    assert job.view().finished == 4


def test_a_store_that_was_closed_opens_on_a_full_disk(small_disk: SmallDisk) -> None:
    home = small_disk.path / "home"
    first = Bench(home)
    first.run(weighty, name="old", trials=3)
    first.close()
    small_disk.fill()

    second = Bench(home)
    values: Any = {n: trial.values for n, trial in second.manager.find("old").trials.items()}
    assert values == {0: (1.0,), 1: (1.0,), 2: (1.0,)}
    second.manager.find("old").delete()
    assert second.manager.jobs() == []
    small_disk.free()
    second.close()
    # for the next time
    assert (home / "lab.db.reserve").exists()
