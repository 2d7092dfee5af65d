"""Dimensions as Optuna's distributions, and values there and back.

| dimension | Optuna's name | Optuna's distribution | value |
|---|---|---|---|
| Float, Int: linear, log; Categorical | `x` | the same | itself |
| Float, reverse_log | `__rlog__x` | y log-uniform on [1 - high, 1 - low] | 1 - y |
| Float, Int: vertex_reverse_log | `__vrlog__x` | y log-uniform on [low, high] | low + high - y; rounded |
| Discrete, Float with a step | `__idx__x` | an index, so that the order helps the sampler | the value there |

A stepped Float is an index because Optuna's own stepping loses the last step to rounding: of `Float(0, 7/3,
step=1/3)` it keeps 7 of 8 values, with a warning each time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, overload

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import Categorical, Discrete, Float, Int, Scale, shown

if TYPE_CHECKING:
    import optuna

    from astraml_lab.spec import AnyDimension, ParamValue, Space

_Range = FloatDistribution | IntDistribution
Distribution = _Range | CategoricalDistribution
EXACT = 2**53
"""Optuna keeps numbers as floats: whole ones are exact up to here."""
TINIEST, WIDEST = 1e-150, 1e150
"""Samplers square distances."""
_ON_STEP = 1e-8


class Coding(ABC):
    """One dimension in Optuna's terms.

    Attributes:
        name: Its name inside Optuna.
        distribution: Its distribution inside Optuna.
        plain: A distribution of the values that the user sees.
    """

    def __init__(self, name: str, distribution: Distribution, plain: Distribution) -> None:
        self.name = name
        self.distribution = distribution
        self.plain = plain

    @abstractmethod
    def to_internal(self, value: Any) -> Any:
        """Return what Optuna stores for an admitted value."""

    @abstractmethod
    def from_internal(self, raw: Any) -> ParamValue:
        """Return the user's value for what Optuna stores, never outside the bounds."""

    @abstractmethod
    def admit(self, value: Any) -> ParamValue:
        """Return `value` as this dimension would have sampled it.

        Raises:
            ValueError: It never would; the message says what is allowed.
        """

    @abstractmethod
    def values(self) -> Sequence[ParamValue] | None:
        """Return every value in order, or `None` where they do not end."""

    def sample(self, trial: optuna.Trial) -> Any:
        """Ask Optuna for a value, in its terms; the same again for a trial that has one."""
        its = self.distribution
        if isinstance(its, CategoricalDistribution):
            return trial.suggest_categorical(self.name, its.choices)
        if isinstance(its, IntDistribution):
            return trial.suggest_int(self.name, its.low, its.high, step=its.step, log=its.log)
        return trial.suggest_float(self.name, its.low, its.high, log=its.log)


class _Number(Coding):
    """A number that Optuna knows as itself."""

    def __init__(self, name: str, distribution: _Range) -> None:
        super().__init__(name, distribution, distribution)
        self._range = distribution

    def to_internal(self, value: Any) -> Any:
        return value

    def from_internal(self, raw: Any) -> ParamValue:
        return _like(self._range, raw)

    def admit(self, value: Any) -> ParamValue:
        return _within(self._range, value)

    def values(self) -> Sequence[ParamValue] | None:
        return _all_of(self._range)


class _Reversed(Coding):
    """A number whose distance from `origin` is what Optuna spreads evenly in its logarithm."""

    def __init__(self, name: str, origin: float, inner: _Range, plain: _Range) -> None:
        super().__init__(name, inner, plain)
        self._origin = origin
        self._inner = inner
        self._range = plain

    def to_internal(self, value: Any) -> Any:
        return min(max(self._origin - value, self._inner.low), self._inner.high)

    def from_internal(self, raw: Any) -> ParamValue:
        value = self._origin - raw
        if isinstance(self._range, IntDistribution):
            value = round(value)
        # origin - y can leave the interval by an ulp
        return _like(self._range, min(max(value, self._range.low), self._range.high))

    def admit(self, value: Any) -> ParamValue:
        return _within(self._range, value)

    def values(self) -> Sequence[ParamValue] | None:
        return _all_of(self._range)


class _Choice(Coding):
    """One of several choices."""

    def __init__(self, name: str, choices: Sequence[ParamValue]) -> None:
        distribution = CategoricalDistribution(choices)
        super().__init__(name, distribution, distribution)
        self._choices = tuple(choices)

    def to_internal(self, value: Any) -> Any:
        return value

    def from_internal(self, raw: Any) -> ParamValue:
        return self.admit(raw)

    def admit(self, value: Any) -> ParamValue:
        # By ==, as Optuna does: no two choices are equal, so this finds the one that is meant
        if value not in self._choices:
            raise ValueError(f"one of {shown(list(self._choices))}")
        return self._choices[self._choices.index(value)]

    def values(self) -> Sequence[ParamValue]:
        return self._choices


class _Indexed(Coding):
    """An ordered list of numbers, of which Optuna sees the index."""

    def __init__(self, name: str, listed: Sequence[float], plain: Distribution) -> None:
        super().__init__(name, IntDistribution(0, len(listed) - 1), plain)
        self._listed: Sequence[int | float] = listed

    def to_internal(self, value: Any) -> Any:
        return self._listed.index(value)

    def from_internal(self, raw: Any) -> ParamValue:
        return self._listed[int(raw)]

    def admit(self, value: Any) -> ParamValue:
        try:
            return self._listed[self._listed.index(_number(value))]
        except ValueError:
            raise ValueError(f"one of {self._spelled()}") from None

    def values(self) -> Sequence[ParamValue]:
        return self._listed

    def _spelled(self) -> str:
        return str(self._listed) if isinstance(self._listed, Steps) else shown(list(self._listed))


