"""The one thread that feeds every dashboard of the process, at most four times a second."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING, Protocol

from astraml_lab.ui.schedule import Schedule

if TYPE_CHECKING:
    from astraml_lab.clock import Clock

_log = logging.getLogger(__name__)


class Published(Protocol):
    """Something that the publisher keeps up to date. Called on the publisher's thread only."""

    def publish(self) -> float | None:
        """Send what is due; return the seconds until the next call, or `None` to be let go."""


class Publisher:
    """Calls `publish` of everything that was added, in turn. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._schedule: Schedule[Published] = Schedule()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, published: Published) -> None:
        """Publish it from now on, at once for the first time; adding it again wakes it."""
        with self._changed:
            self._schedule.ask(published, self._clock.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="astraml-publisher", daemon=True)
                self._thread.start()
            self._changed.notify()

    wake = add

    def discard(self, published: Published) -> None:
        """Let it go."""
        with self._changed:
            self._schedule.discard(published)

    def _run(self) -> None:
        while True:
            for published in self._wait():
                self._publish(published)

    def _wait(self) -> list[Published]:
        with self._changed:
            while True:
                now = self._clock.monotonic()
                due = self._schedule.due(now)
                if due:
                    return due
                at = self._schedule.next_at()
                self._changed.wait(None if at == math.inf else at - now)

    def _publish(self, published: Published) -> None:
        with self._changed:
            if not self._schedule.begin(published, self._clock.monotonic()):
                return
        try:
            pause = published.publish()
        except Exception:  # noqa: BLE001  logged; see the comment
            # One broken dashboard must silence neither the others nor itself for good.
            with self._changed:
                first = self._schedule.failed(published)
            if first:
                _log.exception("A dashboard could not be updated; it is tried again.")
        else:
            with self._changed:
                self._schedule.succeeded(published, pause)
