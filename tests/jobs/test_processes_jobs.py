"""A whole job whose trials run in processes of their own."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from jobs.passing import let_pass
from plugins.jobs import Bench
from plugins.patience import until

from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import Categorical, JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial


class Apart:
    """Runs functions in processes."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def launch(self, function: Callable[..., Any], space: Any = None, **options: Any) -> Job:
        return self.bench.launch(function, space, executor="processes", **options)

    def run(self, function: Callable[..., Any], space: Any = None, **options: Any) -> Job:
        return self.bench.run(function, space, executor="processes", **options)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """One bench for all tests here: the servers start once."""
    importlib.import_module(
        "torch"
    )  # as in most notebooks: the servers load ahead what the kernel has loaded
    made = Bench(tmp_path_factory.mktemp("home"))
    yield Apart(made)
    made.close()


def endless(trial: Trial) -> None:
    import threading

    pause = threading.Event()
    for step in range(100_000):
        trial.report(score=1.0, step=step)
        if trial.number:
            return
        pause.wait(0.01)


def test_the_job_prunes_as_it_does_in_threads(apart: Apart) -> None:
    def train(trial: Trial) -> None:
        x = trial.params["x"]
        for step in range(1, 6):
            trial.report(score=x * step + (trial.number % 3) / step, step=step)

    options: dict[str, Any] = {"trials": 25, "parallel": 1, "prune": "median", "seed": 3}
    jobs = [apart.run(train, **options), apart.bench.run(train, **options)]
    ends = [
        [(t.params["x"], t.state, t.reason, t.values, t.view().step) for t in job.trials.values()]
        for job in jobs
    ]
    assert ends[0] == ends[1]
    assert {state for _, state, *_ in ends[0]} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_one_trial_is_stopped_and_the_others_go_on(apart: Apart) -> None:
    job = apart.launch(endless, trials=3)
    until(lambda: any(trial.metrics for trial in job.trials.values()))
    job.stop_trial(0).wait(120)
    assert [trial.state for trial in job.trials.values()].count(TrialState.STOPPED) == 1
    assert job.trials[0].state is TrialState.STOPPED
    assert job.state is JobState.SUCCEEDED
    assert job.view().finished == 3


def test_a_job_is_paused_resumed_and_stopped(apart: Apart) -> None:
    def train(trial: Trial) -> float:
        return float(trial.number)

    job = apart.launch(train, trials=1000)
    until(lambda: job.view().finished >= 2)
    job.pause()
    until(lambda: job.state is JobState.PAUSED and not job.view().counts[TrialState.RUNNING])
    done = job.view().finished
    assert job.wait(0.3).view().finished == done
    job.resume()
    until(lambda: job.view().finished > done)
    job.stop().wait(120)
    assert (job.state, job.view().reason) == (JobState.CANCELLED, "stopped by you")
    assert job.best.values == (max(t.values[0] for t in job.trials.values() if t.values),)


def test_values_are_suggested_by_the_job(apart: Apart) -> None:
    def train(trial: Trial) -> float:
        depth = trial.suggest_int("depth", 1, 3)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        rates = [trial.suggest_float(f"rate{layer}", 1e-3, 1e-1, log=True) for layer in range(depth)]
        return sum(rates) + (kind == "a")

    job = apart.run(train, {}, trials=8)
    assert job.state is JobState.SUCCEEDED
    for trial in job.trials.values():
        depth = trial.params["depth"]
        assert list(trial.params) == ["depth", "kind", *(f"rate{layer}" for layer in range(int(str(depth))))]
    assert len({trial.values for trial in job.trials.values()}) == 8


