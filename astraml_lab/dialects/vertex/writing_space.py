"""Our dimensions -> ParameterSpecs: conditions become a tree."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.parameters import SAME
from astraml_lab.dialects.vertex.rules import MOST_VALUES
from astraml_lab.spec import Categorical, Discrete, Float, Int, Scale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.spec import AnyDimension, ParamValue, Space

_SCALES = {Scale.LOG: "UNIT_LOG_SCALE", Scale.VERTEX_REVERSE_LOG: "UNIT_REVERSE_LOG_SCALE"}
_CONDITIONS = {
    "integerValueSpec": "parentIntValues",
    "discreteValueSpec": "parentDiscreteValues",
    "categoricalValueSpec": "parentCategoricalValues",
}


def write_parameters(
    space: Space, names: Mapping[str, str], left_out: list[str], *, grid: bool
) -> list[dict[str, Any]]:
    """Write a space.

    Args:
        space: The dimensions.
        names: What the script calls a dimension, where the two differ.
        left_out: Takes a sentence for each thing that a ParameterSpec cannot say.
        grid: Whether the strategy is a grid, which takes no DOUBLE.
    """
    top: list[dict[str, Any]] = []
    written: dict[str, dict[str, Any]] = {}
    for name, dimension in space.parents_first():
        shown = names.get(name, name)
        spec = {"parameterId": _id(shown, left_out), **_values(shown, dimension, left_out, grid=grid)}
        written[name] = spec
        parent = _parent(name, dimension, space, left_out)
        if parent is None:
            top.append(spec)
            continue
        above = written[parent]
        condition = next(_CONDITIONS[kind] for kind in _CONDITIONS if kind in above)
        values = [_of(space[parent], value) for value in (dimension.when or {})[parent]]
        above.setdefault("conditionalParameterSpecs", []).append(
            {condition: {"values": values}, "parameterSpec": spec}
        )
    return top


def _id(name: str, left_out: list[str]) -> str:
    plain = "".join("_" if letter.isspace() else letter for letter in name)
    if plain != name:
        left_out.append(f"The name {name!r}: it is {plain!r} in the request.")
    return plain


def _parent(name: str, dimension: AnyDimension, space: Space, left_out: list[str]) -> str | None:
    """Return the dimension under which one stands: of several, the one that depends on the others."""
    parents = list(dimension.when or {})
    if len(parents) <= 1:
        return parents[0] if parents else None
    deepest = next(
        (one for one in parents if all(_implies(one, other, name, space) for other in parents)), None
    )
    if deepest is None:
        left_out.append(
            f"{name}: of its conditions only the one on {parents[0]}; a tree has one parent each."
        )
        return parents[0]
    return deepest


def _implies(one: str, other: str, name: str, space: Space) -> bool:
    """Whether `one` is active only where `other` has values that `name` needs."""
    needed = (space[name].when or {})[other]
    return one == other or set((space[one].when or {}).get(other, ("", object()))) <= set(needed)


def _values(name: str, dimension: AnyDimension, left_out: list[str], *, grid: bool) -> dict[str, Any]:
    if isinstance(dimension, Categorical):
        return {"categoricalValueSpec": {"values": _texts(name, dimension.choices, left_out)}}
    listed = _listed(dimension, grid=grid)
    if listed is not None and len(listed) <= MOST_VALUES and all(b - a >= SAME for a, b in pairwise(listed)):
        return {"discreteValueSpec": {"values": listed}}
    if listed is not None:
        left_out.append(f"{name}: its list of values; any value between the two ends is allowed there.")
    if isinstance(dimension, Discrete):
        return _bounded("doubleValueSpec", float(dimension.values[0]), float(dimension.values[-1]))
    kind = "integerValueSpec" if isinstance(dimension, Int) else "doubleValueSpec"
    written = _bounded(kind, dimension.low, dimension.high)
    if dimension.scale in _SCALES:
        written["scaleType"] = _SCALES[dimension.scale]
    elif dimension.scale is not Scale.LINEAR:
        left_out.append(f"{name}: its scale, {dimension.scale}; it is linear in the request.")
    return written


def _bounded(kind: str, low: float, high: float) -> dict[str, Any]:
    return {kind: {"minValue": low, "maxValue": high}}


def _listed(dimension: Float | Int | Discrete, *, grid: bool) -> list[float] | None:
    """Return the values of a dimension that is no whole range."""
    if isinstance(dimension, Discrete):
        return [float(value) for value in dimension.values]
    if isinstance(dimension, Int):
        if dimension.step == 1:
            return None
        return [
            float(value)
            for value in range(dimension.low, dimension.high + 1, dimension.step)[: MOST_VALUES + 1]
        ]
    if dimension.step is None:
        return [dimension.low] if grid and dimension.low == dimension.high else None
    count = int((dimension.high - dimension.low) / dimension.step * (1 + 1e-12) + 1e-9)
    return [dimension.low + index * dimension.step for index in range(min(count, MOST_VALUES) + 1)]


def _texts(name: str, choices: Sequence[ParamValue], left_out: list[str]) -> list[str]:
    texts = [_text(choice) for choice in choices]
    if any(not isinstance(choice, str) for choice in choices):
        left_out.append(f"{name}: its choices are text in the request.")
    return list(dict.fromkeys(texts))


def _text(choice: ParamValue) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _of(parent: AnyDimension, value: ParamValue) -> Any:
    """Write a value that a parent must have as the parent's own spec does."""
    if isinstance(parent, Categorical):
        return _text(value)
    whole = isinstance(parent, Int) and parent.step == 1
    return value if whole else float(value)  # type: ignore[arg-type]  # a number of a Discrete or a stepped Int
