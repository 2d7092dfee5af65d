"""A live dashboard in its cells, replaced by the final picture when the job ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from IPython.display import display

from astraml_lab.ui.dashboard import QUIET_SECONDS, Dashboard
from astraml_lab.ui.static_bundle import bundle
from astraml_lab.ui.text import progress_line

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.ui.presenter import ShownJob
    from astraml_lab.ui.publisher import Publisher

WIDGET = "application/vnd.jupyter.widget-view+json"


class Live:
    """Publishes one job's dashboard and replaces its displays at the end. Thread-safe."""

    def __init__(self, job: ShownJob, publisher: Publisher, clock: Clock) -> None:
        self.reader: JobReader = job.reader
        self._publisher = publisher
        self._clock = clock
        controls = {name: getattr(job, name) for name in ("pause", "resume") if hasattr(job, name)}
        self._dashboard = Dashboard(
            self.reader, on_stop=job.stop, controls=controls, clock=clock, wake=self._wake
        )
        self._handles: list[Any] = []
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        """Whether the job was over when it was last looked at."""
        return self._dashboard.ended

    def show(self, display_id: str) -> None:
        """Display one more view in the calling cell."""
        _, trials = self.reader.trials(0)
        text = progress_line(self.reader.view(), trials, self._clock.time())
        view = {"version_major": 2, "version_minor": 0, "model_id": self._dashboard.model_id}
        handle = display({WIDGET: view, "text/plain": text}, raw=True, display_id=display_id)  # type: ignore[no-untyped-call]  # IPython leaves it untyped
        with self._lock:
            self._handles.append(handle)
        self._wake()

    def publish(self) -> float | None:
        """Update the views; at the end, put the final picture in the place of each."""
        pause = self._dashboard.publish()
        if self._dashboard.ended:
            with self._lock:
                handles, self._handles = self._handles, []
            if handles:
                final = bundle(self.reader, self._clock.time())
                for handle in handles:
                    handle.update(final, raw=True)
            # A view that a page reload brought back cannot be replaced: it asks when it needs something.
            return None if pause == QUIET_SECONDS else pause
        return pause

    def close(self) -> None:
        """Close the widget for good."""
        self._publisher.discard(self)
        self._dashboard.close()

    def _wake(self) -> None:
        self._publisher.wake(self)
