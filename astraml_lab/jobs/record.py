"""One generation of a job on disk, written by its runner alone.

A trial's end is committed before anybody sees it, in one transaction with the search's journal. Everything
that may be a moment late (states, windows, curves) goes through the store's writer thread.
"""

from __future__ import annotations

import contextlib
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Conflict, LeaseLost, StoreError, StoreUnavailable
from astraml_lab.jobs import stored
from astraml_lab.jobs.windows import stored_windows
from astraml_lab.metrics import RETENTION, roll_up
from astraml_lab.search import StudyStorage
from astraml_lab.spec import JobState
from astraml_lab.store import jobs, leases, trials

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from astraml_lab.metrics import TrialChanges
    from astraml_lab.search import Searcher, Told
    from astraml_lab.spec import CurveView, JobSpec, TrialView, WindowView
    from astraml_lab.store import Control, GenerationRecord, Lease, Store, Writer

HEARTBEAT = 10.0
"""Seconds between two signs of life in the store."""
COMPACTION = 3600.0
"""Seconds between two mergers of old windows into wider ones."""


class Record:
    """The disk side of a running job; its attributes may be read from any thread."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        found: GenerationRecord,
        lease: Lease,
        spec: JobSpec,
        storage: StudyStorage,
    ) -> None:
        self.generation_id = found.id
        self.id = f"{found.project}/{found.name}#{found.number}"
        self.project = found.project
        self.name = found.name
        self.generation = found.number
        self.spec = spec
        self.state = found.state
        self.reason = ""
        self.note = found.note
        self.created_at = found.created_at
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.held = 0.0
        """Seconds of the pauses that are over."""
        self.held_at: float | None = None
        """When the pause began that lasts."""
        self.ran_before = _seconds_run(found)
        """Seconds that the job ran for in earlier kernels."""
        self.owner = f"{lease.host}:{lease.pid}"
        self._store = store
        self._writer = writer
        self._lease = lease
        self._storage = storage
        self._unsent: dict[str, Any] = {}
        self._next_heartbeat = 0.0
        self._next_compaction = store.clock.monotonic() + COMPACTION

    def folder(self, number: int) -> Path:
        """Return the folder of a trial, made if need be.

        Raises:
            StoreUnavailable: It cannot be made.
        """
        return self._store.files.make_trial(self.project, self.name, self.generation, number)

    def open(self, note: str) -> None:
        """Write that the job runs, with its specification and what is to be said of this run.

        Raises:
            LeaseLost: Another kernel owns the job now.
            StoreUnavailable: The store cannot be written.
        """
        if self.state is not JobState.RUNNING and not self.state.may_become(JobState.RUNNING):
            raise Conflict(f"job {self.name} is {self.state} and cannot run")
        self.note = note
        # Not when it first started: time that nothing ran in counts for nobody.
        self.started_at = self._store.clock.time() - self.ran_before
        self._store.update_generation(
            self._lease,
            spec=self.spec.model_dump_json(),
            state=JobState.RUNNING,
            reason="",
            note=note,
            started_at=self.started_at,
            ended_at=None,
        )
        self.state = JobState.RUNNING

    def begin(self) -> None:
        """Count the time from now on: a first trial's code runs."""
        self.started_at = self._store.clock.time() - self.ran_before
        self.held, self.held_at = 0.0, None if self.held_at is None else self._store.clock.time()
        self._later({"started_at": self.started_at})

    def move(self, state: JobState, reason: str = "") -> None:
        """Change the job's state.

        Raises:
            Conflict: The table of states has no such step.
        """
        if state is not self.state:
            if not self.state.may_become(state):
                raise Conflict(f"job {self.name} is {self.state} and cannot become {state}")
            self._count_pause(state)
        self.reason = reason  # first: who reads the new state reads why
        self.state = state
        self._later({"state": state, "reason": reason})

    def close(self, state: JobState, reason: str) -> None:
        """Write the end of the job and give the generation back.

        Raises:
            StoreUnavailable: Not written; call it again.
        """
        self._count_pause(state)
        self._writer.flush(timeout=30.0, tries=1)
        ended_at = self._store.clock.time()
        changes = {"state": state, "reason": reason, "note": self.note, "ended_at": ended_at}
        with self._store.fenced(self._lease, "end a job") as connection:
            jobs.update_generation(connection, self.generation_id, changes)
            # At once: a change that the writer still has comes too late, and whoever sees the end may go on.
            leases.release(connection, self._lease)
        with contextlib.suppress(StoreError):
            self._store.checkpoint()
        self.ended_at = ended_at
        self.reason = reason
        self.state = state

    def _count_pause(self, state: JobState) -> None:
        """Take a pause that ends out of the time that the job ran for."""
        now = self._store.clock.time()
        if state is JobState.PAUSED:
            self.held_at = now
        elif self.held_at is not None:
            self.held, self.held_at = self.held + now - self.held_at, None
            if self.started_at is not None:
                # Others read one figure: the start, later by the time that nothing was to run in.
                self._later({"started_at": self.started_at + self.held})

    def fail(self, state: JobState, reason: str) -> None:
        """Show an end that came from the runner itself, and give the generation back if it is still ours."""
        self.ended_at = self._store.clock.time()
        self.reason = reason
        self.state = state
        ended = {"state": state, "reason": reason, "ended_at": self.ended_at}
        give_back(self._store, self._writer, self._lease, {} if state is JobState.STALE else ended)

    def save(self, searcher: Searcher, view: TrialView, told: Told | None = None) -> None:
        """Commit a trial as it stands, and with `told` its end, with all that the search has to remember.

        Raises:
            LeaseLost: Another kernel owns the job now.
            StoreUnavailable: Nothing was written; call it again.
        """
        companion = partial(trials.save, generation_id=self.generation_id, record=view)
        with self._storage.together(companion):
            if told is not None:
                searcher.tell(view.number, told)

    def commit(self) -> None:
        """Commit what the search has to remember: points that somebody asked for.

        Raises:
            LeaseLost: Another kernel owns the job now.
            StoreUnavailable: Nothing was written; call it again.
        """
        with self._storage.together(lambda _connection: None):
            pass

    def start_over(self, searcher: Searcher, view: TrialView) -> None:
        """Commit a trial that runs again; what an earlier attempt reported is forgotten.

        Raises:
            LeaseLost: Another kernel owns the job now.
            StoreUnavailable: Nothing was written; call it again.
        """
        with contextlib.suppress(StoreUnavailable):
            self._writer.clear_metrics(self.generation_id, view.number)
        self.save(searcher, view)

    def disk_use(self, number: int) -> int:
        """Return the bytes in a trial's folder."""
        return self._store.files.disk_use(self.project, self.name, self.generation, number)

    def drop_checkpoint(self, number: int) -> int:
        """Remove a trial's checkpoint; return the bytes that its folder still holds."""
        folder = self._store.files.trial(self.project, self.name, self.generation, number)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        return self.disk_use(number)

    def has_checkpoint(self, number: int) -> bool:
        """Whether a trial has saved something to go on from."""
        folder = self._store.files.trial(self.project, self.name, self.generation, number)
        return any((folder / "checkpoint").glob("*"))

    @property
    def home(self) -> Path:
        """Where the store and all files lie."""
        return self._store.files.home

    def remark(self, sentence: str) -> None:
        """Add a sentence to the job's line."""
        self.note = "; ".join(filter(None, (self.note, sentence)))
        self._later({"note": self.note})

    def put_metrics(self, number: int, changes: TrialChanges) -> None:
        """Hand windows and curves to the writer; what it has no room for is lost, never the trial."""
        with contextlib.suppress(StoreUnavailable):
            for metric, rows in changes.windows.items():
                self._writer.put_windows(self.generation_id, number, metric, rows)
            for metric, (steps, values) in changes.curves.items():
                self._writer.put_curve(self.generation_id, number, metric, steps, values)

    def stored_curve(self, trial: int, metric: str) -> CurveView | None:
        """Return a curve that memory has let go of."""
        return stored.curve(self._store, self.generation_id, trial, metric)

    def stored_points(self, trial: int, metric: str = "") -> list[tuple[float, float]]:
        """Return the steps and values of a metric, or the first objective; empty where nothing is stored."""
        metric = metric or (self.spec.objectives[0].metric if self.spec.objectives else "")
        found = self.stored_curve(trial, metric)
        return list(zip(found.steps.tolist(), found.values.tolist(), strict=True)) if found else []

    def stored_windows(self, trial: int, metric: str) -> WindowView | None:
        """Return windows that memory has let go of."""
        return stored_windows(self._store, self.generation_id, trial, metric)

    def heartbeat(self) -> tuple[Control, ...]:
        """Say that the job lives, and return what other kernels ask for.

        Raises:
            LeaseLost: Another kernel owns the job now.
        """
        now = self._store.clock.monotonic()
        try:
            self._later({})
            if now >= self._next_heartbeat:
                self._store.renew(self._lease)
                self._next_heartbeat = now + HEARTBEAT
            if now >= self._next_compaction:
                self._next_compaction = now + COMPACTION
                self._writer.compact(roll_up, RETENTION, older_than=COMPACTION)
            return self._store.take(self.generation_id)
        except StoreUnavailable:
            return ()  # busy or full: the next tick asks again

    def ask(self, **changes: int) -> JobSpec:
        """Change what was asked for, such as the budget."""
        self.spec = self.spec.model_copy(update=changes)
        self._later({"spec": self.spec.model_dump_json()})
        return self.spec

    def _later(self, changes: dict[str, Any]) -> None:
        """Hand a change to the writer; one that finds no room goes with the next heartbeat."""
        self._unsent |= changes
        if self._unsent:
            with contextlib.suppress(StoreUnavailable):
                self._writer.put(partial(_update_if_ours, lease=self._lease, changes=dict(self._unsent)))
                self._unsent.clear()


