"""A smaller space around some points of a space."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from astraml_lab.spec.dimensions import AnyDimension, Categorical, Discrete, Float, Int
from astraml_lab.spec.scales import coordinates
from astraml_lab.spec.space import Space
from astraml_lab.spec.words import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.spec.dimensions import ParamValue

_MARGIN = 0.1
"""What is added at each end, as a share of the distance between the outermost points."""
_LEAST = 0.02
"""The same as a share of the old range: points that lie together leave room to move."""
_DIGITS = 3


def narrowed(space: Space, points: Sequence[Mapping[str, ParamValue]]) -> Space:
    """Return the space around points: their least and greatest values, padded a little, and their choices.

    It lies within the old space and keeps its scales and steps. A conditional dimension whose condition no
    point fulfils can only be `None`.
    """
    found: dict[str, AnyDimension] = {}
    for name, dimension in space.parents_first():
        made = _around(dimension, [point[name] for point in points if name in point])
        found[name] = _still_possible(made, found)
    return Space({name: found[name] for name in space.names()})


def is_off(dimension: AnyDimension) -> bool:
    """Whether a dimension of a narrowed space can only be `None`, as nothing made it active."""
    return isinstance(dimension, Categorical) and dimension.choices == (None,)


def _around(dimension: AnyDimension, values: Sequence[ParamValue]) -> AnyDimension:
    if isinstance(dimension, Categorical):
        choices = tuple(each for each in dimension.choices if _among(each, values))
        return dimension.model_copy(update={"choices": choices}) if choices else dimension
    numbers = sorted(value for value in values if is_number(value))
    if not numbers:
        return dimension
    if isinstance(dimension, Discrete):
        return _between(dimension, numbers[0], numbers[-1])
    low, high = _padded(dimension, numbers[0], numbers[-1])
    return dimension.model_copy(update={"low": low, "high": high})


def _among(choice: ParamValue, values: Sequence[ParamValue]) -> bool:
    return any(choice == value for value in values)


def _between(dimension: Discrete, low: float, high: float) -> Discrete:
    """Keep the values between two, and a neighbour at each side."""
    inside = [at for at, value in enumerate(dimension.values) if low <= value <= high]
    if not inside:
        return dimension
    values = dimension.values[max(0, inside[0] - 1) : inside[-1] + 2]
    return dimension.model_copy(update={"values": values})


def _padded(dimension: Float | Int, low: float, high: float) -> tuple[float, float]:
    there, back = coordinates(dimension)
    ends = sorted((there(low), there(high)))
    whole = abs(there(dimension.high) - there(dimension.low))
    margin = max(_MARGIN * (ends[1] - ends[0]), _LEAST * whole)
    least, greatest = sorted((back(ends[0] - margin), back(ends[1] + margin)))
    return _rounded(dimension, min(least, low), max(greatest, high))


def _rounded(dimension: Float | Int, low: float, high: float) -> tuple[float, float]:
    """Round outwards to few digits or to the dimension's steps, but not beyond its bounds."""
    step = dimension.step if isinstance(dimension, Int) else dimension.step or 0.0
    if step:
        first = math.floor((low - dimension.low) / step + 1e-9)
        last = math.ceil((high - dimension.low) / step - 1e-9)
        whole = dimension.low + max(0, first) * step, dimension.low + last * step
        ends = whole if isinstance(dimension, Int) else (_to(1, whole[0]), _to(1, whole[1]))
    else:
        ends = _outwards(low, high)
    return max(dimension.low, ends[0]), min(dimension.high, ends[1])


def _outwards(low: float, high: float) -> tuple[float, float]:
    size = max(abs(low), abs(high)) if low <= 0 else abs(low)
    unit_low = _unit(size, high - low)
    unit_high = _unit(max(abs(high), size), high - low)
    return _to(math.floor(low / unit_low), unit_low), _to(math.ceil(high / unit_high), unit_high)


def _unit(size: float, distance: float) -> float:
    """Return the place of the last digit that is kept: fine enough also for points that lie together."""
    digits = math.floor(math.log10(size)) if size else 0
    apart = math.floor(math.log10(distance)) if distance else digits
    return 10.0 ** min(digits - _DIGITS + 1, apart - 1)


def _to(count: int, unit: float) -> float:
    """Return `count` units as the number that a person would write: 0.03, not 0.030000000000000002."""
    return float(f"{count * unit:.12g}")


def _still_possible(dimension: AnyDimension, found: Mapping[str, AnyDimension]) -> AnyDimension:
    """Leave out of a condition what its parents cannot be any more."""
    if not dimension.when:
        return dimension
    when: dict[str, Any] = {}
    for parent, wanted in dimension.when.items():
        when[parent] = tuple(value for value in wanted if _allows(found[parent], value))
        if not when[parent] or is_off(found[parent]):
            return Categorical([None])
    return dimension.model_copy(update={"when": when})


def _allows(dimension: AnyDimension, value: ParamValue) -> bool:
    match dimension:
        case Categorical(choices=choices):
            return value in choices
        case Discrete(values=values):
            return value in values
        case Int(low=low, high=high):
            return isinstance(value, int) and low <= value <= high
    return False
