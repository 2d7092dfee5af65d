"""What a trial has to keep to besides being good: `--subject-to`, and the safety metrics of Vertex AI."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from astraml_lab.spec import TrialState, format_number, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from astraml_lab.spec import Constraint, JobSpec, TrialView

_UNKNOWN = 1.0
"""How far a constraint is missed whose metric was never a number."""


def missed(spec: JobSpec, view: TrialView) -> dict[str, float]:
    """Return how far a trial with values misses each constraint; 0 or less: it keeps to it.

    Of a trial without values nothing is known.
    """
    if view.values is None:
        return {}
    return {_key(index, each): _excess(each, view.metrics) for index, each in enumerate(spec.subject_to)}


def measured(constraints: Sequence[Constraint], view: TrialView) -> dict[str, float | None]:
    """Return how far a trial of elsewhere misses each constraint; `None` where it did not measure that."""
    return {
        _key(index, each): None if (value := _value(each, view.metrics)) is None else each.excess(value)
        for index, each in enumerate(constraints)
    }


def reason_of(constraints: Iterable[Constraint], view: TrialView) -> str:
    """Say why a trial ended as it did and, where it has values, which constraints it violates."""
    broken = violations(constraints, view) if view.values else ()
    return "; ".join(part for part in (view.reason, *broken) if part)


def violations(constraints: Iterable[Constraint], view: TrialView) -> tuple[str, ...]:
    """Say which constraints a trial violates, by the last reports of their metrics: one sentence each."""
    # A run that confirms another is never the best itself
    confirmed = view.confirms
    so = "so it is never the best" if confirmed is None else f"which counts against trial {confirmed}"
    return tuple(
        f"{_said(each, view.metrics)}, {so}" for each in constraints if _excess(each, view.metrics) > 0
    )


def keeps_to(spec: JobSpec, view: TrialView) -> bool:
    """Whether a trial violates none."""
    return all(_excess(each, view.metrics) <= 0 for each in spec.subject_to)


def is_no_measure(spec: JobSpec, state: TrialState, metrics: Mapping[str, float]) -> bool:
    """Whether a trial that ended is none that others are pruned by: it violates a constraint.

    Of what was cut short, a metric without a report says nothing. A vendor's rule goes by all trials.
    """
    judged = [
        each for each in spec.subject_to if state is TrialState.COMPLETE or _value(each, metrics) is not None
    ]
    return spec.stopping is None and any(_excess(each, metrics) > 0 for each in judged)


def unreported(spec: JobSpec, metrics: Mapping[str, float]) -> str:
    """Say which metrics of the constraints are not among the reported ones; mostly nothing."""
    missing = dict.fromkeys(each.metric for each in spec.subject_to if each.metric not in metrics)
    hints = {name: nearest(name, metrics) for name in missing}
    named = [f"{name} ({hint})" if hint else name for name, hint in hints.items()]
    return f"{' and '.join(named)} {'was' if len(named) == 1 else 'were'} not reported" if named else ""


def _key(index: int, constraint: Constraint) -> str:
    return f"{index} {constraint.metric}"


def _excess(constraint: Constraint, metrics: Mapping[str, float]) -> float:
    value = _value(constraint, metrics)
    return _UNKNOWN if value is None else constraint.excess(value)


def _value(constraint: Constraint, metrics: Mapping[str, float]) -> float | None:
    value = metrics.get(constraint.metric, math.nan)
    return None if math.isnan(value) else value


def _said(constraint: Constraint, metrics: Mapping[str, float]) -> str:
    if constraint.metric not in metrics:
        return f"{constraint.metric} was not reported, which has to be {constraint.words}"
    return f"{constraint.metric} {format_number(metrics[constraint.metric], 6)} is not {constraint.words}"
