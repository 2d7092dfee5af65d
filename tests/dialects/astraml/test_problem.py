from __future__ import annotations

import pytest

from astraml_lab.dialects.astraml import Mistake, ProblemError
from astraml_lab.dialects.astraml.problem import KINDS, pointer


def test_a_problem_document_has_all_its_members() -> None:
    error = ProblemError("invalid-range", errors=[Mistake("/hyperparams/lr", "min 2 is not below max 1")])
    assert error.document(instance="/v2/tuning-jobs", request_id="r-1") == {
        "type": "urn:astraml-lab:problem:invalid-range",
        "title": "A range cannot be searched",
        "status": 422,
        "detail": "/hyperparams/lr: min 2 is not below max 1",
        "instance": "/v2/tuning-jobs",
        "code": "invalid-range",
        "errors": [{"pointer": "/hyperparams/lr", "message": "min 2 is not below max 1"}],
        "retryable": False,
        "request_id": "r-1",
        "retry_after_s": None,
    }
    assert str(error) == "A range cannot be searched: /hyperparams/lr: min 2 is not below max 1"


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        ("malformed", 400, False),
        ("version-mismatch", 400, False),
        ("unsupported-version", 400, False),
        ("unauthenticated", 401, False),
        ("forbidden", 403, False),
        ("project-not-found", 404, False),
        ("job-not-found", 404, False),
        ("schedule-not-found", 404, False),
        ("request-in-progress", 409, True),
        ("invalid-state", 409, False),
        ("job-deleted", 410, False),
        ("body-too-large", 413, False),
        ("schema-violation", 422, False),
        ("invalid-range", 422, False),
        ("policy-violation", 422, False),
        ("inline-secret", 422, False),
        ("unknown-secret", 422, False),
        ("migration-required", 422, False),
        ("idempotency-key-reused", 422, False),
        ("invalid-cron", 422, False),
        ("too-many-requests", 429, True),
        ("queue-full", 429, True),
        ("internal", 500, True),
        ("store-locked", 503, True),
        ("shutting-down", 503, True),
        ("disk-full", 507, True),
    ],
)
def test_every_code_has_its_status_and_says_whether_to_try_again(
    code: str,
    status: int,
    *,
    retryable: bool,
) -> None:
    error = ProblemError(code, "why")
    assert (error.status, error.retryable) == (status, retryable)
    assert error.as_dict() == {"outcome": "invalid", "code": code, "status": status, "pointers": []}


@pytest.mark.parametrize(
    "code", ["request-in-progress", "too-many-requests", "queue-full", "store-locked", "shutting-down"]
)
def test_what_passes_by_itself_says_when(code: str) -> None:
    after = KINDS[code].retry_after
    assert after is not None
    assert after >= 1


def test_pointers_are_sorted_and_stand_once() -> None:
    mistakes = [Mistake("/b", "x"), Mistake("/a", "y"), Mistake("/b", "z")]
    assert ProblemError("schema-violation", errors=mistakes).pointers == ("/a", "/b")


def test_pointers_are_escaped_as_rfc_6901_says() -> None:
    assert pointer("a/b", "m~n", 0, "") == "/a~1b/m~0n/0/"
