"""Points that a user wants tried, checked against the space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.search.distributions import coding_of
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.search.distributions import Coding
    from astraml_lab.spec import Definition, ParamValue, Space


def check_point(definition: Definition, params: Mapping[str, Any]) -> dict[str, ParamValue]:
    """Return a point as the search would take it, without a search.

    Raises:
        InvalidSpec: With every mistake in it.
    """
    space = definition.space
    codings = {name: coding_of(name, dimension) for name, dimension in space.dimensions.items()}
    return admitted(params, space, codings)


def admitted(params: Mapping[str, Any], space: Space, codings: Mapping[str, Coding]) -> dict[str, ParamValue]:
    """Return the values of the names that play a part, as the search would have sampled them.

    `None` for a conditional dimension leaves it out, so that a finished trial's params can be enqueued as
    they are.

    Raises:
        InvalidSpec: With every mistake: unknown names, impossible values, values of inactive dimensions.
    """
    known = f"known: {', '.join(codings)}" if codings else "what the code suggests itself cannot be enqueued"
    problems = [
        Problem(name, "", "no such parameter", nearest(name, codings) or known)
        for name in params
        if name not in codings
    ]
    given: dict[str, ParamValue] = {}
    for name, dimension in space.parents_first():
        if name not in params or (params[name] is None and _is_left_out(name, space, given)):
            continue
        try:
            given[name] = codings[name].admit(params[name])
        except ValueError as error:
            problems.append(Problem(name, shown(params[name]), f"must be {error}"))
            continue
        when = dimension.when or {}
        if all(parent in given for parent in when) and not space.is_active(name, given):
            wanted = " and ".join(f"{parent} is one of {shown(list(ones))}" for parent, ones in when.items())
            problems.append(Problem(name, shown(params[name]), f"plays a part only where {wanted}"))
    if problems:
        raise InvalidSpec(problems, subject="the point")
    return {name: given[name] for name in codings if name in given}


def _is_left_out(name: str, space: Space, given: Mapping[str, ParamValue]) -> bool:
    """Whether `None` means that a conditional dimension is inactive, rather than being its choice `None`."""
    return bool(space[name].when) and not space.is_active(name, given)
