"""The best value that keeps to constraints, by trials: against Optuna's default.

    PYTHONPATH=tests python tests/benchmarks/search/bench_constraints.py [--seeds 10-19]

For each task the median over the seeds of the best value that keeps to all constraints, after three tenths, a
half and all of the trials; the worst of all seeds at the end; and the share of trials that keep to them.

Must hold on seeds of 10 and above: ours is lower on all tasks after half of the trials.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

import numpy as np
import optuna
from benchmarks.search.runs import quiet, seeds_of

from astraml_lab.search import AutoSampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.samplers import BaseSampler

    Found = tuple[float, dict[str, float]]

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "auto": lambda seed: AutoSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
}


def islands(trial: optuna.Trial) -> Found:
    """What is allowed are small islands (Gardner et al. 2014, the first of their functions)."""
    x, y = trial.suggest_float("x", 0, 6), trial.suggest_float("y", 0, 6)
    return math.cos(2 * x) * math.cos(y) + math.sin(x), {"c": math.cos(x + y) + 0.5}


def disc(trial: optuna.Trial) -> Found:
    """Branin's function in a disc, beside two of its optima."""
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    bend = y - 5.1 * x**2 / (4 * math.pi**2) + 5 * x / math.pi - 6
    value = bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
    return value, {"c": (x - 2.5) ** 2 + (y - 7.5) ** 2 - 50}


def serving(trial: optuna.Trial) -> Found:
    """A loss that wants a large network, whose latency and memory are limited."""
    width, layers = trial.suggest_int("width", 16, 1024, log=True), trial.suggest_int("layers", 1, 12)
    precision = trial.suggest_categorical("precision", ["fp32", "fp16", "int8"])
    rate = math.log10(trial.suggest_float("lr", 1e-5, 1e-1, log=True))
    latency = 0.002 * width * layers**1.1 * {"fp32": 2.0, "fp16": 1.0, "int8": 0.6}[precision]
    loss = 1.5 / (1 + math.log2(width) / 4) / (1 + 0.15 * layers) + 0.08 * (rate + 3 + 0.1 * layers) ** 2
    loss += {"fp32": 0.0, "fp16": 0.01, "int8": 0.05}[precision]
    return loss, {"latency": latency - 5.0, "memory": width**2 * layers / 1e6 - 2.0}


TASKS = {"islands": islands, "disc": disc, "serving": serving}


def run(
    sampler: BaseSampler, task: Callable[[optuna.Trial], Found], trials: int
) -> tuple[list[float], float]:
    """Return the best value that keeps to the constraints after each trial, and how many trials do."""
    study = optuna.create_study(sampler=sampler)
    best: list[float] = []
    kept = 0
    for _ in range(trials):
        trial = study.ask()
        value, excesses = task(trial)
        for name, excess in excesses.items():
            trial.set_constraint(name, excess)
        study.tell(trial, value)
        keeps = all(excess <= 0 for excess in excesses.values())
        kept += keeps
        best.append(min(value if keeps else math.inf, best[-1] if best else math.inf))
    return best, kept / trials


def main() -> None:
    """Run all, and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="10-19", type=seeds_of)
    parser.add_argument("--trials", type=int, default=50)
    arguments = parser.parse_args()
    quiet()
    seeds, trials = arguments.seeds, arguments.trials
    shown = [trials * 3 // 10, trials // 2, trials]
    ahead = 0
    for name, task in TASKS.items():
        halves = []
        for who, build in SAMPLERS.items():
            runs = [run(build(seed), task, trials) for seed in seeds]
            best = np.array([each for each, _ in runs])
            medians = "  ".join(f"{n}: {np.median(best[:, n - 1]):.4f}" for n in shown)
            kept = np.mean([each for _, each in runs])
            print(f"{name:8} {who:5} {medians}  worst {best[:, -1].max():.4f}  keep to it {kept:.0%}")
            halves.append(float(np.median(best[:, shown[1] - 1])))
        ahead += halves[0] < halves[1]
    print(f"auto: lower than tpe after {shown[1]} trials on {ahead} of {len(TASKS)}")


if __name__ == "__main__":
    main()
