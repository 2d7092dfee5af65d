"""What leaves the search: a copy of the study in the user's own terms, and the parameters' importance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial
from pydantic import TypeAdapter

from astraml_lab.search.boundary import quiet
from astraml_lab.search.distributions import coding_of
from astraml_lab.search.proposals import Importance
from astraml_lab.spec import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial

    from astraml_lab.search.distributions import Coding
    from astraml_lab.spec import AnyDimension, Definition

PARAMS = "params"
"""The trial's user attribute with the user's values under the user's names."""
DIMENSIONS = "dimensions"
"""The trial's user attribute with the dimensions that its own code suggested."""
ENOUGH = 4
"""Below this many finished trials an importance says nothing."""
_dimension: TypeAdapter[AnyDimension] = TypeAdapter(Dimension)


def detached_study(
    study: optuna.Study, definition: Definition, codings: Mapping[str, Coding]
) -> optuna.Study:
    """Copy a study into memory with the user's names, values and ranges."""
    with quiet():
        copy = optuna.create_study(
            study_name=study.study_name,
            directions=study.directions,
            sampler=optuna.samplers.RandomSampler(),
            pruner=optuna.pruners.NopPruner(),
        )
        if definition.objectives:
            copy.set_metric_names([objective.metric for objective in definition.objectives])
        copy.add_trials([_in_plain_terms(trial, codings) for trial in study.get_trials(deepcopy=False)])
    return copy


def importance_of(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], codings: Mapping[str, Coding]
) -> Importance:
    """Compute each parameter's part by Optuna's default evaluator, on the scales that were sampled."""
    complete = [trial for trial in trials if trial.state == OptunaState.COMPLETE]
    if len(complete) < ENOUGH:
        return Importance(reason=f"Importance needs {ENOUGH} finished trials, there are {len(complete)}.")
    names = {coding.name: name for name, coding in codings.items()}
    varied = {name for trial in complete for name, its in trial.distributions.items() if not its.single()}
    if not varied:
        return Importance(reason="No parameter varies.")
    with quiet():
        study = optuna.create_study(directions=list(directions))
        study.add_trials(complete)
        shares = optuna.importance.get_param_importances(study, params=sorted(varied))
    return Importance({names.get(name, plain_name(name)): float(share) for name, share in shares.items()})


def plain_name(internal: str) -> str:
    """Return the user's name for one of Optuna's."""
    for prefix in ("__rlog__", "__vrlog__", "__idx__"):
        internal = internal.removeprefix(prefix)
    return internal


def _in_plain_terms(trial: FrozenTrial, codings: Mapping[str, Coding]) -> FrozenTrial:
    own = {
        name: coding_of(name, _dimension.validate_python(dimension))
        for name, dimension in trial.user_attrs.get(DIMENSIONS, {}).items()
    }
    known = {**codings, **own}
    # Only what Optuna sampled: an inactive parameter has no value
    held = {
        name: value
        for name, value in trial.user_attrs.get(PARAMS, {}).items()
        if name in known and known[name].name in trial.distributions
    }
    attrs = {name: value for name, value in trial.user_attrs.items() if name not in {PARAMS, DIMENSIONS}}
    plain = create_trial(
        state=trial.state,
        values=trial.values,
        params=held,
        distributions={name: known[name].plain for name in held},
        user_attrs=attrs,
        intermediate_values=trial.intermediate_values,
    )
    plain.datetime_start, plain.datetime_complete = trial.datetime_start, trial.datetime_complete
    return plain
