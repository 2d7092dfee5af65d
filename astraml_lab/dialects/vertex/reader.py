"""proto3 JSON -> the request in its one canonical form: lowerCamel names, enums by name, nothing absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astraml_lab.dialects.vertex.errors import Violation, refuse
from astraml_lab.dialects.vertex.scalars import read_scalar
from astraml_lab.dialects.vertex.shapes import ROOT, Field, messages, spellings
from astraml_lab.spec import nearest

DEEPEST = 64
"""So many messages may lie in each other: conditional parameters nest."""
_HINTS = 20
"""The first mistakes are compared with the known names."""
_NOT_IN_V1 = {
    "maxRetryCount": "is no field of v1: restartJobOnWorkerRestart and disableRetries say how often to retry",
    "transferLearningConfig": "is no field of v1, and v1beta1 excludes it from a HyperparameterTuningJob",
}


def parse(request: Mapping[str, Any]) -> dict[str, Any]:
    """Read a request by the field table; what only the service writes is left out.

    Raises:
        VertexError: INVALID_ARGUMENT, with every field that is unknown, missing or of the wrong type.
    """
    reader = _Reader()
    message = reader.message(ROOT, request, "", 0)
    refuse(reader.violations)
    return message


class _Reader:
    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self._places: set[str] = set()

    def message(self, kind: str, value: Any, path: str, depth: int) -> dict[str, Any]:
        """Read one message; what is wrong is gathered, so that all of it is named at once."""
        if not isinstance(value, Mapping):
            self._wrong(path, "must be an object")
            return {}
        if depth > DEEPEST:
            self._wrong(path, f"lies more than {DEEPEST} messages deep")
            return {}
        found: dict[str, Any] = {}
        seen: set[str] = set()
        for key, given in value.items():
            field = self._known(kind, key, path, seen)
            if field is None or field.output or given is None:
                continue
            there = _below(path, field.name)
            if field.group and self._taken(field, kind, found):
                # the parser of protobuf and the service name the message, not the second of its fields
                self._wrong(path, f"only one of {_group(kind, field.group)} may be set")
                continue
            found[field.name] = self._field(field, given, there, depth)
        self._missing(kind, found, path)
        return {name: found[name] for name in messages()[kind] if name in found}

    def _known(self, kind: str, key: Any, path: str, seen: set[str]) -> Field | None:
        field = spellings(kind).get(key) if isinstance(key, str) else None
        there = _below(path, str(key))
        if field is None:
            few = len(self.violations) < _HINTS  # a search through all names each
            hint = _NOT_IN_V1.get(str(key)) or (nearest(str(key), messages()[kind]) if few else "")
            self._wrong(
                there, hint if str(key) in _NOT_IN_V1 else f"unknown field of {kind}; {hint}".rstrip("; ")
            )
            return None
        if field.name in seen:
            self._wrong(_below(path, field.name), "is given twice, under both its names")
            return None
        seen.add(field.name)
        return field

    def _taken(self, field: Field, kind: str, found: Mapping[str, Any]) -> bool:
        return any(messages()[kind][name].group == field.group for name in found)

    def _field(self, field: Field, value: Any, path: str, depth: int) -> Any:
        if not field.repeated:
            return self._one(field, value, path, depth)
        if not isinstance(value, list | tuple):
            self._wrong(path, "must be a list")
            return []
        return [self._one(field, each, f"{path}[{index}]", depth) for index, each in enumerate(value)]

    def _one(self, field: Field, value: Any, path: str, depth: int) -> Any:
        if field.type in messages():
            return self.message(field.type, value, path, depth + 1)
        try:
            return _enum(field, value) if field.type == "enum" else read_scalar(field.type, value)
        except ValueError as error:
            self._wrong(path, str(error))
            return _Wrong

    def _missing(self, kind: str, found: Mapping[str, Any], path: str) -> None:
        for name, field in messages()[kind].items():
            empty = found.get(name) in (None, [], "") and not (name == "value" and name in found)
            if field.required and empty and not self._already(_below(path, name)):
                self._wrong(_below(path, name), "is required")

    def _already(self, path: str) -> bool:
        return path in self._places

    def _wrong(self, path: str, description: str) -> None:
        self.violations.append(Violation(path, description))
        self._places.add(path)


class _Wrong:
    """Stands for a value that was refused, until the whole request is."""


def _enum(field: Field, value: Any) -> str:
    if isinstance(value, str) and value in field.numbers.values():
        return value
    number: int | None = None
    if isinstance(value, str) and value.isdecimal():
        number = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if number is None or number not in field.numbers:
        raise ValueError("must be one of " + ", ".join(field.numbers.values()))
    return field.numbers[number]


def _group(kind: str, group: str) -> str:
    return ", ".join(name for name, field in messages()[kind].items() if field.group == group)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
