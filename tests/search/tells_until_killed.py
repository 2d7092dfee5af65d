"""Tell trials for ever and print each one that is told; the kill test runs this as a child."""

from __future__ import annotations

import sys
from functools import partial

import optuna

from astraml_lab.search.journal_storage import StudyStorage
from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import Store, trials


def main(home: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    store = Store(home)
    generation, lease = store.create_job("default", "kill", spec="{}", fingerprint="", owner="child")
    storage = StudyStorage(store.journal(lease))
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    while True:
        trial = study.ask()
        value = trial.suggest_float("x", 0, 1)
        row = TrialView(trial.number, TrialState.COMPLETE, trial.params, values=(value,))
        with storage.together(partial(trials.save, generation_id=generation.id, record=row)):
            study.tell(trial, value)
        print(trial.number, value, ".", flush=True)  # noqa: T201  the parent reads it


if __name__ == "__main__":
    main(sys.argv[1])
