"""Parents of an imported job: what their trials mean where fixed and searched parameters changed places.

SageMaker lets a child tune what its parent fixed, and fix what its parent tuned. A parent's trial had the
fixed values too, and fits the child only if it agrees with what the child fixes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astraml_lab.spec import Categorical, Discrete, Int, TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.search import Past
    from astraml_lab.spec import AnyDimension, JobSpec, ParamValue


def adapted(past: Sequence[Past], parent: JobSpec, child: JobSpec) -> tuple[Past, ...]:
    """Return a parent's trials as the child's search has to see them.

    Args:
        past: The parent's trials.
        parent: What the parent was.
        child: The new job; where it is a transfer, the objective becomes its rank within the parent.
    """
    given, fixed = _fixed(parent), _fixed(child)
    found = past
    if given or fixed:
        found = [_refit(one, given, fixed, child) for one in past]
    return ranked(found) if child.transfer else tuple(found)


def ranked(past: Sequence[Past]) -> tuple[Past, ...]:
    """Replace each objective by its rank among the complete trials, from 0 for the smallest to 1.

    Equal values share the middle of their ranks.

    Only complete trials are kept with a value: how far a pruned one came says nothing on another scale.
    """
    complete = [one for one in past if one.state is TrialState.COMPLETE and one.values]
    columns = [_ranks(column) for column in zip(*(one.values or () for one in complete), strict=True)]
    values = iter(zip(*columns, strict=True))
    known = {id(one) for one in complete}
    return tuple(replace(one, values=next(values) if id(one) in known else None, curve=()) for one in past)


def _ranks(values: Sequence[float]) -> list[float]:
    if len(set(values)) == 1:
        return [0.5] * len(values)
    ordered = sorted(values)
    first = {value: index for index, value in reversed(list(enumerate(ordered)))}
    last = {value: index for index, value in enumerate(ordered)}
    return [(first[value] + last[value]) / 2 / (len(values) - 1) for value in values]


def _fixed(spec: JobSpec) -> Mapping[str, Any]:
    program = spec.definitions[0].program
    alone = len(spec.definitions) == 1 and program is not None and program.script is not None
    return program.script.fixed if alone and program and program.script else {}


def _refit(one: Past, given: Mapping[str, Any], fixed: Mapping[str, Any], child: JobSpec) -> Past:
    """Add what the parent fixed and the child searches; what the child fixes otherwise fits nowhere."""
    space = child.space
    params = dict(one.params)
    for name, value in given.items():
        if name in space and name not in params:
            params[name] = _read(space[name], value)
    at_odds = any(
        name in params and name not in space and str(params[name]) != str(value)
        for name, value in fixed.items()
    )
    return replace(one, params={} if at_odds else params)


def _read(dimension: AnyDimension, value: Any) -> ParamValue:
    """Read a fixed value, a text with SageMaker, as the dimension has it."""
    if isinstance(dimension, Categorical) or not isinstance(value, str):
        return value  # type: ignore[no-any-return]  # JSON's scalars
    try:
        number = float(value)
    except ValueError:
        return value
    whole = isinstance(dimension, Int | Discrete) and number.is_integer()
    return int(number) if whole else number
