"""How a trial's end stands in Optuna's study, and a trial of it for one that the study has lost."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from astraml_lab.search.curves import CURVES, thinned
from astraml_lab.search.proposals import STOPPED
from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.trial import FrozenTrial

    from astraml_lab.search.distributions import Coding
    from astraml_lab.search.proposals import Ended, Told
    from astraml_lab.spec import Definition

PARAMS = "params"
"""The trial's user attribute with the user's values under the user's names."""
_STATES = {
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    # A trial that somebody stopped says nothing about its point. As PRUNED it would count as a bad one, and
    # stopping a job would spoil the best region for its extension; samplers leave FAIL out.
    TrialState.STOPPED: OptunaState.FAIL,
    TrialState.FAILED: OptunaState.FAIL,
}


def ending(told: Told, definition: Definition) -> tuple[OptunaState, tuple[float, ...] | None]:
    """Return the state and values for Optuna; a dummy stands for success where nothing is tuned."""
    state = _STATES[told.state]
    if state is OptunaState.COMPLETE:
        return state, told.values or (None if definition.objectives else (0.0,))
    return state, None


def remembered(ended: Ended | None, definition: Definition, codings: Mapping[str, Coding]) -> FrozenTrial:
    """Return a trial of the study for one that it has lost; one that does not fit teaches it nothing."""
    if ended is not None:
        with suppress(ValueError, KeyError):
            return _relearned(ended, definition, codings)
    return create_trial(state=OptunaState.FAIL)


def _relearned(ended: Ended, definition: Definition, codings: Mapping[str, Coding]) -> FrozenTrial:
    known = {name: value for name, value in ended.params.items() if name in codings}
    active = [(codings[name], known[name]) for name in known if definition.space.is_active(name, known)]
    state, values = ending(ended.told, definition)
    return create_trial(
        state=state,
        values=values,
        params={coding.name: coding.to_internal(value) for coding, value in active},
        distributions={coding.name: coding.distribution for coding, _ in active},
        user_attrs={
            PARAMS: known,
            **({STOPPED: True} if ended.told.state is TrialState.STOPPED else {}),
            **({CURVES: [list(row) for row in ended.told.rows]} if ended.told.rows else {}),
        },
        intermediate_values={} if len(definition.objectives) > 1 else thinned(ended.told.curve),
        constraints=dict(ended.told.constraints),
    )
