"""From the rows and fields of the form to a job, or to every mistake and the field that it is beside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import Definition, JobSpec, validate
from astraml_lab.ui.form_rows import relative

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from astraml_lab.spec import AnyDimension
    from astraml_lab.ui.form_fields import OptionField
    from astraml_lab.ui.form_rows import DimensionRow, ObjectiveRow

_GOALS = frozenset({"maximize", "minimize", "objectives"})
_PROGRAM = ("line ", "the body", "the program", "the function", "the cell")


@dataclass(frozen=True)
class Findings:
    """What was read: the job, or `None` and every mistake."""

    spec: JobSpec | None
    problems: tuple[Problem, ...] = ()

    def of_option(self, name: str) -> list[Problem]:
        """Return the mistakes of an option."""
        return [each for each in self.problems if _head(each) == name]

    def of_row(self, name: str) -> list[Problem]:
        """Return the mistakes of a dimension, placed within its row."""
        return [relative(each, name or "name") for each in self.problems if _is_of_row(each, name)]

    def of_goals(self) -> list[Problem]:
        """Return the mistakes of the objectives."""
        return [each for each in self.problems if _head(each) in _GOALS]

    def of_program(self) -> list[Problem]:
        """Return the mistakes of what runs."""
        return [each for each in self.problems if each.path.startswith(_PROGRAM)]

    def unplaced(self, options: Collection[str], names: Iterable[str]) -> list[Problem]:
        """Return the mistakes that belong to no field."""
        rows = list(names)
        return [
            each
            for each in self.problems
            if _head(each) not in options
            and _head(each) not in _GOALS
            and not each.path.startswith(_PROGRAM)
            and not any(_is_of_row(each, name) for name in rows)
        ]


def read(
    dimensions: Sequence[DimensionRow],
    objectives: Sequence[ObjectiveRow],
    options: Mapping[str, OptionField],
    definition: str,
) -> Findings:
    """Read everything that is entered."""
    problems: list[Problem] = []
    space: dict[str, AnyDimension] = {}
    for row in dimensions:
        try:
            name, dimension = row.read()
        except InvalidSpec as error:
            place = f"space.{row.entered_name}"
            problems += [replace(each, path=f"{place}.{each.path}") for each in error.problems]
            continue
        if name in space:
            problems.append(Problem(f"space.{name}", "", "this name is used twice"))
        space[name] = dimension
    goals = []
    for index, goal in enumerate(objectives):
        try:
            objective = goal.read()
        except InvalidSpec as error:
            place = f"objectives[{index}]"
            problems += [replace(each, path=place) for each in error.problems]
            continue
        if objective is not None:
            goals.append(objective)
    made = Definition()
    fields = {"name": definition, "space": space, "objectives": tuple(goals)}
    try:
        made = validate(Definition, fields)
    except InvalidSpec as error:
        problems += error.problems
    try:
        spec = validate(
            JobSpec, {name: field.value() for name, field in options.items()} | {"definitions": (made,)}
        )
    except InvalidSpec as error:
        return Findings(None, (*problems, *error.problems))
    return Findings(None, tuple(problems)) if problems else Findings(spec)


def _path(problem: Problem) -> str:
    return problem.path.removeprefix("definitions[0].")


def _head(problem: Problem) -> str:
    return _path(problem).partition("[")[0]


def _is_of_row(problem: Problem, name: str) -> bool:
    return (_path(problem) + ".").startswith(f"space.{name}.")
