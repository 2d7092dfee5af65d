"""The read side of a job through all its lives: its runner's memory or the store, whichever it is now."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound

if TYPE_CHECKING:
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import CurveView, JobView, TrialView, WindowView
    from astraml_lab.ui.presenter import ShownJob


class Followed:
    """Implements `JobReader` over whatever reader the job has at the moment. Thread-safe.

    A job whose kernel is gone is read from the store; taken over in this kernel, from its memory. Its cursors
    go on across such a change, and every trial counts as changed by it.
    """

    def __init__(self, job: ShownJob) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._source: JobReader | None = None
        self._base = 0
        self._seen = 0

    def shows(self, job: ShownJob) -> bool:
        """Whether a handle is one of this job, and not of a later one that has its name."""
        try:
            # The runner may end between the two questions, and is then not what the second one finds.
            return self._job.reader is job.reader or self._job.reader is job.reader
        except NotFound:
            return False

    def view(self) -> JobView:
        """Return the job as it stands."""
        return self._job.reader.view()

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        """Return a cursor and the trials that changed after `since`, ordered by number."""
        with self._lock:
            source = self._job.reader
            if source is not self._source:
                self._source, self._base = source, self._seen + 1
            cursor, changed = source.trials(max(0, since - self._base))
            self._seen = max(self._seen, self._base + cursor)
            return self._base + cursor, changed

    def trial(self, number: int) -> TrialView | None:
        """Return one trial, or `None` where there is none of this number."""
        return self._job.reader.trial(number)

    def curve(self, trial: int, metric: str) -> CurveView | None:
        """Return a metric by step, or `None` where the trial has not reported it."""
        return self._job.reader.curve(trial, metric)

    def windows(self, trial: int, metric: str) -> WindowView | None:
        """Return a metric by windows of time, or `None` where the trial has not reported it."""
        return self._job.reader.windows(trial, metric)

    def log_tail(self, trial: int, lines: int = 100) -> list[str]:
        """Return the last lines that the trial printed."""
        return self._job.reader.log_tail(trial, lines)
