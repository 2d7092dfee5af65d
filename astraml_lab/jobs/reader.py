"""The read side of a job: the same four questions, answered live by its runner or from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from astraml_lab.spec import CurveView, JobView, TrialView, WindowView


class JobReader(Protocol):
    """Frozen views by value. Every method may be called from any thread and never waits for a trial."""

    def view(self) -> JobView:
        """Return the job as it stands."""

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        """Return a cursor and the trials that changed after `since`, ordered by number (0: all of them)."""

    def trial(self, number: int) -> TrialView | None:
        """Return one trial, or `None` where there is none of this number."""

    def curve(self, trial: int, metric: str) -> CurveView | None:
        """Return a metric by step, or `None` where the trial has not reported it."""

    def windows(self, trial: int, metric: str) -> WindowView | None:
        """Return a metric by windows of time, or `None` where the trial has not reported it."""

    def log_tail(self, trial: int, lines: int = 100) -> list[str]:
        """Return the last lines that the trial printed."""
