"""Full trainings to the score that Optuna's default, TPE with the median pruner, has after 30 of them.

    PYTHONPATH=tests python tests/benchmarks/search/bench_pruning.py --out runs.jsonl [--seeds 10-19]

What is spent is counted in epochs, 27 to a full training, and only what was trained to the end counts as
found. Ours is `AutoSampler` with `--prune auto` on the job's own board. Each run is one line of the file;
runs that are in it are not repeated, so it may be broken off. A score is the true end of the best trial, on
closed forms as a share of what a middling random one has. `trainings` are what ours has spent when the
median of its seeds is as good as the median of theirs after all; the interval resamples the seeds.

Must hold on seeds of 10 and above: trainings <= 10 on the median task and <= 15 at the upper end of the
interval, and where networks really train no data set with less than 50 % wins against TPE with ASHA.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from benchmarks.search import curve_tasks, trainings
from benchmarks.search.curve_tasks import EPOCHS
from benchmarks.search.runs import arguments_of, completed, names_of, quiet
from optuna.pruners import MedianPruner, SuccessiveHalvingPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from astraml_lab.metrics import Board, OutlookRule, PruneRule
from astraml_lab.search import AutoSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.search.curve_tasks import Training
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

TASKS: dict[str, Training] = {**curve_tasks.TASKS, **trainings.TASKS}
LEVEL = 1e-3
"""Nearer to the optimum than this is all the same."""
_RESAMPLED = 1000
_MIDDLING = 400
_SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "auto": lambda seed: AutoSampler(seed=seed),
    "tpe": lambda seed: TPESampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}
_THEIR_PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": MedianPruner,
    "asha": lambda: SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
}
_OUR_RULES: dict[str, OutlookRule | PruneRule] = {
    "auto": OutlookRule(),
    "none": PruneRule("off"),
}
ALL = "auto/auto,tpe/median,tpe/asha,auto/none,random/asha,1-epoch"


class Spent:
    """The epochs of a run, and what was found by then.

    Attributes:
        found: Each time that a better trial came to its end: the epochs so far, and its true value.
    """

    def __init__(self, epochs: int) -> None:
        self.left = epochs
        self._all = epochs
        self._best = math.inf
        self.trials = 0
        self.found: list[tuple[int, float]] = []

    def complete(self, seen: float, true: float) -> None:
        """Take in a trial that was trained to the end; smaller is better."""
        if seen < self._best:
            self._best = seen
            self.found.append((self._all - self.left, true))


def run(name: str, task: Training, seed: int, full: int) -> dict[str, Any]:
    """Run one search for as many epochs as `full` trainings have."""
    begin = time.thread_time()
    spent = Spent(full * EPOCHS)
    if name.endswith("-epoch"):
        _run_epochs(task, seed, spent, int(name.partition("-")[0]))
    else:
        _run_study(name, task, seed, spent)
    seconds = time.thread_time() - begin
    return {"found": spent.found, "trials": spent.trials, "seconds": round(seconds, 3)}


def _run_study(name: str, task: Training, seed: int, spent: Spent) -> None:
    sampler, _, pruning = name.partition("/")
    direction = StudyDirection.MAXIMIZE if task.maximise else StudyDirection.MINIMIZE
    study = optuna.create_study(
        sampler=_SAMPLERS[sampler](seed),
        pruner=_THEIR_PRUNERS.get(pruning, optuna.pruners.NopPruner)(),
        direction=direction,
    )
    board = Board("loss", maximize=task.maximise, rule=_OUR_RULES.get(pruning, PruneRule("off")))
    while spent.left > 0:
        trial = study.ask()
        state, value = _train(trial, task, seed, board, spent)
        board.finish(
            trial.number, complete=state is TrialState.COMPLETE, cut_short=state is TrialState.PRUNED
        )
        study.tell(trial, value if state is TrialState.COMPLETE else None, state)
        if state is TrialState.COMPLETE:
            spent.complete(-value if task.maximise else value, task.true(trial, value))


def _train(
    trial: optuna.Trial, task: Training, seed: int, board: Board, spent: Spent
) -> tuple[TrialState, float]:
    """Train until the end, or the end of the budget, or until a pruner ends it."""
    spent.trials += 1
    value = math.nan
    for epoch, value in enumerate(task.begin(trial, seed), start=1):
        if not spent.left:
            return TrialState.FAIL, value
        spent.left -= 1
        if not math.isfinite(value):
            return TrialState.FAIL, value
        trial.report(value, epoch)
        if board.report(trial.number, value, epoch) is not None or trial.should_prune():
            return TrialState.PRUNED, value
    return TrialState.COMPLETE, value


def _run_epochs(task: Training, seed: int, spent: Spent, first: int) -> None:
    """Give random points `first` epochs each, and train the best on, in cycles of three trainings' worth.

    A baseline that is hard to beat where early ranks hold: Egele et al. 2023, arXiv 2307.15422.
    """
    study = optuna.create_study(sampler=RandomSampler(seed=seed))
    sign = -1 if task.maximise else 1
    waiting: list[tuple[float, int, optuna.Trial, Iterator[float]]] = []
    while spent.left > 0:
        for _ in range(2 * EPOCHS // first):
            trial = study.ask()
            curve = task.begin(trial, seed)
            seen = sign * list(islice(curve, first))[-1]
            spent.left -= first
            spent.trials += 1
            waiting.append((math.inf if math.isnan(seen) else seen, trial.number, trial, curve))
        waiting.sort(key=lambda each: each[:2])
        _, _, trial, curve = waiting.pop(0)
        spent.left -= EPOCHS - first
        last = list(curve)[-1]
        if spent.left >= 0 and math.isfinite(last):
            spent.complete(sign * last, task.true(trial, last))


@cache
def middling(name: str) -> float:
    """Return what a random point of a closed form comes to, 0 being the lowest there is."""
    study = optuna.create_study(sampler=RandomSampler(seed=123))
    task = curve_tasks.TASKS[name]
    values = []
    for _ in range(_MIDDLING):
        trial = study.ask()
        list(task.begin(trial, 0))
        values.append(task.true(trial, math.nan))
    return float(np.nanmedian(values))


def by_epoch(one: dict[str, Any]) -> np.ndarray:
    """Return the score after each epoch of a run, infinite until something is complete."""
    scores = np.full(one["full"] * EPOCHS, math.inf)
    scale = middling(one["task"]) if one["task"] in curve_tasks.TASKS else None
    for epochs, value in one["found"]:
        scores[epochs - 1 :] = value if scale is None else max(value / scale, LEVEL)
    return scores


def trainings_to(curves: np.ndarray, level: float) -> float:
    """Return the full trainings after which the median curve is at `level`; one more if it never is."""
    reached = np.flatnonzero(np.median(curves, axis=0) <= level)
    return float(reached[0] + 1 if len(reached) else curves.shape[1] + EPOCHS) / EPOCHS


def wins(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return in which share of the seeds ours ends better, ties half."""
    return float(np.mean((ours[:, -1] < theirs[:, -1]) + 0.5 * (ours[:, -1] == theirs[:, -1])))


