"""The lab's jobs as Vertex AI's resources, for whoever speaks of them: its client, and StackQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.resources import cancel_effect, check_delete, not_found, render_job
from astraml_lab.jobs import views_of
from astraml_lab.lab.default import manager

if TYPE_CHECKING:
    from astraml_lab.jobs import Job
    from astraml_lab.spec import JobView

_STOPPED = "cancelled"


class Resource(Mapping[str, Any]):
    """A job as `get` returns it; its trials are rendered when somebody asks for them.

    Attributes:
        job: The job.
    """

    def __init__(self, job: Job, view: JobView) -> None:
        self.job = job
        self._view = view
        self._listed = render_job(job.spec, view)

    def __getitem__(self, key: str) -> Any:
        return self._whole.get("trials", []) if key == "trials" else self._listed[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._listed
        yield "trials"

    def __len__(self) -> int:
        return len(self._listed) + 1

    @cached_property
    def _whole(self) -> dict[str, Any]:
        reader, trials = self.job.reader, self.job.reader.trials()[1]
        names = self._view.metric_names
        curves = {
            trial.number: {name: curve for name in names if (curve := reader.curve(trial.number, name))}
            for trial in trials
        }
        return render_job(self.job.spec, self._view, trials=trials, curves=curves)


def resources() -> list[Resource]:
    """Return every job, the newest first; one that was made of no Vertex request as its export would be."""
    return [Resource(manager().find(view.name, view.project), view) for view in views_of(manager())]


def resource(name: str) -> Resource:
    """Return the job of a resource name.

    Raises:
        VertexError: NOT_FOUND.
    """
    found = next((each for each in resources() if each["name"] == name), None)
    if found is None:
        raise not_found(name)
    return found


def cancel(name: str) -> None:
    """Ask a job to end; one that has ended stays as it is.

    Raises:
        VertexError: NOT_FOUND.
    """
    found = resource(name)
    if cancel_effect(found) != "none":
        found.job.stop(_STOPPED)


def delete(name: str) -> None:
    """Remove a job that has ended, with its trials.

    Raises:
        VertexError: NOT_FOUND, or FAILED_PRECONDITION while it runs.
    """
    found = resource(name)
    check_delete(found)
    found.job.delete()
