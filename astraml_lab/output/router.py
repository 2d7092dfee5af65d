"""Sends what a trial prints, logs, warns about and displays to its sink, and leaves everything else alone."""

from __future__ import annotations

import io
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from astraml_lab.output._bars import share_lock
from astraml_lab.output._keyboard import no_keyboard
from astraml_lab.output._notebook import isolate_figures, routed_displays, share_figures
from astraml_lab.output._route import Route, current
from astraml_lab.output._streams import routed_streams
from astraml_lab.output._threads import inherited_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.output.sink import TrialSink


class _Router:
    """What is changed in the process while at least one job runs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._changes = ExitStack()

    def install(self) -> None:
        with self._lock:
            if self._users == 0:
                share_lock()
                with ExitStack() as changes:
                    changes.callback(share_figures)
                    changes.enter_context(routed_displays())
                    changes.enter_context(inherited_context(self.install, self.uninstall))
                    changes.enter_context(no_keyboard())
                    changes.enter_context(routed_streams())
                    self._changes = changes.pop_all()
            self._users += 1

    def uninstall(self) -> None:
        with self._lock:
            if self._users == 1:
                self._changes.close()
            self._users = max(0, self._users - 1)


# One per process, because `sys.stdout` is.
_router = _Router()


def install() -> None:
    """Start routing; each call needs its `uninstall`."""
    _router.install()


def uninstall() -> None:
    """Stop routing with the last user, and put back everything as it was."""
    _router.uninstall()


@contextmanager
def capture(sink: TrialSink) -> Iterator[None]:
    """Give the output of the calling thread, and of the threads that it starts meanwhile, to `sink`.

    Takes effect between `install` and `uninstall`.
    """
    isolate_figures()
    token = current.set(Route(sink))
    try:
        yield
    finally:
        current.reset(token)


def sink_print(sink: TrialSink) -> Callable[..., None]:
    """Make the `print` of a trial's namespace: its lines stay whole and reach `sink` from any thread."""

    def print_line(
        *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """Print as always; without `file`, into the trial's log."""
        route = current.get()
        if file is None and route is not None:
            file = route.redirects.get("out")
        if file is not None:
            print(*values, sep=sep, end=end, file=file, flush=flush)
            return
        text = io.StringIO()
        print(*values, sep=sep, end=end, file=text)
        sink.write("out", text.getvalue())

    return print_line
