"""A job that trains nothing: a reader and a job whose state a test sets, for what shows jobs."""

from __future__ import annotations

import dataclasses
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from astraml_lab.clock import SystemClock
from astraml_lab.jobs.holding import BY_HAND
from astraml_lab.jobs.selected import Selected
from astraml_lab.search import check_point
from astraml_lab.spec import (
    Categorical,
    CurveView,
    Definition,
    DeviceView,
    FailureKind,
    Float,
    Int,
    JobState,
    JobView,
    Space,
    TrialState,
    TrialView,
    WindowView,
    objectives_of,
)

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.spec import ParamValue

SPACE = Space(
    {
        "lr": Float(1e-4, 1e-1, log=True),
        "width": Int(16, 256),
        "act": Categorical(["relu", "gelu"]),
        "momentum": Float(0.5, 0.99, when={"act": "relu"}),
    }
)
TRACEBACK = """Traceback (most recent call last):
  File "<cell of job digits>", line 7
    loss = model(x[:, :width])
RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x61 and 64x32)"""


class FakeReader:
    """A `JobReader` over what a test puts in. Thread-safe."""

    def __init__(
        self, name: str = "digits", *, pareto: bool = False, trials: int = 40, clock: Clock | None = None
    ) -> None:
        self.clock = clock or SystemClock()
        self.lock = threading.RLock()
        started = self.clock.time()
        self._view = JobView(
            id=f"default/{name}#1",
            name=name,
            project="default",
            generation=1,
            state=JobState.RUNNING,
            objectives=objectives_of("accuracy", "latency_ms" if pareto else ()),
            trials=trials,
            counts={},
            param_names=tuple(SPACE.names()),
            space=SPACE,
            metric_names=(),
            parallel=2,
            devices=(DeviceView("cpu"),),
            created_at=started,
            started_at=started,
        )
        self._trials: dict[int, TrialView] = {}
        self._changed: dict[int, int] = {}
        self._cursor = 0
        self._curves: dict[tuple[int, str], tuple[list[float], list[float], list[float]]] = {}
        self.logs: dict[int, list[str]] = {}
        self.calls = 0

    def view(self) -> JobView:
        with self.lock:
            self.calls += 1
            return self._view

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        with self.lock:
            self.calls += 1
            numbers = sorted(number for number, at in self._changed.items() if at > since)
            return self._cursor, tuple(self._trials[number] for number in numbers)

    def trial(self, number: int) -> TrialView | None:
        with self.lock:
            return self._trials.get(number)

    def curve(self, trial: int, metric: str) -> CurveView | None:
        with self.lock:
            self.calls += 1
            found = self._curves.get((trial, metric))
            if found is None:
                return None
            return CurveView(trial, metric, np.array(found[0]), np.array(found[1]), len(found[0]))

    def windows(self, trial: int, metric: str) -> WindowView | None:
        with self.lock:
            found = self._curves.get((trial, metric))
            if found is None:
                return None
            width = self._view.window
            slots = np.floor(np.array(found[2]) / width)
            values = np.array(found[1])
            starts = np.unique(slots)
            groups = [values[slots == start] for start in starts]
            return WindowView(
                trial,
                metric,
                width,
                starts * width,
                np.array([group.mean() for group in groups]),
                np.array([group.min() for group in groups]),
                np.array([group.max() for group in groups]),
                np.array([group[-1] for group in groups]),
                np.array([float(len(group)) for group in groups]),
            )

    def log_tail(self, trial: int, lines: int = 100) -> list[str]:
        with self.lock:
            return self.logs.get(trial, [])[-lines:]

    def change(self, **fields: Any) -> None:
        """Change the job."""
        with self.lock:
            self._view = dataclasses.replace(self._view, **fields)

    def start(self, number: int, **params: ParamValue) -> None:
        """Start a trial."""
        now = self.clock.time()
        self.put(
            TrialView(
                number,
                TrialState.RUNNING,
                dict(params),
                device="cpu",
                created_at=now,
                started_at=now,
                seed=number,
            )
        )

    def report(self, number: int, step: float, **metrics: float) -> None:
        """Let a running trial report."""
        with self.lock:
            for name, value in metrics.items():
                steps, values, times = self._curves.setdefault((number, name), ([], [], []))
                steps.append(step)
                values.append(value)
                times.append(self.clock.time())
            trial = self._trials[number]
            self.put(dataclasses.replace(trial, metrics=trial.metrics | metrics, step=int(step)))
            known = self._view.metric_names
            self.change(metric_names=known + tuple(name for name in metrics if name not in known))

    def end(self, number: int, state: TrialState = TrialState.COMPLETE, **fields: Any) -> None:
        """End a trial."""
        with self.lock:
            trial = self._trials[number]
            names = [objective.metric for objective in self._view.objectives]
            if state is TrialState.COMPLETE:
                fields.setdefault("values", tuple(trial.metrics.get(name, math.nan) for name in names))
            self.put(dataclasses.replace(trial, state=state, ended_at=self.clock.time(), **fields))

    def put(self, trial: TrialView) -> None:
        """Set a trial and count again."""
        with self.lock:
            self._trials[trial.number] = trial
            self._cursor += 1
            self._changed[trial.number] = self._cursor
            states = [each.state for each in self._trials.values()]
            running = tuple(n for n, each in self._trials.items() if each.state is TrialState.RUNNING)
            self.change(
                infeasible=sum(each.kind is FailureKind.INFEASIBLE for each in self._trials.values()),
                counts={state: states.count(state) for state in TrialState if state in states},
                running=running,
                best=self._best(),
                devices=tuple(dataclasses.replace(d, trials=running) for d in self._view.devices),
            )

    def finish(self, state: JobState = JobState.SUCCEEDED, reason: str = "") -> None:
        """End the job."""
        self.change(state=state, reason=reason, ended_at=self.clock.time(), eta=None)

    def _best(self) -> tuple[int, ...]:
        signs = [1.0 if objective.maximize else -1.0 for objective in self._view.objectives]
        done = {
            number: tuple(sign * value for sign, value in zip(signs, trial.values, strict=True))
            for number, trial in self._trials.items()
            if trial.state is TrialState.COMPLETE and trial.values
        }
        if len(signs) == 1:
            return (max(done, key=done.__getitem__),) if done else ()
        return tuple(
            number
            for number, mine in done.items()
            if not any(
                all(a >= b for a, b in zip(theirs, mine, strict=True)) and theirs != mine
                for theirs in done.values()
            )
        )


