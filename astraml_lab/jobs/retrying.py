"""Which failed trials are tried again, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.spec import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.clock import Clock
    from astraml_lab.jobs.live import LiveTrial
    from astraml_lab.spec import JobSpec

_LOST = frozenset({FailureKind.CRASHED, FailureKind.STALE})
_HOPELESS = frozenset({FailureKind.NAN, FailureKind.NO_METRIC, FailureKind.INFEASIBLE})
"""The same parameters and the same seed give the same NaN."""
_LONGEST = 300.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often a trial is tried again, by the kind of its failure.

    Attributes:
        retries: `--retries`; None tries once more what was lost without a word of its code.
        delay: Seconds before the first retry; each further one waits twice as long.
        lost: Nothing is tried again that ended by its own code.
    """

    retries: int | None
    delay: float
    lost: bool = False

    @classmethod
    def of(cls, spec: JobSpec) -> RetryPolicy:
        """Return the policy of a job."""
        return cls(spec.retries, spec.retry_delay, spec.limits.retry_lost)

    def allows(self, kind: FailureKind | None, attempt: int) -> bool:
        """Whether a trial that failed in its `attempt`-th attempt is tried again."""
        if kind is None or kind in _HOPELESS or (self.lost and kind not in _LOST):
            return False
        by_default = int(kind in _LOST)
        return attempt <= (by_default if self.retries is None else self.retries)

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after the `attempt`-th attempt."""
        return min(_LONGEST, self.delay * 2.0 ** min(attempt - 1, 30))


class Waiting:
    """The trials that run again, each from its own time on; touched by one runner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, LiveTrial]] = []

    def __len__(self) -> int:
        return len(self._due)

    def __iter__(self) -> Iterator[LiveTrial]:
        return iter([trial for _, trial in self._due])

    def add(self, trial: LiveTrial, pause: float = 0.0) -> None:
        """Have a trial run again in `pause` seconds."""
        self._due.append((self._clock.monotonic() + pause, trial))

    def put_back(self, trial: LiveTrial) -> None:
        """Undo `pop`."""
        self._due.insert(0, (self._clock.monotonic(), trial))

    @property
    def ready(self) -> bool:
        """Whether one may run now."""
        return self._next() is not None

    def pop(self) -> LiveTrial | None:
        """Take out the first that may run now."""
        index = self._next()
        return None if index is None else self._due.pop(index)[1]

    def remove(self, number: int) -> LiveTrial | None:
        """Take out a trial by its number."""
        index = next((index for index, (_, trial) in enumerate(self._due) if trial.number == number), None)
        return None if index is None else self._due.pop(index)[1]

    def clear(self) -> list[LiveTrial]:
        """Take out all."""
        found, self._due = [trial for _, trial in self._due], []
        return found

    def _next(self) -> int | None:
        now = self._clock.monotonic()
        return next((index for index, (due, _) in enumerate(self._due) if due <= now), None)