def open_search(store: Store, writer: Writer, lease: Lease) -> StudyStorage:
    """Read what a job's search knows; where that fails, the job is nobody's again.

    Raises:
        StoreUnavailable: It cannot be read, or is damaged.
    """
    try:
        return StudyStorage(store.journal(lease))
    except StoreError:
        give_back(store, writer, lease, {})
        raise


def give_back(store: Store, writer: Writer, lease: Lease, changes: dict[str, Any]) -> None:
    """Write the last changes of a job and let it go: now, or as soon as the store can be written.

    A job that this kernel has and does not run would look as if it ran, for as long as the kernel lives.
    """

    def end(connection: Connection) -> None:
        _update(connection, lease=lease, changes=changes)
        leases.release(connection, lease)

    try:
        with store.begin("give a job back") as connection:
            end(connection)
    except StoreUnavailable:
        with contextlib.suppress(StoreUnavailable):
            writer.put(end)
    except StoreError:  # it is another kernel's, or deleted
        pass


def _seconds_run(found: GenerationRecord) -> float:
    """Return how long an earlier run took, as far as its kernel was heard of."""
    if found.started_at is None:
        return 0.0
    heard = found.lease.heartbeat_at if found.lease else found.started_at
    return max(0.0, (found.ended_at or heard) - found.started_at)


def _update_if_ours(connection: Connection, *, lease: Lease, changes: dict[str, Any]) -> None:
    with contextlib.suppress(LeaseLost):  # the job has ended meanwhile, or is another kernel's
        _update(connection, lease=lease, changes=changes)


def _update(connection: Connection, *, lease: Lease, changes: dict[str, Any]) -> None:
    """Change a generation, as long as `lease` holds it."""
    leases.check(connection, lease)
    jobs.update_generation(connection, lease.generation_id, changes)
