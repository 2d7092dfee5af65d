"""The kinds of value that a request is made of, each with the limits that the service sets.

A shape finds everything that is wrong with a value, as the service names all of it at once.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astraml_lab.dialects.sagemaker.places import Place

TAG_TEXT = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
"""The one pattern with Unicode categories, which Python's engine does not know."""
_SHOWN = 200


@dataclass(frozen=True)
class Complaint:
    """One limit that a value of a request breaks.

    Attributes:
        field: The path of the value.
        text: What the service says of it.
    """

    field: str
    text: str


class Shape:
    """What a value may be."""

    accepts: tuple[type, ...] = ()

    def complaints(self, value: Any, place: Place) -> Iterator[Complaint]:
        """Yield every limit that `value` breaks, and those that its parts break."""
        if not isinstance(value, self.accepts) or (isinstance(value, bool) and bool not in self.accepts):
            allowed = ", ".join(f"<class '{each.__name__}'>" for each in self.accepts)
            yield Complaint(
                place.field,
                f"Invalid type for parameter {place.field}, type: {type(value)}, valid types: {allowed}",
            )
            return
        yield from self._limits(value, place)

    def _limits(self, value: Any, place: Place) -> Iterator[Complaint]:
        """Yield what a value of the right type breaks: nothing, where the type is all."""
        del value, place
        yield from ()


@dataclass(frozen=True)
class Text(Shape):
    """A string."""

    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    accepts = (str,)

    def _limits(self, value: str, place: Place) -> Iterator[Complaint]:
        for member in self.broken(value):
            yield _complaint(value, place, member)

    def broken(self, value: str) -> Iterator[str]:
        """Yield what a member must be and `value` is not."""
        if self.enum and value not in self.enum:
            yield f"Member must satisfy enum value set: [{', '.join(self.enum)}]"
        yield from _length(len(value), self.least, self.most)
        if self.pattern is not None and not matches(self.pattern, value):
            yield f"Member must satisfy regular expression pattern: {self.pattern}"


@dataclass(frozen=True)
class Number(Shape):
    """A whole number, or any finite one."""

    least: int | None = None
    most: int | None = None
    whole: bool = True

    @property
    def accepts(self) -> tuple[type, ...]:  # type: ignore[override]  # the two kinds differ in nothing else
        """The types that it may have."""
        return (int,) if self.whole else (int, float)

    def _limits(self, value: float, place: Place) -> Iterator[Complaint]:
        if not self.whole and not _is_finite(value):
            yield _complaint(value, place, "Member must be a finite number")
            return
        if self.least is not None and value < self.least:
            yield _complaint(value, place, f"Member must have value greater than or equal to {self.least}")
        if self.most is not None and value > self.most:
            yield _complaint(value, place, f"Member must have value less than or equal to {self.most}")


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    accepts = (bool,)


@dataclass(frozen=True)
class Moment(Shape):
    """A time: a datetime, or seconds since the epoch."""

    accepts = (dt.datetime, int, float)


@dataclass(frozen=True)
class Many(Shape):
    """A list."""

    each: Shape
    least: int | None = None
    most: int | None = None
    accepts = (list, tuple)

    def _limits(self, value: list[Any], place: Place) -> Iterator[Complaint]:
        for member in _length(len(value), self.least, self.most):
            yield _complaint(value, place, member)
        for index, item in enumerate(value):
            yield from self.each.complaints(item, place.item(index))


@dataclass(frozen=True)
class Entries(Shape):
    """A mapping of names to texts. Its values may be secrets, so no message repeats them."""

    key: Text
    value: Text
    least: int | None = None
    most: int | None = None
    accepts = (Mapping,)

    def _limits(self, value: Mapping[Any, Any], place: Place) -> Iterator[Complaint]:
        for member in _length(len(value), self.least, self.most):
            yield _complaint("{…}", place, member)
        for key, content in value.items():
            spot = place.member(str(key))
            for found, shape, what in ((key, self.key, "keys"), (content, self.value, "value")):
                if not isinstance(found, str):
                    yield from shape.complaints(found, spot)
                    continue
                broken = ", ".join(shape.broken(found))
                if broken:
                    text = f"Map {what} must satisfy constraint: [{broken}]"
                    yield Complaint(
                        spot.field, f"Value at '{place.wire}' failed to satisfy constraint: {text}"
                    )


@dataclass(frozen=True)
class Structure(Shape):
    """A mapping with members of its own.

    Attributes:
        required: Members that have to be there.
        optional: Members that may be.
    """

    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)
    accepts = (Mapping,)

    @property
    def members(self) -> dict[str, Shape]:
        """All members by name."""
        return {**self.required, **self.optional}

    def _limits(self, value: Mapping[Any, Any], place: Place) -> Iterator[Complaint]:
        members = self.members
        for name in value:
            if name not in members:
                allowed = ", ".join(members)
                spot = place.member(str(name))
                text = f'Unknown parameter in {place.field or "input"}: "{name}", must be one of: {allowed}'
                yield Complaint(spot.field, text)
        for name, shape in members.items():
            spot = place.member(name)
            if name in value:
                yield from shape.complaints(value[name], spot)
            elif name in self.required:
                text = f"Value null at '{spot.wire}' failed to satisfy constraint: Member must not be null"
                yield Complaint(spot.field, text)


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value fits, with the ASCII classes that the service means."""
    if pattern == TAG_TEXT:
        return all(unicodedata.category(letter)[0] in "LZN" or letter in "_.:/=+-@" for letter in value)
    return re.fullmatch(pattern, value, re.ASCII) is not None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _length(length: int, least: int | None, most: int | None) -> Iterator[str]:
    if least is not None and length < least:
        yield f"Member must have length greater than or equal to {least}"
    if most is not None and length > most:
        yield f"Member must have length less than or equal to {most}"


def _complaint(value: Any, place: Place, member: str) -> Complaint:
    shown = str(value) if isinstance(value, str | int | float) else f"[{len(value)} items]"
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    return Complaint(place.field, f"Value '{shown}' at '{place.wire}' failed to satisfy constraint: {member}")
