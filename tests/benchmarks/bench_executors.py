"""What a process per trial costs: trials per second of a small training, one launch, one report.

Trains a two-layer network on digits, in one run: one at a time, our executors driven by a loop without the
job layer, and Optuna. The processes do not stand back here: all ways are to have the same claim on a busy
machine.
"""

from __future__ import annotations

import argparse
import functools
import queue
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import optuna
import torch

from astraml_lab.errors import NotFound
from astraml_lab.executors import Outcome, ProcessExecutor, Task, ThreadExecutor
from astraml_lab.process import Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.executors import Executor
    from astraml_lab.spec import AnyDimension, ParamValue
    from astraml_lab.trial import Channel

TRAINED_ON, BATCH = 1437, 32


class Deaf:
    """A channel to nobody."""

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Take it."""

    def should_stop(self) -> bool:
        """Never."""
        return False

    def secret(self, name: str) -> str:
        raise NotFound(f"no secret {name} here")

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        """Refuse."""
        raise LookupError(name, dimension)


@functools.cache
def digits() -> tuple[Any, Any]:
    """Return rows and labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    rows = torch.tensor(bunch.data, dtype=torch.float32) / 16
    return rows[:TRAINED_ON], torch.tensor(bunch.target)[:TRAINED_ON]


def train(
    rows: Any, labels: Any, epochs: int, rate: float, report: Callable[[dict[str, float], int], None]
) -> float:
    """Train once, reporting after each epoch."""
    shuffle = torch.Generator().manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    score = torch.nn.CrossEntropyLoss()
    loss = torch.tensor(0.0)
    for epoch in range(epochs):
        order = torch.randperm(len(rows), generator=shuffle)
        for start in range(0, len(rows) - BATCH, BATCH):
            picked = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = score(model(rows[picked]), labels[picked])
            loss.backward()
            optimizer.step()
        report({"loss": loss.item()}, epoch)
    return float(loss.item())


def one_at_a_time(trials: int, epochs: int) -> float:
    """Return the seconds of the plain loop."""
    rows, labels = digits()
    began = time.perf_counter()
    for number in range(trials):
        train(rows, labels, epochs, 0.01 + 0.001 * number, lambda _metrics, _step: None)
    return time.perf_counter() - began


def driven(executor: Executor, trials: int, epochs: int, parallel: int) -> float:
    """Return the seconds of an executor, `parallel` tasks at once."""
    rows, labels = digits()
    ends: queue.Queue[Outcome] = queue.Queue()

    def submit(number: int) -> None:
        rate = 0.01 + 0.001 * number

        def run(channel: Channel) -> float:
            return train(rows, labels, epochs, rate, channel.report)

        executor.submit(Task(f"trial-{number}", run, Deaf(), {"OMP_NUM_THREADS": "1"}), ends.put)

    began = time.perf_counter()
    for number in range(trials):
        if number >= parallel:
            checked(ends.get())
        submit(number)
    for _ in range(min(parallel, trials)):
        checked(ends.get())
    return time.perf_counter() - began


def checked(outcome: Outcome) -> None:
    """End the benchmark on a trial that failed: its time would count as a fast one."""
    if outcome.error or outcome.lost:
        raise SystemExit(f"{outcome.error}{outcome.lost}\n{outcome.traceback}")


def optuna_study(trials: int, epochs: int, jobs: int) -> float:
    """Return the seconds of a study in memory."""
    rows, labels = digits()

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("rate", 0.01, 0.1)
        return train(rows, labels, epochs, rate, lambda metrics, step: trial.report(metrics["loss"], step))

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    began = time.perf_counter()
    study.optimize(objective, n_trials=trials, n_jobs=jobs)
    return time.perf_counter() - began


def launches(executor: Executor, count: int) -> tuple[float, float]:
    """Return the milliseconds from `submit` to the first line of the task and to its end, medians."""
    ends: queue.Queue[tuple[Outcome, float]] = queue.Queue()
    begun, ended = [], []
    for _ in range(count):
        start = time.perf_counter()
        executor.submit(
            Task("launch", lambda _channel: time.perf_counter(), Deaf()),
            lambda outcome: ends.put((outcome, time.perf_counter())),
        )
        outcome, end = ends.get()
        checked(outcome)
        begun.append(1000 * (float(str(outcome.value)) - start))
        ended.append(1000 * (end - start))
    return statistics.median(begun), statistics.median(ended)


def report_time(executor: Executor) -> float:
    """Return the microseconds of a report."""

    def run(channel: Channel) -> float:
        times = []
        for step in range(2000):
            start = time.perf_counter()
            channel.report({"loss": 0.5}, step)
            times.append(time.perf_counter() - start)
        return 1e6 * statistics.median(times)

    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("reports", run, Deaf()), ends.put)
    outcome = ends.get()
    checked(outcome)
    return float(str(outcome.value))


def compare(executors: tuple[Executor, Executor], trials: int, epochs: int, rounds: int) -> None:
    """Measure all ways in interleaved rounds and print medians."""
    processes, threads = executors
    ways: dict[str, Callable[[], float]] = {
        "one at a time": lambda: one_at_a_time(trials, epochs),
        "threads x 2": lambda: driven(threads, trials, epochs, 2),
        "processes x 1": lambda: driven(processes, trials, epochs, 1),
        "processes x 2": lambda: driven(processes, trials, epochs, 2),
        "Optuna n_jobs=1": lambda: optuna_study(trials, epochs, 1),
        "Optuna n_jobs=2": lambda: optuna_study(trials, epochs, 2),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    base = statistics.median(seconds["one at a time"])
    print(f"{trials} trials of {epochs} epochs, {1000 * base / trials:.0f} ms each; {rounds} rounds")
    for name, measured in seconds.items():
        median = statistics.median(measured)
        ratios = [one / own for one, own in zip(seconds["one at a time"], measured, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:16} {trials / median:6.1f} trials/s   x {base / median:.2f}   ({spread})", flush=True)


def main() -> None:
    """Compare short trainings and long ones, then time a launch and a report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60, help="of the short training")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, nargs="+", default=[3, 30])
    options = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    one_at_a_time(2, 1)  # the first optimizer imports for seconds
    servers = Templates()
    processes, threads = ProcessExecutor(digits(), home=servers, niceness=0), ThreadExecutor()
    driven(processes, 4, 1, 2)
    for epochs in options.epochs:
        trials = max(6, options.trials * options.epochs[0] // epochs)
        compare((processes, threads), trials, epochs, options.rounds)
    first, whole = launches(processes, 30)
    print(f"one process: its code begins after {first:.1f} ms, its end is known after {whole:.1f} ms")
    print(f"report(): {report_time(processes):.0f} us there and back")
    processes.close()
    servers.close()


if __name__ == "__main__":
    threading.current_thread().name = "bench"
    main()
