"""How long a job ran, from its first trial's code on; pauses and the time between kernels do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astraml_lab.clock import Clock


class Stopwatch:
    """Touched by one thread; `seconds` and `here` may be read from any.

    Args:
        clock: Measures.
        before: Seconds that the job ran for in earlier kernels.
    """

    def __init__(self, clock: Clock, before: float) -> None:
        self._clock = clock
        self._before = before
        self._here = 0.0
        self._since: float | None = None

    def observe(self, *, running: bool) -> None:
        """Say whether time counts from now on."""
        if running != (self._since is not None):
            self._here, self._since = self.here, self._clock.monotonic() if running else None

    @property
    def here(self) -> float:
        """Seconds in this kernel."""
        since = self._since
        return self._here if since is None else self._here + self._clock.monotonic() - since

    @property
    def seconds(self) -> float:
        """Seconds in all."""
        return self._before + self.here
