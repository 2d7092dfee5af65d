"""Curves as Optuna gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MIRRORED = 100
"""How many points of a curve Optuna gets: its samplers look at the last one, its charts at the shape."""


def thinned(curve: Sequence[tuple[float, float]]) -> dict[int, float]:
    """Return at most `MIRRORED` finite values by step, evenly, the last among them; steps count from 0."""
    points = {int(step): float(value) for step, value in curve if step >= 0 and value - value == 0}
    steps = sorted(points)
    if len(steps) > MIRRORED:
        steps = [steps[(index + 1) * len(steps) // MIRRORED - 1] for index in range(MIRRORED)]
    return {step: points[step] for step in steps}
