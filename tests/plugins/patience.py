"""How long tests wait, and how they time: a machine's host may keep its cores for seconds."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 120.0
"""Seconds for what has to happen: whatever takes longer hangs, or never comes."""


def until(claim: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until a claim holds.

    Args:
        claim: Asked again and again. `trials and …` of a live mapping is no claim: where it is empty, the
            mapping itself is returned, and asked a second time, when it may have grown.
        seconds: How long to wait.

    Raises:
        AssertionError: It does not within `seconds`.
    """
    pause, end = threading.Event(), time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, f"not within {seconds:g} s: {claim}"
        pause.wait(0.02)


def gone(pid: int) -> bool:
    """Whether a process has ended; who started it may not have asked yet how."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Stopwatch:
    """Tells the seconds since it was made, less those for which the host kept a core waiting."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stolen = _stolen()

    @property
    def seconds(self) -> float:
        """The seconds, at least 0."""
        waited = max(now - then for now, then in zip(_stolen(), self._stolen, strict=True))
        return max(0.0, time.monotonic() - self._began - waited)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Hold the block to so many seconds of a `Stopwatch`.

    Raises:
        AssertionError: It took longer.
    """
    watch = Stopwatch()
    yield
    assert watch.seconds < seconds, f"took {watch.seconds:.1f} s, not {seconds:g}"


def _stolen() -> list[float]:
    """Return the seconds for which each core was kept waiting; 0 where the system does not tell."""
    return [float(getattr(core, "steal", 0.0)) for core in psutil.cpu_times(percpu=True)]