class Steps(Sequence[float]):
    """The values low, low + step … up to high, as a person writes them: 0.3, not 0.30000000000000004."""

    def __init__(self, low: float, high: float, step: float) -> None:
        self._low, self._step = Decimal(repr(low)), Decimal(repr(step))
        self._high = high
        # Bounds and step may be rounded thirds: a last step that misses `high` by rounding alone still counts
        self._count = math.floor((Decimal(repr(high)) - self._low) / self._step + Decimal(_ON_STEP)) + 1
        self._text = f"{low} to {high} in steps of {step}"

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return min(float(self._low + index * self._step), self._high)

    def index(self, value: float, start: int = 0, stop: int | None = None) -> int:
        """Return the position of the value that equals `value` but for rounding."""
        last = self._count if stop is None else min(stop, self._count)
        near = round((Decimal(repr(value)) - self._low) / self._step) if math.isfinite(value) else -1
        slack = _ON_STEP * float(self._step) + 4 * math.ulp(value)
        if not start <= near < last or abs(self[near] - value) > slack:
            raise ValueError(f"{value} is none of {self}")
        return near

    def __str__(self) -> str:
        return self._text


def coding_of(name: str, dimension: AnyDimension) -> Coding:
    """Say a dimension in Optuna's terms.

    Raises:
        InvalidSpec: Its range is more than any sampler can resolve.
    """
    unfit = _unfit(dimension)
    if unfit:
        raise InvalidSpec([Problem(name, str(dimension), unfit)], subject="the space")
    if isinstance(dimension, Categorical):
        return _Choice(name, dimension.choices)
    if isinstance(dimension, Discrete):
        # As numbers on a line; an explicit list of choices would lose the order in a chart
        span = FloatDistribution(dimension.values[0], dimension.values[-1])
        return _Indexed(f"__idx__{name}", dimension.values, span)
    if isinstance(dimension, Float) and dimension.step is not None:
        steps = Steps(dimension.low, dimension.high, dimension.step)
        return _Indexed(f"__idx__{name}", steps, FloatDistribution(dimension.low, dimension.high))
    plain = _plain(dimension)
    if dimension.scale is Scale.REVERSE_LOG:
        inner = FloatDistribution(1 - dimension.high, 1 - dimension.low, log=True)
        return _Reversed(f"__rlog__{name}", 1.0, inner, plain)
    if dimension.scale is Scale.VERTEX_REVERSE_LOG:
        # of whole numbers too: Optuna's own log of integers begins at low - 0.5, another curve
        mirrored = FloatDistribution(dimension.low, dimension.high, log=True)
        return _Reversed(f"__vrlog__{name}", plain.low + plain.high, mirrored, plain)
    return _Number(name, plain)


def space_problems(space: Space) -> list[Problem]:
    """Find every dimension whose range no sampler can resolve."""
    found = ((name, dimension, _unfit(dimension)) for name, dimension in space.dimensions.items())
    return [Problem(f"space.{name}", str(dimension), unfit) for name, dimension, unfit in found if unfit]


def _unfit(dimension: AnyDimension) -> str:
    if isinstance(dimension, Int) and max(abs(dimension.low), abs(dimension.high)) > EXACT:
        return f"whole numbers are exact up to 2**53 = {EXACT}"
    if isinstance(dimension, Float):
        width = dimension.high - dimension.low
        if dimension.step and width / dimension.step >= EXACT:
            return "more steps than a float can count"
        if (
            dimension.scale is Scale.LINEAR
            and not dimension.step
            and not (width == 0 or TINIEST <= width <= WIDEST)
        ):
            return f"a linear range is {TINIEST:g} to {WIDEST:g} wide, or a single value; or use log=True"
    return ""


def _plain(dimension: Float | Int) -> _Range:
    log = dimension.scale is Scale.LOG
    if isinstance(dimension, Float):
        return FloatDistribution(dimension.low, dimension.high, log=log)
    # Rounded down here, where Optuna would warn
    high = dimension.high - (dimension.high - dimension.low) % dimension.step
    return IntDistribution(dimension.low, high, log=log, step=dimension.step)


def _like(its: _Range, raw: Any) -> int | float:
    return int(raw) if isinstance(its, IntDistribution) else float(raw)


def _number(value: Any) -> float:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number")  # noqa: TRY004 - one kind of answer for every mistake
    return value


def _within(its: _Range, value: Any) -> int | float:
    whole = isinstance(its, IntDistribution)
    step = f" in steps of {its.step}" if isinstance(its, IntDistribution) and its.step != 1 else ""
    allowed = f"a {'whole ' if whole else ''}number from {its.low} to {its.high}{step}"
    try:
        number = _number(value)
    except ValueError:
        raise ValueError(allowed) from None
    if not its.low <= number <= its.high or (
        isinstance(its, IntDistribution) and (number - its.low) % its.step != 0
    ):
        raise ValueError(allowed)
    return _like(its, number)


def _all_of(its: _Range) -> Sequence[ParamValue] | None:
    if isinstance(its, IntDistribution):
        return range(its.low, its.high + 1, its.step)
    return (its.low,) if its.low == its.high else None
