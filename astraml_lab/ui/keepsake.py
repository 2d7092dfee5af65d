"""The picture of a job that a page stores in its notebook while it goes on showing the live view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.ui.static_bundle import SMALL, bundle

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.spec import JobState
    from astraml_lab.ui.dashboard import Dashboard

PERIOD = 60.0
"""A running job's picture is sent this often: a notebook is saved every two minutes."""
PATIENCE = 200.0
"""So many times what the last picture took to make pass before the next."""


class Keepsake:
    """Sends the picture when it is due. Touched by the publisher's thread only."""

    def __init__(self, dashboard: Dashboard, reader: JobReader, clock: Clock) -> None:
        self._dashboard = dashboard
        self._reader = reader
        self._clock = clock
        self._greeted = -1
        self._next = 0.0
        self._last_sent = False
        self._state: JobState | None = None

    def send_if_due(self) -> None:
        """Send it to a page just opened, on a new state and now and then while watched, and at the end."""
        last = self._dashboard.ended
        fresh = self._dashboard.greeted != self._greeted
        began = self._clock.monotonic()
        news = began >= self._next or self._dashboard.state != self._state
        due = not self._last_sent if last else news and self._dashboard.watched()
        if not due and not fresh:
            return
        self._greeted = self._dashboard.greeted
        room = None if last else SMALL
        self._dashboard.send_picture(bundle(self._reader, self._clock.time(), room=room), last=last)
        self._last_sent, self._state = last, self._dashboard.state
        now = self._clock.monotonic()
        self._next = now + max(PERIOD, PATIENCE * (now - began))
