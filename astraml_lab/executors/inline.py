"""Trials inside `submit`, in the caller's thread: for tests and for a look in the foreground."""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING

from astraml_lab.executors.base import Executor, Handle, Outcome, Task, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable


class InlineExecutor(Executor):
    """Runs each task to its end before `submit` returns."""

    def __init__(self) -> None:
        self._closed = False

    def submit(self, task: Task, on_end: Callable[[Outcome], None]) -> Handle:
        """Run `task` now."""
        if self._closed:
            raise RuntimeError("this executor was closed: make a new one")
        outcome = copy_context().run(outcome_of, task)
        del task
        on_end(outcome)
        return _EndedHandle()

    def close(self, timeout: float = 5.0) -> bool:  # noqa: ARG002  (nothing can be running)
        """Take no more tasks."""
        self._closed = True
        return True


class _EndedHandle(Handle):
    def cancel(self) -> None:
        pass

    @property
    def alive(self) -> bool:
        return False
