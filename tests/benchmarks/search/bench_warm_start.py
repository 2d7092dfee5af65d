"""AutoSampler with the trials of an earlier job, good and bad ones, against itself without.

    PYTHONPATH=.:tests python tests/benchmarks/search/bench_warm_start.py --out runs.jsonl [--seeds 10-14]

The earlier job searched for 50 trials: the same function (`same`) or one that is moved by 5 % in every number
(`shifted`), in another unit and bent (`scaled`) or seen through noise of half of what its values vary by
(`noisy`); or one that has nothing to do with it (`unrelated`), or is the wrong way round (`reversed`). With
`mixed` there are two jobs, of which only one searched something related. Each run is one line of the file, as
in bench_samplers.

Must hold on seeds of 10 and above: with `unrelated` and `reversed` at most 10 % more trials to what the cold
run has after 50, or no more regret after 50.
"""

from __future__ import annotations

import math
import statistics
import time
import zlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from benchmarks.search.bench_samplers import LEVEL, scale, trials_to
from benchmarks.search.closed_form import TASKS
from benchmarks.search.runs import arguments_of, completed, names_of, quiet

from astraml_lab.search import AutoSampler

if TYPE_CHECKING:
    from benchmarks.search.closed_form import Task
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

WARM = "warm"
EARLIER = 50
AT = 50
_SHIFT = 0.05
_VARY = 200
_WAVES = 12
_RESAMPLED = 1000


class Moved:
    """A trial whose function sees every number a little higher in its range, or lower at its upper end."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def suggest_float(self, name: str, low: float, high: float, **how: Any) -> float:
        """Draw a number and return another."""
        return _moved(self._trial.suggest_float(name, low, high, **how), low, high, log=how.get("log", False))

    def suggest_int(self, name: str, low: int, high: int, **how: Any) -> int:
        """Draw a number and return another, at most a step away where steps are wide."""
        found = self._trial.suggest_int(name, low, high, **how)
        return round(_moved(found, low, high, log=how.get("log", False)))

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        """Draw a choice."""
        return self._trial.suggest_categorical(name, choices)


def _moved(value: float, low: float, high: float, *, log: bool) -> float:
    if log:
        return math.exp(_moved(math.log(value), math.log(low), math.log(high), log=False))
    moved = value + _SHIFT * (high - low)
    return moved if moved <= high else value - _SHIFT * (high - low)


def _share(its: BaseDistribution, value: Any) -> float:
    if isinstance(its, optuna.distributions.CategoricalDistribution):
        return float(zlib.crc32(repr(value).encode()) % 1000) / 1000
    low, high = (math.log(end) if its.log else end for end in (its.low, its.high))  # type: ignore[attr-defined]  # numbers
    return ((math.log(value) if its.log else value) - low) / (high - low)  # type: ignore[attr-defined]  # a number


def unrelated(task: Task, seed: int) -> Task:
    """Return a task of waves over the same space."""

    def value(trial: optuna.Trial) -> float:
        task.value(trial)
        found = 0.0
        for name, its in trial.distributions.items():
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            slopes, phases = random.normal(0, 5, _WAVES), random.uniform(0, 2 * math.pi, _WAVES)
            found += float(np.cos(slopes * _share(its, trial.params[name]) + phases).mean())
        return found

    return replace(task, name="unrelated", value=value)


def varies(task: Task) -> float:
    """Return how much the task's values differ at random points, but for the extreme ones."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=5))
    values = [task.value(study.ask()) for _ in range(_VARY)]
    low, high = np.quantile(values, [0.1, 0.6])
    return float(high - low)


def earlier(task: Task, prior: str, seed: int) -> list[Task]:
    """Return what the earlier jobs searched."""
    unit = varies(task)
    shifted = replace(task, value=lambda trial: task.value(Moved(trial)))  # type: ignore[arg-type]  # all they use
    scaled = replace(task, value=lambda trial: 1000 * math.exp(min(task.value(trial) / unit, 50)) + 7)
    jobs = {
        "cold": [],
        "same": [task],
        "shifted": [shifted],
        "scaled": [scaled],
        "noisy": [replace(task, noise=0.5 * unit)],
        "unrelated": [unrelated(task, seed)],
        "reversed": [replace(task, value=lambda trial: -task.value(trial))],
        "mixed": [shifted, unrelated(task, seed)],
    }
    return jobs[prior]


PRIORS = ("cold", "same", "shifted", "scaled", "noisy", "unrelated", "reversed", "mixed")


