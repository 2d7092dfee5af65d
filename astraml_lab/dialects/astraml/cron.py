"""Five-field cron schedules: what is allowed in one; `ticks` says when it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import available_timezones

from astraml_lab.dialects.astraml.problem import Mistake
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:(\*)|([0-9]+|[a-z]{3})(?:-([0-9]+|[a-z]{3}))?)(?:/([0-9]+))?", re.IGNORECASE)
_LONGEST_TEXT = 256
_SUNDAY = 7
_STEP_NEEDS = "a step follows `*` or a range: */15, 10-40/10"


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first: int = 0
    """The number of the first name."""


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of week", 0, 7, _DAYS),
)


class BadCron(ValueError):
    """A schedule cannot be followed; the message says why."""


class Cron(NamedTuple):
    """When a schedule runs, each field as the numbers that it allows; Sunday is 0.

    Attributes:
        either: Day of month and day of week are both restricted: a day that fits one of them is enough.
        every_hour: The hour is `*` or `*/n`: it runs at every such hour that really comes, also at both of a
            repeated one.
        plain: The same in five fields of numbers, without names and ranges across Sunday.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    every_hour: bool
    plain: str


def read_cron(text: str) -> Cron:
    """Read `minute hour day-of-month month day-of-week`.

    Raises:
        BadCron: It is none, or never occurs.
    """
    words = text.split()
    if len(words) != len(_FIELDS) or len(text) > _LONGEST_TEXT:
        raise BadCron(
            f"has {len(words)} fields; write five: minute, hour, day of month, month, day of week "
            "(0 2 * * * is each day at 02:00)"
        )
    sets = [_numbers(word, field) for word, field in zip(words, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = sets
    weekdays = frozenset(day % 7 for day in weekdays)
    free_day, free_weekday = (words[index].startswith("*") for index in (2, 4))
    if (free_weekday or free_day) and not any(day <= _LONGEST[month - 1] for month in months for day in days):
        raise BadCron("never occurs: none of these months has such a day")
    return Cron(
        minutes,
        hours,
        days,
        months,
        weekdays,
        either=not (free_day or free_weekday),
        every_hour=words[1].startswith("*"),
        plain=" ".join(
            _plain(*each) for each in zip(words, (minutes, hours, days, months, weekdays), strict=True)
        ),
    )


def schedule_mistakes(schedule: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find what keeps a well-formed schedule from being followed."""
    try:
        read_cron(schedule["cron"])
    except BadCron as error:
        yield Mistake("/schedule/cron", str(error), code="invalid-cron")
    zone = schedule.get("timezone", "UTC")
    if not is_timezone(zone):
        near = nearest(zone, sorted(available_timezones()))
        known = "an IANA name such as UTC, Europe/Berlin, America/New_York"
        message = f"is {shown(zone)}; {known}" + (f" ({near})" if near else "")
        yield Mistake("/schedule/timezone", message, code="invalid-cron")


def is_timezone(name: str) -> bool:
    """Whether the IANA database has a zone of that name."""
    return name in available_timezones()


def _plain(word: str, numbers: frozenset[int]) -> str:
    listed = ",".join(map(str, sorted(numbers)))
    # a field that begins with a star counts as open, whatever follows
    return f"{word.partition(',')[0]},{listed}" if word.startswith("*") else listed


def _numbers(word: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            names = f" or {field.names[0]}-{field.names[-1]}" if field.names else ""
            raise BadCron(
                f"{field.name} `{part[:20]}`: numbers {field.low}-{field.high}{names}, `*`, lists, ranges"
            )
        found.update(_range(match, part, field))
    return frozenset(found)


def _range(match: re.Match[str], part: str, field: _Field) -> range:
    star, first, last, step = match.groups()
    low = field.low if star else _number(first, field)
    high = field.high if star else _number(last or first, field)
    if field.high == _SUNDAY and high == 0 < low:
        high = _SUNDAY  # fri-sun
    if low > high:
        raise BadCron(
            f"{field.name} `{part}`: a range goes upwards; write two, `a-{field.high},{field.low}-b`"
        )
    if step is None:
        return range(low, high + 1)
    if not star and last is None:
        raise BadCron(f"{field.name} `{part}`: {_STEP_NEEDS}")
    width = int(step.lstrip("0")[:4] or 0)
    if not 1 <= width <= field.high:
        raise BadCron(f"{field.name} `{part}`: a step is 1 to {field.high}")
    return range(low, high + 1, width)


def _number(word: str, field: _Field) -> int:
    if not word.isdigit():
        if word.lower() not in field.names:
            raise BadCron(f"{field.name} `{word}`: no such name ({', '.join(field.names) or 'numbers only'})")
        return field.names.index(word.lower()) + field.first
    number = int(word)
    if not field.low <= number <= field.high:
        raise BadCron(f"{field.name} `{word[:20]}` is not in {field.low}-{field.high}")
    return number
