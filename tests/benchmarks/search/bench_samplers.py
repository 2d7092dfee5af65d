"""Trials to the score that Optuna's default has after 100, on functions whose optimum is known.

    PYTHONPATH=tests python tests/benchmarks/search/bench_samplers.py --out runs.jsonl [--seeds 10-19]

Each run is one line of the file; runs that are in it are not repeated, so it may be broken off. A score is
the true value at the point with the best observation, as a share of what a middling random point has. The
comparison with Optuna's default is by task: the trials after which ours is in the median of all seeds as good
as it is after the last, with an interval by resampling the seeds; and the share of seeds that ours wins. Then
all samplers side by side: regret (the geometric mean over tasks of the median score), rank, time of an ask.

Must hold on seeds of 10 and above: upper end of trials_to_tpe <= 40, wins >= 85 %, on no task below 60 %.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from benchmarks.search.closed_form import TASKS, WIDE
from benchmarks.search.runs import arguments_of, completed, names_of, quiet

from astraml_lab.search import AutoSampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.search.closed_form import Task
    from optuna.samplers import BaseSampler

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "auto": lambda seed: AutoSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe-group": lambda seed: optuna.samplers.TPESampler(seed=seed, group=True),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
LEVEL = 1e-3
"""Nearer to the optimum than this is all the same."""
_MIDDLING = 400
_RESAMPLED = 1000


def scale(task: Task) -> float:
    """Return how much worse than the optimum a middling random point is."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=123))
    return float(np.median([task.value(study.ask()) for _ in range(_MIDDLING)])) - task.lowest


def run(sampler: BaseSampler, task: Task, seed: int, trials: int, workers: int) -> dict[str, Any]:
    """Run one search: `workers` trials at a time, that take a time of their own each."""
    chance = np.random.default_rng([seed, 1])
    study = optuna.create_study(sampler=sampler)
    running: list[tuple[float, float, optuna.Trial]] = []
    clock, best, asked = 0.0, np.inf, []
    true: list[float] = []
    while len(true) < trials:
        while len(running) < workers:
            begin = time.thread_time()
            trial = study.ask()
            value = task.value(trial)
            asked.append(time.thread_time() - begin)
            running.append((clock + float(chance.lognormal(0, 0.4)), value, trial))
        running.sort(key=lambda each: each[0])
        clock, value, trial = running.pop(0)
        observed = value + task.noise * float(chance.standard_normal())
        study.tell(trial, observed)
        true.append(value if observed < best else true[-1])
        best = min(best, observed)
    return {"true": true, "ask_ms": 1e3 * statistics.median(asked[-10:])}


def scored(*, seed: int, task: str, sampler: str, workers: int, trials: int) -> dict[str, Any]:
    """Return a run with its scores."""
    its = {**TASKS, **WIDE}[task]
    found = run(SAMPLERS[sampler](seed), its, seed, trials, workers)
    middling = scale(its)
    score = [(value - its.lowest) / middling for value in found.pop("true")]
    return {**found, "score": [float(f"{value:.5g}") for value in score]}


def trials_to(curves: np.ndarray, level: float) -> int:
    """Return the trial at which the median curve is as low as `level`; one more than there are if none is."""
    reached = np.flatnonzero(np.median(curves, axis=0) <= max(level, LEVEL))
    return int(reached[0]) + 1 if len(reached) else curves.shape[1] + 1


def report(runs: list[dict[str, Any]], ours: str, theirs: str, at: int) -> None:
    """Print each task with its scores (ours/theirs) after a fifth, a half and all; then the summary."""
    found: dict[str, dict[str, dict[int, np.ndarray]]] = defaultdict(lambda: defaultdict(dict))
    asks = defaultdict(list)
    for one in runs:
        found[one["task"]][one["sampler"]][one["seed"]] = np.array(one["score"])
        asks[one["task"], one["sampler"]].append(one["ask_ms"])
    pairs = {}
    for task, by in found.items():
        seeds = sorted(by[ours].keys() & by[theirs].keys())
        if seeds:
            pairs[task] = [np.array([by[name][seed] for seed in seeds]) for name in (ours, theirs)]
    resample = np.random.default_rng(0)
    drawn = defaultdict(list)
    wins = {}
    for task, (mine, other) in pairs.items():
        a, b = (np.maximum(each[:, at - 1], LEVEL) for each in (mine, other))
        wins[task] = float(np.mean((a < b) + 0.5 * (a == b)))
        for _ in range(_RESAMPLED):
            rows = resample.integers(len(mine), size=len(mine))
            drawn[task].append(trials_to(mine[rows], float(np.median(other[rows, at - 1]))))
        to = trials_to(mine, float(np.median(other[:, at - 1])))
        shown = [at // 5, at // 2, at]
        medians = [f"{np.median(mine[:, n - 1]):.4f}/{np.median(other[:, n - 1]):.4f}" for n in shown]
        cost = [f"{statistics.median(asks[task, name]):.1f}" for name in (ours, theirs)]
        print(f"{task:15} to {to:4} wins {wins[task]:5.0%}  {'  '.join(medians)}  ask {'/'.join(cost)} ms")
    if not pairs:
        return
    middle = statistics.median(
        trials_to(mine, float(np.median(other[:, at - 1]))) for mine, other in pairs.values()
    )
    low, high = np.quantile(np.median([drawn[task] for task in pairs], axis=0), [0.05, 0.95])
    print(
        f"{ours}: trials_to_{theirs}={middle:.0f} interval={low:.0f}-{high:.0f} "
        f"wins={statistics.mean(wins.values()):.0%} worst={min(wins.values()):.0%}"
    )


def standings(runs: list[dict[str, Any]], at: int) -> None:
    """Print each sampler's regret after a fifth, a half and all trials, its mean rank and time of an ask."""
    by: dict[str, dict[tuple[str, int], dict[str, Any]]] = defaultdict(dict)
    for one in runs:
        by[one["sampler"]][one["task"], one["seed"]] = one
    shared = sorted(set.intersection(*(set(its) for its in by.values())))
    last = np.array([[max(by[name][run]["score"][at - 1], LEVEL) for name in by] for run in shared])
    ranks = ((last[:, :, None] > last[:, None]).sum(2) + 1 + (last[:, :, None] >= last[:, None]).sum(2)) / 2
    for index, name in enumerate(by):
        regrets = []
        for after in (at // 5, at // 2, at):
            scores = defaultdict(list)
            for task, seed in shared:
                scores[task].append(by[name][task, seed]["score"][after - 1])
            middles = [max(statistics.median(each), LEVEL) for each in scores.values()]
            regrets.append(f"@{after} {statistics.geometric_mean(middles):.4f}")
        ask = statistics.median(by[name][run]["ask_ms"] for run in shared)
        rank = ranks[:, index].mean()
        print(f"{name:9} regret {'  '.join(regrets)}  rank {rank:.2f} of {len(by)}  ask {ask:.1f} ms")


def main() -> None:
    """Run what is missing, and report."""
    parser = arguments_of()
    parser.add_argument("--samplers", default=["auto", "tpe"], type=names_of)
    parser.add_argument("--tasks", default=list(TASKS), type=names_of, help=", ".join([*TASKS, *WIDE]))
    parser.add_argument("--trials", type=int, default=100)
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
    kept = completed(arguments.out, of, scored)
    standings(kept, arguments.trials)
    for ours in reversed(arguments.samplers):
        if ours != "tpe":
            report(kept, ours, "tpe", arguments.trials)


if __name__ == "__main__":
    main()
