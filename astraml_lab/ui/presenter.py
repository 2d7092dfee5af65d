"""How jobs are shown: a live dashboard in a notebook, a static picture at the end, text everywhere else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from IPython.core.getipython import get_ipython

from astraml_lab.clock import SystemClock
from astraml_lab.jobs import attended
from astraml_lab.ui.jobs_text import job_table
from astraml_lab.ui.live import Live
from astraml_lab.ui.panels import Snapshot
from astraml_lab.ui.places import put
from astraml_lab.ui.publisher import Publisher
from astraml_lab.ui.static_bundle import bundle
from astraml_lab.ui.text import progress_line, summary

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.jobs import JobList
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.ui.jobs_table import JobsTable
    from astraml_lab.ui.places import Place

_ENDED_KEPT = 8
_TABLES_KEPT = 30
"""Lists of jobs that stay live: who asks for one more gives the oldest away."""


class ShownJob(Protocol):
    """What of a `Job` is needed to show it."""

    @property
    def id(self) -> str:
        """`project/name#generation`."""

    @property
    def reader(self) -> JobReader:
        """Its read side."""

    def stop(self) -> object:
        """End it."""


class NotebookPresenter:
    """Shows jobs where the calling cell is. Thread-safe."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._publisher = Publisher(self._clock)
        self._live: dict[str, Live] = {}
        self._tables: list[JobsTable] = []
        self._places: dict[str, list[Place]] = {}
        self._lock = threading.Lock()

    def show(self, job: ShownJob, *, live: bool, kept: bool = False) -> None:
        """Display the job where the calling cell is: live, or as a place for the final picture.

        Args:
            job: The job; one that has ended is displayed as its final picture at once.
            live: A person watches. Otherwise no widget is made.
            kept: A person wants to look around, also in a job that has ended: no picture takes the
                dashboard's place.
        """
        if not in_notebook():
            self._print(job)
        elif kept and live:
            self._live_of(job).show(kept=True)
        elif job.reader.view().state.ended:
            put(bundle(job.reader, self._clock.time()))
        elif live:
            self._live_of(job).show()
        else:
            place = put({"text/plain": self._text(job)})
            with self._lock:
                self._places.setdefault(job.id, []).append(place)

    def progress(self, job: ShownJob) -> None:
        """Print one readable line about the job."""
        shown = Snapshot.of(job.reader, self._clock.time())
        print(progress_line(shown.view, shown.trials, shown.now), flush=True)  # noqa: T201  its purpose

    def close(self, job: ShownJob) -> None:
        """Turn what `show(live=False)` displayed into the final picture."""
        with self._lock:
            places = self._places.pop(job.id, [])
        if not places:
            return
        final = bundle(job.reader, self._clock.time(), png=True)
        for place in places:
            place.update(final, raw=True)

    def show_list(self, jobs: JobList) -> None:
        """Display a list of jobs where the calling cell is: live where a person watches, else as text."""
        text = job_table(jobs)
        if not in_notebook():
            print(text)  # noqa: T201  a terminal's display
        elif not attended():
            put({"text/plain": text})
        else:
            from astraml_lab.ui.jobs_table import JobsTable

            table = JobsTable(jobs, self._publisher, self._clock)
            put(table.bundle(text))
            with self._lock:
                self._tables.append(table)
                old = self._tables.pop(0) if len(self._tables) > _TABLES_KEPT else None
            if old is not None:
                old.close()

    def figure(self, job: ShownJob, kind: str, **options: Any) -> Any:
        """Return a plotly figure of the job.

        Raises:
            InvalidSpec: There is no such figure; the message lists those that exist.
        """
        from astraml_lab.ui.charts import figure  # plotly costs most of a second and not every job needs it

        return figure(job.reader, kind, **options)

    def _live_of(self, job: ShownJob) -> Live:
        with self._lock:
            found = self._live.get(job.id)
            if found is not None and found.reader.shows(job):
                return found
            if found is not None:
                found.close()
            self._forget_old()
            made = self._live[job.id] = Live(job, self._publisher, self._clock)
            return made

    def _forget_old(self) -> None:
        """Close the widgets of jobs that ended long ago, so that a kernel does not keep them all day."""
        ended = [name for name, live in self._live.items() if live.ended]
        for name in ended[:-_ENDED_KEPT]:
            self._live.pop(name).close()

    def _print(self, job: ShownJob) -> None:
        print(self._text(job), flush=True)  # noqa: T201  a terminal's display

    def _text(self, job: ShownJob) -> str:
        shown = Snapshot.of(job.reader, self._clock.time())
        return summary(shown.view, shown.trials, shown.now)


def in_notebook() -> bool:
    """Whether outputs are shown by a notebook: a kernel runs this code, no terminal."""
    return hasattr(get_ipython(), "kernel")
