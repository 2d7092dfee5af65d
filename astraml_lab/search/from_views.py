"""An Optuna study made from what readers see of a job: for Optuna's own plots and analyses.

The journal belongs to the job's runner alone; a copy for others is made from the trials table.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState as OptunaState
from optuna.trial import create_trial

from astraml_lab.search.boundary import optuna_boundary, quiet
from astraml_lab.search.distributions import coding_of
from astraml_lab.spec import ParamValue, TrialState, is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.trial import FrozenTrial

    from astraml_lab.spec import Definition, TrialView

    Curve = Sequence[tuple[float, float]]

_STATES = {
    TrialState.WAITING: OptunaState.WAITING,
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
    TrialState.STOPPED: OptunaState.FAIL,
    TrialState.FAILED: OptunaState.FAIL,
}


def study_of(
    definition: Definition,
    views: Sequence[TrialView],
    curves: Mapping[int, Curve],
    constraints: Mapping[int, Mapping[str, float]] | None = None,
    *,
    name: str,
) -> optuna.Study:
    """Return a study in memory with the user's names, values and ranges.

    Args:
        definition: The space and the objectives.
        views: The trials.
        curves: The objective by step, per trial number.
        constraints: How far each constraint is missed, likewise.
        name: The study's name.
    """
    objectives = definition.objectives
    known = {n: coding_of(n, dimension).plain for n, dimension in definition.space.dimensions.items()}
    plain = {**known, **_by_run(views, known)}
    with optuna_boundary, quiet():
        study = optuna.create_study(
            study_name=name,
            directions=[objective.goal.value for objective in objectives] or ["minimize"],
            sampler=optuna.samplers.RandomSampler(),
        )
        if objectives:
            study.set_metric_names([objective.metric for objective in objectives])
        for view in views:
            trial = _trial(definition, view, curves.get(view.number, ()), plain)
            for constraint, excess in (constraints or {}).get(view.number, {}).items():
                trial.set_constraint(constraint, excess)
            study.add_trial(trial)
    return study


def _trial(
    definition: Definition, view: TrialView, curve: Curve, plain: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    held = {
        name: value
        for name, value in view.params.items()
        if name in plain and (name not in definition.space or definition.space.is_active(name, view.params))
    }
    state = _STATES[view.state]
    dummy = () if definition.objectives else (0.0,)
    trial = create_trial(
        state=state,
        values=(view.values or dummy) if state is OptunaState.COMPLETE else None,
        params=held,
        distributions={name: plain[name] for name in held},
        user_attrs={"reason": view.reason} if view.reason else {},
        intermediate_values={int(step): value for step, value in curve if step >= 0},
    )
    # Optuna wants both times of a trial that ended, also of one that never got to start
    started, waits = view.started_at or view.created_at, state is OptunaState.WAITING
    trial.datetime_start = None if waits else _moment(started)
    trial.datetime_complete = _moment(view.ended_at or started) if state.is_finished() else None
    return trial


def _by_run(views: Sequence[TrialView], known: Mapping[str, BaseDistribution]) -> dict[str, BaseDistribution]:
    """Return ranges for the parameters that the code suggested itself: as far as its values show them."""
    values: dict[str, list[ParamValue]] = {}
    for view in views:
        for name, value in view.params.items():
            if name not in known:
                values.setdefault(name, []).append(value)
    return {name: _range(found) for name, found in values.items()}


def _range(values: Sequence[ParamValue]) -> BaseDistribution:
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(whole) == len(values):
        return IntDistribution(min(whole), max(whole))
    numbers = [value for value in values if is_number(value)]
    if len(numbers) == len(values):
        return FloatDistribution(min(numbers), max(numbers))
    return CategoricalDistribution(list(dict.fromkeys(values)))


def _moment(seconds: float) -> dt.datetime:
    # Optuna's own times are local and naive
    return dt.datetime.fromtimestamp(seconds)  # noqa: DTZ006
