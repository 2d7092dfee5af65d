"""The jobs of the store, each with what a service's answers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound
from astraml_lab.jobs.stored import StoredReader, read_spec
from astraml_lab.lab.default import manager

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.jobs import Job
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobSpec, JobView
    from astraml_lab.store import GenerationRecord


@dataclass(frozen=True)
class Known:
    """A job.

    Attributes:
        record: Its newest generation's row.
        spec: What it is.
        reader: The read side: live where it runs in this kernel.
    """

    record: GenerationRecord
    spec: JobSpec
    reader: JobReader

    @property
    def number(self) -> int:
        """Its number, that no other job ever has, also after a deletion."""
        return self.record.id

    def view(self) -> JobView:
        """Return how it stands."""
        if isinstance(self.reader, StoredReader):
            return self.reader.view_of(self.record)
        return self.reader.view()

    def job(self) -> Job:
        """Return its handle."""
        return manager().find(self.record.name, self.record.project, self.record.number)


def known(project: str | None = None) -> Iterator[Known]:
    """Yield every job, the newest first."""
    for record in manager().store.list_jobs(project):
        yield _known(record)


def known_by_name(name: str, project: str) -> Known | None:
    """Return a job by its name; case does not count."""
    record = manager().store.load_job(project, name)
    return None if record is None else _known(record)


def known_by_number(number: int) -> Known | None:
    """Return a job by its number; those of older generations are nobody's any more."""
    record = manager().store.load_generation(number)
    found = None if record is None else known_by_name(record.name, record.project)
    return found if found is not None and found.number == number else None


def known_job(job: Job) -> Known:
    """Return a job by its handle.

    Raises:
        NotFound: It was deleted meanwhile.
    """
    found = known_by_name(job.name, job.project)
    if found is None:
        raise NotFound(f"the job {job.name} was deleted")
    return found


def _known(record: GenerationRecord) -> Known:
    return Known(record, read_spec(record)[0], manager().reader(record.id, record))
