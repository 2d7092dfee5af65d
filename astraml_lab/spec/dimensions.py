"""The four kinds of dimension and their scales.

`Float`, `Int`, `Categorical` and `Discrete` are what a person writes and what is stored: frozen pydantic
models with positional constructors. The maths of the scales lives with its one user, `search.distributions`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    StrictFloat,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec._model import Model
from astraml_lab.spec.problems import FoundProblems, from_validation_error, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ParamValue = str | int | float | bool | None
"""What a parameter can be: JSON's scalars."""


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ValueError('a string, number, boolean or None; for other objects label them: {"relu": nn.ReLU}')


Scalar = Annotated[Any, AfterValidator(_scalar)]
"""One of JSON's scalars, its type kept."""
Number = Annotated[StrictInt | StrictFloat, Field(union_mode="left_to_right")]
Conditions = dict[str, tuple[Scalar, ...]]
_C = TypeVar("_C", bound="Callable[..., None]")


class Scale(StrEnum):
    """How a numeric dimension is spread out for the sampler."""

    LINEAR = "linear"
    LOG = "log"
    REVERSE_LOG = "reverse_log"
    """Dense near 1: log in 1 - x (SageMaker's ReverseLogarithmic; 0 <= low, high < 1)."""
    VERTEX_REVERSE_LOG = "vertex_reverse_log"
    """Dense near `high`: log in low + high - x (Vertex's UNIT_REVERSE_LOG_SCALE); imported requests only."""


def _not_for_pydantic(init: _C) -> _C:
    """Keep pydantic from routing *nested* validation through a positional constructor.

    It would stop at the first bad dimension; without this mark every mistake of a space is found at once.
    """
    init.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic's own mark, on functions only
    return init


