"""What pruning with two objectives saves in epochs, and what it does to the volume that the front dominates.

    PYTHONPATH=tests python tests/benchmarks/search/bench_pruning_pareto.py --out runs.jsonl [--seeds 10-19]

Each run is one line of the file; runs that are in it are not repeated, so it may be broken off. A run is 60
trials of 27 epochs, with the same sampler and seed once with pruning and once without. The volume is that of
the complete trials by their last values, a share of the box of `two_curves.py`; a trial that was given up
adds nothing to it. For each task: the share of the epochs that was saved, and the volume with pruning over
the one without, mean over seeds with a 90 % interval by resampling them; then the same where the run with
pruning goes on with further trials until it has spent 70 % of the epochs.

Must hold on seeds of 10 and above, on each task: for 70 % of the epochs the interval reaches 1.
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
from astraml_lab.search.curves import CURVES
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
SPENT = 0.7
"""What pruning may spend of the epochs for the same volume."""
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
    """Run one search until it has had its trials and `SPENT` of their epochs; without a rule unpruned."""
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    board = FrontBoard(objectives_of(minimize=["one", "other"]), rule)
    spent, cost = [0], 0.0
    found: list[tuple[int, int, Sequence[float]]] = []
    enough = SPENT * trials * EPOCHS
    while len(spent) <= trials or spent[-1] < enough:
        trial = study.ask()
        ending, rows = None, []
        for step, values in enumerate(task.begin(trial, seed), start=1):
            rows.append([step, *values])
            if rule is None:
                continue
            begin = time.thread_time()
            ending = board.report(trial.number, {"one": values[0], "other": values[1]}, step)
            cost += time.thread_time() - begin
            if ending is not None:
                break
        spent.append(spent[-1] + len(rows))
        board.finish(trial.number, complete=ending is None, cut_short=ending is not None)
        trial.set_user_attr(CURVES, rows)
        if ending is None:
            found.append((trial.number, spent[-1], values))
            study.tell(trial, values)
        else:
            study.tell(trial, state=TrialState.PRUNED)
    complete = [values for number, _, values in found if number < trials]
    return {
        "volume": volume(complete, task),
        "complete": len(complete),
        "epochs": spent[trials] / (trials * EPOCHS),
        "volume_of_spent": volume([values for _, epochs, values in found if epochs <= enough], task),
        "us": 1e6 * cost / spent[-1],
    }


def report(runs: Sequence[dict[str, Any]], sampler: str, rule: str) -> None:
    """Print each task, and the summary."""
    worst: dict[str, list[float]] = {"saved": [], "volume": [], "volume_of_spent": []}
    for task in TASKS:
        by: dict[str, dict[int, dict[str, Any]]] = {"off": {}, rule: {}}
        for one in runs:
            if (one["task"], one["sampler"]) == (task, sampler) and one["rule"] in by:
                by[one["rule"]][one["seed"]] = one
        seeds = sorted(by["off"].keys() & by[rule].keys())
        if not seeds:
            continue
        with_it, without = ([by[which][seed] for seed in seeds] for which in (rule, "off"))
        worst["saved"].append(1 - float(np.mean([one["epochs"] for one in with_it])))
        told = []
        for name in ("volume", "volume_of_spent"):
            ratios = np.array([a[name] / b["volume"] for a, b in zip(with_it, without, strict=True)])
            means = np.random.default_rng(0).choice(ratios, (_RESAMPLED, len(ratios))).mean(axis=1)
            low, high = np.quantile(means, [0.05, 0.95])
            worst[name].append(float(ratios.mean()))
            told.append(f"{ratios.mean():.4f} [{low:.4f}, {high:.4f}]")
        complete = np.mean([one["complete"] for one in with_it])
        print(
            f"{sampler:7} {task:7} saved {worst['saved'][-1]:4.0%} at {told[0]} of the volume; {told[1]} "
            f"for {SPENT:.0%} of the epochs; {complete:.0f} complete, {len(seeds)} seeds"
        )
    if worst["saved"]:
        least = {name: min(values) for name, values in worst.items()}
        print(
            f"pruning_pareto {sampler} {rule}: saved>={least['saved']:.0%} volume>={least['volume']:.4f} "
            f"of_spent>={least['volume_of_spent']:.4f}"
        )


def main() -> None:
    """Run what is missing, and report."""
    parser = arguments_of()
    parser.add_argument("--samplers", default=["auto", "tpe"], type=names_of)
    parser.add_argument("--tasks", default=list(TASKS), type=names_of)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--rules", default=["default"], type=names_of, help="default, or chances as 0.1,0.2")
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
    return DominanceRule(chance=float(name))


if __name__ == "__main__":
    main()
