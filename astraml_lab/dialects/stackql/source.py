"""A statement's text: without comments, one statement, its first word known; SQL is not parsed here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from astraml_lab.dialects.stackql.errors import StackqlError

LONGEST = 1_000_000
LONGEST_WORDS = 20_000
"""Characters outside strings: parsing them takes a second."""
_PIECE = re.compile(
    r"""(?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]'"]{0,200}\])
      |(?P<comment>--[^\n]*|/\*.*?\*/)
      |(?P<end>;)
      |(?P<open>['"`]|/\*)
      |(?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        text: Its words without comments; strings as they were.
        verb: The first word, in capitals, or an opening parenthesis.
    """

    text: str
    verb: str


def one_statement(text: str) -> Statement:
    """Return the statement that a text holds.

    Raises:
        StackqlError: multi-statement; unsupported-statement where there is none, or a quote never ends.
    """
    if len(text) > LONGEST:
        raise StackqlError("unsupported-statement", f"a statement has at most {LONGEST:,} characters")
    statements = [part for part in _parts(text) if part.strip()]
    if len(statements) > 1:
        raise StackqlError("multi-statement", "one statement at a time: a text may hold a single statement")
    if not statements:
        raise StackqlError("unsupported-statement", "there is no statement in this text")
    words = statements[0].strip()
    first = re.match(r"\w+|\(", words)
    return Statement(words, first.group().upper() if first else "")


def _parts(text: str) -> list[str]:
    parts: list[list[str]] = [[]]
    words = 0
    for match in _PIECE.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == "open":
            raise StackqlError("unsupported-statement", f"{piece} is opened and never closed")
        words += kind == "plain"
        if words > LONGEST_WORDS:
            raise StackqlError(
                "unsupported-statement",
                f"a statement has at most {LONGEST_WORDS:,} characters outside its strings",
            )
        if kind == "end":
            parts.append([])
        else:
            parts[-1].append(" " if kind == "comment" else piece)
    return ["".join(part) for part in parts]
