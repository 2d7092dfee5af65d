"""Refusals as Google's services word them: `google.rpc.Status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

CODES: dict[str, tuple[int, int]] = {
    "OK": (0, 200),
    "CANCELLED": (1, 499),
    "INVALID_ARGUMENT": (3, 400),
    "DEADLINE_EXCEEDED": (4, 504),
    "NOT_FOUND": (5, 404),
    "ALREADY_EXISTS": (6, 409),
    "PERMISSION_DENIED": (7, 403),
    "RESOURCE_EXHAUSTED": (8, 429),
    "FAILED_PRECONDITION": (9, 400),
    "ABORTED": (10, 409),
    "OUT_OF_RANGE": (11, 400),
    "UNIMPLEMENTED": (12, 501),
    "INTERNAL": (13, 500),
    "UNAVAILABLE": (14, 503),
    "UNAUTHENTICATED": (16, 401),
}
"""By name: the code of `google.rpc.Code` and its HTTP status."""


@dataclass(frozen=True)
class Violation:
    """One mistake.

    Attributes:
        field: Its path as proto3 JSON names it: `studySpec.parameters[0].scaleType`.
        description: What is wrong and what would be right.
    """

    field: str
    description: str


class VertexError(RequestRefused):
    """A request is refused as Vertex AI would refuse it; every mistake of one kind is named at once.

    Attributes:
        field: The path of the first mistake; empty where the request as a whole cannot be served.
        violations: All of them.
        number: The code of `google.rpc.Code`.
    """

    def __init__(
        self, message: str, *, code: str = "INVALID_ARGUMENT", violations: Iterable[Violation] = ()
    ) -> None:
        self.number, http = CODES[code]
        super().__init__(message, code=code, status=http)
        self.message = message
        self.violations = tuple(violations)
        self.field = self.violations[0].field if self.violations else ""

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as data."""
        return {
            "outcome": "invalid",
            "code": self.number,
            "status": self.code,
            "http": self.status,
            "field": self.field,
        }

    def body(self) -> dict[str, Any]:
        """Return what the REST service answers: an error with the fields that are to blame."""
        error: dict[str, Any] = {"code": self.status, "message": self.message, "status": self.code}
        if self.violations:
            fields = [{"field": each.field, "description": each.description} for each in self.violations]
            kind = "type.googleapis.com/google.rpc.BadRequest"
            error["details"] = [{"@type": kind, "fieldViolations": fields}]
        return {"error": error}


def refuse(violations: Iterable[Violation]) -> None:
    """Refuse a request if anything in it is wrong.

    Raises:
        VertexError: INVALID_ARGUMENT, with every violation.
    """
    found = tuple(violations)
    if found:
        first = f"{found[0].field}: {found[0].description}" if found[0].field else found[0].description
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise VertexError(f"Invalid value at {first}{more}", violations=found)
