"""Trials as threads of this process: live objects, no pickling, and nothing can be killed."""

from __future__ import annotations

import threading
import time
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from astraml_lab.executors.base import Executor, Handle, Outcome, Task, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable


class ThreadExecutor(Executor):
    """One daemon thread per task, started at once; a kernel that shuts down does not wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[_ThreadHandle] = set()
        self._closed = False

    def submit(self, task: Task, on_end: Callable[[Outcome], None]) -> Handle:
        """Start a thread for `task`, named after it."""
        handle = _ThreadHandle(task, on_end, copy_context(), self._forget)
        with self._lock:
            if self._closed:
                raise RuntimeError("this executor was closed: make a new one")
            self._running.add(handle)
        try:
            threading.Thread(target=handle.run, name=task.name, daemon=True).start()
        except BaseException:
            self._forget(handle)
            raise
        return handle

    def close(self, timeout: float = 5.0) -> bool:
        """Cancel what has not begun and wait for the rest; a thread that never looks goes on as a daemon."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for handle in running:
            handle.cancel()
        until = time.monotonic() + timeout
        # Not `Thread.join`: interrupted on Python 3.11 and 3.12, it takes a running thread for ended.
        return all(handle.ended.wait(max(0.0, until - time.monotonic())) for handle in running)

    def _forget(self, handle: _ThreadHandle) -> None:
        with self._lock:
            self._running.discard(handle)


class _ThreadHandle(Handle):
    def __init__(
        self,
        task: Task,
        on_end: Callable[[Outcome], None],
        context: Context,
        forget: Callable[[_ThreadHandle], None],
    ) -> None:
        self.ended = threading.Event()
        self._work: tuple[Task, Context] | None = (task, context)
        self._on_end = on_end
        self._forget = forget
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    @property
    def alive(self) -> bool:
        return not self.ended.is_set()

    def run(self) -> None:
        """Be the body of the thread."""
        try:
            self._on_end(self._outcome())
        finally:
            self._forget(self)
            self.ended.set()

    def _outcome(self) -> Outcome:
        # When this returns, nothing here refers to the task any more.
        work, self._work = self._work, None
        if work is None or self._cancelled:
            return Outcome(error="cancelled before it began")
        task, context = work
        return context.run(outcome_of, task)
