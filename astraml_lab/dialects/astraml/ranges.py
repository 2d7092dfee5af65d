"""Ranges and choices in place of values: the part of a request that is tuned."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.problem import Mistake, pointer
from astraml_lab.dialects.astraml.shape import is_choices, is_interval, whole
from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import Categorical, Discrete, Float, Int, Scale, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import AnyDimension

LEAST = {"batch_size": 1, "epochs": 1, "gradient_accumulation_steps": 1, "early_stopping.patience": 0}
"""The hyperparameters that are whole numbers, with their least value."""
_MOST_STEPS = 2**53
"""Numbers next to each other are no finer."""
POSITIVE = "lr"
"""The hyperparameter that is a number above 0."""


class BadRange(ValueError):
    """A range cannot be searched; the message says why."""


def leaves(hyperparams: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield hyperparameters by dotted name; `early_stopping: null` is one of its own."""
    for name, value in hyperparams.items():
        if name == "early_stopping" and isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())
        else:
            yield name, value


def leaf_pointer(name: str) -> str:
    """Return where a hyperparameter of that dotted name stands in a request."""
    head, _, inner = name.partition(".")
    return (
        pointer("hyperparams", head, inner)
        if head == "early_stopping" and inner
        else pointer("hyperparams", name)
    )


def is_searched(value: Any) -> bool:
    """Whether a value is a range or choices."""
    return is_interval(value) or is_choices(value)


def dimension_of(name: str, value: Mapping[str, Any]) -> AnyDimension:
    """Make a dimension of a range or choices of the right form.

    Raises:
        BadRange: It cannot be searched.
    """
    try:
        return _categorical(name, value["choices"]) if is_choices(value) else _numeric(name, value)
    except InvalidSpec as error:
        raise BadRange("; ".join(str(problem) for problem in error.problems)) from None


def range_mistakes(hyperparams: Mapping[str, Any]) -> list[Mistake]:
    """Find the ranges of a well-formed request that cannot be searched."""
    found = []
    for name, value in leaves(hyperparams):
        try:
            if is_searched(value):
                dimension_of(name, value)
        except BadRange as error:
            found.append(Mistake(leaf_pointer(name), str(error), code="invalid-range"))
    return found


def grid_size(space: Mapping[str, AnyDimension]) -> int:
    """Return how many points a grid over a space of finite dimensions has."""
    return math.prod(_count(dimension) for dimension in space.values())


def rendered(name: str, dimension: AnyDimension) -> dict[str, Any]:
    """Return a dimension as a member of `search_space`."""
    if isinstance(dimension, Float | Int):
        step = dimension.step if isinstance(dimension, Float) or dimension.step != 1 else None
        found = {"name": name, "type": dimension.type, "low": dimension.low, "high": dimension.high}
        return {**found, "scale": dimension.scale.value, **({} if step is None else {"step": step})}
    choices = dimension.choices if isinstance(dimension, Categorical) else dimension.values
    return {"name": name, "type": "categorical", "choices": list(choices)}


def top(dimension: AnyDimension) -> float | None:
    """Return the largest number that a dimension can be; None where it holds none."""
    if isinstance(dimension, Float | Int):
        return dimension.high
    values = dimension.choices if isinstance(dimension, Categorical) else dimension.values
    return max((each for each in values if _is_number(each)), default=None)


def _count(dimension: AnyDimension) -> int:
    if isinstance(dimension, Categorical):
        return len(dimension.choices)
    if isinstance(dimension, Discrete):
        return len(dimension.values)
    step = dimension.step or math.inf
    return 1 + round((dimension.high - dimension.low) / step)


def _categorical(name: str, choices: list[Any]) -> Categorical:
    if name in LEAST:
        choices = [int(each) for each in choices]
        if min(choices) < LEAST[name]:
            raise BadRange(f"every choice is {LEAST[name]} or more")
    elif name == POSITIVE and not all(_is_number(each) and each > 0 for each in choices):
        raise BadRange("every choice is a number above 0")
    return Categorical(choices)


def _numeric(name: str, value: Mapping[str, Any]) -> Float | Int:
    low, high, scale = value["min"], value["max"], Scale(value.get("scale", "linear"))
    kind = _kind(name, value)
    if low >= high:
        raise BadRange(f"min {low} is not below max {high}")
    _check_scale(scale, low, high, kind, stepped="step" in value)
    _check_domain(name, low)
    if kind == "int":
        low, high, step = (_whole(name, value, key) for key in ("min", "max", "step"))
        return Int(low, low + (high - low) // step * step, scale=scale, step=step)
    if "step" not in value:
        return Float(float(low), float(high), scale=scale)
    if (high - low) / _MOST_STEPS > value["step"]:
        raise BadRange(f"step {shown(value['step'])} is too fine to count from {shown(low)} to {shown(high)}")
    return Float(float(low), _last(low, high, value["step"]), step=float(value["step"]))


def _kind(name: str, value: Mapping[str, Any]) -> str:
    said = value.get("type")
    if name in LEAST:
        if said == "float":
            raise BadRange(f"{name} is a whole number; leave type out")
        return "int"
    if name == POSITIVE:
        return said or "float"
    integers = all(isinstance(value[key], int) for key in ("min", "max"))
    return said or ("int" if integers else "float")


def _check_scale(scale: Scale, low: float, high: float, kind: str, *, stepped: bool) -> None:
    if stepped and scale is not Scale.LINEAR:
        raise BadRange(f"step goes with the linear scale, not {scale.value}")
    if scale is Scale.LOG and low <= 0:
        raise BadRange(f"a log scale needs min above 0, not {low}")
    if scale is Scale.REVERSE_LOG and (kind == "int" or low < 0 or high >= 1):
        raise BadRange(f"reverse_log is for real numbers with 0 <= min and max < 1, not [{low}, {high}]")


def _check_domain(name: str, low: float) -> None:
    if name in LEAST and low < LEAST[name]:
        raise BadRange(f"min {low} is below {LEAST[name]}")
    if name == POSITIVE and low <= 0:
        raise BadRange(f"lr is above 0; min is {low}")


def _whole(name: str, value: Mapping[str, Any], key: str) -> int:
    given = value.get(key, 1)
    if not whole(given):
        hint = "" if name in LEAST else ', or "type": "float"'
        raise BadRange(f"{key} {shown(given)} of a range of whole numbers is one itself{hint}")
    return int(given)


def _last(low: float, high: float, step: float) -> float:
    """Return the last `low + k * step` at or below `high`, in decimal: 0.1 + 2 * 0.1 is 0.3."""
    first, last, width = (Decimal(repr(float(each))) for each in (low, high, step))
    return float(first + (last - first) // width * width)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
