"""A trial's own threads and thread pools belong to it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from astraml_lab.output._route import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future


@contextmanager
def inherited_context() -> Iterator[None]:
    """Let the threads that a trial starts take its context over; Python itself does so from 3.14 on."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_in_context(self: threading.Thread) -> None:
        if current.get() is not None:
            self.run = _in_context(self, copy_context())  # type: ignore[method-assign]  # for this one thread
        start(self)

    # Its worker may have been started by another trial, or by a cell: what counts is who hands the work in.
    def submit_in_context(
        self: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **named: Any
    ) -> Future[Any]:
        return submit(self, copy_context().run, function, *args, **named)

    threading.Thread.start = start_in_context  # type: ignore[method-assign]  # that is the point
    ThreadPoolExecutor.submit = submit_in_context  # type: ignore[assignment,method-assign]  # likewise
    try:
        yield
    finally:
        if threading.Thread.start is start_in_context:
            threading.Thread.start = start  # type: ignore[method-assign]  # puts the original back
        if ThreadPoolExecutor.submit is submit_in_context:
            ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]  # likewise


def _in_context(thread: threading.Thread, context: Context) -> Callable[[], None]:
    run = thread.run

    def run_in_context() -> None:
        # Without this the thread would keep itself and the trial's context alive.
        vars(thread).pop("run", None)
        # Not `context.run`: what reports an uncaught exception runs after `run`, and must find the trial too.
        for variable, value in context.items():
            variable.set(value)
        run()

    return run_in_context
