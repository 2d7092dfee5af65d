"""Functions of SQLite whose time grows with the product of their arguments' lengths, in linear time.

No time limit reaches into a function of SQLite while it runs, so these would hold the kernel for hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Value = str | int | float | bytes | None

LONGEST_VALUE = 20_000_000
"""No value of a query is longer."""
_MOST_LETTERS = 100


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


SLOW: dict[str, tuple[int, Callable[..., Value]]] = {
    "instr": (2, _instr),
    "replace": (3, _replace),
    "trim": (2, _trim),
    "ltrim": (2, _ltrim),
    "rtrim": (2, _rtrim),
}
"""By name: how many arguments, and the function."""
