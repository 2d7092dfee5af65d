"""Dimensions as parameter ranges; what a range cannot say is listed."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from astraml_lab.spec import AnyDimension, Categorical, Discrete, Float, Int, Scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import Space

MOST_VALUES = 30
_SCALES = {
    Scale.LINEAR: "Linear",
    Scale.LOG: "Logarithmic",
    Scale.REVERSE_LOG: "ReverseLogarithmic",
}
_ENOUGH = 1000


def write_ranges(
    space: Space, names: Mapping[str, str], left_out: list[str], *, grid: bool = False
) -> dict[str, Any]:
    """Write a space as `ParameterRanges`.

    Args:
        space: The dimensions.
        names: The script's name for a dimension where the two differ.
        left_out: Gets a sentence for everything that a range cannot say.
        grid: Whether every dimension has to be a category.
    """
    found: dict[str, list[dict[str, Any]]] = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    written: set[str] = set()
    for inner, dimension in space.dimensions.items():
        name = names.get(inner, inner)
        if name in written:
            left_out.append(f"{inner}: the request has a range called {name} already.")
            continue
        written.add(name)
        if dimension.when:
            left_out.append(f"{name}: its condition; the service varies every hyperparameter in every trial.")
        key, given = _range(name, dimension, left_out, grid=grid)
        found[key].append({"Name": name, **given})
    return {key: ranges for key, ranges in found.items() if ranges}


def text_of(value: Any) -> str:
    """Spell a value as a hyperparameter: texts verbatim, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def values_of(dimension: AnyDimension) -> list[Any] | None:
    """Return the values of a dimension, or `None` where they are too many to list."""
    if isinstance(dimension, Categorical):
        return list(dimension.choices)
    if isinstance(dimension, Discrete):
        return list(dimension.values)
    if isinstance(dimension, Float) and dimension.step is None:
        return [dimension.low] if dimension.low == dimension.high else None
    count = math.floor((dimension.high - dimension.low) / (dimension.step or 1) + 1e-9) + 1
    if count > _ENOUGH:
        return None
    return [dimension.low + index * (dimension.step or 1) for index in range(count)]


def _range(
    name: str, dimension: AnyDimension, left_out: list[str], *, grid: bool
) -> tuple[str, dict[str, Any]]:
    if isinstance(dimension, Float | Int) and not grid and not _is_odd(dimension):
        return _bounded(dimension)
    values = values_of(dimension)
    if values is not None and (len(values) <= MOST_VALUES or not isinstance(dimension, Float | Int)):
        left_out.extend(_said_otherwise(name, dimension, values))
        texts = list(dict.fromkeys(text_of(value) for value in values))[:MOST_VALUES]
        return "CategoricalParameterRanges", {"Values": texts}
    if not isinstance(dimension, Float | Int):
        raise TypeError("categories and discrete values can always be listed")
    if dimension.step not in {None, 1}:
        left_out.append(f"{name}: its step of {dimension.step}.")
    if dimension.scale not in _SCALES:
        left_out.append(f"{name}: its scale {dimension.scale}; it is linear in the request.")
    return _bounded(dimension)


def _is_odd(dimension: Float | Int) -> bool:
    """Whether a range of the service cannot say it."""
    stepped = dimension.step not in {None, 1} or (isinstance(dimension, Float) and dimension.step == 1)
    return stepped or dimension.low == dimension.high or dimension.scale not in _SCALES


def _bounded(dimension: Float | Int) -> tuple[str, dict[str, Any]]:
    key = "IntegerParameterRanges" if isinstance(dimension, Int) else "ContinuousParameterRanges"
    return key, {
        "MinValue": repr(dimension.low),
        "MaxValue": repr(dimension.high),
        "ScalingType": _SCALES.get(dimension.scale, "Linear"),
    }


def _said_otherwise(name: str, dimension: AnyDimension, values: list[Any]) -> Iterator[str]:
    if not isinstance(dimension, Categorical):
        yield f"{name}: the order of its values; they are categories in the request."
    elif dimension.has_objects:
        yield f"{name}: the objects behind its labels."
    elif not all(isinstance(value, str) for value in values):
        yield f"{name}: the types of its values; they are texts in the request."
    if len(values) > MOST_VALUES:
        yield f"{name}: all values but the first {MOST_VALUES}, which is what a range may hold."
