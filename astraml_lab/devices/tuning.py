"""What is set in the whole process while trials run, and put back after the last of them."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# A cell beside pure-Python trials waits for one interval each time it needs the GIL: `1+1` takes 0.3 s at
# Python's own 5 ms, and 0.03 s at this. It costs such a trial up to a quarter of its speed, torch nothing.
SWITCH_INTERVAL = 0.0002


class ProcessTuning:
    """Intra-op threads and the switch interval; thread-safe. `start` with each job, `stop` at its end.

    How many threads torch uses is a number of the process that each new thread takes over. It is set and read
    in a short-lived thread: trials get it, and the notebook's main thread keeps its own.
    """

    def __init__(self, switch_interval: float = SWITCH_INTERVAL) -> None:
        self._interval = switch_interval
        self._lock = threading.Lock()
        self._jobs: list[int] = []
        self._interval_before: float | None = None
        self._interval_set: float | None = None
        self._threads_before: int | None = None
        self._threads_set: int | None = None

    def start(self, threads: int) -> None:
        """Begin, or join in: with several jobs the smallest number of threads holds."""
        with self._lock:
            self._jobs.append(threads)
            if len(self._jobs) == 1:
                self._shorten_interval()
            self._tune_torch()

    def refresh(self) -> None:
        """Catch up with a torch that was imported since; call it before each trial."""
        with self._lock:
            self._tune_torch()

    def stop(self, threads: int) -> None:
        """Undo one `start(threads)`; the last puts back what was there, unless the user changed it."""
        with self._lock:
            if threads not in self._jobs:
                return
            self._jobs.remove(threads)
            if self._jobs:
                self._tune_torch()
            else:
                self._restore()

    def _shorten_interval(self) -> None:
        before = sys.getswitchinterval()
        if self._interval < before:
            sys.setswitchinterval(self._interval)
            self._interval_before, self._interval_set = before, sys.getswitchinterval()

    def _tune_torch(self) -> None:
        torch = _loaded_torch()
        if torch is None or not self._jobs or self._threads_set == min(self._jobs):
            return
        if self._threads_before is None:
            self._threads_before = _elsewhere(torch.get_num_threads)
        self._threads_set = min(self._jobs)
        _elsewhere(lambda: torch.set_num_threads(self._threads_set))

    def _restore(self) -> None:
        if self._interval_before is not None and sys.getswitchinterval() == self._interval_set:
            sys.setswitchinterval(self._interval_before)
        self._interval_before = None
        torch, before = _loaded_torch(), self._threads_before
        if before is not None and _elsewhere(torch.get_num_threads) == self._threads_set:
            _elsewhere(lambda: torch.set_num_threads(before))
        self._threads_before = self._threads_set = None


def _loaded_torch() -> Any:
    """Return torch if it is there and ready: another thread may be importing it."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "set_num_threads") and hasattr(torch, "get_num_threads") else None


def _elsewhere(call: Callable[[], Any]) -> Any:
    """Run `call` in a thread of its own and return its value."""
    values: list[Any] = []
    thread = threading.Thread(target=lambda: values.append(call()), name="astraml-tuning", daemon=True)
    thread.start()
    thread.join()
    return values[0]
