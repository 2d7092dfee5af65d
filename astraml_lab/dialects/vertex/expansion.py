"""`$(NAME)` in a variable of a container: the value of an earlier variable, or of the service's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(\$?)\(([A-Za-z_][A-Za-z0-9_]*)\)")


def expand(env: Mapping[str, str], service: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a trial's process, in order.

    Args:
        env: What the request says; `$$(NAME)` stands for the text `$(NAME)`.
        service: What is set before them: the trial's id, its folders.

    Returns:
        `env` with every reference to a variable of `service` or an earlier one replaced; others stay.
    """
    known = dict(service)
    found: dict[str, str] = {}
    for name, value in env.items():
        found[name] = known[name] = expand_text(value, known)
    return found


def expand_text(text: str, known: Mapping[str, str]) -> str:
    """Replace each `$(NAME)` in a text whose name is known."""

    def one(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"$({name})"
        return known.get(name, match.group())

    return _REFERENCE.sub(one, text)
