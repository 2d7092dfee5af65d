"""Points of elsewhere, measured against a space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.search.distributions import coding_of
from astraml_lab.spec import Categorical, Discrete, Float, Int, format_number, value_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.search.distributions import Coding
    from astraml_lab.spec import AnyDimension, ParamValue, Space

_LISTED = 4
"""So many choices are named."""


class Misfit(ValueError):
    """A point does not lie in the space; the message is a reason that many points may share."""


class Fitting:
    """Says whether points lie in a space.

    Args:
        space: The space.
        codings: Its dimensions in Optuna's terms, where somebody has them already.

    Raises:
        InvalidSpec: A range is more than any sampler can resolve.
    """

    def __init__(self, space: Space, codings: Mapping[str, Coding] | None = None) -> None:
        self._space = space
        self._codings = codings or {name: coding_of(name, each) for name, each in space.dimensions.items()}
        self._order = list(space.parents_first())

    def fit(self, params: Mapping[str, Any]) -> dict[str, ParamValue]:
        """Return the values of the names that play a part, as the space would have sampled them.

        Names that the space has not are dropped.

        Raises:
            Misfit: A name that plays a part has no value, or one that the space has not.
        """
        point: dict[str, ParamValue] = dict.fromkeys(self._codings)
        active = set()
        for name, dimension in self._order:
            if dimension.when and not self._space.is_active(name, point):
                continue
            if name not in params:
                raise Misfit(f"without {name}")
            point[name] = self._admit(name, dimension, params[name])
            active.add(name)
        return {name: value for name, value in point.items() if name in active}

    def _admit(self, name: str, dimension: AnyDimension, value: Any) -> ParamValue:
        try:
            return self._codings[name].admit(value)
        except (ValueError, TypeError):
            why = "" if value is None else _why_not(dimension, value)
            raise Misfit(f"{name} {why}" if why else f"without {name}") from None


def _why_not(dimension: AnyDimension, value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(dimension, Categorical):
        return f"not one of {_listed(dimension.choices)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not a number"
    if isinstance(dimension, Discrete):
        return f"not one of {_listed(dimension.values)}"
    if dimension.low <= value <= dimension.high:
        return _between(dimension)
    return f"outside {format_number(dimension.low)} … {format_number(dimension.high)}"


def _between(dimension: Float | Int) -> str:
    if dimension.step is None or dimension.step == 1:
        return "not a whole number"
    return f"between its steps of {format_number(dimension.step)}"


def _listed(values: Sequence[ParamValue]) -> str:
    more = " …" if len(values) > _LISTED else ""
    return ", ".join(value_words(value) for value in values[:_LISTED]) + more
