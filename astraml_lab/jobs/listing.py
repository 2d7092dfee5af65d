"""The jobs as a list that programs read, and that a notebook shows as a live table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.jobs.presenter import presenter
from astraml_lab.spec import JobView

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.jobs.job import Job


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
