"""The one hook that goes up: how a job is shown.

`astraml_lab/__init__.py` names the presenter; it is imported when a job is first shown. Who never shows
anything never imports a widget.
"""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from astraml_lab.jobs.job import Job
    from astraml_lab.jobs.listing import JobList


class Presenter(Protocol):
    """Shows jobs to people."""

    def show(self, job: Job, *, live: bool, kept: bool = False) -> None:
        """Display the job where the calling cell is.

        Args:
            job: The job.
            live: A person watches: keep the display up to date and make it the final picture at the end.
                Otherwise the caller waits, calls `progress` now and then, and `close` at the end.
            kept: A person wants to look around: no picture takes the display's place, not even at once.
        """

    def progress(self, job: Job) -> None:
        """Print one readable line about the job."""

    def close(self, job: Job) -> None:
        """Turn what `show(live=False)` displayed into the final picture."""

    def show_list(self, jobs: JobList) -> None:
        """Display a list of jobs where the calling cell is: live where a person watches, else as text."""

    def figure(self, job: Job, kind: str, **options: Any) -> Any:
        """Return a plotly figure of the job.

        Raises:
            InvalidSpec: There is no such figure.
        """


@functools.cache
def presenter() -> Presenter:
    """Import and build the presenter that the package names."""
    module, _, name = importlib.import_module("astraml_lab").PRESENTER.partition(":")
    made: Presenter = getattr(importlib.import_module(module), name)()
    return made
