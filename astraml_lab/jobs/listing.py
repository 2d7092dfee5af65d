"""The jobs as a list that programs read, and that a notebook shows as a live table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.jobs.presenter import presenter
from astraml_lab.jobs.stored import StoredReader
from astraml_lab.spec import JobView

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.jobs.job import Job
    from astraml_lab.jobs.manager import Manager


def views_of(manager: Manager, project: str | None = None) -> list[JobView]:
    """Return how every job stands, the newest first: their rows at once, then what moves or has changed."""
    views = []
    for found in manager.store.list_jobs(project):
        reader = manager.reader(found.id, found)
        views.append(reader.view_of(found) if isinstance(reader, StoredReader) else reader.view())
    return views


class JobList(list[JobView]):
    """What there was when it was asked; shown, it is asked again and again.

    Args:
        ask: Lists the jobs, now and later.
        find: Returns the job of a view.
    """

    def __init__(self, ask: Callable[[], list[JobView]], find: Callable[[JobView], Job]) -> None:
        super().__init__(ask())
        self.ask = ask
        self.find = find

    def _ipython_display_(self) -> None:
        presenter().show_list(self)

    def __reduce__(self) -> Any:
        return list, (list(self),)
