"""Views of a job that no runner of this kernel holds, made from the store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pydantic import ValidationError

from astraml_lab.errors import NotFound
from astraml_lab.jobs.criteria import Criteria
from astraml_lab.jobs.naming import tune_line
from astraml_lab.jobs.windows import stored_windows
from astraml_lab.output import read_tail
from astraml_lab.spec import FailureKind, JobSpec, JobState, JobView, TrialState, WindowView

if TYPE_CHECKING:
    from astraml_lab.spec import CurveView, TrialView
    from astraml_lab.store import GenerationRecord, Store

FRESH = 1.0
"""Seconds for which what was read counts as the present: dashboards ask more often than the store changes."""


class StoredReader:
    """Implements `JobReader` over the store; reads again at most once a `FRESH`."""

    def __init__(self, store: Store, found: GenerationRecord) -> None:
        self._store = store
        self._record = found
        self._spec, self._unreadable = read_spec(found)
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._trials: dict[int, TrialView] = {}
        self._versions: dict[int, int] = {}
        self._version = 0
        self._marks: dict[int, int | None] = {}
        self._criteria = Criteria(self._spec)
        self._reported: tuple[str, ...] = ()
        """Metrics of running trials: their rows have what they reported only once they end."""
        self._view: JobView | None = None
        self._curves: dict[tuple[int, str], CurveView | None] = {}
        self._windows: dict[tuple[int, str], WindowView | None] = {}

    def view(self) -> JobView:
        """Return the job as the store has it."""
        with self._lock:
            self._refresh()
            return self._seen()

    def view_of(self, found: GenerationRecord) -> JobView:
        """Return the job, whose row was read just now with others: one that has ended costs no more."""
        with self._lock:
            if self._read_at is None or not found.state.ended or found != self._record:
                self._take(found)
            return self._seen()

    def _seen(self) -> JobView:
        if self._view is None:
            self._view = self._look()
        return self._view

    def _look(self) -> JobView:
        record, spec = self._record, self._spec
        space = spec.space  # of several definitions it is merged each time, which costs milliseconds
        trials = self._trials.values()
        stored = (name for trial in trials for name in trial.metrics)
        best, best_value = self._criteria.best, self._criteria.best_value
        counts = dict.fromkeys(TrialState, 0)
        for trial in trials:
            counts[trial.state] += 1
        owner = record.lease if record.state is not JobState.STALE and not record.state.ended else None
        return JobView(
            id=f"{record.project}/{record.name}#{record.number}",
            name=record.name,
            project=record.project,
            generation=record.number,
            state=record.state,
            objectives=spec.objectives,
            trials=spec.trials,
            counts=counts,
            infeasible=sum(trial.kind is FailureKind.INFEASIBLE for trial in trials),
            param_names=tuple(space.names()),
            space=space,
            metric_names=tuple(dict.fromkeys([*stored, *self._reported])),
            reason=self._unreadable or record.reason or _stale_reason(record),
            note=record.note,
            best=best,
            best_value=best_value,
            confirmed=self._criteria.confirmed,
            confirming=sum(trial.state.counts and not trial.counts for trial in trials),
            subject_to=spec.subject_to,
            violating=self._criteria.violating,
            hypervolume=self._criteria.hypervolume,
            running=tuple(trial.number for trial in trials if trial.state is TrialState.RUNNING),
            parallel=spec.parallel or 1,
            created_at=record.created_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            window=spec.window,
            owner=f"{owner.host}:{owner.pid}" if owner else "",
            disk_bytes=sum(trial.disk_bytes for trial in trials),
            tags=dict(spec.tag),
            origin=spec.origin,
        )

    def trials(self, since: int = 0) -> tuple[int, tuple[TrialView, ...]]:
        """Return a cursor and the trials that changed after `since`, ordered by number."""
        with self._lock:
            self._refresh()
            changed = [trial for n, trial in self._trials.items() if self._versions[n] > since]
            return self._version, tuple(sorted(changed, key=lambda trial: trial.number))

    def trial(self, number: int) -> TrialView | None:
        """Return one trial, or `None` where there is none of this number."""
        with self._lock:
            self._refresh()
            return self._trials.get(number)

    def curve(self, trial: int, metric: str) -> CurveView | None:
        """Return a metric by step, or `None` where the trial has not reported it."""
        with self._lock:
            self._refresh()
            if (trial, metric) not in self._curves:
                self._curves[trial, metric] = curve(self._store, self._record.id, trial, metric)
            return self._curves[trial, metric]

    def windows(self, trial: int, metric: str) -> WindowView | None:
        """Return a metric by windows of time, or `None` where the trial has not reported it."""
        with self._lock:
            self._refresh()
            if (trial, metric) not in self._windows:
                found = stored_windows(self._store, self._record.id, trial, metric)
                self._windows[trial, metric] = found
            return self._windows[trial, metric]

    def log_tail(self, trial: int, lines: int = 100) -> list[str]:
        """Return the last lines of the trial's log."""
        record = self._record
        folder = self._store.files.trial(record.project, record.name, record.number, trial)
        return [line.text for line in read_tail(folder / "log.txt", lines)]

    def _refresh(self) -> None:
        """Read again what may have changed; the trials of an ended job are read once."""
        now = self._store.clock.monotonic()
        if self._read_at is not None and now - self._read_at < FRESH:
            return
        found = self._store.load_generation(self._record.id)
        if found is None:
            raise NotFound(f"job {self._record.name} was deleted")
        self._take(found)

    def _take(self, found: GenerationRecord) -> None:
        """Take the job's row as it is now, and read what goes with it."""
        self._curves.clear()
        self._windows.clear()
        known = self._read_at is not None and found.state.ended and found == self._record
        now = self._store.clock.monotonic()
        if not known:
            self._read_at = None  # until all is read: a trial that cannot be read is asked for again
            self._view = None
            same = found.spec == self._record.spec
            self._record = found
            if not same:
                self._spec, self._unreadable = read_spec(found)
                self._judge_anew()
            self._read_trials(found.id)
            running = [n for n, trial in self._trials.items() if trial.state is TrialState.RUNNING]
            self._reported = self._store.metric_names(found.id, running) if running else ()
        self._read_at = now

    def _read_trials(self, generation_id: int) -> None:
        """Read those trials that have changed: of a large job the others cost much more than they tell."""
        marks = self._store.trial_marks(generation_id)
        changed = [n for n, mark in marks.items() if mark is None or self._marks.get(n) != mark]
        if marks and not changed:
            return
        again = False
        for trial in self._store.load_trials(generation_id, changed if marks else None):
            before = self._trials.get(trial.number)
            if before == trial:
                continue
            again |= before is not None and before.state.ended
            self._version += 1
            self._versions[trial.number] = self._version
            self._trials[trial.number] = trial
            if trial.state.ended:
                self._criteria.ended(trial)
        # Taken down before they were read, they are at worst read once more.
        self._marks = marks
        if again:
            self._judge_anew()

    def _judge_anew(self) -> None:
        """A trial that had ended is another one now: what was best may not be."""
        self._criteria = Criteria(self._spec)
        for trial in self._trials.values():
            if trial.state.ended:
                self._criteria.ended(trial)


def read_spec(found: GenerationRecord) -> tuple[JobSpec, str]:
    """Return a stored specification; or an empty one, and why: one damaged row must not hide a job."""
    try:
        return JobSpec.model_validate_json(found.spec), ""
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"]
        return JobSpec(), f"its specification in the store cannot be read: {what}"


def curve(store: Store, generation_id: int, trial: int, metric: str) -> CurveView | None:
    """Return a stored curve."""
    found = store.load_curves(generation_id, trial, metric)
    return found[0] if found else None


def _stale_reason(record: GenerationRecord) -> str:
    if record.state is not JobState.STALE:
        return ""
    line = tune_line("resume", record.name, record.project)
    return f"its kernel is gone; what had finished is kept: {line} goes on"
