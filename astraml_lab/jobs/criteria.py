"""When a job is over, and why in one sentence."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astraml_lab.jobs.constraints import keeps_to
from astraml_lab.jobs.maxima import Maxima, out_of_time, seconds_run, too_early
from astraml_lab.jobs.standings import Standings
from astraml_lab.search import Front
from astraml_lab.spec import JobState, TrialState
from astraml_lab.spec.constraints import none_keeps_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.spec import Confirmed, JobSpec, TrialView

_HOPELESS = 5
"""A job ends when its first trials all fail: five are enough to see a typo, and no night is lost."""


@dataclass(frozen=True)
class Ending:
    """How a job ends.

    Attributes:
        state: What it becomes once its trials are over.
        reason: Why, with the numbers.
        cut: Whether running trials are stopped rather than waited for.
    """

    state: JobState
    reason: str
    cut: bool = True


class Criteria:
    """Watches the ended trials of a job; its runner tells it, any thread may ask who is best.

    Attributes:
        lock: Held by who asks for more than one thing that belongs together.
    """

    def __init__(self, spec: JobSpec) -> None:
        self.spec = spec
        self._best: tuple[float, int] | None = None
        self._maxima = Maxima()
        self._violating: list[int] = []
        self._complete = 0
        self._failures: list[str] = []
        self._hopeless_from = 0
        self._reached: Ending | None = None
        self._front = Front(spec.objectives) if len(spec.objectives) > 1 else None
        one = spec.objectives[0] if len(spec.objectives) == 1 else None
        self._standings = Standings(maximize=one is not None and one.maximize)
        self.lock = threading.RLock()

    @property
    def best(self) -> tuple[int, ...]:
        """The best trial's number; with several objectives the numbers on the Pareto front."""
        with self.lock:
            if self._front is not None:
                return self._front.numbers
            winner = self._standings.winner(self.spec.confirm)
            if winner is not None:
                return (winner,)
            return () if self._best is None else (self._best[1],)

    @property
    def best_value(self) -> float | None:
        """The best trial's value, or the mean of its runs, with one objective."""
        with self.lock:
            confirmed = self.confirmed
            if confirmed is not None:
                return confirmed.mean
            return None if self._best is None else self._best[0]

    @property
    def hypervolume(self) -> float | None:
        """How much the front dominates, with several objectives; see `JobView.hypervolume`."""
        with self.lock:
            return None if self._front is None else self._front.hypervolume

    @property
    def confirmed(self) -> Confirmed | None:
        """The runs of the best trial, where it ran more than once."""
        with self.lock:
            winner = self._standings.winner(self.spec.confirm)
            return None if winner is None else self._standings.confirmed(winner)

    def confirmed_of(self, number: int) -> Confirmed | None:
        """Return the runs of a trial, where there are several."""
        return self._standings.confirmed(number)

    @property
    def broke(self) -> int:
        """How many of the trials that `--confirm` has run again violated a constraint then."""
        return sum(self._standings.broke(number) for number in self.finalists)

    def top(self, count: int) -> dict[int, float]:
        """Return the best trials and their values, the best first; with one objective."""
        return self._standings.top(count)

    @property
    def finalists(self) -> tuple[int, ...]:
        """The trials that `--confirm` has run again, the best first."""
        return tuple(self._standings.top(self.spec.confirm))

    @property
    def unconfirmed(self) -> tuple[int, ...]:
        """Those of them that did not run again yet."""
        return self._standings.unconfirmed(self.spec.confirm)

    @property
    def violating(self) -> tuple[int, ...]:
        """The trials with values that violate a constraint."""
        with self.lock:
            return tuple(self._violating)

    def restored(self, trial: TrialView) -> None:
        """Take in a trial that ended in an earlier run: its failure may have had a cause that is mended."""
        self.ended(trial)
        self._hopeless_from = len(self._failures)

    def resumed(self, views: Sequence[TrialView], ran_before: float) -> None:
        """Go on with the clock of progress, after the trials of an earlier run were `restored`.

        Args:
            views: These trials.
            ran_before: Seconds that the job ran for in earlier kernels.
        """
        at = self._maxima.progressed_at
        self._maxima.resumed(max(0.0, ran_before - seconds_run(views, -math.inf if at is None else at)))

    def ended(self, trial: TrialView) -> None:
        """Take in a trial that ended.

        One that confirms another is no step of the search: it fails no job, and neither it nor what it finds
        is progress.
        """
        with self.lock:
            self._take_in(trial)

    def _take_in(self, trial: TrialView) -> None:
        values = trial.values
        if values and not keeps_to(self.spec, trial):
            self._violating.append(trial.number)
            values = None
        complete = trial.state is TrialState.COMPLETE
        self._standings.ended(trial, values[0] if values and complete else None)
        if trial.confirms is not None:
            return
        self._complete += complete
        if trial.state is TrialState.FAILED and trial.kind is not None and trial.kind.is_failure:
            self._failures.append(trial.reason)
        if self._front is not None and values:
            self._front.add(trial.number, values)
        if len(self.spec.objectives) != 1 or trial.state not in {TrialState.COMPLETE, TrialState.PRUNED}:
            return
        if self._best is not None or not self.spec.subject_to:  # before that, nothing can be better
            self._maxima.stale += 1
        if values:
            self._improve(trial.number, values[0], trial.ended_at)

    def ending(
        self, counts: Mapping[TrialState, int], runtime: float, *, now: float, exhausted: bool
    ) -> Ending | None:
        """Return the ending that is due, if one is.

        Args:
            counts: Trials by state.
            runtime: Seconds that the job has run for.
            now: Seconds UTC.
            exhausted: The space has no other point.
        """
        return self._failing() or self._reached or self._spent(counts, runtime, now, exhausted=exhausted)

    def out_of_time(self, runtime: float, now: float) -> bool:
        """Whether the time is up that the job was given; see `ending` for the arguments."""
        return bool(out_of_time(self.spec, runtime, now))

    def most_trials(self, counts: Mapping[TrialState, int], runtime: float, now: float) -> int:
        """Return how many trials may begin in all, as things stand; see `ending` for the arguments."""
        most = self.spec.limits.max_trials
        if most is None or too_early(self.spec, counts, runtime, now):
            return self.spec.trials
        return min(most, self.spec.trials)

    def _improve(self, number: int, value: float, ended_at: float | None) -> None:
        objective = self.spec.objectives[0]
        sign = 1 if objective.maximize else -1
        if self._best is None or sign * value > sign * self._best[0]:
            before = None if self._best is None else self._best[0]
            self._maxima.improved(before, value, self.spec.limits.improvement, ended_at)
            self._best = (value, number)
        target = self.spec.target
        if target is not None and sign * value >= sign * target and self._reached is None:
            reason = f"target reached: {objective.metric} {value:.6g} in trial {number} (target {target:g})"
            self._reached = Ending(JobState.SUCCEEDED, reason, cut=self.spec.limits.cut)

    def _failing(self) -> Ending | None:
        failed, limit = len(self._failures), self.spec.max_failures
        if limit is not None and failed >= limit:
            reason = f"{failed} failed trials (--max-failures {limit}); the last: {self._failures[-1]}"
            return Ending(JobState.FAILED, reason)
        if limit is None and self._complete == 0 and failed - self._hopeless_from >= _HOPELESS:
            return Ending(JobState.FAILED, f"the first {failed} trials all failed: {self._common_cause()}")
        return None

    def _spent(
        self, counts: Mapping[TrialState, int], runtime: float, now: float, *, exhausted: bool
    ) -> Ending | None:
        reason = self._maxima.reached(self.spec, counts, runtime, now)
        if reason:
            return Ending(JobState.SUCCEEDED, reason, cut=self.spec.limits.cut)
        return self._done(counts, exhausted=exhausted)

    def _done(self, counts: Mapping[TrialState, int], *, exhausted: bool) -> Ending | None:
        used = sum(count for state, count in counts.items() if state.counts)
        if used >= self.spec.trials:
            return Ending(JobState.SUCCEEDED, "all trials are done" if used > 1 else "done", cut=False)
        if exhausted and not counts[TrialState.RUNNING] and not counts[TrialState.WAITING]:
            return Ending(JobState.SUCCEEDED, f"every point of the space was tried: {used} trials", cut=False)
        return None

    def final(self, ending: Ending, counts: Mapping[TrialState, int]) -> Ending:
        """Correct an ending by what came of the last trials.

        A stop too late to end any trial is no stop, and a success without any COMPLETE trial is none.

        Args:
            ending: What was decided.
            counts: Trials by state.
        """
        if ending.state is JobState.CANCELLED:
            ending = self._done(counts, exhausted=False) or ending
        if ending.state is not JobState.SUCCEEDED:
            return ending
        if self._complete:
            return replace(ending, reason=f"{ending.reason}{self._none_keeps()}")
        cause = f"; {self._common_cause()}" if self._failures else ""
        return Ending(JobState.FAILED, f"no trial is COMPLETE{cause}", cut=ending.cut)

    def _none_keeps(self) -> str:
        """Say that no trial keeps to the constraints; empty where one does."""
        if self.best or not self._violating:
            return ""
        return f"; {none_keeps_to(self.spec.subject_to)}"

    def _common_cause(self) -> str:
        """Return the most frequent reason of the failures."""
        cause = max(set(self._failures), key=self._failures.count)
        times = self._failures.count(cause)
        return cause if times == len(self._failures) else f"{cause} ({times} of {len(self._failures)})"
