"""The end of an attempt: what it means, whether it is tried again, and the commit before anybody sees it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab.jobs import disk
from astraml_lab.jobs.constraints import missed, unreported, violations
from astraml_lab.jobs.last_words import LINES, last_words
from astraml_lab.jobs.pruning import rows_of_several
from astraml_lab.search import Told
from astraml_lab.spec import FailureKind, TrialState, format_duration
from astraml_lab.trial import Attempt, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.executors import Outcome
    from astraml_lab.jobs.backlog import Backlog
    from astraml_lab.jobs.checkpoints import Keeper
    from astraml_lab.jobs.criteria import Criteria
    from astraml_lab.jobs.live import LiveJob, LiveTrial
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.retrying import RetryPolicy, Waiting
    from astraml_lab.search import Searcher
    from astraml_lab.spec import TrialView

_SAY_AGAIN = (
    "it went on from a checkpoint, and what it reported before that does not count: have the code report the "
    "checkpoint's values again, also where nothing is left to train"
)
_FULL_PAUSE = 2.0
"""Seconds before a trial runs again that found the disk full; the job waits for room besides."""
_FULL_TRIES = 3
"""Attempts of a trial that finds a disk full which is not the store's, or not full for others."""


class Settling:
    """Touched by one runner.

    Args:
        live: The job's memory.
        record: The job on disk.
        searcher: Learns from the ends.
        criteria: Watches for the end of the job.
        backlog: Keeps what cannot be written at present.
        policy: Which failures are tried again.
        waiting: Where those trials wait.
        keeper: Whose checkpoints stay.
    """

    def __init__(  # noqa: PLR0913 - built in one place, by the runner
        self,
        live: LiveJob,
        record: Record,
        searcher: Searcher,
        criteria: Criteria,
        backlog: Backlog,
        *,
        policy: RetryPolicy,
        waiting: Waiting,
        keeper: Keeper,
    ) -> None:
        self._live = live
        self._record = record
        self._searcher = searcher
        self._criteria = criteria
        self._backlog = backlog
        self._policy = policy
        self._waiting = waiting
        self._keeper = keeper
        self._warned = self._warned_of_metrics = False

    def settle(self, trial: LiveTrial, how: Attempt, *, may_retry: bool) -> None:
        """Work out how an attempt ended: try the trial again, or put its end on disk and only then show it.

        Raises:
            LeaseLost: Another kernel owns the job now.
        """
        self._live.conclude(trial, how)
        verdict, values = self._live.outcome(trial, how)
        if verdict.kind is FailureKind.NO_METRIC and self._went_on(trial):
            verdict = replace(verdict, reason=f"{verdict.reason}; {_SAY_AGAIN}")
        pause = self._pause_before_retry(trial, verdict, how) if may_retry else None
        if pause is not None:
            self._again(trial, verdict, pause)
            return
        spec = self._record.spec
        with self._live.lock:
            board = self._live.board_of(trial)
            curve = board.curve(trial.number) if board is not None else []
            rows = rows_of_several(spec, verdict.state, trial.metrics.points)
            if values is not None:
                trial.notes += violations(spec.subject_to, trial.view())
        view = replace(
            trial.view(),
            state=verdict.state,
            reason=trial.marked(verdict.reason),
            kind=verdict.kind,
            values=values,
            disk_bytes=self._record.disk_use(trial.number),
        )
        self._warn_of_a_single_report(curve, values)
        self._warn_of_the_unreported(view)
        told = Told(verdict.state, values, curve, missed(spec, view), rows)
        self._commit(trial, view, told)
        with self._live.lock:
            change = trial.metrics.drain()
        self._record.put_metrics(trial.number, change)

    def _warn_of_a_single_report(
        self, curve: Sequence[tuple[float, float]], values: tuple[float, ...] | None
    ) -> None:
        """Say once, after the first trial with a value, that a vendor's rule has nothing to go by."""
        if self._record.spec.stopping is None or values is None or self._warned:
            return
        self._warned = True
        if len(curve) <= 1:
            self._record.remark(
                "the stopping rule never stops a trial here: the objective is reported once, at the end"
            )

    def _warn_of_the_unreported(self, view: TrialView) -> None:
        """Say once, after the first trial with values, that a constraint's metric has no report: a typo?"""
        if view.values is None or self._warned_of_metrics:
            return
        self._warned_of_metrics = True
        said = unreported(self._record.spec, view.metrics)
        if said:
            self._record.remark(f"--subject-to: {said}; a trial without it counts as violating")

    def settle_bare(self, trial: LiveTrial, error: Exception) -> None:
        """End a trial whose report cannot be stored: nothing that it reported is part of it.

        Raises:
            LeaseLost: Another kernel owns the job now.
        """
        said = ascii(f"what it reported could not be stored, {type(error).__name__}: {error}")
        view = replace(
            trial.view(),
            state=TrialState.FAILED,
            kind=FailureKind.CRASHED,
            reason=trial.marked(said),
            values=None,
            ended_at=trial.ended_at or self._live.clock.time(),
            metrics={},
            traceback="",
            step=None,
            notes=(),
        )
        self._commit(trial, view, Told(view.state, None, []))

    def give_up(self, trial: LiveTrial, verdict: Verdict) -> None:
        """End a trial that waits and will not run any more."""
        trial.ended_at = self._live.clock.time()
        view = replace(
            trial.view(), state=verdict.state, reason=trial.marked(verdict.reason), kind=verdict.kind
        )
        self._commit(trial, view, Told(verdict.state, None, []))

    def expire(self, trial: LiveTrial, waited: float) -> None:
        """End a trial that waited too long for a device, or have it wait once more: no fault of its code."""
        reason = f"waited longer than {format_duration(waited)} for a device"
        if self._policy.allows(FailureKind.STALE, trial.attempt):
            with self._live.lock:
                trial.notes.append(f"attempt {trial.attempt} failed ({reason}): tried again")
                trial.attempt += 1
                self._live.touch(trial)
            self._waiting.add(trial, self._policy.pause(trial.attempt - 1))
        else:
            self.give_up(trial, Verdict(TrialState.FAILED, reason, FailureKind.TIMEOUT))

    def _commit(self, trial: LiveTrial, view: TrialView, told: Told) -> None:
        verdict = Verdict(view.state, view.reason, view.kind)

        def commit() -> None:
            self._record.save(self._searcher, view, told)
            self._live.finish(trial, verdict, view.values, view.disk_bytes)
            self._criteria.ended(view)
            for number in self._keeper.ended(view, self._criteria.best):
                self._drop_checkpoint(number)

        self._backlog.write(commit)

    def _drop_checkpoint(self, number: int) -> None:
        left = self._record.drop_checkpoint(number)
        trial = self._live.trials[number]
        with self._live.lock:
            self._live.measure(trial, left)
            view = trial.view()
        self._backlog.write(partial(self._record.save, self._searcher, view))

    def _went_on(self, trial: LiveTrial) -> bool:
        """Whether a trial had a checkpoint of an earlier attempt, whose reports do not count any more."""
        return trial.attempt > 1 and self._record.has_checkpoint(trial.number)

    def _pause_before_retry(self, trial: LiveTrial, verdict: Verdict, how: Attempt) -> float | None:
        """Return how long to wait before the trial runs again; None if it does not."""
        if verdict.state is not TrialState.FAILED:
            return None
        if how.disk_full and (trial.attempt < _FULL_TRIES or disk.shortage(self._record.home)):
            return _FULL_PAUSE
        if self._policy.allows(verdict.kind, trial.attempt):
            return self._policy.pause(trial.attempt)
        return None

    def _again(self, trial: LiveTrial, verdict: Verdict, pause: float) -> None:
        note = (
            f"attempt {trial.attempt} failed ({verdict.reason}): tried again after {format_duration(pause)}"
        )
        self._live.again(trial, note)
        self._backlog.write(partial(self._record.start_over, self._searcher, trial.view()))
        self._waiting.add(trial, pause)


def attempt_of(outcome: Outcome, trial: LiveTrial) -> Attempt:
    """Read what an executor brings back of a trial."""
    if isinstance(outcome.value, Attempt):
        return outcome.value
    if outcome.lost:
        kind = FailureKind.OOM if outcome.out_of_memory else FailureKind.CRASHED
        lines = [line.text for line in trial.sink.tail(LINES)] if trial.sink is not None else []
        verdict = Verdict(TrialState.FAILED, f"its process {outcome.lost}", kind)
        return Attempt(verdict, traceback=last_words(lines))
    clean = str if trial.sink is None else trial.sink.clean
    reason = clean(outcome.error or "the executor lost it")
    return Attempt(
        Verdict(TrialState.FAILED, reason, FailureKind.CRASHED), traceback=clean(outcome.traceback)
    )
