"""The volume that a front dominates, by trials: against Optuna's default and against chance.

    PYTHONPATH=tests python tests/benchmarks/search/bench_pareto.py --out runs.jsonl [--seeds 10-19]

Each run is one line of the file; runs that are in it are not repeated, so it may be broken off. The volume is
a share of the box between about the lowest values that there are and a middling random point's loss with the
largest size (`several_objectives.py`). For each task: the mean volume after a third, two thirds and all of
the trials, of ours and of theirs; and how far ours after two thirds is ahead of theirs after all, with a 90 %
interval by resampling the seeds.

Must hold on seeds of 10 and above, on all tasks that train: ours after 40 trials >= Optuna's after 60.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from benchmarks.search.runs import arguments_of, completed, names_of, quiet
from benchmarks.search.several_objectives import TASKS, TRAINED

from astraml_lab.search import AutoSampler, dominated

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.search.several_objectives import Task
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "auto": lambda seed: AutoSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def run(sampler: BaseSampler, task: Task, trials: int, workers: int) -> dict[str, Any]:
    """Run one search: the oldest of `workers` trials is told before the next is asked for."""
    study = optuna.create_study(directions=["minimize"] * len(task.low), sampler=sampler)
    running: list[tuple[optuna.Trial, tuple[float, ...]]] = []
    found: list[np.ndarray] = []
    volumes, asked = [], []
    space: dict[str, BaseDistribution] = {}
    low, width = np.array(task.low), np.array(task.high) - np.array(task.low)
    while len(found) < trials:
        while len(running) < workers:
            begin = time.thread_time()
            trial = study.ask(space)
            asked.append(time.thread_time() - begin)
            running.append((trial, task.values(trial)))
            space = trial.distributions
        trial, values = running.pop(0)
        study.tell(trial, values)
        found.append(np.maximum((np.array(values) - low) / width, 0.0))
        volumes.append(dominated(np.array(found), np.ones(len(low))))
    return {"volume": [round(each, 5) for each in volumes], "ask_ms": 1e3 * statistics.median(asked[-10:])}


def report(runs: list[dict[str, Any]], ours: str, theirs: str, trials: int) -> None:
    """Print each task, ours/theirs, and the summary."""
    held: dict[str, bool] = {}
    for name in TASKS:
        by = {
            who: {one["seed"]: one for one in runs if one["task"] == name and one["sampler"] == who}
            for who in (ours, theirs)
        }
        seeds = sorted(by[ours].keys() & by[theirs].keys())
        if not seeds:
            continue
        a, b = (np.array([by[who][seed]["volume"] for seed in seeds]) for who in (ours, theirs))
        ahead = a[:, trials * 2 // 3 - 1] - b[:, trials - 1]
        drawn = np.random.default_rng(0).choice(ahead, (2000, len(ahead))).mean(axis=1)
        low, high = np.quantile(drawn, [0.05, 0.95])
        shown = [trials // 3, trials * 2 // 3, trials]
        means = "  ".join(f"{n}: {a[:, n - 1].mean():.3f}/{b[:, n - 1].mean():.3f}" for n in shown)
        asks = "/".join(
            f"{statistics.median(by[who][seed]['ask_ms'] for seed in seeds):.0f}" for who in (ours, theirs)
        )
        print(f"{name:9} {means}  ahead {ahead.mean():+.3f} [{low:+.3f}, {high:+.3f}]  ask {asks} ms")
        held[name] = bool(ahead.mean() >= 0)
    lost = [name for name in held if not held[name]]
    trained = [held[name] for name in TRAINED if name in held]
    kept = f"{sum(trained)} of {len(trained)} that train, {sum(held.values())} of {len(held)} in all"
    verdict = f"not {', '.join(lost)}" if lost else "holds"
    print(f"{ours} after {trials * 2 // 3} >= {theirs} after {trials}: {kept}; {verdict}")


def main() -> None:
    """Run what is missing, and report."""
    parser = arguments_of()
    parser.add_argument("--samplers", default=["auto", "tpe", "random"], type=names_of)
    parser.add_argument("--tasks", default=list(TASKS), type=names_of)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    quiet()
    of = {
        "seed": arguments.seeds,
        "task": arguments.tasks,
        "sampler": arguments.samplers,
        "workers": [arguments.workers],
        "trials": [arguments.trials],
    }

    def one(*, seed: int, task: str, sampler: str, workers: int, trials: int) -> dict[str, Any]:
        return run(SAMPLERS[sampler](seed), TASKS[task], trials, workers)

    kept = completed(arguments.out, of, one)
    for ours in reversed(arguments.samplers):
        if ours != "tpe":
            report(kept, ours, "tpe", arguments.trials)


if __name__ == "__main__":
    main()
