"""How the service says no."""

from __future__ import annotations

from typing import Any

from astraml_lab.errors import RequestRefused

VALIDATION = "ValidationException"
IN_USE = "ResourceInUse"
NOT_FOUND = "ResourceNotFound"
LIMIT_EXCEEDED = "ResourceLimitExceeded"
_HTTP = 400
"""The service answers every refusal with it."""


class SageMakerError(RequestRefused):
    """A request that the service would refuse, in its words; `response` is what boto3's handlers read.

    Attributes:
        field: The offending path, as the request writes it: `Tags[1].Key`.
        response: `{"Error": {"Code", "Message"}, "ResponseMetadata": {"HTTPStatusCode"}}`.
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message, code=code, status=_HTTP)
        self.field = field
        self.response: dict[str, Any] = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": _HTTP},
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as data: outcome, error, http and field."""
        return {"outcome": "invalid", "error": self.code, "http": self.status, "field": self.field}


def invalid(field: str, message: str) -> SageMakerError:
    """Make the error of a broken rule."""
    return SageMakerError(VALIDATION, message, field)
