"""Trials per second of our Optuna storage beside Optuna's SQLite and in-memory storages.

Ask, suggest six parameters at random, tell; each told trial of ours and of SQLite is on disk when `tell`
returns. The three run in turn in one process, round after round; the figures are medians of the ratios within
a round, because the machine's speed drifts. `ours with rows` writes a row of our own trials table in the same
transaction, as a job does.

    python tests/benchmarks/bench_storage.py [--rounds 7] [--trials 1000]

Must hold: x_sqlite >= 30, x_memory >= 0.35.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import InMemoryStorage, RDBStorage

from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import Store, trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.storages import BaseStorage
    from optuna.trial import Trial

    Round = Callable[[Path, int], float]


def objective(trial: Trial) -> float:
    """Suggest six parameters and do nothing with them."""
    rate = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    decay = trial.suggest_float("wd", 1e-6, 1e-2, log=True)
    epsilon = trial.suggest_float("eps", 1e-9, 1e-6, log=True)
    hidden = trial.suggest_int("hidden", 16, 512)
    depth = trial.suggest_int("depth", 1, 8)
    optimizer = trial.suggest_categorical("opt", ["sgd", "adam", "rmsprop"])
    return rate * 10 + decay + epsilon + abs(hidden - 200) / 512 + depth / 8 + (optimizer == "sgd")


def speed(storage: BaseStorage, count: int) -> float:
    """Return told trials per second."""
    study = optuna.create_study(storage=storage, sampler=RandomSampler(seed=0))
    started = time.perf_counter()
    for _ in range(count):
        trial = study.ask()
        study.tell(trial, objective(trial))
    return count / (time.perf_counter() - started)


def memory(_folder: Path, count: int) -> float:
    """Measure Optuna's in-memory storage."""
    return speed(InMemoryStorage(), count)


def sqlite(folder: Path, count: int) -> float:
    """Measure Optuna's SQLite storage, on a tenth of the trials: it is slow."""
    storage = RDBStorage(f"sqlite:///{folder}/optuna.db")
    try:
        return speed(storage, max(count // 10, 10))
    finally:
        storage.engine.dispose()


def ours(folder: Path, count: int) -> float:
    """Measure our storage, and check that all told trials are on disk."""
    with Store(folder) as store:
        generation, lease = store.create_job("bench", "storage", spec="{}", fingerprint="", owner="bench")
        result = speed(StudyStorage(store.journal(lease)), count)
        reloaded = StudyStorage(store.journal(store.acquire(generation.id, "bench")))
        if (
            len(reloaded.get_all_trials(0, deepcopy=False, states=[optuna.trial.TrialState.COMPLETE]))
            != count
        ):
            raise RuntimeError("told trials are missing on disk")
        return result


def ours_with_rows(folder: Path, count: int) -> float:
    """Measure our storage with a row of the trials table in each commit."""
    with Store(folder) as store:
        generation, lease = store.create_job("bench", "storage", spec="{}", fingerprint="", owner="bench")
        storage = StudyStorage(store.journal(lease))
        study = optuna.create_study(storage=storage, sampler=RandomSampler(seed=0))
        started = time.perf_counter()
        for _ in range(count):
            trial = study.ask()
            value = objective(trial)
            row = TrialView(trial.number, TrialState.COMPLETE, trial.params, values=(value,))
            with storage.together(partial(trials.save, generation_id=generation.id, record=row)):
                study.tell(trial, value)
        return count / (time.perf_counter() - started)


def main() -> None:
    """Run the rounds and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--trials", type=int, default=1000)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sides: dict[str, Round] = {
        "memory": memory,
        "sqlite": sqlite,
        "ours": ours,
        "ours with rows": ours_with_rows,
    }
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(side(Path(folder), options.trials))

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))

    for name, speeds in found.items():
        print(f"{name:15} {statistics.median(speeds):8.0f} trials/s  {ratio(name, 'memory'):6.3f} x memory")
    print(f"storage: x_sqlite={ratio('ours', 'sqlite'):.1f} x_memory={ratio('ours', 'memory'):.3f}")


if __name__ == "__main__":
    main()
