"""What a report costs: `python tests/benchmarks/bench_metrics.py [--rounds 7]`.

Medians over interleaved rounds, of processor time, which a busy machine disturbs least. Optuna's in-memory
`report` + `should_prune` runs in the same process on the same curves, and its ratio is a figure of its own.
The last line is for a log of figures.
"""

from __future__ import annotations

import argparse
import random
import time
from statistics import median
from typing import TYPE_CHECKING

import optuna

from astraml_lab.metrics import (
    Board,
    Curve,
    FrontBoard,
    HalvingRule,
    OutlookRule,
    PruneRule,
    TrialMetrics,
    WindowSeries,
)
from astraml_lab.spec import StoppingKind, StoppingRule, objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.pruners import BasePruner

    from astraml_lab.metrics import Rule

POINTS = 100_000
STEPS = 100
START = 1_700_000_000.0
INTERVAL = 0.01  # seconds between points: 3,000 to a window


def timed(work: Callable[[], None], count: int) -> float:
    """Return nanoseconds per item."""
    begun = time.process_time_ns()
    work()
    return (time.process_time_ns() - begun) / count


def fold_windows(values: list[float]) -> None:
    series, ts = WindowSeries(), START
    for seq, value in enumerate(values):
        ts += INTERVAL
        series.fold(value, ts, seq, seq)


def fold_windows_and_curve(values: list[float]) -> None:
    series, curve, ts = WindowSeries(), Curve(), START
    for seq, value in enumerate(values):
        ts += INTERVAL
        series.fold(value, ts, seq, seq)
        curve.add(seq, value)


def add_to_trial(values: list[float]) -> None:
    metrics, ts = TrialMetrics(), START
    for value in values:
        ts += INTERVAL
        metrics.add("loss", value, None, ts)


def bench_folding(rounds: int) -> dict[str, float]:
    generator = random.Random(0)  # noqa: S311 - a benchmark keeps no secrets
    values = [generator.random() for _ in range(POINTS)]
    ways = {
        "windows": fold_windows,
        "windows + curve": fold_windows_and_curve,
        "TrialMetrics.add": add_to_trial,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(timed(lambda way=way: way(values), POINTS))  # type: ignore[misc]  # mypy cannot infer a lambda's default
    return {name: median(found) for name, found in times.items()}


RULES: dict[str, tuple[Rule, BasePruner]] = {
    "median": (PruneRule(), optuna.pruners.MedianPruner()),
    "asha": (HalvingRule(), optuna.pruners.SuccessiveHalvingPruner()),
    "hyperband": (StoppingRule(kind=StoppingKind.HYPERBAND), optuna.pruners.HyperbandPruner()),
    "auto": (OutlookRule(), optuna.pruners.MedianPruner()),
}
"""Ours, and the one of Optuna that it is held beside; it has none like auto."""


class Pruning:
    """The same finished trials on our board and in an Optuna study, and trials that go to their last step."""

    def __init__(self, finished: int, name: str) -> None:
        generator = random.Random(0)  # noqa: S311
        rule, pruner = RULES[name]
        self.board = Board("loss", maximize=False, rule=rule)
        self.study = optuna.create_study(pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=0))
        self.number = 0
        for _ in range(finished):
            self.finish_one([1 + generator.random() for _ in range(STEPS)])
        self.curve = [1 / (step + 2) for step in range(STEPS)]

    def finish_one(self, values: list[float]) -> None:
        curve = dict(enumerate(values))
        self.board.restore(self.number, curve.items(), complete=True)
        self.number += 1
        complete = optuna.trial.TrialState.COMPLETE
        self.study.add_trial(optuna.create_trial(state=complete, value=1.0, intermediate_values=curve))

    def ours(self) -> None:
        board, number = self.board, self.number
        for step, value in enumerate(self.curve):
            if board.report(number, value, step) is not None:
                raise RuntimeError("pruned a trial that is the best")
        board.finish(number, complete=False)

    def optunas(self) -> None:
        trial = self.study.ask()
        for step, value in enumerate(self.curve):
            trial.report(value, step)
            if trial.should_prune():
                raise RuntimeError("Optuna pruned a trial that is the best")
        self.study.tell(trial, state=optuna.trial.TrialState.FAIL)


def bench_pruning(finished: int, rounds: int, name: str) -> tuple[float, float, float]:
    """Return microseconds per report: ours right after a trial has finished, ours else, and Optuna's."""
    pruning = Pruning(finished, name)
    pruning.ours()
    cold, warm, theirs = [], [], []
    for index in range(rounds):
        pruning.finish_one([1.5 + index / 100] * STEPS)
        cold.append(timed(pruning.ours, STEPS) / 1000)
        warm.append(timed(pruning.ours, STEPS) / 1000)
        theirs.append(timed(pruning.optunas, STEPS) / 1000)
    return median(cold), median(warm), median(theirs)


def bench_front(finished: int, rounds: int) -> tuple[float, float]:
    """Return microseconds per report of two objectives: right after a trial has finished, and else."""
    generator = random.Random(0)  # noqa: S311
    board = FrontBoard(objectives_of(minimize=["loss", "ms"]))

    def finish(number: int) -> None:
        loss, ms = generator.random(), generator.random()
        curve = [(step, {"loss": loss + 1 / step, "ms": ms + 1 / step}) for step in range(1, STEPS + 1)]
        board.restore(number, curve, complete=True)

    def ours() -> None:
        for step in range(1, STEPS + 1):
            if board.report(-1, {"loss": 1 / step, "ms": 1 / step}, step) is not None:
                raise RuntimeError("pruned a trial that is the best")
        board.again(-1)

    for number in range(finished):
        finish(number)
    cold, warm = [], []
    for index in range(rounds):
        finish(finished + index)
        cold.append(timed(ours, STEPS) / 1000)
        warm.append(timed(ours, STEPS) / 1000)
    return median(cold), median(warm)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    folding = bench_folding(rounds)
    for name, nanoseconds in folding.items():
        print(f"{name:18} {nanoseconds:7.0f} ns per point")
    for name, finished in [
        *((name, 1000) for name in RULES if name != "median"),
        ("median", 100),
        ("median", 1000),
    ]:
        cold, warm, theirs = bench_pruning(finished, rounds, name)
        print(
            f"{name:9} {finished:4} trials: {warm:.2f} us a report, {cold:.2f} after another has finished;"
            f" optuna in memory {theirs:.0f} us: x{theirs / warm:.0f}, x{theirs / cold:.0f}"
        )
    after, else_ = bench_front(1000, rounds)
    print(f"several   1000 trials: {else_:.2f} us a report, {after:.2f} after another has finished")
    print(
        f"metrics: ns_fold={folding['windows']:.0f} ns_add={folding['TrialMetrics.add']:.0f}"
        f" us_board={cold:.2f} x_optuna={theirs / cold:.0f}"
    )


if __name__ == "__main__":
    main()
