"""The trials of a job that are in the air: their devices, their clocks, and those that never come back."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab import output
from astraml_lab.errors import Conflict
from astraml_lab.executors import Task
from astraml_lab.jobs import events
from astraml_lab.jobs.attempt import attempt, build_trial
from astraml_lab.jobs.channel import LiveChannel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.devices import Lease
    from astraml_lab.executors import Executor
    from astraml_lab.jobs.live import LiveJob, LiveTrial
    from astraml_lab.jobs.mailbox import Mailbox
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.verdict import Verdict
    from astraml_lab.objectives.base import Code

STOP_GRACE = 30.0
"""Seconds that a trial has to report after it was told to end; then its thread is left behind."""


@dataclass
class Flight:
    """A trial in the air."""

    trial: LiveTrial
    lease: Lease
    told_to_end_at: float | None = None


class Flights:
    """Touched by the runner alone, but for `returned`, which a thread calls that comes back too late."""

    def __init__(self, code: Code, live: LiveJob, record: Record, executor: Executor, mail: Mailbox) -> None:
        self._code: Code | None = code
        self._live = live
        self._record = record
        self._executor = executor
        self._mail = mail
        self._air: dict[int, Flight] = {}
        self._left: dict[int, Flight] = {}
        self._lock = threading.Lock()

    def forget_code(self) -> None:
        """Drop what the trials ran: there will be no more."""
        self._code = None

    def __len__(self) -> int:
        return len(self._air)

    def __iter__(self) -> Iterator[Flight]:
        return iter(list(self._air.values()))

    def get(self, number: int) -> Flight | None:
        """Return a flight by its trial's number."""
        return self._air.get(number)

    def prepare(self, trial: LiveTrial, lease: Lease) -> Task:
        """Make a trial RUNNING on its lease, and return what `launch` starts.

        Raises:
            StoreUnavailable: Its folder cannot be made; nothing has changed.
        """
        if self._code is None:
            raise Conflict(f"{self._record.name} has ended")
        folder = self._record.folder(trial.number)
        sink = output.TrialSink(folder / "log.txt", clock=self._live.clock)
        if trial.attempt > 1:
            sink.write("out", f"--- attempt {trial.attempt} ---\n")
        self._live.start(trial, device=lease.label, sink=sink)
        self._air[trial.number] = Flight(trial, lease)
        build = partial(build_trial, trial, self._live.space, lease, folder / "checkpoint")
        run = attempt(self._code, build, lease=lease, sink=sink)
        channel = LiveChannel(self._live, trial, self._mail.put)
        return Task(f"{self._record.name} trial {trial.number}", run, channel)

    def launch(self, number: int, task: Task) -> None:
        """Start a prepared trial."""
        self._executor.submit(task, lambda outcome: self._mail.put(events.TrialEnded(number, outcome)))

    def land(self, number: int) -> Flight | None:
        """Take a flight out of the air; `None` for one that was left behind and came back after all."""
        flight = self._air.pop(number, None)
        if flight is None:
            self.returned(number)
        return flight

    def tell_to_end(self, verdict: Verdict) -> None:
        """Have every trial end at its next report."""
        for flight in self:
            self._live.stop(flight.trial, verdict)

    def overdue(self, now: float) -> list[Flight]:
        """Check the clocks; return the flights that were told to end and have not listened for too long."""
        late = []
        for flight in self:
            with self._live.lock:
                if flight.trial.verdict is None and now > flight.trial.deadline:
                    flight.trial.verdict = self._live.timed_out(flight.trial)
                told = flight.trial.verdict is not None
            if told and flight.told_to_end_at is None:
                flight.told_to_end_at = now
            if flight.told_to_end_at is not None and now - flight.told_to_end_at > STOP_GRACE:
                late.append(flight)
        return late

    def leave_behind(self, flight: Flight) -> None:
        """Give up on a thread that does not listen: its devices stay taken until it comes back by itself."""
        del self._air[flight.trial.number]
        flight.lease.close_slot()
        output.install()  # what it still prints goes to its log, also when the job is over
        with self._lock:
            self._left[flight.trial.number] = flight
        note = (
            f"did not report for {STOP_GRACE:g} s after it was told to end: its thread was left behind, "
            f"and {flight.lease.label} stays taken until it ends by itself or the kernel restarts"
        )
        with self._live.lock:
            flight.trial.notes.append(note)

    def abandon(self) -> None:
        """Leave all behind: the runner ends before its trials do."""
        for flight in self:
            self.leave_behind(flight)

    def returned(self, number: int) -> None:
        """Give back what a thread held that was left behind; may be called from any thread."""
        with self._lock:
            flight = self._left.pop(number, None)
        if flight is not None:
            flight.lease.reopen()
            output.uninstall()
