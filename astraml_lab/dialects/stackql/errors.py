"""Refusals of statements."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from astraml_lab.errors import RequestRefused

if TYPE_CHECKING:
    from astraml_lab.dialects.vertex import VertexError

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


def answered(code: Code, error: VertexError) -> StackqlError:
    """Return what StackQL says of a statement that the service refuses."""
    said = json.dumps(error.body(), ensure_ascii=False)
    message = f"http response status code: {error.status}, response body: {said}"
    return StackqlError(code, message, status=error.status, response=error.body())
