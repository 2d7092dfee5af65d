"""Holds an interrupt of the kernel back for the moment that a transaction takes.

A KeyboardInterrupt may come between any two instructions of the main thread. In the middle of a transaction
it would leave a connection that nobody can use again; at its edges, where Python goes into or out of a
`with`, the lock that all writers wait for would stay taken for as long as the traceback is kept.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType


class InterruptsHeldBack:
    """A block in which no KeyboardInterrupt is raised; one that came is raised at its end.

    Other threads are never interrupted: there it does nothing.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._frame: FrameType | None = None
        self._came = False

    def __enter__(self) -> Self:
        here = threading.current_thread() is threading.main_thread()
        if here and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._before is None:
            return
        signal.signal(signal.SIGINT, self._before)
        if self._came:
            frame, self._frame = self._frame, None
            self._before(signal.SIGINT, frame)

    def _note(self, _number: int, frame: FrameType | None) -> None:
        self._came, self._frame = True, frame