def searched(study: optuna.Study, task: Task, trials: int, chance: np.random.Generator) -> dict[str, Any]:
    """Search, and return the true value at the point with the best observation after each trial."""
    best = math.inf
    asked: list[float] = []
    true: list[float] = []
    for _ in range(trials):
        begin = time.thread_time()
        trial = study.ask()
        value = task.value(trial)
        asked.append(time.thread_time() - begin)
        observed = value + task.noise * float(chance.standard_normal())
        study.tell(trial, observed)
        true.append(value if observed < best else true[-1])
        best = min(best, observed)
    return {"true": true, "ask_ms": 1e3 * statistics.median(asked[AT - 20 : AT])}


def run(task: Task, prior: str, seed: int, trials: int) -> dict[str, Any]:
    """Search what came earlier, then start from that."""
    known: list[FrozenTrial] = []
    for index, before in enumerate(earlier(task, prior, seed)):
        study = optuna.create_study(sampler=AutoSampler(seed=1000 + 10 * seed + index))
        searched(study, before, EARLIER, np.random.default_rng([seed, 2, index]))
        for trial in study.get_trials():
            trial.user_attrs = {WARM: f"job-{index}#1 trial {trial.number}"}
            trial.system_attrs = {}
            known.append(trial)
    study = optuna.create_study(sampler=AutoSampler(seed=seed, warm=WARM))
    study.add_trials(known)
    return searched(study, task, trials, np.random.default_rng([seed, 1]))


def report(runs: list[dict[str, Any]], priors: list[str]) -> None:
    """Print for each prior the trials to what the cold run has after 50, and its regret then, by task."""
    found: dict[str, dict[str, dict[int, np.ndarray]]] = defaultdict(lambda: defaultdict(dict))
    asks = defaultdict(list)
    for one in runs:
        found[one["prior"]][one["task"]][one["seed"]] = np.maximum(one["score"], LEVEL)
        asks[one["prior"]].append(one["ask_ms"])
    for prior in priors:
        pairs = {}
        for task, by in found[prior].items():
            seeds = sorted(by.keys() & found["cold"][task].keys())
            if seeds:
                pairs[task] = [np.array([each[seed] for seed in seeds]) for each in (by, found["cold"][task])]
        resample = np.random.default_rng(0)
        drawn = [
            _compared([[each[rows] for each in pair] for pair, rows in _resampled(pairs, resample)])
            for _ in range(_RESAMPLED)
        ]
        cost, regret = _compared(list(pairs.values()))
        low, high = np.quantile([each[0] for each in drawn], [0.05, 0.95])
        less, more = np.quantile([each[1] for each in drawn], [0.05, 0.95])
        by_task = " ".join(
            f"{task}={trials_of(*pair)[0]}/{trials_of(*pair)[1]}" for task, pair in pairs.items()
        )
        print(f"  {by_task}")
        print(
            f"{prior}: trials_to_cold={cost:.2f} interval={low:.2f}-{high:.2f} regret={regret:.2f} "
            f"interval={less:.2f}-{more:.2f} ask={statistics.median(asks[prior]):.1f} ms"
        )


def _resampled(pairs: dict[str, list[np.ndarray]], random: np.random.Generator) -> list[Any]:
    return [(pair, random.integers(len(pair[0]), size=len(pair[0]))) for pair in pairs.values()]


def trials_of(mine: np.ndarray, cold: np.ndarray) -> tuple[int, int]:
    """Return the trials of both to what the cold runs have after 50."""
    level = float(np.median(cold[:, AT - 1]))
    return trials_to(mine, level), trials_to(cold, level)


def _compared(pairs: list[Any]) -> tuple[float, float]:
    """Return how many times the trials, and how many times the regret: geometric means over the tasks."""
    cost, regret = [], []
    for mine, cold in pairs:
        ours, theirs = trials_of(mine, cold)
        cost.append(math.log(ours / theirs))
        regret.append(float(np.mean(np.log(mine[:, AT - 1]) - np.log(cold[:, AT - 1]))))
    return math.exp(statistics.mean(cost)), math.exp(statistics.mean(regret))


def scored(*, seed: int, task: str, prior: str, trials: int) -> dict[str, Any]:
    """Return a run with its scores."""
    its = TASKS[task]
    found = run(its, prior, seed, trials)
    middling = scale(its)
    score = [(value - its.lowest) / middling for value in found.pop("true")]
    return {**found, "score": [float(f"{value:.5g}") for value in score]}


def main() -> None:
    """Run what is missing, and report."""
    parser = arguments_of(seeds="10-14")
    parser.add_argument("--priors", default=list(PRIORS), type=names_of)
    parser.add_argument("--tasks", default=list(TASKS), type=names_of)
    parser.add_argument("--trials", type=int, default=75)
    arguments = parser.parse_args()
    quiet()
    of = {
        "seed": arguments.seeds,
        "task": arguments.tasks,
        "prior": arguments.priors,
        "trials": [arguments.trials],
    }
    kept = completed(arguments.out, of, scored)
    report(kept, [prior for prior in arguments.priors if prior != "cold"])


if __name__ == "__main__":
    main()