class FakeJob:
    """A job around a `FakeReader`."""

    def __init__(self, reader: FakeReader) -> None:
        self.reader = reader
        self.stopped = threading.Event()
        self.selection = Selected()

    @property
    def id(self) -> str:
        return self.reader.view().id

    def pause(self) -> None:
        self.reader.change(state=JobState.PAUSED, reason=BY_HAND)

    def resume(self) -> None:
        self.reader.change(state=JobState.RUNNING, reason="")

    def stop_trial(self, number: int) -> None:
        self.reader.end(number, TrialState.STOPPED, reason="stopped by you")

    def rerun(self, number: int) -> int:
        with self.reader.lock:
            new = len(self.reader.trials()[1])
            trial = self.reader.trial(number)
            self.reader.start(new, **(trial.params if trial else {}))
            return new

    @property
    def alive(self) -> bool:
        return not self.reader.view().state.ended

    def extend(self, trials: int) -> None:
        self.reader.change(trials=trials)

    def enqueue(self, params: dict[str, ParamValue]) -> int:
        point = check_point(Definition(space=self.reader.view().space), params)
        with self.reader.lock:
            new = len(self.reader.trials()[1])
            self.reader.start(new, **point)
            return new

    def narrowed(self, *numbers: int) -> str:
        return f"%%tune --name narrow\n# around {numbers}"

    def best_as_cell(self) -> str:
        return "lr = 0.25"

    def trial_as_cell(self, number: int) -> str:
        return f"with foreground({number}):\n    pass"

    def export(self, form: str) -> str:
        return f"number,state\n0,{form}\n"

    def stop(self) -> None:
        self.stopped.set()
        with self.reader.lock:
            for number in self.reader.view().running:
                self.reader.end(number, TrialState.STOPPED, reason="stopped by you at step 3")
            self.reader.finish(JobState.CANCELLED, "stopped by you")