class Heavy:
    """Takes 20 minutes to load in the process of the job, as far as the kernel's clocks tell."""

    def __init__(self, folder: Path) -> None:
        self.loading, self.loaded = folder / "loading", folder / "loaded"

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__dict__.update(state)
        self.loading.touch()
        while not self.loaded.exists():
            time.sleep(0.01)

    def load(self, bench: Bench, job: Job) -> None:
        """Let the time pass while the first trial waits for the loading, and end that then."""
        until(lambda: job.view().running and self.loading.exists())
        runner = bench.manager.runner(job._generation_id)
        assert runner is not None
        for _ in range(2):  # a trial that is late is told to end at the first look, and killed at the next
            let_pass(bench, 600)
            until(lambda: runner._next_tick > bench.wiring.clock.monotonic())
        self.loaded.touch()


def test_what_a_process_needs_before_its_code_runs_is_nobodys_time(apart: Apart, tmp_path: Path) -> None:
    heavy = Heavy(tmp_path)
    job = apart.launch(lambda x: x if heavy else 0.0, trials=2, parallel=1, max_runtime="5m")
    heavy.load(apart.bench, job)

    assert job.wait(120).state is JobState.SUCCEEDED
    assert job.view().reason == "all trials are done"
    assert max(job.df["runtime"]) < 300
    view = job.view()
    assert view.started_at is not None
    assert view.ended_at is not None
    assert view.ended_at - view.started_at < 300


def test_enqueued_values_are_tried_next(apart: Apart, tmp_path: Path) -> None:
    enqueued = tmp_path / "enqueued"

    def train(x: float) -> float:
        while not enqueued.exists():
            time.sleep(0.01)
        return x

    job = apart.launch(train, trials=4)
    job.enqueue({"x": 0.125})
    enqueued.touch()
    job.wait(120)
    assert (0.125,) in [trial.values for trial in job.trials.values()]


def test_labels_reach_the_code_as_their_objects(apart: Apart) -> None:
    def train(act: Callable[[float], float]) -> float:
        return act(0.0)

    job = apart.run(train, {"act": Categorical({"sine": np.sin, "other": lambda _x: 5.0})}, trials=4)
    for trial in job.trials.values():
        assert trial.values == ((0.0,) if trial.params["act"] == "sine" else (5.0,))


def test_the_same_seed_gives_the_same_numbers_everywhere(apart: Apart) -> None:
    def train(trial: Trial) -> None:
        import random

        import numpy as np
        import torch

        layer = torch.nn.Linear(3, 1)
        given = {"python": random.random(), "numpy": np.random.rand(), "torch": float(torch.rand(()))}  # noqa: NPY002, S311
        trial.report({"score": float(layer.weight.sum()), "own": trial.rng.random(), **given})

    first, again, other = (apart.run(train, trials=3, parallel=1, seed=seed) for seed in (7, 7, 8))
    numbers = [[trial.metrics for trial in job.trials.values()] for job in (first, again, other)]
    assert numbers[0] == numbers[1] != numbers[2]
    for name in ("score", "own", "python", "numpy", "torch"):
        assert len({each[name] for each in [*numbers[0], *numbers[2]]}) == 6, name
    assert "in each trial's process, Python, numpy and torch" in first.view().note


ONLY_THE_CELL_IMPORTS_TORCH = """
import sys
from pathlib import Path
from plugins.jobs import Bench

def train(trial):
    import sys
    ahead = "torch" in sys.modules
    import torch
    trial.report(score=float(torch.rand(())), ahead=ahead)

bench = Bench(Path(sys.argv[1]))
for _ in range(2):
    job = bench.run(train, trials=2, parallel=1, seed=7, executor="processes", new=True, name="it")
    print([trial.metrics for trial in job.trials.values()])
assert "torch" not in sys.modules
bench.close()
"""


