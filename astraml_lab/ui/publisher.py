"""The one thread that feeds every dashboard of the process, at most four times a second."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astraml_lab.clock import Clock

PERIOD = 0.25
_log = logging.getLogger(__name__)


class Published(Protocol):
    """Something that the publisher keeps up to date. Called on the publisher's thread only."""

    def publish(self) -> float | None:
        """Send what is due; return the seconds until the next call, or `None` to be let go."""


class Publisher:
    """Calls `publish` of everything that was added, in turn. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[Published, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, published: Published) -> None:
        """Publish it from now on, at once for the first time; adding it again wakes it."""
        with self._changed:
            self._due[published] = self._clock.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="astraml-publisher", daemon=True)
                self._thread.start()
            self._changed.notify()

    wake = add

    def discard(self, published: Published) -> None:
        """Let it go."""
        with self._changed:
            self._due.pop(published, None)

    def _run(self) -> None:
        while True:
            self._publish(self._wait())

    def _wait(self) -> Iterable[Published]:
        with self._changed:
            while True:
                now = self._clock.monotonic()
                due = [published for published, at in self._due.items() if at <= now]
                if due:
                    return due
                self._changed.wait(min(self._due.values()) - now if self._due else None)

    def _publish(self, due: Iterable[Published]) -> None:
        for published in due:
            started = self._clock.monotonic()
            with self._changed:
                # Asked for again while it publishes, it keeps that earlier time.
                self._due[published] = float("inf")
            try:
                pause = published.publish()
            except Exception:  # noqa: BLE001  logged; see the comment
                # One broken dashboard must not silence the others, and never a cell.
                _log.exception("A dashboard could not be updated; it is left as it is.")
                pause = None
            with self._changed:
                asked = self._due.get(published)
                if asked is None:
                    continue
                if pause is None:
                    if asked == float("inf"):
                        del self._due[published]
                else:
                    # Not even who asks all the time gets more than the rate.
                    self._due[published] = max(started + PERIOD, min(asked, started + pause))
