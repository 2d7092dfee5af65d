"""How much each parameter mattered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState as OptunaState

from astraml_lab.search.boundary import optuna_boundary, quiet
from astraml_lab.search.from_views import study_of
from astraml_lab.spec import Definition, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optuna.trial import FrozenTrial

    from astraml_lab.spec import JobView, TrialView

ENOUGH = 4
"""Below this many finished trials an importance says nothing."""
MOST = 1_000
"""Of more finished trials so many, evenly spread, stand for all: half a second's work."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much each parameter mattered."""

    shares: Mapping[str, float] = field(default_factory=dict)
    """Parts of 1 by name, the largest first; empty where there is nothing to say."""
    reason: str = ""
    """Why it is empty: one plain sentence."""
    trials: int = 0
    """How many finished trials it was computed from,"""
    of: int = 0
    """and how many there are."""


def importance_in(view: JobView, trials: Sequence[TrialView], objective: int = 0) -> Importance:
    """Compute each parameter's part in one objective of a job, from its finished trials.

    Takes half a second at most, and seconds more the first time, when Optuna imports scikit-learn where that
    is installed: call it in a thread of its own.
    """
    done = [trial for trial in trials if trial.state is TrialState.COMPLETE and trial.values]
    shown = [done[index * len(done) // MOST] for index in range(MOST)] if len(done) > MOST else done
    definition = Definition(space=view.space, objectives=view.objectives)
    found = importance_of(study_of(definition, shown, {}, name=view.id), objective)
    return replace(found, trials=len(shown), of=len(done))


def importance_of(study: optuna.Study, objective: int | None = None) -> Importance:
    """Compute each parameter's part by Optuna's default evaluator, from a study made by `study_of`.

    Args:
        study: The study.
        objective: For which; without it the only one, or of several how near a trial comes to the front.
    """
    complete = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
    if len(complete) < ENOUGH:
        return Importance(reason=f"Importance needs {ENOUGH} finished trials, there are {len(complete)}.")
    varied = {name for trial in complete for name, its in trial.distributions.items() if not its.single()}
    if not varied:
        return Importance(reason="No parameter varies.")
    with optuna_boundary, quiet():
        target = None if objective is None else _target(study, objective)
        shares = optuna.importance.get_param_importances(study, params=sorted(varied), target=target)
    return Importance({name: float(share) for name, share in shares.items()})


def _target(study: optuna.Study, objective: int) -> Callable[[FrozenTrial], float]:
    """Return what the evaluator takes for better where it is lower."""
    sign = -1.0 if study.directions[objective] is StudyDirection.MAXIMIZE else 1.0
    return lambda trial: sign * trial.values[objective]
