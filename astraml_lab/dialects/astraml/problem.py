"""Problem documents (RFC 9457): what is wrong with a request, where, and whether a retry makes sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """What all problems of one code share.

    Attributes:
        status: The HTTP status.
        title: The same for every problem of the code.
        retryable: Whether the same request may succeed later.
        retry_after: After how many seconds, where a retry makes sense.
    """

    status: int
    title: str
    retryable: bool = False
    retry_after: int | None = None


KINDS = {
    "malformed": Kind(400, "The request cannot be read"),
    "version-mismatch": Kind(400, "Body and header name different versions"),
    "unsupported-version": Kind(400, "No such API version"),
    "unauthenticated": Kind(401, "Who asks is not known"),
    "forbidden": Kind(403, "Not allowed"),
    "not-found": Kind(404, "There is nothing at this path"),
    "project-not-found": Kind(404, "No such project"),
    "job-not-found": Kind(404, "No such job"),
    "trial-not-found": Kind(404, "No such trial"),
    "schedule-not-found": Kind(404, "No such schedule"),
    "method-not-allowed": Kind(405, "The path has no such method"),
    "request-in-progress": Kind(409, "The first such request still runs", retryable=True, retry_after=1),
    "invalid-state": Kind(409, "Not possible in the state that the job is in"),
    "job-deleted": Kind(410, "The job was deleted"),
    "body-too-large": Kind(413, "The body is larger than 1 MiB"),
    "schema-violation": Kind(422, "The request does not have the form of version 2.1"),
    "invalid-range": Kind(422, "A range cannot be searched"),
    "policy-violation": Kind(422, "The project's policy does not allow it"),
    "inline-secret": Kind(422, "A secret stands in the request"),
    "unknown-secret": Kind(422, "The project has no such secret"),
    "migration-required": Kind(422, "A version 1 request has to be migrated"),
    "idempotency-key-reused": Kind(422, "The key belongs to another request"),
    "invalid-cron": Kind(422, "The schedule cannot be followed"),
    "too-many-requests": Kind(429, "Too many requests", retryable=True, retry_after=1),
    "queue-full": Kind(429, "Too many trials are waiting", retryable=True, retry_after=30),
    "internal": Kind(500, "The lab failed", retryable=True),
    "not-built": Kind(501, "Valid, but not built in this version"),
    "store-locked": Kind(503, "The store is busy", retryable=True, retry_after=1),
    "shutting-down": Kind(503, "The kernel is ending", retryable=True, retry_after=5),
    "disk-full": Kind(507, "The disk is full", retryable=True),
}
"""Every code, with what it means."""


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        pointer: Where, an RFC 6901 JSON pointer into the request.
        message: What is wrong and what is allowed; never the value of a secret.
        limit: The limit of a policy that was crossed.
        code: The problem code that it makes.
    """

    pointer: str
    message: str
    limit: Any = None
    code: str = "schema-violation"

    def as_dict(self) -> dict[str, Any]:
        """Return a member of a problem document's `errors`."""
        found = {"pointer": self.pointer, "message": self.message}
        return found if self.limit is None else {**found, "limit": self.limit}


class ProblemError(RequestRefused):
    """A request is refused; the members are those of its problem document.

    Attributes:
        detail: What is wrong, in one sentence.
        errors: Every mistake, by pointer.
        retryable: Whether the same request may succeed later.
        retry_after: After how many seconds, where that is known.
        limit: What a policy allows, where one mistake crossed it.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        errors: Iterable[Mistake] = (),
        *,
        retry_after: int | None = None,
        retryable: bool | None = None,
    ) -> None:
        kind = KINDS[code]
        self.errors = tuple(sorted(errors, key=lambda mistake: mistake.pointer))
        self.detail = detail or "; ".join(_line(mistake) for mistake in self.errors)
        self.title = kind.title
        self.retryable = kind.retryable if retryable is None else retryable
        self.retry_after = kind.retry_after if retry_after is None else retry_after
        super().__init__(self._message(detail), code=code, status=kind.status)

    @property
    def pointers(self) -> tuple[str, ...]:
        """Where the mistakes are, sorted, each place once."""
        return tuple(dict.fromkeys(mistake.pointer for mistake in self.errors))

    @property
    def field(self) -> str:
        """The first place that is wrong."""
        return next(iter(self.pointers), "")

    def as_dict(self) -> dict[str, Any]:
        """Return the refusal as data: outcome, status, code and pointers."""
        return {**super().as_dict(), "pointers": list(self.pointers)}

    def document(self, *, instance: str = "", request_id: str = "") -> dict[str, Any]:
        """Return the problem document.

        Args:
            instance: The path that was asked.
            request_id: What names the request in a log.
        """
        return {
            "type": f"urn:astraml-lab:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "errors": [mistake.as_dict() for mistake in self.errors],
            "retryable": self.retryable,
            "request_id": request_id,
            "retry_after_s": self.retry_after,
        }

    def _message(self, detail: str) -> str:
        if len(self.errors) == 1 and not detail:
            return f"{self.title}: {_line(self.errors[0])}"
        lines = "".join(f"\n  - {_line(mistake)}" for mistake in self.errors)
        return f"{detail or f'{self.title}:'}{lines}"


def raise_all(mistakes: Iterable[Mistake]) -> None:
    """Refuse a request for all its mistakes at once; the code is that of the gravest kind.

    Raises:
        ProblemError: There is a mistake.
    """
    found = tuple(mistakes)
    if found:
        codes = {mistake.code for mistake in found}
        raise ProblemError(min(codes, key=_GRAVITY.index), errors=found)


def pointer(*parts: str | int) -> str:
    """Spell a place as an RFC 6901 JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


_GRAVITY = (
    "inline-secret",
    "schema-violation",
    "invalid-range",
    "unknown-secret",
    "invalid-cron",
    "policy-violation",
)


def _line(mistake: Mistake) -> str:
    return f"{mistake.pointer or 'the request'}: {mistake.message}"
