"""A live dashboard in its cells, and the picture that the saved notebook holds of it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound
from astraml_lab.ui.actions import Actions
from astraml_lab.ui.dashboard import Dashboard
from astraml_lab.ui.followed import Followed
from astraml_lab.ui.keepsake import Keepsake
from astraml_lab.ui.panels import Snapshot
from astraml_lab.ui.places import put
from astraml_lab.ui.static_bundle import bundle
from astraml_lab.ui.text import progress_line

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.ui.choice import Selection
    from astraml_lab.ui.places import Place
    from astraml_lab.ui.presenter import ShownJob
    from astraml_lab.ui.publisher import Publisher

WIDGET = "application/vnd.jupyter.widget-view+json"
QUIET_SECONDS = 1.0
"""How often a job is looked at that nobody watches: its end has to be noticed."""


GREETING = 10.0
"""A page has this long to open a view that was just displayed, and to say what it can do."""


class Live:
    """Publishes one job's dashboard. Thread-safe.

    Where a page can store a picture while it shows the view, it is sent the picture and the view stays.
    Elsewhere the picture replaces the view when the job ends.
    """

    def __init__(self, job: ShownJob, publisher: Publisher, clock: Clock) -> None:
        self.reader = Followed(job)
        self._publisher = publisher
        self._clock = clock
        selection: Selection | None = getattr(job, "selection", None)
        self._dashboard = Dashboard(
            self.reader,
            actions=Actions.of(job),
            selection=selection,
            clock=clock,
            wake=self._wake,
            why=getattr(job, "why", None),
        )
        self._keepsake = Keepsake(self._dashboard, self.reader, clock)
        self._places: list[Place] = []
        self._kept: list[Place] = []
        self._shown_at = 0.0
        self._lock = threading.Lock()

    @property
    def ended(self) -> bool:
        """Whether the job was over when it was last looked at."""
        return self._dashboard.ended

    def show(self, *, kept: bool = False) -> None:
        """Display one more view in the calling cell.

        Args:
            kept: The picture takes its place only when nothing can be asked of it any more.
        """
        shown = Snapshot.of(self.reader, self._clock.time())
        text = progress_line(shown.view, shown.trials, shown.now)
        view = {"version_major": 2, "version_minor": 0, "model_id": self._dashboard.model_id}
        place = put({WIDGET: view, "text/plain": text})
        with self._lock:
            self._shown_at = self._clock.monotonic()
            (self._kept if kept else self._places).append(place)
        if kept:
            self._dashboard.keep()
        self._wake()

    def publish(self) -> float | None:
        """Update the views and the picture; at the end, put it in the place of each that cannot stay."""
        try:
            return self._update()
        except NotFound:
            self._dashboard.tell_deleted()
            return None

    def _update(self) -> float | None:
        pause = self._dashboard.publish()
        greeted = self._dashboard.greeted  # before `keeps`: the greeting that is counted has said it
        if self._dashboard.keeps:
            self._keepsake.send_if_due()
        elif self._dashboard.ended:
            if not greeted and self._clock.monotonic() < self._shown_at + GREETING:
                return GREETING / 6
            self._put_picture()
        if pause is not None or self._dashboard.at_rest:
            # A view that a page reload brought back cannot be replaced: it asks when it needs something.
            return pause
        return QUIET_SECONDS

    def close(self) -> None:
        """Close the widget for good."""
        self._publisher.discard(self)
        with contextlib.suppress(NotFound):  # the job was deleted
            if self.reader.view().state.ended:
                with self._lock:
                    self._places += self._kept
                    self._kept.clear()
                self._put_picture()
        self._dashboard.close()

    def _put_picture(self) -> None:
        with self._lock:
            places = list(self._places)
        if not places:
            return
        final = bundle(self.reader, self._clock.time())
        for place in places:
            # Forgotten only once it is done: a failure is tried again.
            place.update(final, raw=True)
            with self._lock:
                if place in self._places:
                    self._places.remove(place)

    def _wake(self) -> None:
        self._publisher.wake(self)
