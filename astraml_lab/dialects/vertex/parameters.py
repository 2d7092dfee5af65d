"""The tree of parameters: each with the branch on which it is active and its name in the search."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Branch = tuple[float, ...] | tuple[str, ...]
KINDS = {
    "doubleValueSpec": "double",
    "integerValueSpec": "integer",
    "categoricalValueSpec": "categorical",
    "discreteValueSpec": "discrete",
}
CONDITIONS = {
    "parentDiscreteValues": "discrete",
    "parentIntValues": "integer",
    "parentCategoricalValues": "categorical",
}
SAME = 1e-10
"""Two discrete values closer than this are one."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """One ParameterSpec where it stands.

    Attributes:
        path: Its path in the request.
        spec: What it says.
        id: What the script calls it.
        kind: double, integer, categorical or discrete; empty if it says none.
        domain: Its value spec.
        parent: The parameter on whose value it depends.
        condition: Which condition it depends by; empty at the top level or if none is given.
        branch: The parent's values under which it is active.
    """

    path: str
    spec: Mapping[str, Any]
    id: str
    kind: str
    domain: Mapping[str, Any]
    parent: Parameter | None = None
    condition: str = ""
    branch: Branch = ()

    @property
    def low(self) -> float:
        """Its smallest number."""
        if self.kind == "discrete":
            return float(self.domain["values"][0])
        return float(self.domain["minValue"])

    @property
    def scale(self) -> str:
        """Its scale; unspecified is linear."""
        given = self.spec.get("scaleType", "SCALE_TYPE_UNSPECIFIED")
        return "UNIT_LINEAR_SCALE" if given == "SCALE_TYPE_UNSPECIFIED" else str(given)

    def needs(self) -> list[float | str]:
        """Return the parent's own values that activate it, each once (a condition may be 1e-10 off)."""
        if self.parent is None:
            return []
        own = self.branch if self.parent.kind == "integer" else self.parent.domain["values"]
        found = [next((one for one in own if same(one, value)), value) for value in self.branch]
        return list(dict.fromkeys(found))

    def chain(self) -> Iterator[tuple[Parameter, Branch]]:
        """Yield the parameters that it depends on, the nearest first, with the values that they must have."""
        each: Parameter = self
        while each.parent is not None:
            yield each.parent, each.branch
            each = each.parent

    def excludes(self, other: Parameter) -> bool:
        """Whether the two are never active at once: some common ancestor needs different values for them."""
        mine = {id(parent): branch for parent, branch in self.chain()}
        return any(
            id(parent) in mine and not any(same(a, b) for a in mine[id(parent)] for b in branch)
            for parent, branch in other.chain()
        )


def same(first: float | str, second: float | str) -> bool:
    """Whether two values of a parameter are one."""
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    return abs(first - second) < SAME


def walk(specs: Sequence[Mapping[str, Any]]) -> list[Parameter]:
    """List the parameters of a study, parents first, otherwise as written."""
    return [
        found
        for index, spec in enumerate(specs)
        for found in _below(_parameter(spec, f"studySpec.parameters[{index}]", None, "", ()))
    ]


def names(parameters: Sequence[Parameter]) -> list[str]:
    """Name each parameter for the search: by its id, and where an id occurs twice by its branch too.

    `batch_size=32|64/decay` is the `decay` of the branch where `batch_size` is 32 or 64.
    """
    times = Counter(each.id for each in parameters)
    found: dict[int, str] = {}
    for each in parameters:
        branch = ""
        if each.parent is not None and times[each.id] > 1:
            branch = f"{found[id(each.parent)]}={'|'.join(map(plain, each.needs()))}/"
        found[id(each)] = branch + each.id
    return list(found.values())


def plain(value: float | str) -> str:
    """Spell a value as it is handed to a script: `32.0` is `32`."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:  # noqa: PLR2004 - repr's own limit
        return str(int(value))
    return str(value)


def grid_size(parameters: Sequence[Parameter]) -> int:
    """Return how many points a grid over the tree of conditions has."""
    children: dict[int, list[Parameter]] = {}
    for each in parameters:
        children.setdefault(id(each.parent), []).append(each)

    @cache  # a child of several values is counted once, or a deep tree takes years
    def points(parameter: Parameter) -> int:
        below = children.get(id(parameter), [])
        special = {value for child in below for value in child.needs()}
        total = _count(parameter) - len(special)
        for value in special:
            total += math.prod(points(child) for child in below if value in child.needs())
        return total

    return math.prod(points(top) for top in children.get(id(None), []))


def _count(parameter: Parameter) -> int:
    if parameter.kind == "integer":
        return int(parameter.domain["maxValue"] - parameter.domain["minValue"]) + 1
    return len(parameter.domain["values"])


def _below(parameter: Parameter) -> Iterator[Parameter]:
    yield parameter
    for index, item in enumerate(parameter.spec.get("conditionalParameterSpecs", ())):
        path = f"{parameter.path}.conditionalParameterSpecs[{index}]"
        condition = next((name for name in CONDITIONS if name in item), "")
        branch = tuple(item[condition]["values"]) if condition else ()
        spec = item["parameterSpec"]
        yield from _below(_parameter(spec, f"{path}.parameterSpec", parameter, condition, branch))


def _parameter(
    spec: Mapping[str, Any], path: str, parent: Parameter | None, condition: str, branch: Branch
) -> Parameter:
    word = next((name for name in KINDS if name in spec), "")
    return Parameter(
        path=path,
        spec=spec,
        id=spec["parameterId"],
        kind=KINDS.get(word, ""),
        domain=spec.get(word, {}),
        parent=parent,
        condition=condition,
        branch=branch,
    )
