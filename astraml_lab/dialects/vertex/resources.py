"""A job as the HyperparameterTuningJob that `get` returns, and what cancel and delete make of one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.errors import CODES, VertexError
from astraml_lab.dialects.vertex.reader import parse
from astraml_lab.dialects.vertex.scalars import timestamp
from astraml_lab.dialects.vertex.trials import render_trial
from astraml_lab.dialects.vertex.writing import write
from astraml_lab.spec import Dialect, FailureKind, JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from astraml_lab.dialects.vertex.trials import Curves
    from astraml_lab.spec import JobSpec, JobView, TrialView

PARENT = "projects/lab/locations/local"
ENDED = frozenset(
    f"JOB_STATE_{word}" for word in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
)
"""The last two are never ours, but resources may come from anywhere."""
KERNEL_ENDED = "kernel ended"
_STATES = {
    JobState.QUEUED: "JOB_STATE_QUEUED",
    JobState.RUNNING: "JOB_STATE_RUNNING",
    JobState.PAUSED: "JOB_STATE_PAUSED",
    JobState.STALE: "JOB_STATE_FAILED",  # where somebody resumes it, it runs again
    JobState.STOPPING: "JOB_STATE_CANCELLING",
    JobState.SUCCEEDED: "JOB_STATE_SUCCEEDED",
    JobState.FAILED: "JOB_STATE_FAILED",
    JobState.CANCELLED: "JOB_STATE_CANCELLED",
}


def render_job(
    spec: JobSpec,
    view: JobView,
    *,
    trials: Sequence[TrialView] | None = None,
    curves: Mapping[int, Curves] | None = None,
    number: int | None = None,
) -> dict[str, Any]:
    """Render a job.

    Args:
        spec: What it is; of any origin.
        view: How it stands.
        trials: Its trials, as `get` returns them; without them it is a job as `list` returns it.
        curves: What the trials reported: by trial, then by metric.
        number: Its id; by default one made of its name, which the next job of that name has, too.
    """
    request, parent = _request(spec)
    name = job_name(view, parent, number)
    state = _STATES[view.state]
    rendered = {"name": name, **request}
    if trials is not None:
        known = curves or {}
        ordered = sorted(trials, key=lambda trial: trial.number)
        if view.state is JobState.STALE:
            ordered = [_lost(each) for each in ordered]
        rendered["trials"] = [render_trial(spec, each, name, known.get(each.number)) for each in ordered]
    rendered["state"] = state
    if state == "JOB_STATE_QUEUED" and view.started_at is not None:
        rendered["state"] = "JOB_STATE_PENDING"
    rendered |= _times(view, trials or (), ended=state in ENDED)
    error = _error(view)
    if error is not None:
        rendered["error"] = error
    return rendered


def _lost(trial: TrialView) -> TrialView:
    """A trial that a dead kernel left open has failed."""
    if trial.state.ended:
        return trial
    return replace(trial, state=TrialState.FAILED, kind=FailureKind.STALE, reason=KERNEL_ENDED)


def job_name(view: JobView, parent: str = PARENT, number: int | None = None) -> str:
    """Return a job's resource name; its id is its number, or one made of the job's own id."""
    if number is None:
        number = int(hashlib.sha256(view.id.encode()).hexdigest()[:15], 16)
    return f"{parent}/hyperparameterTuningJobs/{number}"


def cancel_effect(resource: Mapping[str, Any]) -> str:
    """Return the state that a cancel brings about; `none` for a job that has ended."""
    return "none" if resource.get("state") in ENDED else "JOB_STATE_CANCELLING"


def check_delete(resource: Mapping[str, Any]) -> None:
    """Refuse to delete a job that has not ended.

    Raises:
        VertexError: FAILED_PRECONDITION.
    """
    if resource.get("state") not in ENDED:
        raise VertexError(
            f"{resource.get('name')} is {resource.get('state')}; cancel it, and delete it when it has ended",
            code="FAILED_PRECONDITION",
        )


def not_found(name: str) -> VertexError:
    """Return the refusal of a request about a job that is not there."""
    return VertexError(f"{name} was not found", code="NOT_FOUND")


def delete_operation(name: str) -> dict[str, Any]:
    """Return the long-running operation of a delete: done at once."""
    return {
        "name": f"{name}/operations/delete",
        "done": True,
        "response": {"@type": "type.googleapis.com/google.protobuf.Empty"},
    }


def _is_of_vertex(spec: JobSpec) -> bool:
    return spec.origin is not None and spec.origin.dialect is Dialect.VERTEX


def _request(spec: JobSpec) -> tuple[dict[str, Any], str]:
    if spec.origin is not None and _is_of_vertex(spec):
        return parse(spec.origin.request), spec.origin.parent or PARENT
    return write(spec).request, PARENT


def _times(view: JobView, trials: Sequence[TrialView], *, ended: bool) -> dict[str, str]:
    times = {"createTime": timestamp(view.created_at)}
    if view.started_at is not None:
        times["startTime"] = timestamp(view.started_at)
    if ended and view.ended_at is not None:
        times["endTime"] = timestamp(view.ended_at)
    times["updateTime"] = timestamp(max(_moments(view, trials)))
    return times


def _moments(view: JobView, trials: Sequence[TrialView]) -> Iterator[float]:
    yield view.created_at
    of_trials = (moment for each in trials for moment in (each.started_at, each.ended_at))
    for moment in (view.started_at, view.ended_at, *of_trials):
        if moment is not None:
            yield moment


def _error(view: JobView) -> dict[str, Any] | None:
    """Return the `google.rpc.Status` of a job that was cancelled or failed."""
    if view.state is JobState.CANCELLED:
        return {"code": CODES["CANCELLED"][0], "message": view.reason or "cancelled"}
    if view.state is JobState.STALE:
        return {"code": CODES["UNAVAILABLE"][0], "message": KERNEL_ENDED}
    if view.state is not JobState.FAILED:
        return None
    code = "FAILED_PRECONDITION" if view.failed else "INTERNAL"
    return {"code": CODES[code][0], "message": view.reason or "the job failed"}
