"""What is in memory of a job while its kernel runs it: trials, board, metrics, and the verdicts on them.

One lock covers all of it, and under that lock nothing slow happens: no Optuna, no disk, no display, no user
code. `report()` is decided here, in the thread of the trial that calls it.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from typing import TYPE_CHECKING

from astraml_lab.errors import Conflict, TrialPruned, TrialStopped
from astraml_lab.jobs.constraints import is_no_measure
from astraml_lab.jobs.pruning import NEVER_PRUNED, board_of
from astraml_lab.metrics import Board, FrontBoard, TrialMetrics
from astraml_lab.spec import (
    FailureKind,
    Select,
    TrialState,
    TrialView,
    confirming_note,
    format_duration,
    part_of,
)
from astraml_lab.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.clock import Clock
    from astraml_lab.metrics import Ending
    from astraml_lab.output import TrialSink
    from astraml_lab.spec import JobSpec, Objective, ParamValue
    from astraml_lab.trial import Attempt


KEPT = 200
"""So many ended trials keep their curves and log tails in memory."""


class LiveTrial:
    """One trial; every attribute is read and written under the job's lock."""

    def __init__(
        self,
        number: int,
        params: Mapping[str, ParamValue],
        *,
        seed: int,
        created_at: float,
        confirms: int | None = None,
    ) -> None:
        self.number = number
        self.confirms = confirms
        self.params = dict(params)
        self.definition = "default"
        self.seed = seed
        self.created_at = created_at
        self.attempt = 1
        self.state = TrialState.WAITING
        self.verdict: Verdict | None = None
        self.values: tuple[float, ...] | None = None
        self.metrics = TrialMetrics()
        self.last: dict[str, float] = {}
        self.step: int | None = None
        self.device = ""
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.deadline = math.inf
        self.traceback = ""
        self.notes = [] if confirms is None else [confirming_note(confirms)]
        self.sink: TrialSink | None = None
        self.disk_bytes = 0
        self.version = 0
        self.reported_at = created_at

    @classmethod
    def restored(cls, view: TrialView) -> LiveTrial:
        """Return a trial of an earlier run: an ended one as it was, any other to run again."""
        seed, created_at, confirms = view.seed, view.created_at, view.confirms
        trial = cls(view.number, view.params, seed=seed, created_at=created_at, confirms=confirms)
        trial.notes = list(view.notes)
        trial.attempt = view.attempt + (view.state is TrialState.RUNNING)
        if view.state.ended:
            trial.last = dict(view.metrics)
            trial.disk_bytes = view.disk_bytes
            trial.state, trial.values = view.state, view.values
            trial.verdict = Verdict(view.state, view.reason, view.kind)
            trial.started_at, trial.ended_at = view.started_at, view.ended_at
            trial.device, trial.step, trial.traceback = view.device, view.step, view.traceback
        return trial

    def view(self) -> TrialView:
        """Return it as it stands."""
        verdict = self.verdict if self.state.ended else None
        return TrialView(
            number=self.number,
            state=self.state,
            params=dict(self.params),
            kind=verdict.kind if verdict else None,
            reason=self.marked(verdict.reason if verdict else ""),
            values=self.values,
            metrics=dict(self.last),
            step=self.step,
            device=self.device,
            seed=self.seed,
            attempt=self.attempt,
            definition=self.definition,
            created_at=self.created_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            traceback=self.traceback,
            notes=tuple(self.notes),
            disk_bytes=self.disk_bytes,
        )

    def marked(self, reason: str) -> str:
        """Put before a reason which trial this one confirms, where it does and that is not said yet."""
        mark = "" if self.confirms is None else f"confirms trial {self.confirms}"
        return reason if reason.startswith(mark) else "; ".join(filter(None, (mark, reason)))


