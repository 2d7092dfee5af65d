"""The lab's jobs as Vertex AI's resources, for whoever speaks of them: its client, and StackQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.resources import cancel_effect, check_delete, not_found, render_job
from astraml_lab.lab.known import Known, known, known_by_number

if TYPE_CHECKING:
    from astraml_lab.jobs import Job

_NUMBER = re.compile("[1-9][0-9]{0,17}")
_STOPPED = "cancelled"


class Resource(Mapping[str, Any]):
    """A job as `get` returns it; its trials are rendered when somebody asks for them."""

    def __init__(self, found: Known) -> None:
        self._found = found
        self._view = found.view()
        self._listed = render_job(found.spec, self._view, number=found.number)

    @property
    def job(self) -> Job:
        """The job."""
        return self._found.job()

    def __getitem__(self, key: str) -> Any:
        return self._whole.get("trials", []) if key == "trials" else self._listed[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._listed
        yield "trials"

    def __len__(self) -> int:
        return len(self._listed) + 1

    @cached_property
    def _whole(self) -> dict[str, Any]:
        reader, trials = self._found.reader, self._found.reader.trials()[1]
        names = self._view.metric_names
        curves = {
            trial.number: {name: curve for name in names if (curve := reader.curve(trial.number, name))}
            for trial in trials
        }
        number = self._found.number
        return render_job(self._found.spec, self._view, trials=trials, curves=curves, number=number)


def resources() -> list[Resource]:
    """Return every job, the newest first; one that was made of no Vertex request as its export would be."""
    return [Resource(each) for each in known()]


def resource(name: str) -> Resource:
    """Return the job of a resource name.

    Raises:
        VertexError: NOT_FOUND.
    """
    number = name.rpartition("/")[2]
    found = known_by_number(int(number)) if _NUMBER.fullmatch(number) else None
    shown = None if found is None else Resource(found)
    if shown is None or shown["name"] != name:
        raise not_found(name)
    return shown


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
