"""Which columns of a table are parameters and metrics, and the space that the parameters span."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Problem
from astraml_lab.search import space_problems
from astraml_lab.spec import Categorical, Float, Int, Space, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.jobs.import_shapes import Roles
    from astraml_lab.jobs.import_tables import Table
    from astraml_lab.spec import AnyDimension, Objective

_WIDE = 100
"""A range of positive numbers is searched in its logarithm from this ratio on."""
_TEXTS = 50
"""More different texts than these, in more than half of the rows, are no choices but remarks."""
_NAMED = 6
_SCALARS = (bool, int, float, str)


class Columns:
    """Which columns are parameters and metrics, and what each parameter ranges over.

    Attributes:
        problems: What is wrong with it; with any, the other attributes say nothing.
        params: The cells of each parameter.
        metrics: The cells of each metric.
        space: What the parameters range over: as given, or inferred from the values.
    """

    def __init__(
        self,
        table: Table,
        roles: Roles,
        objectives: Sequence[Objective],
        *,
        space: Space,
        params: Sequence[str],
    ) -> None:
        wanted = space.names() or [*params]
        self.problems = [
            Problem(name, "", "is no dimension of the given space")
            for name in params
            if len(space) and name not in space
        ]
        self._left_out: dict[str, str] = {}
        self._kind = roles.kind
        known = {**roles.free, **roles.metrics, **(roles.params or {})}
        tuned = {objective.metric for objective in objectives}
        named = self._named(wanted, known, tuned) if wanted else dict(roles.params or {})
        guessed = {} if wanted or roles.params is not None else _candidates(roles, tuned)
        self.params: dict[str, list[Any]] = {}
        dimensions: dict[str, AnyDimension] = {}
        for name, column in {**named, **guessed}.items():
            cells = [finite_or_none(cell) for cell in table.columns[column]]
            dimension = space[name] if name in space else _dimension(name, cells)
            if isinstance(dimension, str):
                self._refuse(name, dimension, said=name in wanted)
            else:
                self.params[name] = cells
                dimensions[name] = dimension
        self.space = space if len(space) else Space(dimensions)
        if not self.params and not self.problems:
            self.problems.append(Problem("params", "", "no column is left that could be a parameter"))
        settled = bool(wanted) or roles.params is not None or roles.ordered
        others = {**roles.free, **roles.metrics}
        self.metrics = {
            name: table.columns[column]
            for name, column in others.items()
            if name in tuned or (settled and name not in self.params and _is_numeric(table.columns[column]))
        }

    def notes(self) -> tuple[str, ...]:
        """Return what was made of the columns, in sentences."""
        notes = [f"read as {self._kind} with parameters {', '.join(self.params)}"]
        if self._left_out:
            some = [f"{name} ({why})" for name, why in list(self._left_out.items())[:_NAMED]]
            more = ", …" if len(self._left_out) > _NAMED else ""
            notes.append(f"left out: {', '.join(some)}{more}")
        return tuple(notes)

    def _named(self, wanted: Sequence[str], known: Mapping[str, str], tuned: set[str]) -> dict[str, str]:
        for name in wanted:
            if name not in known:
                hint = nearest(name, known) or f"there are {', '.join(list(known)[:12])}"
                self.problems.append(Problem(name, "", "no such column", hint))
            elif name in tuned:
                self.problems.append(Problem(name, "", "cannot be both a parameter and what was tuned"))
        return {name: known[name] for name in wanted if name in known}

    def _refuse(self, name: str, why: str, *, said: bool) -> None:
        if said:
            self.problems.append(Problem(name, "", f"cannot be a parameter: {why}"))
        else:
            self._left_out[name] = why


def _candidates(roles: Roles, tuned: set[str]) -> dict[str, str]:
    """Return the columns that are parameters because nothing else is known of them."""
    free = list(roles.free.items())
    if roles.ordered:
        end = next((index for index, (name, _) in enumerate(free) if name in tuned), len(free))
        free = free[:end]
    return {name: column for name, column in free if name not in tuned}


def _dimension(name: str, cells: Sequence[Any]) -> AnyDimension | str:
    """Return what a column ranges over, or why it is no parameter."""
    given = [cell for cell in cells if cell is not None]
    if not given:
        return "blank"
    if not all(isinstance(cell, _SCALARS) for cell in given):
        return "no numbers, texts or truths"
    kinds = {type(cell) for cell in given}
    if kinds == {bool}:
        return Categorical([False, True])
    if kinds <= {int, float}:
        return _range(name, given, whole=kinds == {int})
    texts = list(dict.fromkeys(given))
    if len(texts) > _TEXTS and 2 * len(texts) > len(cells):
        return f"{len(texts):,} different texts"
    return Categorical(texts)


def _range(name: str, given: Sequence[float], *, whole: bool) -> AnyDimension | str:
    low, high = min(given), max(given)
    log = low > 0 and high / low > _WIDE
    dimension = Int(int(low), int(high), log=log) if whole else Float(float(low), float(high), log=log)
    unfit = space_problems(Space({name: dimension}))
    return unfit[0].allowed if unfit else dimension


def finite_or_none(cell: Any) -> Any:
    """Return a cell, infinity as a blank."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _is_numeric(cells: Sequence[Any]) -> bool:
    given = [cell for cell in cells if cell is not None]
    return bool(given) and all(isinstance(cell, int | float) for cell in given)
