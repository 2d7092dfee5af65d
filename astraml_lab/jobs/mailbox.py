"""The one queue that a runner waits on; nobody is left waiting for an answer when it closes."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.jobs.events import Event


class Mailbox:
    """Thread-safe; `wait` is for the runner alone.

    Args:
        refuse: Called, in the sender's thread, with every event that nobody will read.
    """

    def __init__(self, refuse: Callable[[Event], None]) -> None:
        self._refuse = refuse
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False

    def put(self, event: Event) -> None:
        """Leave a message; returns at once."""
        self.offer(event)

    def offer(self, event: Event) -> bool:
        """Leave a message; return at once whether it was taken."""
        with self._lock:
            if not self._closed:
                self._queue.put(event)
                return True
        self._refuse(event)
        return False

    def wait(self, seconds: float) -> list[Event]:
        """Wait for at least one event, at most `seconds`; then return all that are there."""
        try:
            found = [self._queue.get(timeout=max(0.0, seconds))]
        except queue.Empty:
            return []
        return [*found, *self._rest()]

    @property
    def closed(self) -> bool:
        """Whether all that comes is refused."""
        return self._closed

    def close_if_empty(self) -> bool:
        """Refuse all that comes, unless something waits to be read; return whether it does so now."""
        with self._lock:
            self._closed = self._closed or self._queue.empty()
            return self._closed

    def open_again(self) -> None:
        """Take messages as before."""
        with self._lock:
            self._closed = False

    def close(self) -> None:
        """Refuse what is there and all that comes."""
        with self._lock:
            self._closed = True
        for event in self._rest():
            self._refuse(event)

    def _rest(self) -> list[Event]:
        found: list[Event] = []
        while True:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                return found
