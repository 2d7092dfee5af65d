"""The maxima of a job, as its options and its vendor set them, and the minima that come before them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from astraml_lab.spec import TrialState, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from astraml_lab.spec import JobSpec, TrialView

_ROUNDING = 1e-9
"""An improvement of exactly 1 % is not more than 1 %, also where it is not exact in binary."""


class Maxima:
    """Counts what no trial alone can tell; touched by one runner.

    Attributes:
        stale: Trials since the best got better by enough.
        progressed_at: When the trial ended that did that, seconds UTC; None before the first.
    """

    def __init__(self) -> None:
        self.stale = 0
        self.progressed_at: float | None = None
        self._progress = True
        self._since = 0.0

    def improved(self, before: float | None, value: float, by: float, at: float | None = None) -> None:
        """Take in a new best.

        Args:
            before: The best until now.
            value: The new one.
            at: When its trial ended, seconds UTC.
            by: The fraction of the best by which it has to be better to count as progress; of a best of 0,
                any better one does.
        """
        if before is not None and abs(value - before) <= by * abs(before) * (1 + _ROUNDING):
            return
        self.stale = 0
        self._progress, self.progressed_at = True, at

    def resumed(self, since: float) -> None:
        """Take the last progress as made when the job had run for so many seconds, in an earlier kernel."""
        self._progress, self._since = False, since

    def reached(self, spec: JobSpec, counts: Mapping[TrialState, int], runtime: float, now: float) -> str:
        """Return in one sentence which maximum is reached; empty while none is, or a minimum is not.

        Args:
            spec: The job.
            counts: Trials by state.
            runtime: Seconds that the job has run for.
            now: Seconds UTC.
        """
        if self._progress:
            self._progress, self._since = False, runtime
        return (
            "" if too_early(spec, counts, runtime, now) else next(self._all(spec, counts, runtime, now), "")
        )

    def _all(
        self, spec: JobSpec, counts: Mapping[TrialState, int], runtime: float, now: float
    ) -> Iterator[str]:
        limits = spec.limits
        if late := out_of_time(spec, runtime, now):
            yield late
        if spec.max_no_improvement is not None and self.stale >= spec.max_no_improvement:
            yield f"no {_better(spec)} in {self.stale} trials"
        slow = limits.max_seconds_without_progress
        if slow is not None and runtime - self._since >= slow:
            yield f"no {_better(spec)} for {format_duration(slow)}"
        done = sum(count for state, count in counts.items() if state.counts)
        if limits.max_trials is not None and done >= limits.max_trials:
            yield f"no more than {limits.max_trials} trials were asked for"


def seconds_run(views: Iterable[TrialView], after: float) -> float:
    """Return for how long any of these trials ran after a moment: no other time is known to be the job's.

    A trial that ran when its kernel died has no end, and is left out: no job ends too early by that.
    """
    total, until = 0.0, after
    spans = sorted(
        (view.started_at, view.ended_at)
        for view in views
        if view.started_at is not None and view.ended_at is not None
    )
    for started_at, ended_at in spans:
        total += max(0.0, ended_at - max(started_at, until))
        until = max(until, ended_at)
    return total


def out_of_time(spec: JobSpec, runtime: float, now: float) -> str:
    """Say which end of the time that the job was given has come; empty while none has."""
    end_at = spec.limits.end_at
    if spec.max_runtime is not None and runtime >= spec.max_runtime:
        return f"out of time: {format_duration(spec.max_runtime)}"
    return "" if end_at is None or now < end_at else f"out of time: it was to end at {_moment(end_at)}"


def too_early(spec: JobSpec, counts: Mapping[TrialState, int], runtime: float, now: float) -> bool:
    """Whether a minimum is not reached: it wins over every maximum."""
    limits = spec.limits
    return (
        (limits.min_runtime is not None and runtime < limits.min_runtime)
        or (limits.not_before is not None and now < limits.not_before)
        or counts[TrialState.COMPLETE] + counts[TrialState.PRUNED] < limits.min_complete
    )


def _better(spec: JobSpec) -> str:
    metric, by = spec.objectives[0].metric, spec.limits.improvement
    return f"{metric} better by more than {100 * by:g} %" if by else f"better {metric}"


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(sep=" ", timespec="seconds")
