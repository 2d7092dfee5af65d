"""Hyperparameter ranges: from the strings of a request to bounds and a scale.

`Auto`, or no scale at all, is decided here once, by a rule of ours, as the service publishes none:
logarithmic where Min > 0 and Max / Min >= 100, else linear.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.errors import invalid
from astraml_lab.spec import AnyDimension, Categorical, Float, Int, Scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SCALES = {
    "Linear": Scale.LINEAR,
    "Logarithmic": Scale.LOG,
    "ReverseLogarithmic": Scale.REVERSE_LOG,
}
_WIDE = Decimal(100)
_EXACT = Context(prec=600)
"""More than the digits that a bound may have, doubled."""
MOST_RANGES = 30
MOST_HYPERPARAMETERS = 100


@dataclass(frozen=True)
class Range:
    """One hyperparameter that varies.

    Attributes:
        name: Its name.
        path: Where the request says it.
        dimension: What it becomes.
        auto: Whether the scale was left to the service.
    """

    name: str
    path: str
    dimension: AnyDimension
    auto: bool = False

    @property
    def kind(self) -> str:
        """The type in the vendor-neutral words of an outcome: int, float or categorical."""
        return self.dimension.type

    @property
    def scale(self) -> Scale | None:
        """The scale of a number."""
        return self.dimension.scale if isinstance(self.dimension, Float | Int) else None

    @property
    def size(self) -> float:
        """How many values there are."""
        if isinstance(self.dimension, Categorical):
            return len(self.dimension.choices)
        if isinstance(self.dimension, Int):
            return self.dimension.high - self.dimension.low + 1
        return math.inf


def read_ranges(ranges: Mapping[str, Any], path: str) -> tuple[Range, ...]:
    """Read the ranges at `path`: integers, then other numbers, then categories.

    Raises:
        SageMakerError: A range is wrong, or its name is used twice.
    """
    if ranges.get("AutoParameters"):
        raise invalid(
            f"{path}.AutoParameters",
            "AutoParameters is not supported: the service chooses these ranges by unpublished rules. "
            "Write explicit ranges.",
        )
    found = (
        *_each(ranges, path, "IntegerParameterRanges", _integers),
        *_each(ranges, path, "ContinuousParameterRanges", _decimals),
        *_each(ranges, path, "CategoricalParameterRanges", _choices),
    )
    seen: set[str] = set()
    for each in found:
        if each.name in seen:
            raise invalid(
                f"{each.path}.Name", f"The hyperparameter '{each.name}' is in more than one parameter range."
            )
        seen.add(each.name)
    return found


def check_names(ranges: Sequence[Range], static: Mapping[str, str], path: str) -> None:
    """Refuse too many hyperparameters, and one that varies and is static too.

    Raises:
        SageMakerError: Naming the range, or all of them.
    """
    for each in ranges:
        if each.name in static:
            raise invalid(
                f"{each.path}.Name",
                f"The hyperparameter '{each.name}' is in the parameter ranges and in StaticHyperParameters.",
            )
    if len(ranges) > MOST_RANGES:
        raise invalid(
            path, f"The number of parameter ranges, {len(ranges)}, is more than the limit of {MOST_RANGES}."
        )
    # 1: the service adds the name of the objective to what every training job gets
    total = len(ranges) + len(static) + 1
    if total > MOST_HYPERPARAMETERS:
        raise invalid(
            path,
            f"The number of tunable and static hyperparameters, {total}, "
            f"is more than the limit of {MOST_HYPERPARAMETERS}.",
        )


def _each(ranges: Mapping[str, Any], path: str, key: str, read: Any) -> Iterator[Range]:
    for index, given in enumerate(ranges.get(key, ())):
        yield read(given, f"{path}.{key}[{index}]")


def _integers(given: Mapping[str, Any], path: str) -> Range:
    if given.get("ScalingType") == "ReverseLogarithmic":
        raise invalid(
            f"{path}.ScalingType", "ReverseLogarithmic scaling is for continuous parameter ranges only."
        )
    texts = _bounds(given, path, _INTEGER, "an integer")
    low, high = (int(text) for text in texts)
    _check_order(low, high, texts, path)
    scale, auto = _scale(given, low, texts)
    if scale is Scale.LOG and low < 1:
        raise _outside(path, "Logarithmic scaling needs a MinValue of 1 or more", texts)
    return Range(given["Name"], path, Int(low, high, scale=scale), auto)


def _decimals(given: Mapping[str, Any], path: str) -> Range:
    texts = _bounds(given, path, _DECIMAL, "a finite number")
    low, high = (float(text) for text in texts)
    for key, value, text in (("MinValue", low, texts[0]), ("MaxValue", high, texts[1])):
        if not math.isfinite(value):
            raise invalid(f"{path}.{key}", f"{key} '{text}' is not a finite number.")
    _check_order(low, high, texts, path)
    scale, auto = _scale(given, low, texts)
    if scale is Scale.LOG and low <= 0:
        raise _outside(path, "Logarithmic scaling needs a MinValue greater than 0", texts)
    if scale is Scale.REVERSE_LOG and not (low >= 0 and high < 1):
        raise _outside(path, "ReverseLogarithmic scaling needs a range within 0 <= x < 1.0", texts)
    return Range(given["Name"], path, Float(low, high, scale=scale), auto)


def _choices(given: Mapping[str, Any], path: str) -> Range:
    values = given["Values"]
    twice = [value for index, value in enumerate(values) if value in values[:index]]
    if twice:
        raise invalid(f"{path}.Values", f"The categorical value '{twice[0]}' is listed more than once.")
    return Range(given["Name"], path, Categorical(tuple(values)))


def _bounds(given: Mapping[str, Any], path: str, form: re.Pattern[str], what: str) -> tuple[str, str]:
    for key in ("MinValue", "MaxValue"):
        if not form.fullmatch(given[key]):
            raise invalid(f"{path}.{key}", f"{key} '{given[key]}' is not {what}.")
    return given["MinValue"], given["MaxValue"]


def _check_order(low: float, high: float, texts: tuple[str, str], path: str) -> None:
    if low >= high:
        raise invalid(f"{path}.MinValue", f"MinValue '{texts[0]}' must be less than MaxValue '{texts[1]}'.")


def _scale(given: Mapping[str, Any], low: float, texts: tuple[str, str]) -> tuple[Scale, bool]:
    named = _SCALES.get(given.get("ScalingType", "Auto"))
    if named is not None:
        return named, False
    # in decimals: 0.3 / 0.003 is 100, and a little less in binary
    wide = low > 0 and Decimal(texts[1]) >= _EXACT.multiply(_WIDE, Decimal(texts[0]))
    return (Scale.LOG if wide else Scale.LINEAR), True


def _outside(path: str, rule: str, texts: tuple[str, str]) -> Exception:
    return invalid(f"{path}.ScalingType", f"{rule}, not [{texts[0]}, {texts[1]}].")
