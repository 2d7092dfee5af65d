"""What `AstraCallback` costs a Trainer per step: `python tests/benchmarks/bench_trainer.py [--rounds 7]`.

Inside one trial of a job, in a thread: the processor time of the thread per step, and how much of it went
into the callback; medians. (Trainings with and without it differ by less than a busy machine adds to either.)
The model is so small that a step takes milliseconds, and the Trainer logs every step or every tenth: a real
training's share is far less. In a process the callback asks the kernel: see `bench_executors.py` for reports.
The last line is for a log of figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from plugins.tiny_trainer import arguments, trainer

import astraml_lab as lab

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.trial import Trial

EPOCHS, STEPS = 10, 80
LOGGING = (1, 10)
EVENTS = ("on_train_begin", "on_log", "on_step_end", "on_substep_end", "on_prediction_step")


def timed_callback() -> Any:
    """Make a callback that adds up, in `spent`, the nanoseconds of what it does."""

    class Timed(lab.AstraCallback):
        spent = 0

    def timed(event: str) -> Callable[..., None]:
        def call(self: Any, *given: Any, **more: Any) -> None:
            begun = time.thread_time_ns()
            getattr(lab.AstraCallback, event)(self, *given, **more)
            self.spent += time.thread_time_ns() - begun

        return call

    for event in EVENTS:
        setattr(Timed, event, timed(event))
    return Timed()


def step_times(every: int) -> tuple[float, float]:
    """Train, and return microseconds per step: all, and those in the callback."""
    callback = timed_callback()
    changed = {"num_train_epochs": EPOCHS, "logging_steps": every, "eval_strategy": "no"}
    made = trainer(arguments("out", **changed), callback)
    begun = time.thread_time_ns()
    made.train()
    return (time.thread_time_ns() - begun) / 1000 / STEPS, callback.spent / 1000 / STEPS


def measured(rounds: int) -> dict[int, tuple[float, float]]:
    """Return by logging interval: microseconds of a step without the callback, and in it."""
    found: dict[int, tuple[float, float]] = {}

    def run(trial: Trial) -> None:
        import torch

        torch.set_num_threads(1)
        step_times(10)  # the first imports for seconds
        for every in LOGGING:
            times = [step_times(every) for _ in range(rounds)]
            found[every] = (median(whole - ours for whole, ours in times), median(ours for _, ours in times))
        trial.report(loss=0.0)

    job = lab.tune(run, space={"x": lab.Float(0, 1)}, minimize="loss", trials=1, wait=True)
    if not found:
        raise SystemExit(job.trials[0].traceback)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASTRAML_HOME"] = home
        found = measured(options.rounds)
    ratios = []
    for every, (bare, ours) in found.items():
        ratio = (bare + ours) / bare
        print(f"log every {every:2} steps: {bare:6.0f} us per step, {ours:+5.0f} us, x {ratio:.4f}")
        ratios.append(f"callback_ratio_log_every_{every}={ratio:.4f}")
    print("bench_trainer", *ratios)


if __name__ == "__main__":
    main()