def report(runs: list[dict[str, Any]], ours: str) -> None:
    """Print each task, then the summary; `ours` may be any of the strategies."""
    found: dict[str, dict[str, dict[int, np.ndarray]]] = defaultdict(lambda: defaultdict(dict))
    tried: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in runs:
        found[one["task"]][one["name"]][one["seed"]] = by_epoch(one)
        tried[one["task"], one["name"]].append(one["trials"])
    resample = np.random.default_rng(0)
    needed: dict[str, float] = {}
    drawn: dict[str, list[float]] = {}
    real: dict[str, float] = {}
    for task, by in found.items():
        names = [name for name in (ours, "tpe/median", "tpe/asha") if name in by]
        seeds = sorted(set.intersection(*(set(by[name]) for name in names)))
        if ours not in by or "tpe/median" not in by or not seeds:
            continue
        curves = {name: np.array([by[name][seed] for seed in seeds]) for name in names}
        mine, other = curves[ours], curves["tpe/median"]
        needed[task] = trainings_to(mine, float(np.median(other[:, -1])))
        drawn[task] = []
        for _ in range(_RESAMPLED):
            rows = resample.integers(len(seeds), size=len(seeds))
            drawn[task].append(trainings_to(mine[rows], float(np.median(other[rows, -1]))))
        beaten = {name: wins(mine, curves[name]) for name in names[1:]}
        if task in trainings.TASKS and "tpe/asha" in beaten:
            real[task] = beaten["tpe/asha"]
        ends = "/".join(f"{np.median(curves[name][:, -1]):.4f}" for name in names)
        share = "  ".join(f"wins {name} {value:4.0%}" for name, value in beaten.items())
        many = statistics.median(tried[task, ours])
        print(f"{ours:10} {task:14} to {needed[task]:4.1f}  {share}  ends {ends}  trials {many:.0f}")
    if not needed:
        return
    low, high = np.quantile(np.median(list(drawn.values()), axis=0), [0.05, 0.95])
    worst = f" worst_real_wins_against_asha={min(real.values()):.0%}" if real else ""
    print(
        f"{ours}: trainings={statistics.median(needed.values()):.1f} interval={low:.1f}-{high:.1f} "
        f"tasks={len(needed)}{worst}"
    )


def main() -> None:
    """Run what is missing, and report."""
    parser = arguments_of()
    parser.add_argument(
        "--names",
        default=names_of(ALL),
        type=names_of,
        help="sampler/pruning, with commas between; ours first",
    )
    parser.add_argument("--tasks", default=list(TASKS), type=names_of)
    parser.add_argument("--full", type=int, default=30, help="the budget, in full trainings")
    arguments = parser.parse_args()
    quiet()
    of = {
        "seed": arguments.seeds,
        "task": arguments.tasks,
        "name": arguments.names,
        "full": [arguments.full],
    }

    def one(*, seed: int, task: str, name: str, full: int) -> dict[str, Any]:
        return run(name, TASKS[task], seed, full)

    kept = completed(arguments.out, of, one)
    for name in reversed(arguments.names):
        if name != "tpe/median":
            report(kept, name)


if __name__ == "__main__":
    main()
