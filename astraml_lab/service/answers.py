"""What a call gets back, and how what goes wrong becomes a problem document."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from astraml_lab.dialects.astraml import MEDIA_TYPE, Mistake, ProblemError
from astraml_lab.errors import (
    Conflict,
    InvalidSpec,
    MissingExtra,
    NotBuiltYet,
    NotFound,
    RequestRefused,
    StoreUnavailable,
)
from astraml_lab.secrets import SecretsRefused
from astraml_lab.store.engine import is_full

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("astraml_lab")
JSON = "application/json"


class Response(NamedTuple):
    """An answer.

    Attributes:
        status: The HTTP status.
        headers: Its headers.
        body: Plain data, as JSON has it; None where there is none.
    """

    status: int
    headers: dict[str, str]
    body: Any = None


class Call(NamedTuple):
    """What was asked.

    Attributes:
        path: The path, without its query.
        query: The query's fields; of one that stands twice the last.
        body: The body as it came.
        headers: By lower-case name.
        request_id: What names the call in an answer.
    """

    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    request_id: str


class WrongMethod(ProblemError):
    """The path is known, the method is not."""

    def __init__(self, allowed: str) -> None:
        super().__init__("method-not-allowed", f"this path has {allowed}")
        self.allowed = allowed


def refusal(error: Exception, call: Call) -> Response:
    """Answer with what went wrong."""
    if isinstance(error, RequestRefused) and not isinstance(error, ProblemError):
        return Response(error.status, {"Content-Type": JSON}, error.as_dict())  # in another service's words
    problem = as_problem(error, keyed="idempotency-key" in call.headers)
    headers = {"Content-Type": MEDIA_TYPE}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, WrongMethod):
        headers["Allow"] = problem.allowed
    return Response(problem.status, headers, problem.document(instance=call.path, request_id=call.request_id))


def as_problem(error: Exception, *, keyed: bool) -> ProblemError:
    """Say an error as a problem.

    Args:
        error: What was raised.
        keyed: Whether the request has a key that makes a repeat safe.
    """
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, InvalidSpec):
        return ProblemError("schema-violation", errors=[Mistake("", str(each)) for each in error.problems])
    if isinstance(error, NotBuiltYet | MissingExtra):
        return ProblemError("not-built", str(error))
    if isinstance(error, Conflict | NotFound):  # what is not found was deleted between two reads of one call
        return ProblemError("invalid-state" if isinstance(error, Conflict) else "job-not-found", str(error))
    if isinstance(error, StoreUnavailable | SecretsRefused):
        retryable = False if isinstance(error, SecretsRefused) else None
        code = "disk-full" if is_full(error.__cause__) else "store-locked"
        return ProblemError(code, str(error), retryable=retryable)
    _log.error("a call of the service failed", exc_info=error)
    return ProblemError("internal", f"{type(error).__name__}: {error}", retryable=keyed)