@pytest.mark.slow
def test_torch_that_only_the_trials_import_is_loaded_ahead_and_seeded(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(ONLY_THE_CELL_IMPORTS_TORCH)
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])}
    ran = subprocess.run(
        [sys.executable, script, tmp_path / "home"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, again = ran.stdout.splitlines()
    assert first == again
    assert first.count("'ahead': 1.0") == 2


def test_a_trial_that_was_lost_goes_on_from_its_checkpoint(apart: Apart) -> None:
    def train(trial: Trial) -> None:
        import os

        file = trial.checkpoint_dir / "step"
        begin = int(file.read_text()) if file.exists() else 0
        for step in range(begin, 5):
            trial.report(score=float(step), began_at=begin, step=step)
            file.write_text(str(step + 1))
            if trial.number == 1 and begin == 0 and step == 2:
                os._exit(9)

    job = apart.run(train, trials=3, retry_delay=0.01)
    assert job.state is JobState.SUCCEEDED
    view = job.trials[1].view()
    assert (view.state, view.attempt, view.metrics["began_at"]) == (TrialState.COMPLETE, 2, 3.0)
    assert view.notes == (
        "attempt 1 failed (its process ended itself with exit code 9 (os._exit)): tried again after 0.0 s",
    )


def test_all_that_a_trial_writes_is_in_its_log_and_nowhere_else(
    apart: Apart, capfd: pytest.CaptureFixture[str]
) -> None:
    def train(x: float) -> float:
        import logging
        import os
        import subprocess
        import sys
        import warnings

        from tqdm import tqdm

        print("print")  # noqa: T201
        os.write(1, b"by hand\n")
        subprocess.run(["echo", "a child"], check=True)
        print("last", end="")  # noqa: T201
        sys.stderr.write("stderr\n")
        logging.getLogger("mine").warning("logged")
        warnings.warn("careful", stacklevel=1)
        for _ in tqdm(range(3), desc="epoch"):
            pass
        return x

    job = apart.run(train, trials=2)
    lines = [line.split(" ", 2)[1:] for line in job.trials[1].log.path.read_text().splitlines()]
    assert [text for stream, text in lines if stream == "out"] == ["print", "by hand", "a child", "last"]
    errors = [text for stream, text in lines if stream == "err"]
    assert errors[:2] == ["stderr", "logged"]
    assert "UserWarning: careful" in errors[2]
    assert errors[-1].startswith("epoch: 100%")
    assert capfd.readouterr() == ("", "")


def test_a_large_capture_is_named_with_its_size(apart: Apart) -> None:
    images = np.zeros((52, 1_000_000), dtype=np.uint8)

    def train(x: float) -> float:
        return x + float(images[0, 0])

    job = apart.run(train, trials=2)
    assert "images (52 MB) is copied to the trials' processes once per job" in job.view().note


def test_what_cannot_travel_is_refused_before_anything_starts(apart: Apart) -> None:
    lock, before = threading.Lock(), len(apart.bench.manager.jobs())

    def train(x: float) -> float:
        with lock:
            return x

    with pytest.raises(InvalidSpec) as refused:
        apart.launch(train)
    said = [str(problem) for problem in refused.value.problems]
    what = "`lock`, used by `train` is a _thread.lock; it cannot be sent to a process"
    assert said == [f"""{what} (make it inside `train`, or use executor="threads")"""]
    assert len(apart.bench.manager.jobs()) == before


def test_each_trial_sees_its_leased_gpus_only_and_counts_them_from_zero(gpu_bench: Bench) -> None:
    def train(trial: Trial) -> None:
        import os

        print(os.environ["CUDA_VISIBLE_DEVICES"], trial.devices, trial.device)  # noqa: T201
        trial.report(score=1.0)

    def seen(**options: Any) -> set[str]:
        job = gpu_bench.run(train, executor="processes", **options)
        assert job.state is JobState.SUCCEEDED, job.view().reason
        return {trial.log.tail() for trial in job.trials.values()}

    uuids = [gpu.uuid for gpu in gpu_bench.probe.list()]
    assert seen(trials=6, parallel=2) == {f"{uuid} (0,) cuda:0" for uuid in uuids}
    assert seen(trials=1, gpus=2) == {f"{uuids[0]},{uuids[1]} (0, 1) cuda:0"}
    assert seen(trials=2, gpus=0.5, devices=(1,)) == {f"{uuids[1]} (0,) cuda:0"}
    assert seen(trials=1, gpus=0) == {" () cpu"}


@pytest.mark.slow
def test_a_kernel_does_not_grow_with_its_trials(apart: Apart) -> None:
    def train(trial: Trial) -> float:
        return float(trial.number)

    apart.run(train, trials=20, parallel=2)
    kernel = psutil.Process()

    def held() -> tuple[int, int, int]:
        return kernel.num_fds(), threading.active_count(), len(kernel.children(recursive=True))

    with contextlib.ExitStack() as all_at_once:  # the store keeps five connections, once so many were needed
        for _ in range(5):
            connection = all_at_once.enter_context(apart.bench.store.connect())
            connection.exec_driver_sql("SELECT count(*) FROM trials").scalar_one()
    before = held()
    memory = kernel.memory_info().rss
    job = apart.run(train, trials=200, parallel=2)
    assert job.view().counts[TrialState.COMPLETE] == 200
    until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))
    assert kernel.memory_info().rss - memory < 20_000_000


