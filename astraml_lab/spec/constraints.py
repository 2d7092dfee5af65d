"""Limits that the best trial has to keep to: `--subject-to "latency_ms <= 20"`."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from astraml_lab.errors import Problem
from astraml_lab.spec._model import Model
from astraml_lab.spec.problems import FoundProblems, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ALLOWED = "METRIC <= NUMBER or METRIC >= NUMBER"
_AT_LEAST = {"<=": False, "≤": False, ">=": True, "≥": True}
_MEANT = {"<": "<=", ">": ">=", "=<": "<=", "=>": ">="}
_PARTED = re.compile(r"(.*?[^\s<>=!≤≥])\s*([<>=!≤≥]+)\s*([^<>=!≤≥]*)")
"""The metric, the sign and the number, split at the last sign: a metric's name may hold one."""
_BETWEEN = re.compile(r"(\S+)\s*(<=?|>=?)\s*(\S.*)")
_JOINED = re.compile(r"[,;&]+|\sand\s")
_NUMBER_FIRST = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?", re.IGNORECASE)


class Constraint(Model):
    """A metric that has to stay on one side of a threshold; a trial that does not is never the best.

    It is read from a text as well, `latency_ms <= 20`, and `str` spells it so.

    Attributes:
        metric: The metric; its last report counts.
        at_least: Whether it has to be at least `threshold`, rather than at most.
        threshold: The limit, included.
    """

    metric: str = Field(min_length=1, max_length=255)
    at_least: bool
    threshold: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        if isinstance(given, str):
            return _read(given)
        if isinstance(given, Constraint) or (
            isinstance(given, dict) and given.keys() & cls.model_fields.keys()
        ):
            return given
        if isinstance(given, dict):
            raise FoundProblems([Problem("", shown(given), ALLOWED, _pairs_meant(given))])
        raise FoundProblems([Problem("", shown(given), ALLOWED)])

    def __str__(self) -> str:
        return f"{self.metric} {'>=' if self.at_least else '<='} {_spelled(self.threshold)}"

    @property
    def words(self) -> str:
        """What the metric has to be: `at most 20`."""
        return f"{'at least' if self.at_least else 'at most'} {_spelled(self.threshold)}"

    def excess(self, value: float) -> float:
        """Return how far a value misses the limit; 0 or less keeps to it."""
        return self.threshold - value if self.at_least else value - self.threshold


def constraint_problems(constraints: Sequence[Constraint]) -> Iterator[Problem]:
    """Find constraints that say one thing twice, or that no trial could keep to together."""
    lowest, highest = ({c.metric: c for c in constraints if c.at_least is side} for side in (True, False))
    if len(lowest) + len(highest) < len(constraints):
        sides = [(each.metric, each.at_least) for each in constraints]
        twice = next(each for index, each in enumerate(constraints) if sides.index(sides[index]) < index)
        yield Problem("subject_to", shown(str(twice)), f"{twice.metric} has another such limit", "keep one")
    for metric in lowest.keys() & highest.keys():
        if lowest[metric].threshold > highest[metric].threshold:
            said = f"{lowest[metric]} and {highest[metric]}"
            yield Problem("subject_to", shown(said), "no trial could keep to both")


def none_keeps_to(constraints: Sequence[Constraint]) -> str:
    """Say that no trial keeps to constraints."""
    return f"no trial keeps to {' and '.join(map(str, constraints))}"


def with_common_constraints(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job as data, as earlier versions stored it: there each definition had the constraints."""
    definitions = job.get("definitions")
    if not isinstance(definitions, list | tuple) or "subject_to" in job:
        return job
    plain = [dict(each) if isinstance(each, dict) else each for each in definitions]
    old = [each.pop("constraints") for each in plain if isinstance(each, dict) and "constraints" in each]
    if not all(isinstance(each, list | tuple) for each in old):
        return job
    found: list[Any] = []
    for constraint in (one for each in old for one in each):
        found += [] if constraint in found else [constraint]
    return {**job, "definitions": plain, "subject_to": found} if found else {**job, "definitions": plain}


def _spelled(number: float) -> str:
    return repr(number).removesuffix(".0")


def _read(text: str) -> Mapping[str, object]:
    """Read `METRIC <= NUMBER`.

    Raises:
        FoundProblems: With what is meant, where that can be told.
    """
    found = _PARTED.fullmatch(text.strip())
    if found is None:
        raise _refused(text)
    several = [part.strip() for part in _JOINED.split(text)]
    if len(several) > 1 and all(_is_limit(part) for part in several):
        raise _refused(text, "one each: " + ", ".join(f'"{part}"' for part in several))
    metric, sign, given = found[1], found[2], found[3].strip()
    threshold, first = _number(given), _number(metric)
    if threshold is None:
        start = _NUMBER_FIRST.match(given)
        plain = _number(start[0]) if start else None
        if first is not None and given and start is None:  # 20 >= latency_ms
            raise _refused(text, f"{given} {_turned(sign)} {metric}")
        hint = f"{metric} {_MEANT.get(sign, sign)} {_spelled(plain)}" if plain is not None else ""
        raise _refused(text, hint, "the limit is a plain number")
    between = _BETWEEN.fullmatch(metric)
    if between is not None and _number(between[1]) is not None:  # 1 <= x <= 5
        one = f"{between[3]} {_turned(between[2])} {between[1]}"
        raise _refused(text, f'two of them: "{one}" and "{between[3]} {_MEANT.get(sign, sign)} {given}"')
    if first is not None:
        raise _refused(text)
    if sign not in _AT_LEAST:
        raise _strict(text, metric, sign, given)
    return {"metric": metric, "at_least": _AT_LEAST[sign], "threshold": threshold}


def _is_limit(text: str) -> bool:
    parts = _PARTED.fullmatch(text)
    return parts is not None and parts[2] in _AT_LEAST and _number(parts[3]) is not None


def _strict(text: str, metric: str, sign: str, number: str) -> FoundProblems:
    if sign in _MEANT:
        why = "the limit itself is allowed" if len(sign) == 1 else ""
        return _refused(text, f"{metric} {_MEANT[sign]} {number}", f"{ALLOWED}{why and '; '}{why}")
    hint = f'two of them: "{metric} >= {number}" and "{metric} <= {number}"' if set(sign) == {"="} else ""
    return _refused(text, hint)


def _pairs_meant(given: Mapping[Any, Any]) -> str:
    """Return what a mapping of metrics to limits may mean: `"lat <= 3" or "lat >= 3"`."""
    numbers = {
        str(name): _spelled(limit)
        for name, limit in given.items()
        if isinstance(limit, int | float) and not isinstance(limit, bool) and math.isfinite(limit)
    }
    return ", ".join(f'"{name} <= {limit}" or "{name} >= {limit}"' for name, limit in numbers.items())


def _number(text: str) -> float | None:
    """Return a finite number, or `None`."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _turned(sign: str) -> str:
    """Return the sign of the limit that stood before its metric."""
    meant = _MEANT.get(sign, sign)
    return {"<=": ">=", "≤": ">=", ">=": "<=", "≥": "<="}.get(meant, meant)


def _refused(text: str, hint: str = "", allowed: str = ALLOWED) -> FoundProblems:
    return FoundProblems([Problem("", shown(text), allowed, hint)])
