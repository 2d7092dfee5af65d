"""The search space: dimensions by name, and the conditions between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, RootModel, model_validator

from astraml_lab.errors import Problem
from astraml_lab.spec.dimensions import AnyDimension, Categorical, Dimension, Discrete, Float, Int, ParamValue
from astraml_lab.spec.problems import FoundProblems, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Space(RootModel[dict[str, Dimension]]):
    """The dimensions of a search by name, in the order in which they were written.

    Raises:
        ValidationError: A condition names no parent, a parent's impossible value, or itself in a circle.
    """

    model_config = ConfigDict(frozen=True)
    root: dict[str, Dimension] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_conditions(self) -> Space:
        problems = [p for name, dimension in self.root.items() for p in self._problems_of(name, dimension)]
        if not problems:
            circle = self._circle()
            problems = [Problem(circle, "", "a condition must not depend on itself")] if circle else []
        if problems:
            raise FoundProblems(problems)
        return self

    @property
    def dimensions(self) -> dict[str, AnyDimension]:
        """The dimensions by name."""
        return self.root

    def __len__(self) -> int:
        return len(self.root)

    def __contains__(self, name: object) -> bool:
        return name in self.root

    def __getitem__(self, name: str) -> AnyDimension:
        return self.root[name]

    def names(self) -> list[str]:
        """Return the names in the order in which they were written."""
        return list(self.root)

    def parents_first(self) -> Iterator[tuple[str, AnyDimension]]:
        """Yield every dimension after those that its `when` names; otherwise as written."""
        done: set[str] = set()
        waiting = list(self.root)
        while waiting:
            name = next(n for n in waiting if all(p in done for p in self.root[n].when or ()))
            waiting.remove(name)
            done.add(name)
            yield name, self.root[name]

    def is_active(self, name: str, params: Mapping[str, Any]) -> bool:
        """Whether `name` plays a part, given its parents' values; an inactive parent has the value `None`."""
        when = self.root[name].when or {}
        return all(
            params.get(parent) in allowed and not self._is_off(parent, params)
            for parent, allowed in when.items()
        )

    def with_objects(self) -> tuple[str, ...]:
        """Return the dimensions whose choices are labels of objects."""
        return tuple(
            name for name, each in self.root.items() if isinstance(each, Categorical) and each.has_objects
        )

    def decode(self, params: Mapping[str, ParamValue]) -> dict[str, Any]:
        """Return the objects that the code gets for stored values."""
        return {
            name: dimension.decode(value)
            if isinstance(dimension, Categorical) and value is not None
            else value
            for name, value in params.items()
            for dimension in (self.root.get(name),)
        }

    def _is_off(self, name: str, params: Mapping[str, Any]) -> bool:
        return self.root[name].when is not None and not self.is_active(name, params)

    def _problems_of(self, name: str, dimension: AnyDimension) -> Iterator[Problem]:
        for parent, wanted in (dimension.when or {}).items():
            path = f"{name}.when.{parent}"
            found = self.root.get(parent)
            if found is None:
                others = [other for other in self.root if other != name]
                yield Problem(path, "", "names no dimension of this space", nearest(parent, others))
            elif isinstance(found, Float):
                yield Problem(
                    path, "", "the parent of a condition is a Categorical, Int or Discrete, not a Float"
                )
            else:
                bad = [value for value in wanted if not _possible(found, value)]
                if bad or not wanted:
                    yield Problem(path, shown(bad), f"{parent} is {_domain(found)}")

    def _circle(self) -> str | None:
        """Return the names of a circle of conditions, `a -> b -> a`."""
        for start in self.root:
            trail, queue = [start], list(self.root[start].when or ())
            while queue:
                name = queue.pop()
                trail.append(name)
                if name == start:
                    return " -> ".join(trail)
                if len(trail) > len(self.root) + 1:
                    break
                queue += list(self.root[name].when or ())
        return None


def _possible(dimension: Int | Categorical | Discrete, value: ParamValue) -> bool:
    if isinstance(dimension, Categorical):
        return value in dimension.choices
    if isinstance(dimension, Discrete):
        return value in dimension.values
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return dimension.low <= value <= dimension.high and (value - dimension.low) % dimension.step == 0


def _domain(dimension: Int | Categorical | Discrete) -> str:
    if isinstance(dimension, Int):
        step = f" in steps of {dimension.step}" if dimension.step != 1 else ""
        return f"a whole number from {dimension.low} to {dimension.high}{step}"
    values = dimension.choices if isinstance(dimension, Categorical) else dimension.values
    return "one of " + shown(list(values))
