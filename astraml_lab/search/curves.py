"""Curves as Optuna gets them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

CURVES = "curves"
"""The user attribute with a trial's curves where there are several objectives, of which Optuna keeps none."""
MIRRORED = 100
"""How many points of a curve Optuna gets: its samplers look at the last one, its charts at the shape."""


def thinned(curve: Sequence[tuple[float, float]]) -> dict[int, float]:
    """Return at most `MIRRORED` finite values by step, evenly, the last among them; steps count from 0."""
    points = {int(step): float(value) for step, value in curve if step >= 0 and value - value == 0}
    return {step: points[step] for step in _fewer(sorted(points))}


def joined(curves: Sequence[Sequence[tuple[float, float]]]) -> list[list[float]]:
    """Return rows of a step and what each objective was by then, once all are known; at most `MIRRORED`.

    Args:
        curves: Of each objective, its steps in order and its values; what is no number is left out.
    """
    reported: dict[float, dict[int, float]] = {}
    for at, curve in enumerate(curves):
        for step, value in curve:
            if math.isfinite(value):
                reported.setdefault(step, {})[at] = value
    latest: dict[int, float] = {}
    rows = []
    for step, values in sorted(reported.items()):
        latest |= values
        if len(latest) == len(curves):
            rows.append([step, *(latest[at] for at in range(len(curves)))])
    return _fewer(rows)


def _fewer(found: list[T]) -> list[T]:
    if len(found) <= MIRRORED:
        return found
    return [found[(index + 1) * len(found) // MIRRORED - 1] for index in range(MIRRORED)]
