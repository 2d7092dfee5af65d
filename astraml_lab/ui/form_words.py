"""What the form's fields say: values as text that reads back as the same values."""

from __future__ import annotations

import ast
import math
import re
import warnings
from dataclasses import dataclass
from typing import Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import CONSTRUCTORS, AnyDimension, Categorical, Discrete, Float, Int, Scale, shown

_KINDS: dict[str, type[AnyDimension]] = {kind.__name__: kind for kind in CONSTRUCTORS}
_PLAIN = re.compile(r"""[^\s,;='"\\]+""")
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_NAMED = {"true": True, "false": False, "null": None, "none": None}


@dataclass(frozen=True, slots=True)
class Entered:
    """The fields of a dimension, as text."""

    kind: str
    low: str = ""
    high: str = ""
    scale: str = Scale.LINEAR.value
    step: str = ""
    values: str = ""
    when: str = ""


def entered_of(dimension: AnyDimension) -> Entered:
    """Spell a dimension."""
    kind, when = type(dimension).__name__, _condition_words(dimension)
    if isinstance(dimension, Categorical | Discrete):
        values = dimension.choices if isinstance(dimension, Categorical) else dimension.values
        return Entered(kind, values=", ".join(map(spelled_value, values)), when=when)
    step = None if isinstance(dimension, Int) and dimension.step == 1 else dimension.step
    bounds = repr(dimension.low), repr(dimension.high), dimension.scale.value
    return Entered(kind, *bounds, "" if step is None else repr(step), when=when)


def dimension_of(entered: Entered) -> AnyDimension:
    """Read a dimension.

    Raises:
        InvalidSpec: With every mistake in it.
    """
    when = _conditions(entered.when)
    kind: Any = _KINDS[entered.kind]
    made: AnyDimension
    if kind in (Categorical, Discrete):
        made = kind([value_of(part) for part in parts(entered.values)], when=when)
    else:
        missing = [part for part in ("low", "high") if not getattr(entered, part).strip()]
        if missing:
            raise InvalidSpec([Problem(part, "", "required, but empty") for part in missing])
        step = value_of(entered.step) if entered.step.strip() else None
        low, high = value_of(entered.low), value_of(entered.high)
        ranged: Float | Int = kind(low, high, step=step, scale=entered.scale, when=when)
        made = ranged
    return made


def spelled(text: str) -> str:
    """Quote a text that is no plain word."""
    return text if _PLAIN.fullmatch(text) else repr(text)


def unquoted(text: str) -> str:
    """Read what `spelled` wrote, or a text as a person enters it."""
    word = text.strip()
    if not _QUOTED.fullmatch(word):
        return word
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a stray backslash is no news to somebody who fills in a form
            return str(ast.literal_eval(word))
    except (ValueError, SyntaxError):
        return word


def spelled_value(value: object) -> str:
    """Spell a choice; a text that would read as something else is quoted."""
    if isinstance(value, str):
        word = spelled(value)
        return word if value_of(word) == value and isinstance(value_of(word), str) else repr(value)
    return "none" if value is None else repr(value)


def value_of(text: str) -> Any:
    """Read a choice: a number, true, false, none, or else a text."""
    word = text.strip()
    if _QUOTED.fullmatch(word):
        return unquoted(word)
    if word.lower() in _NAMED:
        return _NAMED[word.lower()]
    for read in (lambda: int(word, 0), lambda: float(word)):
        try:
            number: float = read()
        except ValueError:
            continue
        return number if math.isfinite(number) else word
    return word


def parts(text: str, separator: str = ",") -> list[str]:
    """Split at the separators that stand outside quotes, without empty parts."""
    return [part for part in _split(text, separator) if part.strip()]


def pair(text: str) -> tuple[str, str | None]:
    """Split `name = rest` at its first equals sign outside quotes; without one the rest is `None`."""
    name, *rest = _split(text, "=")
    return unquoted(name), "=".join(rest) if rest else None


def _split(text: str, separator: str) -> list[str]:
    found, at, opening = [""], 0, True
    while at < len(text):
        quoted = _QUOTED.match(text, at) if opening else None
        piece = quoted[0] if quoted else text[at]
        at += len(piece)
        if piece == separator:
            found.append("")
        else:
            found[-1] += piece
        # Only where a word begins do quotes quote: don't, 5' and the like are words.
        opening = piece in {",", ";", "="} or (opening and piece.isspace())
    return found


def _condition_words(dimension: AnyDimension) -> str:
    conditions = (dimension.when or {}).items()
    return "; ".join(
        f"{spelled(name)} = {', '.join(map(spelled_value, given))}" for name, given in conditions
    )


def _conditions(text: str) -> dict[str, Any] | None:
    conditions = {}
    for condition in parts(text, ";"):
        parent, values = pair(condition)
        if values is None:
            raise InvalidSpec([Problem("when", shown(condition.strip()), "must be name = value, value")])
        conditions[parent] = [value_of(part) for part in parts(values)]
    return conditions or None
