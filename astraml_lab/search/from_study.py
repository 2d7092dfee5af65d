"""What somebody else's Optuna study holds, in our terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState as OptunaState

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.search.boundary import quiet
from astraml_lab.search.curves import thinned
from astraml_lab.spec import (
    Categorical,
    FailureKind,
    Float,
    Goal,
    Int,
    Objective,
    Space,
    TrialState,
    TrialView,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from astraml_lab.spec import AnyDimension, ParamValue

_STATES = {
    OptunaState.COMPLETE: (TrialState.COMPLETE, None),
    OptunaState.PRUNED: (TrialState.PRUNED, None),
    OptunaState.FAIL: (TrialState.FAILED, FailureKind.EXCEPTION),
}
_UNFINISHED = "it had not ended when the study was imported"


@dataclass(frozen=True)
class StudyContents:
    """The trials of a study.

    Attributes:
        name: The study's name.
        space: Its dimensions, as wide as any trial drew from them.
        objectives: In the order of its directions.
        views: The trials.
        curves: What they reported of the first objective, by number and step.
    """

    name: str
    space: Space
    objectives: tuple[Objective, ...]
    views: tuple[TrialView, ...]
    curves: dict[int, dict[int, float]]


def is_study(source: object) -> bool:
    """Whether `source` is a study of Optuna's."""
    return isinstance(source, optuna.Study)


def contents_of(study: optuna.Study, objectives: Sequence[Objective] = ()) -> StudyContents:
    """Return what a study holds.

    Args:
        study: The study.
        objectives: Names for its values; by default those that the study has for them.

    Raises:
        InvalidSpec: The study has other directions than `objectives`.
    """
    with quiet():
        named = _named(study, objectives)
        trials = study.get_trials(deepcopy=False)
    return StudyContents(
        name=study.study_name,
        space=Space({name: _dimension(found) for name, found in _distributions(trials).items()}),
        objectives=named,
        views=tuple(_view(trial, named) for trial in trials),
        curves={
            trial.number: curve
            for trial in trials
            if (curve := thinned([*trial.intermediate_values.items()]))
        },
    )


def _named(study: optuna.Study, given: Sequence[Objective]) -> tuple[Objective, ...]:
    goals = [Goal[direction.name] for direction in study.directions]
    if not given:
        several = [f"values_{index}" for index in range(len(goals))] if len(goals) > 1 else ["value"]
        names = study.metric_names or several
        return tuple(Objective(metric=name, goal=goal) for name, goal in zip(names, goals, strict=True))
    if sorted(goals) != sorted(objective.goal for objective in given):
        its, theirs = (" and ".join(f"{goal}s" for goal in each) for each in (goals, _goals(given)))
        raise InvalidSpec([Problem("objectives", "", f"the study {its} one metric each, this {theirs}")])
    waiting = list(given)
    return tuple(
        waiting.pop(next(i for i, objective in enumerate(waiting) if objective.goal is goal))
        for goal in goals
    )


def _goals(objectives: Sequence[Objective]) -> list[Goal]:
    return [objective.goal for objective in objectives]


def _distributions(trials: Sequence[FrozenTrial]) -> dict[str, list[BaseDistribution]]:
    """Return the different distributions of every parameter."""
    found: dict[str, list[BaseDistribution]] = {}
    for trial in trials:
        for name, its in trial.distributions.items():
            seen = found.setdefault(name, [])
            if its not in seen:
                seen.append(its)
    return found


def _dimension(found: Sequence[BaseDistribution]) -> AnyDimension:
    """Return a dimension that has every value of the distributions."""
    numbers = [its for its in found if isinstance(its, FloatDistribution | IntDistribution)]
    if len(numbers) < len(found):
        return Categorical(list(dict.fromkeys(value for its in found for value in _choices(its))))
    low, high = min(its.low for its in numbers), max(its.high for its in numbers)
    log = all(its.log for its in numbers)
    alone = numbers[0].step if len(numbers) == 1 and not log else None
    whole = [its for its in numbers if isinstance(its, IntDistribution)]
    if len(whole) == len(numbers):
        return Int(int(low), int(high), log=log, step=int(alone or 1))
    return Float(float(low), float(high), log=log, step=alone)


def _choices(its: BaseDistribution) -> list[ParamValue]:
    if isinstance(its, CategoricalDistribution):
        return [_scalar(choice) for choice in its.choices]
    return []


def _scalar(value: Any) -> ParamValue:
    """Return what a store can keep: of any other object its text."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _view(trial: FrozenTrial, objectives: Sequence[Objective]) -> TrialView:
    state, kind = _STATES.get(trial.state, (TrialState.STOPPED, None))
    values = tuple(trial.values) if trial.values is not None else None
    known = {objective.metric: value for objective, value in zip(objectives, values or (), strict=False)}
    if state is TrialState.PRUNED and trial.intermediate_values and len(objectives) == 1:
        known = {objectives[0].metric: trial.intermediate_values[trial.last_step or 0]}
    started, ended = _stamp(trial.datetime_start), _stamp(trial.datetime_complete)
    failed = str(trial.system_attrs.get("fail_reason", "")) if kind else ""
    return TrialView(
        number=trial.number,
        state=state,
        kind=kind,
        reason=_UNFINISHED if trial.state not in _STATES else failed,
        params={name: _scalar(value) for name, value in trial.params.items()},
        values=values if state is TrialState.COMPLETE else None,
        metrics=known,
        step=trial.last_step,
        created_at=started or 0.0,
        started_at=started,
        ended_at=ended,
    )


def _stamp(moment: dt.datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
