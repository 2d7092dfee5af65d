"""Submitting once: a request that comes again with its key gets the job, or schedule, of the first time."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.dialects.astraml.fingerprint import fingerprint
from astraml_lab.lab.default import manager
from astraml_lab.store import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.jobs import Job
    from astraml_lab.store import Claim, ScheduleRecord

_KEY = re.compile(r"[ -~]{1,255}")
_NAMES = ("name", "HyperParameterTuningJobName")
_LIKE = ("model", "displayName")
"""What a made-up name begins with."""


class Once(NamedTuple):
    """A request's job, and whether an earlier request with its key made it."""

    job: Job
    replayed: bool


def once(request: Mapping[str, Any], key: str, make: Callable[[str], Job]) -> Once:
    """Make the job of a request, or find the one that the same request has made with this key.

    Args:
        request: What was asked for; its `project_id` says whose key it is.
        key: 1 to 255 printable ASCII characters; kept for a day.
        make: Makes the job under a name.

    Raises:
        ProblemError: malformed, idempotency-key-reused, request-in-progress or job-deleted.
    """
    name, requests = _name(request), manager().store.requests
    claim = _claim(request, key, name)
    if claim.answer is not Answer.NEW:
        return Once(_repeated(claim), replayed=True)
    try:
        job = make(name)
    except BaseException:
        requests.release(claim)
        raise
    # if this fails, the key stays taken, and the next request finds the job by its name
    made = manager().store.load_job(job.project, job.name, job.generation)
    if made is not None:
        requests.complete(claim, made.id)
    return Once(job, replayed=False)


def schedule_once(
    request: Mapping[str, Any], key: str, make: Callable[[], tuple[ScheduleRecord, bool]]
) -> tuple[ScheduleRecord, bool]:
    """Make the schedule of a request, or find the one that the same request has made with this key.

    Args:
        request: What was asked for; its `project_id` says whose key it is.
        key: 1 to 255 printable ASCII characters; kept for a day.
        make: Makes the schedule, or finds that of the same request, and says whether it was there.

    Returns:
        The schedule, and whether it was there.

    Raises:
        ProblemError: malformed, idempotency-key-reused, request-in-progress or schedule-not-found.
    """
    store = manager().store
    claim = _claim(request, key, "")
    if claim.answer is not Answer.NEW:
        _refuse(claim)
        found = store.schedules.get(claim.schedule_id or 0)
        if found is None:
            raise ProblemError("schedule-not-found", "the schedule of this key was removed")
        return found, True
    try:
        record, repeated = make()
    except BaseException:
        store.requests.release(claim)
        raise
    store.requests.complete_schedule(claim, record.id)
    return record, repeated


def _claim(request: Mapping[str, Any], key: str, name: str) -> Claim:
    if not _KEY.fullmatch(key):
        raise ProblemError("malformed", "an Idempotency-Key is 1 to 255 printable ASCII characters")
    project = request.get("project_id")
    whose = project if isinstance(project, str) else "default"
    # before it is checked: a policy that changed since must not turn a repeat into a refusal
    return manager().store.requests.claim(whose, key, fingerprint(request), name)


def _name(request: Mapping[str, Any]) -> str:
    """Return the name that the job will have: a made-up one is fixed before the job is made."""
    for field in _NAMES:
        given = request.get(field)
        if isinstance(given, str) and given:
            return given
    like = next((str(request[field]) for field in _LIKE if request.get(field)), "")
    return f"{re.sub(r'[^a-z0-9]+', '-', like.lower()).strip('-')[:40] or 'job'}-{uuid.uuid4().hex[:8]}"


def _refuse(claim: Claim) -> None:
    """Refuse a key that belongs to another request, or whose own is not answered yet."""
    if claim.answer is Answer.REUSED:
        raise ProblemError("idempotency-key-reused", "the key belongs to another request; take a new one")
    if claim.answer is Answer.IN_PROGRESS:
        raise ProblemError("request-in-progress", "the first request with this key is still being answered")


def _repeated(claim: Claim) -> Job:
    _refuse(claim)
    record = manager().store.load_generation(claim.generation_id or 0)
    if claim.answer is Answer.DELETED or record is None:
        raise ProblemError("job-deleted", f"the job tj-{claim.generation_id} of this key was deleted")
    return manager().find(record.name, record.project, record.number)