def play(reader: FakeReader, until: int, *, pause: float = 0.0, epochs: int = 30, seed: int = 0) -> None:
    """Run trials that look like a training, two at once, until `until` trials are over or the job is."""
    rng = np.random.default_rng(seed)
    for first in range(0, until, 2):
        pair = [_Training(reader, number, rng) for number in (first, first + 1)]
        for epoch in range(1, epochs + 1):
            for training in pair:
                training.step(epoch)
            reader.change(eta=(until - first) * (epochs - epoch / 2) * max(pause, 0.01) / 2)
            if pause:
                threading.Event().wait(pause)
            if reader.view().state.ended:
                return
        for training in pair:
            if training.running:
                reader.end(training.number)


CRASH = "its process crashed: segmentation fault (SIGSEGV)"
AGAIN = f"attempt 1 failed ({CRASH}): tried again after 1 s"
FULL = (
    "the disk of /home/ann/.local/share/astraml_lab is full but for 3.1 MB: free some space (%tune delete "
    "JOB removes a job with its files, --keep-checkpoints best:3 keeps few), and the job goes on by itself; "
    "nothing is lost"
)
NOTE = (
    "went on after 12 finished trials; "
    "warm start from digits-old: 20 of 24 trials, 4 left out (width outside 8 to 128); "
    "2 trials in threads hold each other up here, as Python runs one at a time: --executor processes runs "
    "them side by side; "
    "`images` (2.1 GB) travels to each process"
)


def trouble(reader: FakeReader) -> None:
    """Let trials 6 to 9 end badly and 10 and 11 be tried again; then the disk is full."""
    ends = {
        FailureKind.CRASHED: CRASH,
        FailureKind.STALE: "its kernel died in attempt 2, its last, and it has no checkpoint to go on from",
        FailureKind.OOM: "CUDA out of memory: 7.2 GB of 8 GB were taken",
        FailureKind.TIMEOUT: "no end after 10 m",
    }
    for number, (kind, reason) in enumerate(ends.items(), 6):
        reader.start(number, lr=0.01, width=64, act="relu")
        reader.report(number, 1, accuracy=0.5)
        again: dict[str, Any] = {"attempt": 2, "notes": (AGAIN,)} if number % 2 else {}
        reader.end(number, TrialState.FAILED, kind=kind, reason=reason, **again)
    for number, state in ((10, TrialState.RUNNING), (11, TrialState.WAITING)):
        reader.start(number, lr=0.02, width=32, act="gelu")
        reader.report(number, 1, accuracy=0.6)
        trial = reader._trials[number]
        reader.put(dataclasses.replace(trial, state=state, attempt=2, notes=(AGAIN,), disk_bytes=350_000_000))
    reader.change(state=JobState.PAUSED, reason=FULL, note=NOTE, disk_bytes=1_240_000_000)


class _Training:
    """One trial that learns, sometimes slowly, sometimes with a mistake in it."""

    def __init__(self, reader: FakeReader, number: int, rng: np.random.Generator) -> None:
        self.reader, self.number, self.rng = reader, number, rng
        lr = float(10 ** rng.uniform(-4, -1))
        self.width = int(rng.integers(16, 256))
        act = str(rng.choice(["relu", "gelu"]))
        self.top = 0.985 - 0.05 * abs(math.log10(lr) + 2.4) - 3.0 / self.width
        self.speed = float(rng.uniform(2, 7))
        reader.start(number, lr=lr, width=self.width, act=act, momentum=0.9 if act == "relu" else None)
        reader.logs[number] = [f"training with lr={lr:.3g}"]

    @property
    def running(self) -> bool:
        return self.number in self.reader.view().running

    def step(self, epoch: int) -> None:
        if not self.running:
            return
        number, rng = self.number, self.rng
        value = self.top * (1 - math.exp(-epoch / self.speed)) + float(rng.normal(0, 0.006))
        loss = 2.3 * math.exp(-epoch / self.speed) + 0.05
        latency = 0.2 + self.width / 160 + abs(float(rng.normal(0, 0.05)))
        self.reader.report(number, epoch, accuracy=value, loss=loss, latency_ms=latency)
        self.reader.logs[number].append(f"epoch {epoch:3d}  accuracy {value:.4f}")
        if epoch == 4 and number % 11 == 7:
            kind, reason = FailureKind.EXCEPTION, TRACEBACK.splitlines()[-1]
            self.reader.end(number, TrialState.FAILED, kind=kind, reason=reason, traceback=TRACEBACK)
        elif epoch == 8 and number % 3 == 2:
            reason = f"pruned at step 8: accuracy {value:.3g} is below the median 0.82 of {number} trials"
            self.reader.end(number, TrialState.PRUNED, reason=reason)
