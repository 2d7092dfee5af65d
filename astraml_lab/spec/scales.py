"""Where the search sees a number: the coordinate of each scale in which its values lie evenly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from astraml_lab.spec.dimensions import Scale

if TYPE_CHECKING:
    from astraml_lab.spec.dimensions import Float, Int

Mapped = Callable[[float], float]


def coordinates(dimension: Float | Int) -> tuple[Mapped, Mapped]:
    """Return the way from a value to its coordinate, which grows with it, and back."""
    if dimension.scale is Scale.LOG:
        return math.log, math.exp
    if dimension.scale is Scale.REVERSE_LOG:
        return (lambda value: -math.log1p(-value)), (lambda at: -math.expm1(-at))
    if dimension.scale is Scale.VERTEX_REVERSE_LOG:
        mirror = dimension.low + dimension.high
        return (lambda value: -math.log(mirror - value)), (lambda at: mirror - math.exp(-at))
    return float, float
