"""proto3 JSON's scalars: each function returns the value in its one canonical form, or says what is wrong."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE = re.compile(r"[+-]?\d{1,19}")
_DURATION = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?s")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|z|[+-]\d\d:\d\d)")
_LONGEST = Decimal(315_576_000_000)
_SPECIAL = frozenset({"NaN", "Infinity", "-Infinity"})


def seconds(text: str) -> float:
    """Return how long a canonical Duration lasts: `"3.5s"` is 3.5."""
    return float(text.removesuffix("s"))


def duration(length: float) -> str:
    """Return seconds as a Duration: 604800.0 is `"604800s"`."""
    text = f"{Decimal(repr(float(length))).quantize(Decimal('1e-9')):f}"
    return text.rstrip("0").rstrip(".") + "s"


def epoch(text: str) -> float:
    """Return a canonical Timestamp as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def timestamp(at: float) -> str:
    """Return seconds since the epoch as a Timestamp: RFC 3339, UTC, `Z`."""
    return _spelled(datetime.fromtimestamp(at, UTC))


def _spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace(
        "+00:00", "Z"
    )


def read_scalar(kind: str, value: Any) -> Any:
    """Return a JSON value as the proto type `kind` holds it.

    Raises:
        ValueError: It cannot be one; the message says what would be.
    """
    return _READERS[kind](value)


def _whole(value: Any, bits: int) -> int:
    number: int | None = None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if number is None:
        raise ValueError(f"must be a whole number (int{bits}), as a number or a decimal string")
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(f"is out of the range of int{bits}")
    return number


def _double(value: Any) -> float:
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    elif isinstance(value, str) and (
        value in _SPECIAL or re.fullmatch(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?", value)
    ):
        try:
            number = float(value)
        except ValueError:
            number = None
    if number is None:
        raise ValueError("must be a number (double)")
    if not math.isfinite(number):
        raise ValueError("must be finite")
    return number


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - a finding, gathered with the others
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - a finding, gathered with the others
    return value


def _duration(value: Any) -> str:
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError('must be a Duration: seconds with up to nine decimals and an "s", such as "3600s"')
    length = Decimal(value[:-1])
    if abs(length) > _LONGEST:
        raise ValueError("is longer than a Duration can be (10,000 years)")
    text = f"{length:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "s"


def _timestamp(value: Any) -> str:
    found = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    day, clock, fraction, zone = found.groups() if found else ("", "", "", "Z")
    try:
        offset = "+00:00" if zone in "Zz" else zone
        moment = datetime.fromisoformat(f"{day}T{clock}{(fraction or '.0')[:7]}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError('must be a Timestamp as in RFC 3339, such as "2027-01-31T12:00:00Z"') from None
    return _spelled(moment)


def _accelerator(value: Any) -> str | int:
    """The list of accelerators grows faster than this library: any name or number will do."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError("must be the name of an accelerator, such as NVIDIA_TESLA_T4")
    if value in {0, "0"}:
        return "ACCELERATOR_TYPE_UNSPECIFIED"
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - a finding, gathered with the others
    return value


def _labels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and isinstance(each, str) for key, each in value.items()
    ):
        raise ValueError("must be an object of strings")
    return dict(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "bool": _bool,
    "int32": lambda value: _whole(value, 32),
    "int64": lambda value: _whole(value, 64),
    "double": _double,
    "Duration": _duration,
    "Timestamp": _timestamp,
    "accelerator": _accelerator,
    "object": _object,
    "map": _labels,
}
