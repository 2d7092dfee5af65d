"""The trials in the air: what each runs on, and what becomes of one that does not listen."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab import output
from astraml_lab.devices import cpu_threads, environment
from astraml_lab.errors import Conflict
from astraml_lab.executors import Task
from astraml_lab.jobs import events
from astraml_lab.jobs.channel import LiveChannel
from astraml_lab.jobs.secrecy import TrialSecrets
from astraml_lab.objectives import ProcessPlace, ThreadPlace, TrialRun, grace_of
from astraml_lab.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.devices import Lease
    from astraml_lab.executors import Executor, Handle
    from astraml_lab.jobs.live import LiveJob, LiveTrial
    from astraml_lab.jobs.mailbox import Mailbox
    from astraml_lab.jobs.record import Record
    from astraml_lab.objectives import Code
    from astraml_lab.output import TrialSink
    from astraml_lab.trial import Verdict

STOP_GRACE = 30.0
"""Seconds that a thread has to report after it was told to end; then it is left behind."""
KILL_GRACE = 5.0
"""Seconds that a process has to report after it was told to end; then it is killed."""


@dataclass
class Flight:
    """A trial in the air."""

    trial: LiveTrial
    lease: Lease
    sink: TrialSink
    handle: Handle | None = None
    told_to_end_at: float | None = None
    killed: bool = False


class Flights:
    """Touched by the runner alone, but for `returned`, which a thread calls that comes back too late.

    Args:
        code: What each trial runs.
        live: The job's memory.
        record: The job on disk.
        executor: Where trials run.
        mail: Where their ends are told.
        parallel: How many run at once, sharing the cores.

    Attributes:
        begun: Whether the code of any trial has begun to run.
    """

    def __init__(
        self, code: Code, live: LiveJob, record: Record, executor: Executor, mail: Mailbox, parallel: int
    ) -> None:
        self._code: Code | None = code
        self._live = live
        self._record = record
        self._executor = executor
        self._mail = mail
        self._parallel = parallel
        self._grace = grace_of(record.spec)
        self._air: dict[int, Flight] = {}
        self._left: dict[int, Flight] = {}
        self._lock = threading.Lock()
        self.begun = False

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

    @property
    def left_behind(self) -> tuple[int, ...]:
        """The trials whose threads go on although they were told to end."""
        with self._lock:
            return tuple(sorted(self._left))

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
        self._air[trial.number] = Flight(trial, lease, sink)
        secrets = TrialSecrets(Secrets(self._record.home), self._record.project, sink)
        if lease.note:
            with self._live.lock:
                trial.notes.append(lease.note)
        threads = cpu_threads(self._parallel)
        apart = self._executor.can_kill
        run = TrialRun(
            code=self._code,
            space=self._live.space,
            place=ProcessPlace(len(lease.devices), threads) if apart else ThreadPlace(lease, sink),
            number=trial.number,
            params=dict(trial.params),
            seed=trial.seed,
            checkpoint_dir=folder / "checkpoint",
        )
        return Task(
            f"{self._record.name} trial {trial.number}",
            run,
            LiveChannel(self._live, trial, self._mail.put, secrets.look_up),
            env=environment(lease, threads) if apart else {},
            write=sink.write,
            begun=partial(self._begin, trial),
        )

    def _begin(self, trial: LiveTrial) -> None:
        """Note, in whatever thread sees it, that a trial's code runs now."""
        self._live.begin(trial)
        if not self.begun:
            self.begun = True
            self._mail.put(events.Begun())

    def launch(self, number: int, task: Task) -> None:
        """Start a prepared trial."""
        attempt = self._air[number].trial.attempt
        handle = self._executor.submit(
            task, lambda outcome: self._mail.put(events.TrialEnded(number, attempt, outcome))
        )
        flight = self._air.get(number)
        if flight is not None:
            flight.handle = handle

    def land(self, number: int, attempt: int) -> Flight | None:
        """Take a flight out of the air; `None` for one that was left behind and came back after all."""
        flight = self._air.get(number)
        if flight is None or flight.trial.attempt != attempt:
            self.returned(number)
            return None
        del self._air[number]
        flight.sink.close()
        return flight

    def tell_to_end(self, verdict: Verdict) -> None:
        """Have every trial end at its next report."""
        for flight in self:
            self._live.stop(flight.trial, verdict)

    def overdue(self, now: float) -> list[Flight]:
        """Check the clocks; kill what can be killed, and return the flights that have to be left behind."""
        late = []
        for flight in self:
            with self._live.lock:
                if flight.trial.verdict is None and now > flight.trial.deadline:
                    flight.trial.verdict = self._live.timed_out(flight.trial)
                told = flight.trial.verdict is not None
            if told and flight.told_to_end_at is None:
                flight.told_to_end_at = now
            if flight.told_to_end_at is None:
                continue
            waited = now - flight.told_to_end_at
            if waited > KILL_GRACE + self._grace and self._kill(flight):
                continue
            if waited > STOP_GRACE + self._grace:
                late.append(flight)
        return late

    def _kill(self, flight: Flight) -> bool:
        """Kill the process of a trial; return False for a thread."""
        if flight.handle is None or not flight.handle.kill():
            return False
        if not flight.killed:
            flight.killed = True
            waited = KILL_GRACE + self._grace
            note = f"did not report for {waited:g} s after it was told to end: its process was killed"
            with self._live.lock:
                flight.trial.notes.append(note)
        return True

    def leave_behind(self, flight: Flight) -> None:
        """Give up on a thread that does not listen: its devices stay taken until it comes back by itself."""
        del self._air[flight.trial.number]
        flight.lease.close_slot()
        output.install()  # what it still prints goes to its log, also when the job is over
        with self._lock:
            self._left[flight.trial.number] = flight
        held = flight.lease.label if flight.lease.devices else "its slot"
        waited = STOP_GRACE + self._grace
        note = (
            f"did not report for {waited:g} s after it was told to end: its thread was left behind, "
            f"and {held} stays taken until it ends by itself or the kernel restarts"
        )
        with self._live.lock:
            flight.trial.notes.append(note)

    def abandon(self) -> None:
        """Kill all, or leave behind what cannot be: the runner ends before its trials do."""
        for flight in self:
            if flight.handle is None:  # it was never launched: nobody will come back
                del self._air[flight.trial.number]
                flight.sink.close()
                flight.lease.release()
            elif not flight.handle.kill():
                self.leave_behind(flight)

    def returned(self, number: int) -> None:
        """Give back what a thread held that was left behind; may be called from any thread."""
        with self._lock:
            flight = self._left.pop(number, None)
        if flight is not None:
            flight.lease.reopen()
            output.uninstall()
