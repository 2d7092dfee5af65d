"""Does something once its asking has paused: for what should follow typing, not each key."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Debounce:
    """Calls a function when nobody has asked for it for a while. Thread-safe.

    Args:
        seconds: How long; 0 calls it at once, in the asking thread.
        action: What to call, on a thread of its own.
    """

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def ask(self) -> None:
        """Have it done soon."""
        if self._seconds <= 0:
            self._action()
            return
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._seconds, self._action)
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        """Forget what was asked."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