class BaseDimension(Model, ABC):
    """What the four kinds share."""

    when: Conditions | None = None
    """Active only while every named parent has one of these values; `None` in the cell otherwise."""

    def _build(self, fields: dict[str, Any]) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            super().__init__(**given)
        except ValidationError as error:
            problems = from_validation_error(error, type(self))
            raise InvalidSpec(problems, subject=f"{type(self).__name__}(…)") from None

    @field_validator("when", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Read `{"optimizer": "sgd"}` as `{"optimizer": ["sgd"]}`."""
        if not isinstance(value, dict):
            return value
        return {
            name: tuple(given) if isinstance(given, list | tuple | set) else (given,)
            for name, given in value.items()
        }

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Return the words of the constructor call that makes it."""

    def __repr__(self) -> str:
        words = self._arguments()
        if self.when:
            plain = {name: given[0] if len(given) == 1 else list(given) for name, given in self.when.items()}
            words.append(f"when={plain!r}")
        return f"{type(self).__name__}({', '.join(words)})"

    __str__ = __repr__


class Float(BaseDimension):
    """A real number in [low, high].

    Args:
        low: Lower bound, included.
        high: Upper bound, included; with `step`, the last multiple at or below it.
        log: Short for `scale="log"`.
        step: Distance of the allowed values, counted from `low`; linear scale only.
        scale: `linear`, `log` (low > 0) or `reverse_log` (0 <= low, high < 1).
        when: Values of other dimensions under which this one is active.

    Raises:
        InvalidSpec: With every mistake in the arguments.
    """

    type: Literal["float"] = "float"
    low: Annotated[float, Field(strict=True)]
    high: Annotated[float, Field(strict=True)]
    scale: Scale = Scale.LINEAR
    step: Annotated[float, Field(gt=0, strict=True)] | None = None

    @_not_for_pydantic
    def __init__(
        self,
        low: float,
        high: float,
        *,
        log: bool = False,
        step: float | None = None,
        scale: Scale | str | None = None,
        when: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> None:
        scale = _scale(log=log, scale=scale)
        self._build(
            {"low": _one(low), "high": _one(high), "step": _one(step), "scale": scale, "when": when, **rest}
        )

    @model_validator(mode="after")
    def _check(self) -> Float:
        _check_range(self.low, self.high, self.scale, stepped=self.step is not None, integer=False)
        return self

    def _arguments(self) -> list[str]:
        step = [] if self.step is None else [f"step={self.step!r}"]
        return [repr(self.low), repr(self.high), *_scale_words(self.scale), *step]


class Int(BaseDimension):
    """A whole number in [low, high].

    Args:
        low: Lower bound, included.
        high: Upper bound, included.
        log: Short for `scale="log"`.
        step: Distance of the allowed values, counted from `low`; linear scale only.
        scale: `linear` or `log` (low >= 1).
        when: Values of other dimensions under which this one is active.

    Raises:
        InvalidSpec: With every mistake in the arguments.
    """

    type: Literal["int"] = "int"
    low: Annotated[int, Field(strict=True)]
    high: Annotated[int, Field(strict=True)]
    scale: Scale = Scale.LINEAR
    step: Annotated[int, Field(ge=1, strict=True)] = 1

    @_not_for_pydantic
    def __init__(
        self,
        low: int,
        high: int,
        *,
        log: bool = False,
        step: int | None = None,
        scale: Scale | str | None = None,
        when: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> None:
        scale = _scale(log=log, scale=scale)
        self._build(
            {"low": _one(low), "high": _one(high), "step": _one(step), "scale": scale, "when": when, **rest}
        )

    @model_validator(mode="after")
    def _check(self) -> Int:
        _check_range(self.low, self.high, self.scale, stepped=self.step != 1, integer=True)
        return self

    def _arguments(self) -> list[str]:
        step = [] if self.step == 1 else [f"step={self.step}"]
        return [repr(self.low), repr(self.high), *_scale_words(self.scale), *step]


class Categorical(BaseDimension):
    """One of several unordered choices.

    Args:
        choices: Strings, numbers, booleans or `None`; or a mapping of labels to any objects: the label is
            stored and shown, the object is handed to the code.
        when: Values of other dimensions under which this one is active.

    Raises:
        InvalidSpec: With every mistake in the arguments.
    """

    type: Literal["categorical"] = "categorical"
    choices: tuple[Scalar, ...]
    _objects: dict[str, Any] | None = PrivateAttr(default=None)

    @_not_for_pydantic
    def __init__(
        self,
        choices: Sequence[ParamValue] | Mapping[str, Any],
        *,
        when: Mapping[str, Any] | None = None,
        **rest: Any,
    ) -> None:
        labels = _plain(choices)
        self._build({"choices": labels, "when": when, **rest})
        if isinstance(choices, dict):
            self._objects = dict(choices)

    @model_validator(mode="after")
    def _check(self) -> Categorical:
        if not self.choices:
            raise FoundProblems([Problem("choices", "[]", "must hold at least one choice")])
        twice = _repeated(self.choices)
        if twice:
            raise FoundProblems(
                [Problem("choices", shown(twice), "each choice once (1, 1.0 and True are equal)")]
            )
        return self

    def decode(self, choice: ParamValue) -> Any:
        """Return what the code gets for a stored choice: the object behind a label, or the choice."""
        return choice if self._objects is None else self._objects[str(choice)]

    @property
    def has_objects(self) -> bool:
        """Whether the choices are labels of objects, which no store can keep."""
        return self._objects is not None

    def _arguments(self) -> list[str]:
        return [repr(list(self.choices))]


class Discrete(BaseDimension):
    """One of several numbers whose order means something.

    Args:
        values: Strictly increasing numbers.
        when: Values of other dimensions under which this one is active.

    Raises:
        InvalidSpec: With every mistake in the arguments.
    """

    type: Literal["discrete"] = "discrete"
    values: tuple[Number, ...]

    @_not_for_pydantic
    def __init__(
        self, values: Sequence[float], *, when: Mapping[str, Any] | None = None, **rest: Any
    ) -> None:
        self._build({"values": _plain(values), "when": when, **rest})

    @model_validator(mode="after")
    def _check(self) -> Discrete:
        if not self.values:
            raise FoundProblems([Problem("values", "[]", "must hold at least one number")])
        ordered = sorted(set(self.values))
        if list(self.values) != ordered:
            raise FoundProblems(
                [Problem("values", shown(list(self.values)), "must strictly increase", f"write {ordered}")]
            )
        return self

    def _arguments(self) -> list[str]:
        return [repr(list(self.values))]


Dimension = Annotated[Float | Int | Categorical | Discrete, Field(discriminator="type")]
AnyDimension = Float | Int | Categorical | Discrete
CONSTRUCTORS: tuple[type[AnyDimension], ...] = (Float, Int, Categorical, Discrete)


def _plain(values: Any) -> Any:
    """Read any listing of scalars as a tuple of Python's own (numpy's scalars have `item()`)."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        return values
    return tuple(_one(value) for value in values)


def _one(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _scale(*, log: bool, scale: Scale | str | None) -> Scale | str | None:
    if log and scale not in {None, Scale.LOG}:
        raise InvalidSpec([Problem("scale", shown(scale), "contradicts log=True")], subject="the dimension")
    return Scale.LOG if log else scale


def _scale_words(scale: Scale) -> list[str]:
    if scale is Scale.LINEAR:
        return []
    return ["log=True"] if scale is Scale.LOG else [f"scale={scale.value!r}"]


def _check_range(low: float, high: float, scale: Scale, *, stepped: bool, integer: bool) -> None:
    problems = []
    if low > high:
        problems.append(Problem("low", shown(low), f"must not be above high, {high}", "swap the two"))
    if scale is not Scale.LINEAR and stepped:
        problems.append(Problem("step", "", "goes with the linear scale only"))
    if scale is Scale.LOG and low <= 0:
        problems.append(Problem("low", shown(low), "must be above 0 on a log scale"))
    if scale is Scale.VERTEX_REVERSE_LOG and low <= 0:
        problems.append(Problem("low", shown(low), "must be above 0 on Vertex's reverse log scale"))
    if scale is Scale.REVERSE_LOG and integer:
        problems.append(Problem("scale", shown(scale), "reverse_log is for Float only"))
    elif scale is Scale.REVERSE_LOG and not (low >= 0 and high < 1):
        problems.append(Problem("scale", shown(scale), f"needs 0 <= low and high < 1, not [{low}, {high}]"))
    if not (math.isfinite(low) and math.isfinite(high)):
        problems.append(Problem("low", shown([low, high]), "bounds must be finite"))
    if problems:
        raise FoundProblems(problems)


def _repeated(choices: Sequence[ParamValue]) -> list[ParamValue]:
    return [choice for index, choice in enumerate(choices) if choice in choices[:index]]
