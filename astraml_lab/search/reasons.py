"""Why a trial was tried, from what is kept with its study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.trial import TrialState

from astraml_lab.search.auto import why
from astraml_lab.search.warming import count_warm
from astraml_lab.spec import Strategy

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

_TPE = "drawn where good trials lie denser than others; it says nothing of the value that it expects"
_OTHERS = {
    Strategy.AUTO: f"tpe: {_TPE}",
    Strategy.TPE: f"tpe: {_TPE}",
    Strategy.GP: "gp: drawn by chance at first, then where Optuna's Gaussian process promised most",
    Strategy.CMAES: "cmaes: drawn from a normal distribution that moves towards good trials",
    Strategy.NSGA2: "nsga2: drawn by chance at first, then bred from the best trials",
    Strategy.QMC: "qmc: the next point of a sequence that covers the space evenly",
    Strategy.GRID: "grid: the next of its points, or one that somebody asked for",
    Strategy.RANDOM: "random: drawn by chance",
    Strategy.HYPERBAND: "hyperband: drawn by chance",
}
_NOTHING = "nothing is searched: it has no parameters"


def reasons_of(storage: BaseStorage, strategy: Strategy) -> list[str]:
    """Say in a sentence each why trials were tried: an expected gain, exploring, initial design, enqueued.

    Strategies of Optuna's own do not tell; for these it is said how they choose. Trials that have not begun
    say nothing yet.

    Args:
        storage: What holds the job's study.
        strategy: The job's.
    """
    studies = storage.get_all_studies()
    trials = storage.get_all_trials(studies[0]._study_id, deepcopy=False) if studies else []  # noqa: SLF001 - public in all but name
    return [_reason(trial, strategy) for trial in trials[count_warm(trials) :]]


def _reason(trial: FrozenTrial, strategy: Strategy) -> str:
    if trial.state is TrialState.WAITING:
        return ""
    if not trial.params:
        return _NOTHING
    said = why(trial)
    return said if said and strategy is not Strategy.GRID else _OTHERS[strategy]
