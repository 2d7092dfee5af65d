"""A minimum of a smooth function of a few bounded variables, by projected BFGS.

scipy's L-BFGS-B finds the same, but solves its own small systems by LAPACK in several threads that wait for
each other: beside a training that takes three times the processor time, and many times the wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_FARTHEST = 2.0
"""No variable moves farther in one step."""
_ENOUGH = 1e-4
"""The share of a slope's promise that has to come true (Nocedal & Wright, Numerical Optimization, 3.1)."""
_TRIES = 8
_BENT = 1e-10


def descend(
    function: Callable[[Array], tuple[float, Array]],
    begin: Array,
    bounds: tuple[Array, Array],
    *,
    rounds: int,
    close: float,
) -> Array:
    """Return the lowest point that is found from `begin`.

    Args:
        function: Returns its value, infinite where it has none, and its gradient.
        begin: Where to begin, shape (d,).
        bounds: The lowest and the highest allowed, each of shape (d,).
        rounds: How many steps at most.
        close: It ends where a step gains less.
    """
    low, high = bounds
    point = np.clip(begin, low, high)
    value, gradient = function(point)
    curvature = np.eye(len(point)) / max(1.0, float(np.abs(gradient).max()))
    for _ in range(rounds):
        step = _direction(point, gradient, curvature, bounds)
        slope = float(step @ gradient)
        if not slope < 0.0:
            break
        lower = _lower(function, point, step, value + _ENOUGH * slope, bounds)
        if lower is None:
            break
        moved, next_value, next_gradient = lower
        curvature = _updated(curvature, moved - point, next_gradient - gradient)
        gained = value - next_value
        point, value, gradient = moved, next_value, next_gradient
        if gained < close:
            break
    return point


def _direction(point: Array, gradient: Array, curvature: Array, bounds: tuple[Array, Array]) -> Array:
    """Return the step downhill, without the variables that a bound holds."""
    low, high = bounds
    free = ~(((point <= low) & (gradient > 0.0)) | ((point >= high) & (gradient < 0.0)))
    step = -(curvature * np.outer(free, free)) @ gradient
    return step / max(1.0, float(np.abs(step).max()) / _FARTHEST)


def _lower(
    function: Callable[[Array], tuple[float, Array]],
    point: Array,
    step: Array,
    aim: float,
    bounds: tuple[Array, Array],
) -> tuple[Array, float, Array] | None:
    """Return a point along the step that is as low as `aim`, with its value and gradient."""
    for halvings in range(_TRIES):
        moved = np.clip(point + 0.5**halvings * step, *bounds)
        value, gradient = function(moved)
        if value <= aim:
            return moved, value, gradient
    return None


def _updated(curvature: Array, moved: Array, turned: Array) -> Array:
    """Return the inverse curvature after a step (Nocedal & Wright, 6.17)."""
    along = float(moved @ turned)
    if along <= _BENT:
        return curvature
    bent = curvature @ turned
    return (
        curvature
        + (along + float(turned @ bent)) * np.outer(moved, moved) / along**2
        - (np.outer(bent, moved) + np.outer(moved, bent)) / along
    )
