"""How much each parameter mattered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState as OptunaState

from astraml_lab.search.boundary import optuna_boundary, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

ENOUGH = 4
"""Below this many finished trials an importance says nothing."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much each parameter mattered."""

    shares: Mapping[str, float] = field(default_factory=dict)
    """Parts of 1 by name, the largest first; empty where there is nothing to say."""
    reason: str = ""
    """Why it is empty: one plain sentence."""


def importance_of(study: optuna.Study) -> Importance:
    """Compute each parameter's part by Optuna's default evaluator, from a study made by `study_of`.

    Takes a second per thousand trials, and seconds more the first time, when Optuna imports scikit-learn
    where that is installed: call it in a thread of its own.
    """
    complete = study.get_trials(deepcopy=False, states=(OptunaState.COMPLETE,))
    if len(complete) < ENOUGH:
        return Importance(reason=f"Importance needs {ENOUGH} finished trials, there are {len(complete)}.")
    varied = {name for trial in complete for name, its in trial.distributions.items() if not its.single()}
    if not varied:
        return Importance(reason="No parameter varies.")
    with optuna_boundary, quiet():
        shares = optuna.importance.get_param_importances(study, params=sorted(varied))
    return Importance({name: float(share) for name, share in shares.items()})
