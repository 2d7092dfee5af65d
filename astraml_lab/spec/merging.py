"""Several definitions as one: what the sampler, the readers and the charts see of such a job.

The parameters of all definitions become one conditional space under a categorical dimension `definition`:
`lr` of the definition `resnet` is `resnet/lr`, which plays a part only where `definition` is `resnet`.
Trials take turns: trial n belongs to definition n mod k, unless its point says otherwise. Nothing is shared
between definitions but the budget, and the objective that makes one trial the best of all.

Where the definitions call their objective by different names, the job's is `objective`: a trial's report of
its own definition's metric is a report of that too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Problem
from astraml_lab.spec.dimensions import Categorical
from astraml_lab.spec.problems import shown
from astraml_lab.spec.space import Space

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from astraml_lab.spec.dimensions import AnyDimension, ParamValue
    from astraml_lab.spec.job import Definition, Objective

DEFINITION = "definition"
"""The dimension that says whose trial it is; no other merged name is without a `/`."""
COMMON = "objective"
"""What a job calls its objective where its definitions disagree."""


def merging_problems(definitions: Sequence[Definition]) -> Iterator[Problem]:
    """Find why definitions do not make one job."""
    names = [definition.name for definition in definitions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield Problem("definitions", shown(twice), "each definition has a name of its own")
    for name in names if len(names) > 1 else ():
        if "/" in name:
            said = "no `/`, which parts a definition's name from its parameters'"
            yield Problem("definitions", shown(name), said, name.replace("/", "-"))
    goals = [[objective.goal for objective in definition.objectives] for definition in definitions]
    if any(goal != goals[0] for goal in goals):
        said = "; ".join(
            f"{name}: {', '.join(goal) or 'none'}" for name, goal in zip(names, goals, strict=True)
        )
        yield Problem("definitions", said, "all aim in the same direction: one trial is the best of all")


def merged_space(definitions: Sequence[Definition]) -> Space:
    """Return the conditional space over all definitions."""
    dimensions: dict[str, AnyDimension] = {DEFINITION: Categorical([each.name for each in definitions])}
    for definition in definitions:
        for name, dimension in definition.space.dimensions.items():
            parents = {
                f"{definition.name}/{parent}": given for parent, given in (dimension.when or {}).items()
            }
            when = {DEFINITION: (definition.name,), **parents}
            dimensions[f"{definition.name}/{name}"] = dimension.model_copy(update={"when": when})
    return Space(dimensions)


def common_objectives(definitions: Sequence[Definition]) -> tuple[Objective, ...]:
    """Return the objectives of all definitions, by their own names where all use the same."""
    first = definitions[0].objectives
    return tuple(
        objective
        if all(objective.metric == each.objectives[place].metric for each in definitions)
        else objective.model_copy(update={"metric": COMMON if len(first) == 1 else f"{COMMON} {place + 1}"})
        for place, objective in enumerate(first)
    )


def part_of(definitions: Sequence[Definition], params: Mapping[str, Any]) -> Definition:
    """Return the definition that a trial with these (merged) parameters belongs to."""
    if len(definitions) == 1:
        return definitions[0]
    return next((each for each in definitions if each.name == params.get(DEFINITION)), definitions[0])


def own_params(definitions: Sequence[Definition], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's parameters by the names of its own definition; those of the others are left out."""
    if len(definitions) == 1:
        return dict(params)
    prefix = f"{part_of(definitions, params).name}/"
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}


def definition_of_point(names: Sequence[str], params: Mapping[str, ParamValue], number: int) -> ParamValue:
    """Return whose trial a point is: as it says, as its names say, or whose turn it is."""
    if DEFINITION in params:
        return params[DEFINITION]
    said = (name for name in names if any(param.startswith(f"{name}/") for param in params))
    return next(said, names[number % len(names)])
