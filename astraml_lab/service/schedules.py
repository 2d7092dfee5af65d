"""Schedules: listed, read, paused, resumed, run, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.errors import NotFound
from astraml_lab.lab import find_schedule, schedules
from astraml_lab.lab.repeats import once
from astraml_lab.service.answers import Response
from astraml_lab.service.jobs import rendered as rendered_job

if TYPE_CHECKING:
    from astraml_lab.jobs import Job
    from astraml_lab.jobs.scheduling import Schedule
    from astraml_lab.service.answers import Call


def list_schedules(call: Call) -> Response:
    """Answer with the schedules."""
    found = [rendered(each, runs=1) for each in schedules(call.query.get("project_id"))]
    return Response(200, {}, {"schedules": found})


def get(call: Call, schedule: str) -> Response:
    """Answer with a schedule and its last runs."""
    return Response(200, {}, rendered(find(call, schedule)))


def pause(call: Call, schedule: str) -> Response:
    """Start no run until `:resume`."""
    return Response(200, {}, rendered(find(call, schedule).pause()))


def resume(call: Call, schedule: str) -> Response:
    """Go on."""
    return Response(200, {}, rendered(find(call, schedule).resume()))


def run(call: Call, schedule: str) -> Response:
    """Start a run now, whatever else runs; the same key again is the same run."""
    found, key = find(call, schedule), call.headers.get("idempotency-key")
    if key is None:
        return _started(found.run())
    made = once({"project_id": found.project, "run_of": found.name}, key, lambda _: found.run())
    if made.replayed:
        return Response(200, {"Idempotency-Replayed": "true"}, rendered_job(made.job))
    return _started(made.job)


def _started(run: Job) -> Response:
    job = rendered_job(run)
    return Response(201, {"Location": f"/v2/tuning-jobs/{job['id']}"}, job)


def remove(call: Call, schedule: str) -> Response:
    """Forget a schedule; the jobs of its runs stay."""
    find(call, schedule).remove()
    return Response(204, {})


def find(call: Call, name: str) -> Schedule:
    """Return a schedule by name, of the project that the query may say.

    Raises:
        ProblemError: `schedule-not-found`.
    """
    try:
        return find_schedule(name, call.query.get("project_id"))
    except NotFound as error:
        raise ProblemError("schedule-not-found", str(error)) from None


def rendered(schedule: Schedule, *, runs: int = 100) -> dict[str, Any]:
    """Return a schedule as the service shows it; secrets are the names that the request has."""
    shown = schedule.as_dict(runs)
    return {**shown, "project_id": shown.pop("project"), "request": dict(schedule.record.request)}
