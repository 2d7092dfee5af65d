"""The `filter` of a list request, in Google's filter language (AIP-160).

    state="JOB_STATE_SUCCEEDED" AND display_name:"my_job_*"
    NOT (labels.team=vision OR labels.draft:*) AND create_time>="2027-01-01T00:00:00Z"

As in that language, OR binds tighter than AND, and two terms side by side are joined by AND.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.errors import VertexError, Violation
from astraml_lab.dialects.vertex.scalars import epoch, read_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Resource = Mapping[str, Any]
    Test = Callable[[Resource], bool]

LONGEST = 4096
DEEPEST = 50
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<op>!=|<=|>=|[=<>:()])|(?P<word>[^\s"'()=<>:!]+))"""
)
_FIELDS = {"display_name": "displayName", "state": "state", "create_time": "createTime"}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parse_filter(text: str) -> Test:
    """Return the test that a filter describes; an empty one admits all.

    Raises:
        VertexError: INVALID_ARGUMENT at `filter`.
    """
    if not text.strip():
        return lambda _resource: True
    if len(text) > LONGEST:
        raise _bad(f"must have at most {LONGEST} characters")
    parser = _Parser(_tokens(text))
    test = parser.conjunction(0)
    if parser.here is not None:
        raise _bad(f"nothing may follow before {parser.here[1]!r}")
    return test


def _bad(description: str) -> VertexError:
    return VertexError(
        f"Invalid value at filter: {description}", violations=[Violation("filter", description)]
    )


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _bad(f"cannot read {text[at : at + 20]!r}")
        kind = str(match.lastgroup)
        word = match.group(kind)
        found.append((kind, re.sub(r"\\(.)", r"\1", word[1:-1]) if kind == "quoted" else word))
        at = match.end()
    return found


class _Parser:
    """Conjunctions of disjunctions of terms."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def here(self) -> tuple[str, str] | None:
        """The next token."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def conjunction(self, depth: int) -> Test:
        """Read terms joined by AND, or standing side by side."""
        if depth > DEEPEST:
            raise _bad(f"has more than {DEEPEST} parentheses in each other")
        tests = [self._disjunction(depth)]
        while self.here is not None and self.here != ("op", ")"):
            self._accept("word", "AND")
            tests.append(self._disjunction(depth))
        return lambda resource: all(test(resource) for test in tests)

    def _disjunction(self, depth: int) -> Test:
        tests = [self._term(depth)]
        while self._accept("word", "OR"):
            tests.append(self._term(depth))
        return lambda resource: any(test(resource) for test in tests)

    def _term(self, depth: int) -> Test:
        negated = False
        while self._accept("word", "NOT") or self._accept("word", "-"):
            negated = not negated
        if self._accept("op", "("):
            test = self.conjunction(depth + 1)
            if not self._accept("op", ")"):
                raise _bad("a parenthesis is not closed")
        else:
            test = self._comparison()
        return (lambda resource: not test(resource)) if negated else test

    def _comparison(self) -> Test:
        kind, name = self._take("the name of a field")
        if kind != "word":
            raise _bad(f"{name!r} stands where the name of a field should")
        sign_kind, sign = self._take(f"a comparison after {name!r}")
        if sign_kind != "op" or sign in "()":
            raise _bad(f"{sign!r} stands where a comparison should, after {name!r}")
        value_kind, value = self._take(f"a value after {name}{sign}")
        if value_kind == "op":
            raise _bad(f"{value!r} stands where a value should")
        return _test(name, sign, value, quoted=value_kind == "quoted")

    def _take(self, wanted: str) -> tuple[str, str]:
        token = self.here
        if token is None:
            raise _bad(f"ends where {wanted} should stand")
        self._at += 1
        return token

    def _accept(self, kind: str, text: str) -> bool:
        if self.here != (kind, text):
            return False
        self._at += 1
        return True


def _test(name: str, sign: str, value: str, *, quoted: bool) -> Test:
    field = _FIELDS.get(name) or (name if name in _FIELDS.values() else "")
    if field == "createTime":
        return _of_time(sign, value)
    if field and sign in {"=", "!="}:
        return lambda resource: _ORDER[sign](resource.get(field, ""), value)
    if field == "displayName" and sign == ":":
        return lambda resource: _fits(resource.get(field, ""), value.split("*"))
    if name == "labels" and sign == ":":
        return lambda resource: value in resource.get("labels", {})
    if name.startswith("labels.") and sign in {"=", "!=", ":"}:
        return _of_label(name.removeprefix("labels."), sign, value, exists=value == "*" and not quoted)
    allowed = "display_name (=, !=, :), state (=, !=), create_time (any comparison), labels.KEY (=, :*)"
    raise _bad(f"{name}{sign} cannot be compared; what can be: {allowed}")


def _fits(text: str, parts: list[str]) -> bool:
    """Whether a text is these parts with anything between them.

    No regular expression does it: one with many stars may take years.
    """
    first, *middle = parts
    if not middle:
        return text == first
    last = middle.pop()
    at, end = len(first), len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or at > end:
        return False
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _of_time(sign: str, value: str) -> Test:
    try:
        at = epoch(read_scalar("Timestamp", value))
        compare = _ORDER[sign]
    except (KeyError, ValueError):
        raise _bad(
            f'create_time{sign}{value!r}: compare it with =, !=, <, <=, >, >= to "2027-01-31T12:00:00Z"'
        ) from None

    def test(resource: Resource) -> bool:
        created = resource.get("createTime")
        return created is not None and compare(epoch(read_scalar("Timestamp", created)), at)

    return test


def _of_label(key: str, sign: str, value: str, *, exists: bool) -> Test:
    if exists and sign == ":":
        return lambda resource: key in resource.get("labels", {})
    if sign == "!=":
        return lambda resource: resource.get("labels", {}).get(key) != value
    return lambda resource: resource.get("labels", {}).get(key) == value