def test_a_job_outlives_the_server_that_its_trials_are_forked_from(apart: Apart) -> None:
    def train(trial: Trial) -> None:
        import os
        import threading

        file = trial.checkpoint_dir / "was-here"
        first = not file.exists()
        file.touch()  # before the report, upon which it is killed
        trial.report(parent=os.getppid(), score=1.0)
        if trial.number == 1 and first:
            threading.Event().wait()

    job = apart.launch(train, trials=4, parallel=1, retry_delay=0.01)
    until(lambda: len(job.trials) > 1 and job.trials[1].metrics.get("parent"))
    os.kill(int(job.trials[1].metrics["parent"]), signal.SIGKILL)
    assert job.wait(120).state is JobState.SUCCEEDED
    assert [trial.state for trial in job.trials.values()] == [TrialState.COMPLETE] * 4
    lost = "its process was lost with the template process of its job, which died"
    assert job.trials[1].view().notes == (f"attempt 1 failed ({lost}): tried again after 0.0 s",)


def test_the_time_of_a_trial_begins_with_its_code(apart: Apart, tmp_path: Path) -> None:
    """Not while the servers still load what it needs."""
    heavy = Heavy(tmp_path)
    job = apart.launch(lambda x: x if heavy else 0.0, trials=2, trial_timeout=300)
    heavy.load(apart.bench, job)

    assert job.wait(120).state is JobState.SUCCEEDED, job.view().reason
    first = job.trials[0].view()
    assert first.started_at
    assert first.ended_at
    assert first.ended_at - first.created_at > 1200
    assert first.ended_at - first.started_at < 300


@pytest.mark.parametrize("where", ["threads", "processes"])
def test_what_a_trial_says_last_is_in_its_log(bench: Bench, where: str) -> None:
    def train(x: float) -> float:
        for number in range(2000):
            print("line", number)  # noqa: T201 - what user code does
        said = threading.Thread(target=print, args=("from a thread",))
        said.start()
        said.join()
        sys.stdout.write("no line break")
        return x

    lines = bench.run(train, trials=1, executor=where).trials[0].log.tail(3000).splitlines()
    assert [line for line in lines if line.startswith("line ")][-1] == "line 1999"
    assert "from a thread" in lines
    assert any(line.startswith("no line break") for line in lines)


def test_the_best_runs_once_more_in_a_process_of_its_own(apart: Apart) -> None:
    def train(trial: Trial) -> float:
        return [0.5, 0.9, 0.6][trial.number]

    job = apart.run(train, name="confirmed", trials=2, confirm=1)
    assert job.trials[2].view().confirms == job.best.number == 1
    assert job.view().best_value == pytest.approx(0.75)
