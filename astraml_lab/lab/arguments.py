"""Arguments of `tune` that there are not: each is told with the name that it has here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import Goal, option_fields, suggested

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIRST = frozenset({"objective", "fn", "func", "function", "train", "trainable"})
_KNOWN = (*(goal.value for goal in Goal), "space", "notebook", *option_fields())


def refused(error: InvalidSpec, options: Mapping[str, Any]) -> InvalidSpec:
    """Return the refusal of a call, with what to write in place of each argument that there is not.

    Args:
        error: What is wrong with the job.
        options: The call's other arguments.
    """
    return InvalidSpec(_said(error, options))


def _said(error: InvalidSpec, options: Mapping[str, Any]) -> Iterator[Problem]:
    for each in error.problems:
        if each.path in options and each.allowed == "no such field":
            yield replace(each, allowed="no such argument", hint=_hint(each.path))
        else:
            yield each


def _hint(name: str) -> str:
    if name in _FIRST:
        return "what each trial runs comes first, without a name: lab.tune(train, space=…)"
    return suggested(name, _KNOWN) or f"known: {', '.join(_KNOWN)}"
