"""A trial's own threads and thread pools belong to it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from astraml_lab.output._route import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future


@contextmanager
def inherited_context(install: Callable[[], None], uninstall: Callable[[], None]) -> Iterator[None]:
    """Let the threads that a trial starts take its context over; Python itself does so from 3.14 on.

    Args:
        install: Called for each of them: one that outlives its job must not print into a cell. Not for
            daemons, which may live as long as the kernel.
        uninstall: Called at its end.
    """
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_in_context(self: threading.Thread) -> None:
        if current.get() is None:
            start(self)
            return
        held = ExitStack()
        if not self.daemon:
            install()
            held.callback(uninstall)
        self.run = _in_context(self, copy_context(), held)  # type: ignore[method-assign]  # for this one thread
        try:
            start(self)
        except BaseException:
            held.close()
            raise

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


def _in_context(thread: threading.Thread, context: Context, held: ExitStack) -> Callable[[], None]:
    run = thread.run

    def run_in_context() -> None:
        # Without this the thread would keep itself and the trial's context alive.
        vars(thread).pop("run", None)
        # Not `context.run`: what reports an uncaught exception runs after `run`, and must find the trial too.
        for variable, value in context.items():
            variable.set(value)
        with held:
            run()

    return run_in_context
