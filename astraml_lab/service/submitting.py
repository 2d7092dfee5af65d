"""Submitting: a request becomes a job, once for each idempotency key."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml import Mistake, ProblemError
from astraml_lab.dialects.astraml.fingerprint import fingerprint
from astraml_lab.dialects.text import read_text
from astraml_lab.errors import NotFound
from astraml_lab.lab import manager
from astraml_lab.lab.requests import read, start
from astraml_lab.service.answers import Response
from astraml_lab.service.jobs import find, id_of, rendered
from astraml_lab.spec import Dialect, TrialState
from astraml_lab.store import Answer

if TYPE_CHECKING:
    from astraml_lab.jobs import Job
    from astraml_lab.service.answers import Call
    from astraml_lab.store import Claim

_KEY = re.compile(r"[ -~]{1,255}")
_LONGEST_QUEUE = 1000


def submit(call: Call) -> Response:
    """Run a request of AstraML; the same key with the same request gives the same job."""
    request = read_text(call.body)
    key = call.headers.get("idempotency-key")
    project = request.get("project_id")
    if key is None or not isinstance(project, str):
        return _created(_start(request, call))
    if not _KEY.fullmatch(key):
        raise ProblemError("malformed", "an Idempotency-Key is 1 to 255 printable ASCII characters")
    name = _name(request)
    # before it is checked: a policy that changed since must not turn a repeat into a refusal
    claim = manager().store.requests.claim(project, key, fingerprint(request), name)
    if claim.answer is not Answer.NEW:
        return _repeated(claim)
    try:
        job = _start(request, call, name)
    except BaseException:
        manager().store.requests.release(claim)
        raise
    # if this fails, the key stays taken, and the next request finds the job by its name
    manager().store.requests.complete(claim, int(id_of(job).removeprefix("tj-")))
    return _created(job)


def translate(call: Call) -> Response:
    """Read a request of any service, and run nothing."""
    dialect = call.query.get("dialect")
    translation = read(read_text(call.body), dialect, api_version=call.headers.get("astraml-version"))
    report = translation.fidelity.model_dump(mode="json")
    return Response(
        200, {}, {**translation.as_dict(), "dialect": translation.dialect.value, "fidelity": report}
    )


def _start(request: dict[str, Any], call: Call, name: str | None = None) -> Job:
    translation = read(request, Dialect.ASTRAML, api_version=call.headers.get("astraml-version"))
    views = [job.view() for job in manager().jobs()]
    waiting = sum(view.counts.get(TrialState.WAITING, 0) for view in views if not view.state.ended)
    if waiting > _LONGEST_QUEUE:
        raise ProblemError("queue-full", f"{waiting} trials are waiting; {_LONGEST_QUEUE} may")
    spec = translation.spec
    try:
        return start(spec if name is None else spec.model_copy(update={"name": name}))
    except NotFound as error:
        raise ProblemError("schema-violation", errors=[Mistake("/model", str(error))]) from None


def _name(request: dict[str, Any]) -> str:
    """Return the name that the job will have: a made-up one is fixed before the job is made."""
    given = request.get("name")
    if isinstance(given, str) and given:
        return given
    model = re.sub(r"[^a-z0-9]+", "-", str(request.get("model", "")).lower()).strip("-")[:40] or "job"
    return f"{model}-{uuid.uuid4().hex[:8]}"


def _created(job: Job) -> Response:
    body = rendered(job)
    return Response(201, {"Location": f"/v2/tuning-jobs/{body['id']}"}, body)


def _repeated(claim: Claim) -> Response:
    if claim.answer is Answer.REUSED:
        raise ProblemError("idempotency-key-reused", "the key belongs to another request; take a new one")
    if claim.answer is Answer.IN_PROGRESS:
        raise ProblemError("request-in-progress", "the first request with this key is still being answered")
    if claim.answer is Answer.DELETED:
        raise ProblemError("job-deleted", f"the job tj-{claim.generation_id} of this key was deleted")
    job = find(f"tj-{claim.generation_id}")
    return Response(200, {"Idempotency-Replayed": "true"}, rendered(job))
