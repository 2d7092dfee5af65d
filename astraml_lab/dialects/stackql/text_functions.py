"""Functions of SQLite whose time grows beyond their arguments' lengths, in linear time.

No time limit reaches into a function of SQLite while it runs, so these would hold the kernel for hours.
"""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Value = str | int | float | bytes | None

LONGEST_VALUE = 20_000_000
"""No value of a query is longer."""
_MOST_LETTERS = 100
_CONVERSION = re.compile(r"%[-+ 0#!,]*(\*|\d+)?(?:\.(\*|\d+))?l{0,2}(.)?", re.DOTALL)
_WHOLE = re.compile(r"\s*[-+]?\d+")


def _text(value: Value) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _instr(text: Value, part: Value) -> int | None:
    if text is None or part is None:
        return None
    return _text(text).find(_text(part)) + 1


def _replace(text: Value, old: Value, new: Value) -> str | None:
    if text is None or old is None or new is None:
        return None
    whole, before, after = _text(text), _text(old), _text(new)
    if not before:
        return whole
    if len(whole) + whole.count(before) * (len(after) - len(before)) > LONGEST_VALUE:
        raise ValueError("too long")
    return whole.replace(before, after)


def _letters(text: Value) -> str:
    letters = _text(text)
    if len(letters) > _MOST_LETTERS:
        raise ValueError("too many")
    return letters


def _trim(text: Value, letters: Value) -> str | None:
    return None if text is None or letters is None else _text(text).strip(_letters(letters))


def _ltrim(text: Value, letters: Value) -> str | None:
    return None if text is None or letters is None else _text(text).lstrip(_letters(letters))


def _rtrim(text: Value, letters: Value) -> str | None:
    return None if text is None or letters is None else _text(text).rstrip(_letters(letters))


def _printf(*values: Value) -> Any:
    if not values or values[0] is None:
        return None
    rest = iter(values[1:])
    room = LONGEST_VALUE
    for width, precision, kind in _CONVERSION.findall(_text(values[0])):
        for given in (width, precision):
            room -= abs(_whole(next(rest, 0) if given == "*" else given))
        if kind != "%":
            next(rest, None)
        if room < 0:  # SQLite would count to it first
            raise ValueError("too long")
    marks = ", ".join("?" * len(values))
    return _formatter().execute(f"SELECT printf({marks})", values).fetchone()[0]


def _whole(value: Value) -> int:
    """Read a number as SQLite does, as far as it is not too long anyway."""
    found = _WHOLE.match(_text(value) if not isinstance(value, float) else f"{value:.0f}")
    if found is None:
        return 0
    return int(found[0]) if len(found[0]) < _MOST_LETTERS else LONGEST_VALUE + 1


@cache
def _formatter() -> sqlite3.Connection:
    """Return a database whose own `printf` does the work, where nothing stands in its place."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    return connection


SLOW: dict[str, tuple[int, Callable[..., Value]]] = {
    "instr": (2, _instr),
    "replace": (3, _replace),
    "trim": (2, _trim),
    "ltrim": (2, _ltrim),
    "rtrim": (2, _rtrim),
    "printf": (-1, _printf),
    "format": (-1, _printf),
}
"""By name: how many arguments, and the function."""
