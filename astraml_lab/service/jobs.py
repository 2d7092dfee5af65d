"""Jobs: listed, read, stopped, deleted."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.errors import NotFound
from astraml_lab.lab import manager
from astraml_lab.service.answers import Response
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.jobs import Job
    from astraml_lab.service.answers import Call

STATES = {
    JobState.QUEUED: "QUEUED",
    JobState.RUNNING: "RUNNING",
    JobState.PAUSED: "RUNNING",
    JobState.STOPPING: "STOPPING",
    JobState.SUCCEEDED: "SUCCEEDED",
    JobState.FAILED: "FAILED",
    JobState.CANCELLED: "STOPPED",
    JobState.STALE: "INTERRUPTED",
}
"""The service's words for the states."""
_ID = re.compile(r"tj-([1-9][0-9]{0,17})")


def list_jobs(call: Call) -> Response:
    """Answer with the jobs, the newest first."""
    state = call.query.get("state")
    if state is not None and state not in STATES.values():
        raise ProblemError("malformed", f"state is one of {', '.join(dict.fromkeys(STATES.values()))}")
    found = []
    for job in manager().jobs(call.query.get("project_id")):
        with unless_deleted():
            found.append(rendered(job))
    return Response(200, {}, {"jobs": [each for each in found if state in {None, each["state"]}]})


def get(call: Call, job: str) -> Response:  # noqa: ARG001 - handlers are called alike
    """Answer with a job."""
    return Response(200, {}, rendered(find(job)))


def stop(call: Call, job: str) -> Response:  # noqa: ARG001
    """Stop a job; one that has ended stays as it is."""
    found = find(job)
    if not found.state.ended:
        found.stop("stopped by a call of the service")
    return Response(200, {}, rendered(found))


def delete(call: Call, job: str) -> Response:  # noqa: ARG001
    """Delete a job that has ended."""
    find(job).delete()
    return Response(204, {})


def find(job_id: str) -> Job:
    """Return a job by its id.

    Raises:
        ProblemError: `job-not-found`.
    """
    match = _ID.fullmatch(job_id)
    record = manager().store.load_generation(int(match[1])) if match else None
    if record is None:
        raise ProblemError("job-not-found", f"there is no job {job_id[:40]!r}; ids look like tj-17")
    return manager().find(record.name, record.project, record.number)


@contextlib.contextmanager
def unless_deleted() -> Iterator[None]:
    """Leave out what is asked of a job inside, where the job was deleted since it was listed."""
    try:
        yield
    except NotFound:
        pass
    except ProblemError as error:
        if error.code != "job-not-found":
            raise


def id_of(job: Job) -> str:
    """Return the id of a job: no other job ever has it, also after a deletion."""
    record = manager().store.load_job(job.project, job.name, job.generation)
    if record is None:
        raise ProblemError("job-not-found", f"the job {job.name} was deleted")
    return f"tj-{record.id}"


def rendered(job: Job) -> dict[str, Any]:
    """Return a job as the service shows it; secrets are the names that the request has."""
    view, spec = job.view(), job.spec
    origin = spec.origin
    return {
        "id": id_of(job),
        "name": job.name,
        "project_id": job.project,
        "state": STATES[view.state],
        "reason": view.reason,
        "apiVersion": origin.version if origin is not None and origin.version else None,
        "request": origin.request if origin is not None else None,
        "provenance": dict(origin.provenance) if origin is not None else {},
        "policy_version": origin.policy_version if origin is not None else None,
        "migrated_from": (origin.migrated_from or None) if origin is not None else None,
        "warnings": list(origin.fidelity.warnings) if origin is not None else [],
        "objectives": [{"metric": each.metric, "direction": each.goal.value} for each in view.objectives],
        "trials": {"requested": view.trials, **{state.value: n for state, n in view.counts.items()}},
        "best": {"trials": list(view.best), "value": view.best_value},
        "created_at": view.created_at,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "tags": dict(view.tags),
        "schedule": None if origin is None or origin.run is None else origin.run.model_dump(),
    }
