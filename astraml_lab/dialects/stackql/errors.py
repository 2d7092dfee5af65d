"""Refusals of statements."""

from __future__ import annotations

from typing import Any, Literal

from astraml_lab.errors import RequestRefused

Code = Literal[
    "missing-params",
    "param-form",
    "no-method",
    "failed-precondition",
    "multi-statement",
    "output-only",
    "unknown-resource",
    "not-allowed",
    "not-found",
    "unsupported-statement",
]


class StackqlError(RequestRefused):
    """A statement is refused; nothing was read or changed.

    Attributes:
        response: What the Vertex service would have answered, where the statement reached it.
    """

    def __init__(
        self, code: Code, message: str, *, status: int = 400, response: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.response = response

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as data."""
        return {"outcome": "invalid", "code": self.code, "status": self.status, "message": str(self)}
