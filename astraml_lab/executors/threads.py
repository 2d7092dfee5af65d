"""Trials as threads of this process: live objects, no pickling, and nothing can be killed."""

from __future__ import annotations

import threading
import time
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from astraml_lab.executors.base import Executor, Handle, Outcome, Task, outcome_of
from astraml_lab.executors.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable


class ThreadExecutor(Executor):
    """One daemon thread per task, started at once; a kernel that shuts down does not wait for it."""

    def __init__(self) -> None:
        self._crew: Crew[_ThreadHandle] = Crew()

    def submit(self, task: Task, on_end: Callable[[Outcome], None]) -> Handle:
        """Start a thread for `task`, named after it."""
        handle, name = _ThreadHandle(task, on_end, copy_context()), task.name
        del task  # it may end before its thread's start returns here
        return self._crew.start(handle, name)

    def close(self, timeout: float = 5.0) -> bool:
        """Cancel what has not begun and wait for the rest; a thread that never looks goes on as a daemon."""
        return self._crew.close(time.monotonic() + timeout)


class _ThreadHandle(Handle):
    def __init__(self, task: Task, on_end: Callable[[Outcome], None], context: Context) -> None:
        self.ended = threading.Event()
        self._work: tuple[Task, Context] | None = (task, context)
        self._on_end = on_end
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
            self.ended.set()

    def _outcome(self) -> Outcome:
        # When this returns, nothing here refers to the task any more.
        work, self._work = self._work, None
        if work is None or self._cancelled:
            return Outcome(error="cancelled before it began")
        task, context = work
        return context.run(outcome_of, task)
