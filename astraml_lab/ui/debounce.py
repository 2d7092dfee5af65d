"""Does something once its asking has paused: for what should follow typing, not each key."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


class Debounce:
    """Calls a function when nobody has asked for it for a while. Thread-safe.

    Args:
        seconds: How long; 0 calls it at once, in the asking thread.
        action: What to call, on a thread of its own.
        turn: What the action is called in: a lock of those who cancel, which it may have to wait for.
    """

    def __init__(
        self,
        seconds: float,
        action: Callable[[], object],
        turn: AbstractContextManager[Any] | None = None,
    ) -> None:
        self._seconds = seconds
        self._action = action
        self._turn = turn or threading.Lock()
        self._count = 0
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def ask(self) -> None:
        """Have it done soon."""
        if self._seconds <= 0:
            self._action()
            return
        with self._lock:
            self._forget()
            self._timer = threading.Timer(self._seconds, self._act, (self._count,))
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        """Forget what was asked."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._count += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _act(self, count: int) -> None:
        with self._turn:
            # A timer that has run out cannot be cancelled any more, and may have waited for its turn.
            if count == self._count:
                self._action()