class LiveJob:
    """The trials of a running job and what decides on them.

    Args:
        spec: The job.
        clock: Dates reports and trials.
    """

    def __init__(self, spec: JobSpec, clock: Clock) -> None:
        self.lock = threading.Lock()
        self.clock = clock
        self.trials: dict[int, LiveTrial] = {}
        self.running: dict[int, LiveTrial] = {}
        self.version = 0
        self._by_change: dict[int, LiveTrial] = {}
        self._kept: deque[LiveTrial] = deque()
        self.metric_names: dict[str, None] = {}
        self.counts = dict.fromkeys(TrialState, 0)
        self._confirming = dict.fromkeys(TrialState, 0)
        self.infeasible = 0
        self.disk_bytes = 0
        self.space = spec.space
        self._spec = spec
        self._objectives = {objective.metric: objective for objective in spec.objectives}
        self._first = spec.objectives[0].metric if spec.objectives else None
        self.board = board_of(spec)
        self._finals = board_of(spec.model_copy(update=NEVER_PRUNED))
        self._common = _common_names(spec)

    def add(self, trial: LiveTrial) -> None:
        """Take in a new or restored trial."""
        with self.lock:
            trial.metrics = TrialMetrics(self._spec.window)
            trial.definition = part_of(self._spec.definitions, trial.params).name
            self.trials[trial.number] = trial
            self._count(trial, 1)
            self._count_infeasible(trial)
            self.disk_bytes += trial.disk_bytes
            self.metric_names.update(dict.fromkeys(trial.last))
            self.touch(trial)

    def touch(self, trial: LiveTrial) -> None:
        """Note, under the lock, that readers have something new to see."""
        self.version += 1
        trial.version = self.version
        self._by_change.pop(trial.number, None)
        self._by_change[trial.number] = trial

    def changed(self, since: int) -> Iterator[LiveTrial]:
        """Yield, under the lock, the trials that changed after version `since`, the latest first."""
        return itertools.takewhile(lambda trial: trial.version > since, reversed(self._by_change.values()))

    @property
    def searched(self) -> dict[TrialState, int]:
        """The trials by state that use up the budget: all but those that confirm others."""
        return {state: count - self._confirming[state] for state, count in self.counts.items()}

    @property
    def confirming(self) -> int:
        """How many trials that confirm others have ended, and would use up the budget."""
        return sum(count for state, count in self._confirming.items() if state.counts)

    def _count(self, trial: LiveTrial, by: int) -> None:
        self.counts[trial.state] += by
        if trial.confirms is not None:
            self._confirming[trial.state] += by

    def _move(self, trial: LiveTrial, state: TrialState) -> None:
        if not trial.state.may_become(state):
            raise Conflict(f"trial {trial.number} is {trial.state} and cannot become {state}")
        self._count(trial, -1)
        trial.state = state
        self._count(trial, 1)
        if state is TrialState.RUNNING:
            self.running[trial.number] = trial
        else:
            self.running.pop(trial.number, None)

    def board_of(self, trial: LiveTrial) -> Board | FrontBoard | None:
        """Return the board that decides on a trial."""
        return self.board if trial.confirms is None else self._finals

    def start(self, trial: LiveTrial, *, device: str, sink: TrialSink | None) -> None:
        """Move a waiting trial to RUNNING."""
        with self.lock:
            now = self.clock.time()
            self._move(trial, TrialState.RUNNING)
            trial.device = device
            trial.sink = sink
            trial.started_at = trial.reported_at = now
            self.touch(trial)

    def begin(self, trial: LiveTrial) -> None:
        """Start the clock of a trial: its code runs now, in the thread or process that was made for it."""
        with self.lock:
            trial.started_at = trial.reported_at = self.clock.time()
            if self._spec.trial_timeout is not None:
                trial.deadline = self.clock.monotonic() + self._spec.trial_timeout
            self.touch(trial)

    def report(self, trial: LiveTrial, metrics: Mapping[str, float], step: int | None) -> None:
        """Fold a report in and decide at once, in the caller's thread.

        Raises:
            TrialPruned: The board gave the trial up.
            TrialStopped: It ends for another reason, which `trial.verdict` says.
        """
        with self.lock:
            if trial.verdict is None:
                self._fold(trial, metrics, step)
                self.touch(trial)
            verdict = trial.verdict
        if verdict is None:
            return
        if verdict.state is TrialState.PRUNED:
            raise TrialPruned(verdict.reason)
        raise TrialStopped(verdict.reason or "the trial has ended")

    def conclude(self, trial: LiveTrial, how: Attempt) -> None:
        """Take in how the attempt went: what the code returned are final values, no step to decide on."""
        with self.lock:
            trial.ended_at = now = self.clock.time()
            trial.traceback = how.traceback
            trial.notes += [*trial.metrics.take_notes(), *how.notes]
            for name, value in self._with_common(trial, how.returned).items():
                if trial.metrics.get(name) is None:
                    trial.metrics.add(name, value, None, now)
                    self.metric_names.setdefault(name)
                trial.last[name] = value
            trial.metrics.end()

    def stop(self, trial: LiveTrial, verdict: Verdict) -> None:
        """Make the trial end at its next report."""
        with self.lock:
            if trial.verdict is None and not trial.state.ended:
                trial.verdict = verdict
                self.touch(trial)

    def again(self, trial: LiveTrial, note: str) -> None:
        """Have a trial wait for one more attempt, as if it had reported nothing."""
        with self.lock:
            self._move(trial, TrialState.WAITING)
            trial.attempt += 1
            trial.notes.append(note)
            trial.verdict = trial.values = trial.step = trial.started_at = trial.ended_at = None
            trial.metrics, trial.last = TrialMetrics(self._spec.window), {}
            trial.deadline, trial.device, trial.traceback = math.inf, "", ""
            if (board := self.board_of(trial)) is not None:
                board.again(trial.number)
            self.touch(trial)

    def measure(self, trial: LiveTrial, disk_bytes: int) -> None:
        """Take in, under the lock, what a trial's folder holds."""
        self.disk_bytes += disk_bytes - trial.disk_bytes
        trial.disk_bytes = disk_bytes
        self.touch(trial)

    def finish(
        self, trial: LiveTrial, verdict: Verdict, values: tuple[float, ...] | None, disk_bytes: int = 0
    ) -> None:
        """Show a trial as ended: its end is on disk by now."""
        with self.lock:
            trial.verdict = verdict
            trial.values = values
            self.measure(trial, disk_bytes)
            self._move(trial, verdict.state)
            self._count_infeasible(trial)
            self.touch(trial)
            if (board := self.board_of(trial)) is not None:
                state = verdict.state
                cut_short = state in {TrialState.PRUNED, TrialState.STOPPED}
                if is_no_measure(self._spec, state, trial.last):
                    board.again(trial.number)  # as if it had shown nothing
                else:
                    board.finish(trial.number, complete=state is TrialState.COMPLETE, cut_short=cut_short)
            self._let_go(trial)

    def _count_infeasible(self, trial: LiveTrial) -> None:
        if trial.verdict is not None and trial.verdict.kind is FailureKind.INFEASIBLE:
            self.infeasible += 1

    def _let_go(self, trial: LiveTrial) -> None:
        """Keep the curves of the latest trials only: the store has them all."""
        self._kept.append(trial)
        if len(self._kept) > KEPT:
            oldest = self._kept.popleft()
            oldest.metrics = TrialMetrics(self._spec.window)
            oldest.sink = None

    def outcome(self, trial: LiveTrial, how: Attempt) -> tuple[Verdict, tuple[float, ...] | None]:
        """Return how a concluded trial ended, and its values if it is COMPLETE.

        What was decided while it ran comes first; then what its code raised; then what it reported. A trial
        that was told to stop and came to its end all the same is COMPLETE. What a vendor's rule gave up has
        a value all the same, as with the vendor.
        """
        with self.lock:
            verdict = trial.verdict or how.verdict or Verdict(TrialState.COMPLETE, "")
            stopped_too_late = verdict.state is TrialState.STOPPED and how.finished
            given_up = verdict.state is TrialState.PRUNED and self._spec.stopping is not None
            if verdict.state is not TrialState.COMPLETE and not stopped_too_late and not given_up:
                return verdict, None
            found = self._values(trial, how)
        if given_up:
            return verdict, None if isinstance(found, Verdict) else found
        if isinstance(found, Verdict):
            return (verdict if stopped_too_late else found), None
        return (Verdict(TrialState.COMPLETE, "") if stopped_too_late else verdict), found

    def _values(self, trial: LiveTrial, how: Attempt) -> tuple[float, ...] | Verdict:
        values: list[float] = []
        returned = self._with_common(trial, how.returned)
        for objective in self._spec.objectives:
            value = self._value(trial, objective, returned.get(objective.metric))
            if value is None:
                return _no_metric(objective, trial.metrics.names)
            if not math.isfinite(value):
                return _not_finite(objective.metric, value)
            values.append(value)
        return tuple(values)

    def _with_common(self, trial: LiveTrial, metrics: Mapping[str, float]) -> Mapping[str, float]:
        """Add what the job calls a metric that is the objective of the trial's own definition."""
        names = self._common.get(trial.definition)
        if not names:
            return metrics
        known = {names[name]: value for name, value in metrics.items() if name in names}
        return {**known, **metrics}

    def _fold(self, trial: LiveTrial, metrics: Mapping[str, float], step: int | None) -> None:
        now = self.clock.time()
        trial.reported_at = now
        shown: dict[str, float] = {}
        furthest = 0
        for name, value in self._with_common(trial, metrics).items():
            at = trial.metrics.add(name, value, step, now)
            trial.last[name] = value
            if name not in self.metric_names:
                self.metric_names[name] = None
            if name in self._objectives:
                shown[name], furthest = value, max(furthest, at)
                self._judge(trial, name, value, at, now)
        board = self.board_of(trial)
        if shown and trial.verdict is None and isinstance(board, FrontBoard):
            self._heed(trial, board.report(trial.number, shown, furthest))
        if trial.verdict is None and self.clock.monotonic() > trial.deadline:
            trial.verdict = self.timed_out(trial)

    def _judge(self, trial: LiveTrial, name: str, value: float, step: int, now: float) -> None:
        if name == self._first:
            trial.step = step
        if trial.verdict is not None:
            return
        if not math.isfinite(value):
            if self._spec.on_nan == "fail":
                trial.verdict = _not_finite(name, value, step)
            return
        board = self.board_of(trial)
        if isinstance(board, Board) and name == board.metric:
            self._heed(trial, board.report(trial.number, value, step, now - (trial.started_at or now)))

    def _heed(self, trial: LiveTrial, ending: Ending | None) -> None:
        if ending is not None:
            state = TrialState.PRUNED if ending.kind == "pruned" else TrialState.COMPLETE
            trial.verdict = Verdict(state, ending.reason)

    def timed_out(self, trial: LiveTrial) -> Verdict:
        """Return the verdict on a trial that is over `--trial-timeout`, under the lock."""
        reason = f"ran longer than {format_duration(self._spec.trial_timeout or 0)} (--trial-timeout)"
        if self._spec.on_timeout == "keep_last" and self._first in trial.last:
            return Verdict(TrialState.COMPLETE, reason, FailureKind.TIMEOUT)
        return Verdict(TrialState.FAILED, reason, FailureKind.TIMEOUT)

    def _value(self, trial: LiveTrial, objective: Objective, returned: float | None) -> float | None:
        """Return the objective's value: what the code returned is its last report."""
        series = trial.metrics.get(objective.metric)
        best = series.best(maximize=objective.maximize) if series else None
        if self._spec.select is Select.BEST and best is not None:
            better = max if objective.maximize else min
            return best if returned is None else better(best, returned)
        last = returned if returned is not None or series is None else series.last
        if self._spec.on_nan == "last_finite" and series is not None and not _is_finite(last):
            return series.last_finite
        return last


def _common_names(spec: JobSpec) -> dict[str, dict[str, str]]:
    """Return by definition what the job calls those of its objectives that have another name there."""
    common = [objective.metric for objective in spec.objectives]
    return {
        each.name: {
            own.metric: name for own, name in zip(each.objectives, common, strict=True) if own.metric != name
        }
        for each in spec.definitions
    }


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _not_finite(metric: str, value: float, step: int | None = None) -> Verdict:
    at = "" if step is None else f" at step {step}"
    return Verdict(TrialState.FAILED, f"{metric} is {value}{at}", FailureKind.NAN)


def _no_metric(objective: Objective, reported: tuple[str, ...]) -> Verdict:
    seen = f"it reported {', '.join(reported)}" if reported else "it reported nothing"
    reason = f"ended without a report of {objective.metric}, which the job is to {objective.goal}: {seen}"
    return Verdict(TrialState.FAILED, reason, FailureKind.NO_METRIC)
