"""What a trial has to keep to besides being good: safety metrics, which are no objectives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from astraml_lab.spec import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import JobSpec, TrialView
    from astraml_lab.spec.imported import Constraint

_UNKNOWN = 1.0
"""How far a constraint is missed whose metric was never a number."""


def missed(spec: JobSpec, view: TrialView) -> dict[str, float]:
    """Return how far a trial with values misses each constraint of its definition; 0 or less: it keeps to it.

    Of a trial without values nothing is known.
    """
    if view.values is None:
        return {}
    return {
        f"{index} {each.metric}": _excess(each, view.metrics) for index, each in enumerate(_of(spec, view))
    }


def violations(spec: JobSpec, view: TrialView) -> tuple[str, ...]:
    """Say which constraints a trial violates, by the last reports of their metrics: one sentence each."""
    return tuple(
        f"{_said(each, view.metrics)}, so it is never the best"
        for each in _of(spec, view)
        if _excess(each, view.metrics) > 0
    )


def keeps_to(spec: JobSpec, view: TrialView) -> bool:
    """Whether a trial violates none."""
    return all(_excess(each, view.metrics) <= 0 for each in _of(spec, view))


def _of(spec: JobSpec, view: TrialView) -> Iterator[Constraint]:
    return iter(part_of(spec.definitions, view.params).constraints)


def _excess(constraint: Constraint, metrics: Mapping[str, float]) -> float:
    value = metrics.get(constraint.metric, math.nan)
    if math.isnan(value):
        return _UNKNOWN
    return constraint.threshold - value if constraint.at_least else value - constraint.threshold


def _said(constraint: Constraint, metrics: Mapping[str, float]) -> str:
    side = "at least" if constraint.at_least else "at most"
    allowed = f"not {side} {constraint.threshold:g}"
    if constraint.metric not in metrics:
        return f"{constraint.metric} was not reported, which has to be {side} {constraint.threshold:g}"
    return f"{constraint.metric} {metrics[constraint.metric]:.6g} is {allowed}"
