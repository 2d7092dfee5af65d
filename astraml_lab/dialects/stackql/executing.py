"""`EXEC resource.method @name='value', …`, which no SQL parser knows.

In the published examples the commas between the variables sit inside `--` comments and are gone with them,
so a comma between two variables may be left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from astraml_lab.dialects.stackql.catalogue import METHODS, Method, no_method, require_resource
from astraml_lab.dialects.stackql.errors import StackqlError

_HEAD = re.compile(r"EXEC(?:UTE)?\s+(?P<name>[\w.]+)", re.IGNORECASE)
_VARIABLE = re.compile(
    r"""\s*(?P<comma>,)?\s*(?:
        @@json\s*=\s*(?P<payload>'(?:[^']|'')*')
      | @(?P<name>\w+)\s*=\s*(?P<value>'(?:[^']|'')*'|"(?:[^"]|"")*"|\d+)
    )""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Call:
    """A method with its variables."""

    method: Method
    variables: dict[str, str]


def read_call(text: str) -> Call:
    """Read an EXEC statement, its comments gone.

    Raises:
        StackqlError: unknown-resource, no-method, missing-params or param-form.
    """
    head = _HEAD.match(text)
    if head is None:
        raise StackqlError("unsupported-statement", "write EXEC resource.method @name='value', …")
    resource, _, name = head["name"].rpartition(".")
    require_resource(resource)
    method = next((each for each in METHODS if each.name == name and each.verb == "EXEC"), None)
    if method is None:
        raise no_method(f"EXEC {name}")
    variables = _variables(text[head.end() :])
    for each in method.required:
        if not variables.get(each):
            raise StackqlError(
                "missing-params",
                f"required param not supplied for exec: could not find variable '{each}'",
            )
    unknown = [each for each in variables if each not in (*method.required, *method.optional)]
    if unknown:
        raise StackqlError("param-form", f"{name} has no variable '{unknown[0]}'")
    return Call(method, variables)


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at, payload = 0, False
    while text[at:].strip():
        match = _VARIABLE.match(text, at)
        if match is None or payload or (match["comma"] and (not found or match["payload"])):
            raise StackqlError("param-form", f"cannot read {text[at:].strip()[:40]!r}; write @name='value'")
        if match["payload"]:
            payload = True
            _check_payload(_unquoted(match["payload"]))
        elif match["name"] in found:
            raise StackqlError("param-form", f"@{match['name']} is given twice")
        else:
            found[match["name"]] = _unquoted(match["value"])
        at = match.end()
    return found


def _check_payload(text: str) -> None:
    """Refuse a body: neither method takes one, though an empty object is what its request would be."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise StackqlError("param-form", "@@json holds no JSON") from None
    if given != {}:
        raise StackqlError("param-form", "this method takes no body; leave @@json out")


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote) if quote in "'\"" else text
