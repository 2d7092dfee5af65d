"""States of jobs and trials, and the one table of what may follow what.

    job    QUEUED → RUNNING ⇄ PAUSED → (STOPPING →) SUCCEEDED | FAILED | CANCELLED
    trial  WAITING → RUNNING → COMPLETE | PRUNED | STOPPED | FAILED(kind)
    tick   WAITING → CLAIMED → STARTED | FAILED; SKIPPED or MISSED at once

A job whose kernel is gone *reads* as STALE until somebody resumes it. An ended job may run again: with more
trials (extend) or from where it stopped (resume).
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    STALE = "STALE"

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more unless somebody asks for it."""
        return self in _JOB_ENDS

    def may_become(self, after: JobState) -> bool:
        """Whether the table below has this transition."""
        return after in _JOB_TABLE[self]


class TickState(StrEnum):
    """What became of a moment at which a schedule was to run."""

    WAITING = "WAITING"
    """It will run once an earlier run has ended."""
    CLAIMED = "CLAIMED"
    """A process is about to start its job."""
    STARTED = "STARTED"
    """Its job was started."""
    SKIPPED = "SKIPPED"
    """An earlier run was still going on."""
    MISSED = "MISSED"
    """Nobody was there to run it."""
    FAILED = "FAILED"
    """Its job could not be started."""

    @property
    def open(self) -> bool:
        """Whether its job is still to be started."""
        return self in {TickState.WAITING, TickState.CLAIMED}


class TrialState(StrEnum):
    """Where a trial stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        """Whether the trial is over."""
        return self not in {TrialState.WAITING, TrialState.RUNNING}

    @property
    def counts(self) -> bool:
        """Whether the trial uses up one of `--trials`."""
        return self in {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED}

    def may_become(self, after: TrialState) -> bool:
        """Whether the table below has this transition."""
        return after in _TRIAL_TABLE[self]


class FailureKind(StrEnum):
    """Why a trial is FAILED; or COMPLETE with the last value that it had when its time was up."""

    EXCEPTION = "exception"
    NAN = "nan"
    NO_METRIC = "no_metric"
    OOM = "oom"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    STALE = "stale"
    INFEASIBLE = "infeasible"

    @property
    def is_failure(self) -> bool:
        """Whether it counts against `--max-failures`: an infeasible point is an answer, not a failure."""
        return self is not FailureKind.INFEASIBLE


_JOB_ENDS = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
_AGAIN = frozenset({JobState.RUNNING})
_JOB_TABLE: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.STOPPING, JobState.STALE}) | _JOB_ENDS,
    JobState.RUNNING: frozenset({JobState.PAUSED, JobState.STOPPING, JobState.STALE}) | _JOB_ENDS,
    JobState.PAUSED: frozenset({JobState.RUNNING, JobState.STOPPING, JobState.STALE}) | _JOB_ENDS,
    JobState.STOPPING: frozenset({JobState.STALE}) | _JOB_ENDS,
    JobState.STALE: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.SUCCEEDED: _AGAIN,
    JobState.FAILED: _AGAIN,
    JobState.CANCELLED: _AGAIN,
}
_TRIAL_ENDS = frozenset(state for state in TrialState if state.ended)
_TRIAL_TABLE: dict[TrialState, frozenset[TrialState]] = {
    TrialState.WAITING: frozenset({TrialState.RUNNING, TrialState.STOPPED, TrialState.FAILED}),
    # back to WAITING: its kernel died and somebody resumed the job
    TrialState.RUNNING: _TRIAL_ENDS | {TrialState.WAITING},
    TrialState.COMPLETE: frozenset(),
    TrialState.PRUNED: frozenset(),
    TrialState.STOPPED: frozenset(),
    TrialState.FAILED: frozenset({TrialState.WAITING}),
}
