"""Submitting: a request becomes a job, once for each idempotency key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from astraml_lab.dialects.astraml import Mistake, ProblemError
from astraml_lab.dialects.text import read_text
from astraml_lab.errors import NotFound
from astraml_lab.lab import manager, schedule
from astraml_lab.lab.repeats import once
from astraml_lab.lab.requests import read, start
from astraml_lab.service import schedules
from astraml_lab.service.answers import Response
from astraml_lab.service.jobs import rendered, unless_deleted
from astraml_lab.spec import Dialect, TrialState

if TYPE_CHECKING:
    from astraml_lab.jobs import Job
    from astraml_lab.service.answers import Call

_LONGEST_QUEUE = 1000


def submit(call: Call) -> Response:
    """Run a request of AstraML; the same key with the same request gives the same job."""
    request = read_text(call.body)
    if "schedule" in request:
        return _scheduled(request, call)
    key = call.headers.get("idempotency-key")
    if key is None:
        return _created(_start(request, call))
    made = once(request, key, lambda name: _start(request, call, name))
    if made.replayed:
        return Response(200, {"Idempotency-Replayed": "true"}, rendered(made.job))
    return _created(made.job)


def translate(call: Call) -> Response:
    """Read a request of any service, and run nothing."""
    dialect = call.query.get("dialect")
    translation = read(call.body, dialect, api_version=call.headers.get("astraml-version"))
    report = translation.fidelity.model_dump(mode="json")
    return Response(
        200, {}, {**translation.as_dict(), "dialect": translation.dialect.value, "fidelity": report}
    )


def _start(request: dict[str, Any], call: Call, name: str | None = None) -> Job:
    translation = read(request, Dialect.ASTRAML, api_version=call.headers.get("astraml-version"))
    waiting = 0
    for job in manager().jobs():
        with unless_deleted():
            view = job.view()
            waiting += 0 if view.state.ended else view.counts.get(TrialState.WAITING, 0)
    if waiting > _LONGEST_QUEUE:
        raise ProblemError("queue-full", f"{waiting} trials are waiting; {_LONGEST_QUEUE} may")
    spec = translation.spec
    try:
        return start(spec if name is None else spec.model_copy(update={"name": name}))
    except NotFound as error:
        raise ProblemError("schema-violation", errors=[Mistake("/model", str(error))]) from None


def _scheduled(request: dict[str, Any], call: Call) -> Response:
    """Make a schedule; the same request again is the same schedule, also without a key."""
    version, key = call.headers.get("astraml-version"), call.headers.get("idempotency-key")
    try:
        made = schedule(request, api_version=version, idempotency_key=key)
    except NotFound as error:
        raise ProblemError("schema-violation", errors=[Mistake("/model", str(error))]) from None
    if made.said:
        return Response(200, {"Idempotency-Replayed": "true"}, schedules.rendered(made))
    return Response(201, {"Location": f"/v2/schedules/{quote(made.name)}"}, schedules.rendered(made))


def _created(job: Job) -> Response:
    body = rendered(job)
    return Response(201, {"Location": f"/v2/tuning-jobs/{body['id']}"}, body)
