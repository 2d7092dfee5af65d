"""What pruning with two objectives saves in epochs, and what it does to the volume that the front dominates.

    PYTHONPATH=tests python tests/benchmarks/search/bench_pruning_pareto.py --out runs.jsonl [--seeds 10-19]

Each run is one line of the file; runs that are in it are not repeated, so it may be broken off. A run is 60
trials of 27 epochs, with the same sampler and seed once with pruning and once without. The volume is that of
the complete trials by their last values, a share of the box of `two_curves.py`; a trial that was given up
adds nothing to it. For each task: the share of the epochs that was saved, and the volume with pruning over
the one without, mean over seeds with a 90 % interval by resampling them.

Must hold on seeds of 10 and above, on each task: saved >= 30 %, and the interval of the ratio reaches 1.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from benchmarks.search.runs import arguments_of, completed, names_of, quiet
from benchmarks.search.two_curves import EPOCHS, TASKS
from optuna.trial import TrialState

from astraml_lab.metrics import DominanceRule, FrontBoard
from astraml_lab.search import AutoSampler
from astraml_lab.search.proposals import SHOWN
from astraml_lab.spec import objectives_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.search.two_curves import Task
    from optuna.samplers import BaseSampler

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "auto": lambda seed: AutoSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
_RESAMPLED = 1000


def volume(points: Sequence[Sequence[float]], task: Task) -> float:
    """Return the share of the task's box that points dominate, two objectives being minimised."""
    low, high = np.array(task.low), np.array(task.high)
    shares = (np.array(points).reshape(-1, 2) - low) / (high - low)
    found, lowest = 0.0, 1.0
    for one, other in sorted(map(tuple, shares[(shares < 1).all(axis=1)])):
        if other < lowest:
            found += (1 - one) * (lowest - other)
            lowest = other
    return found


def run(
    sampler: BaseSampler, task: Task, seed: int, trials: int, rule: DominanceRule | None
) -> dict[str, Any]:
    """Run one search; without a rule nothing is given up."""
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    board = FrontBoard(objectives_of(minimize=["one", "other"]), rule)
    complete, epochs, cost = [], 0, 0.0
    for number in range(trials):
        trial = study.ask()
        ending = None
        for step, values in enumerate(task.begin(trial, seed), start=1):
            epochs += 1
            begin = time.thread_time()
            ending = board.report(number, {"one": values[0], "other": values[1]}, step)
            cost += time.thread_time() - begin
            if ending is not None and rule is not None:
                break
            ending = None
        board.finish(number, complete=ending is None, cut_short=ending is not None)
        if ending is None:
            complete.append(values)
            study.tell(trial, values)
        else:
            trial.set_user_attr(SHOWN, list(values))
            study.tell(trial, state=TrialState.PRUNED)
    return {
        "volume": volume(complete, task),
        "complete": len(complete),
        "epochs": epochs / (trials * EPOCHS),
        "us": 1e6 * cost / epochs,
    }


def report(runs: Sequence[dict[str, Any]], sampler: str, rule: str) -> None:
    """Print each task, and the summary."""
    resample = np.random.default_rng(0)
    least, worst = 1.0, np.inf
    for task in TASKS:
        by: dict[str, dict[int, dict[str, Any]]] = {"off": {}, rule: {}}
        for one in runs:
            if (one["task"], one["sampler"]) == (task, sampler) and one["rule"] in by:
                by[one["rule"]][one["seed"]] = one
        seeds = sorted(by["off"].keys() & by[rule].keys())
        if not seeds:
            continue
        ratios = np.array([by[rule][seed]["volume"] / by["off"][seed]["volume"] for seed in seeds])
        means = resample.choice(ratios, (_RESAMPLED, len(ratios))).mean(axis=1)
        low, high = np.quantile(means, [0.05, 0.95])
        saved = 1 - float(np.mean([by[rule][seed]["epochs"] for seed in seeds]))
        volumes = [np.mean([by[which][seed]["volume"] for seed in seeds]) for which in ("off", rule)]
        complete = np.mean([by[rule][seed]["complete"] for seed in seeds])
        print(
            f"{sampler:7} {task:7} saved {saved:4.0%}  volume {volumes[0]:.4f} -> {volumes[1]:.4f}, ratio "
            f"{ratios.mean():.4f} ({low:.4f}-{high:.4f})  {complete:.0f} complete  {len(seeds)} seeds"
        )
        least, worst = min(least, saved), min(worst, ratios.mean())
    print(f"pruning_pareto {sampler} {rule}: saved>={least:.0%} volume_ratio>={worst:.4f}")


def main() -> None:
    """Run what is missing, and report."""
    parser = arguments_of()
    parser.add_argument("--samplers", default=["auto", "tpe"], type=names_of)
    parser.add_argument("--tasks", default=list(TASKS), type=names_of)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument(
        "--rules", default=["default"], type=names_of, help="default, or REDUCTION/FIRST-RUNG/STARTUP, …"
    )
    arguments = parser.parse_args()
    quiet()
    of = {
        "seed": arguments.seeds,
        "task": arguments.tasks,
        "sampler": arguments.samplers,
        "rule": ["off", *arguments.rules],
        "trials": [arguments.trials],
    }

    def one(*, seed: int, task: str, sampler: str, rule: str, trials: int) -> dict[str, Any]:
        return run(SAMPLERS[sampler](seed), TASKS[task], seed, trials, _rule(rule))

    kept = completed(arguments.out, of, one)
    for sampler in arguments.samplers:
        for rule in arguments.rules:
            report(kept, sampler, rule)


def _rule(name: str) -> DominanceRule | None:
    if name == "off":
        return None
    if name == "default":
        return DominanceRule()
    reduction, first, startup = map(int, name.split("/"))
    return DominanceRule(first, reduction, startup)


if __name__ == "__main__":
    main()
