"""The runner: one thread per job that owns its search.

    lease a device → ask → hand the trial to the executor → on its end: tell, persist, publish, release

It waits on one event queue only and leases without blocking: a runner that waited for a device which only a
trial waiting in `report()` can free would never wake. Optuna is touched by this thread alone.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab import output
from astraml_lab.devices import cpu_threads
from astraml_lab.errors import AstramlError, Conflict, LeaseLost, StoreUnavailable
from astraml_lab.jobs import events
from astraml_lab.jobs.backlog import Backlog
from astraml_lab.jobs.criteria import Criteria, Ending
from astraml_lab.jobs.flights import Flights
from astraml_lab.jobs.live import LiveTrial
from astraml_lab.jobs.mailbox import Mailbox
from astraml_lab.jobs.verdict import Attempt, Verdict
from astraml_lab.search import Told
from astraml_lab.spec import FailureKind, JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.devices import Device, Lease, LeaseRequest, Pool, ProcessTuning
    from astraml_lab.executors import Executor, Outcome
    from astraml_lab.jobs.flights import Flight
    from astraml_lab.jobs.live import LiveJob
    from astraml_lab.jobs.record import Record
    from astraml_lab.objectives.base import Code
    from astraml_lab.search import Searcher
    from astraml_lab.spec import JobSpec

TICK = 1.0
"""Seconds between two looks at clocks, controls and the metrics that wait for the writer."""
POISONED = "CUDA is broken in this kernel and every further trial would fail: restart the kernel, then resume"


@dataclass(frozen=True)
class Wiring:
    """The parts of the process that all jobs share."""

    pool: Pool
    tuning: ProcessTuning
    executor: Executor
    clock: Clock


class Runner:
    """Runs one job from start to end.

    Args:
        code: What each trial runs.
        live: The job's memory, shared with its readers.
        record: The job on disk, open.
        searcher: Chooses the points.
        request: What each trial leases.
        wiring: The parts that all jobs share.
    """

    def __init__(
        self,
        code: Code,
        live: LiveJob,
        record: Record,
        searcher: Searcher,
        request: LeaseRequest,
        wiring: Wiring,
    ) -> None:
        self.spec: JobSpec = record.spec
        self.live = live
        self.record = record
        self.code: Code | None = code
        self.done = threading.Event()
        self.backlog = Backlog()
        self.waiting_for = ""
        self.trouble = ""
        self.devices: tuple[Device, ...] = ()
        self._searcher = searcher
        self._request = request
        self._wiring = wiring
        self._criteria = Criteria(self.spec)
        self._mail = Mailbox(self._refuse)
        self._flights = Flights(code, live, record, wiring.executor, self._mail)
        self._again: list[LiveTrial] = []
        self._ending: Ending | None = None
        self._began = wiring.clock.monotonic()
        self._next_tick = 0.0
        self._done_before = 0
        self._thread = threading.Thread(target=self._run, name=f"astraml-{record.id}", daemon=True)
        self._handlers: dict[type, Callable[..., None]] = {
            events.TrialEnded: self._on_trial_ended,
            events.StopJob: self._on_stop,
            events.StopTrial: self._on_stop_trial,
            events.Suggest: self._on_suggest,
            events.Enqueue: self._on_enqueue,
            events.Extend: self._on_extend,
            events.Pause: self._on_pause,
            events.Unpause: self._on_unpause,
            events.LeaseFreed: lambda _event: None,  # waking up is all
        }

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self, event: events.Event) -> None:
        """Leave a message; returns at once."""
        self._mail.put(event)

    def stop(self, reason: str) -> None:
        """End the job: running trials end at their next report."""
        self.tell(events.StopJob(reason))

    def restore(self, trial: LiveTrial) -> None:
        """Take in a trial of an earlier run, before `start`: an ended one counts, any other runs again."""
        if trial.state.ended:
            self._criteria.restored(trial.view())
            self._done_before += trial.state.counts
        else:
            self._again.append(trial)

    @property
    def best(self) -> tuple[int, ...]:
        """The best trial's number, or those on the Pareto front."""
        return self._criteria.best

    @property
    def best_value(self) -> float | None:
        """The best trial's value, with one objective."""
        return self._criteria.best_value

    @property
    def slots(self) -> int:
        """How many trials may run at once."""
        return self._request.parallel

    def seconds_left(self, done: int) -> float | None:
        """Guess from the pace of this run how long the rest of the budget takes."""
        here, ran = done - self._done_before, self._wiring.clock.monotonic() - self._began
        if here < 1:
            return None
        left = ran / here * max(0, self.spec.trials - done)
        return left if self.spec.max_runtime is None else min(left, max(0.0, self.spec.max_runtime - ran))

    # the thread

    def _run(self) -> None:
        wake = partial(self.tell, events.LeaseFreed())
        try:
            with contextlib.ExitStack() as scene:
                scene.callback(self._wiring.pool.cancel, self._request.owner)
                scene.callback(self._wiring.pool.unsubscribe, wake)
                self._wiring.pool.subscribe(wake)
                output.install()
                scene.callback(output.uninstall)
                threads = cpu_threads(self._request.parallel)
                self._wiring.tuning.start(threads)
                scene.callback(self._wiring.tuning.stop, threads)
                self._loop()
        except LeaseLost as error:
            self._give_up(JobState.STALE, str(error))
        except BaseException as error:  # noqa: BLE001 - a runner that dies silently would hang whoever waits
            self._give_up(JobState.FAILED, f"the runner failed, {type(error).__name__}: {error}")
        finally:
            self.done.set()
            self._mail.close()
            self._let_go()

    def _loop(self) -> None:
        while True:
            self.backlog.retry()
            self._decide()
            self._fill()
            if self._ending is not None and not len(self._flights) and not self.backlog:
                if self.record.state.ended:
                    return
                self.backlog.write(partial(self._finish, self._ending))
                continue
            for event in self._mail.wait(self._next_tick - self._wiring.clock.monotonic()):
                self._handlers[type(event)](event)
            if self._wiring.clock.monotonic() >= self._next_tick:
                self._tick()

    def _tick(self) -> None:
        self._next_tick = self._wiring.clock.monotonic() + TICK
        for flight in self._flights:
            with self.live.lock:
                change = flight.trial.metrics.drain()
                flight.trial.notes += flight.trial.metrics.take_notes()
            self.record.put_metrics(flight.trial.number, change)
        for command in self.record.heartbeat():
            if command.command == "stop":
                self.stop(str(command.argument or "stopped from another kernel"))
        if any(flight.lease.devices for flight in self._flights):
            self.devices = self._wiring.pool.devices()
        for flight in self._flights.overdue(self._wiring.clock.monotonic()):
            self._flights.leave_behind(flight)
            self._settle(flight.trial, Attempt())

    # starting trials

    def _fill(self) -> None:
        """Start trials until something is short: the budget, the slots, the devices or the space."""
        while self._may_start():
            lease = self._wiring.pool.try_lease(self._request)
            if lease is None:
                self._wait_for_device()
                return
            with contextlib.ExitStack() as undo:
                undo.callback(lease.release)
                if not self._start_one(lease):
                    return
                undo.pop_all()
        self._wiring.pool.cancel(self._request.owner)

    def _start_one(self, lease: Lease) -> bool:
        """Start a trial on a lease; return whether it holds the lease now."""
        trial = self._again.pop(0) if self._again else self._ask()
        if trial is None:
            return False
        self._wiring.tuning.refresh()
        try:
            task = self._flights.prepare(trial, lease)
        except StoreUnavailable as error:
            self._again.insert(0, trial)
            self.waiting_for = f"no trial starts until the store can be written: {error}"
            return False
        self.waiting_for = ""
        self.backlog.write(partial(self.record.save, self._searcher, trial.view()))
        self._flights.launch(trial.number, task)
        return True

    def _wait_for_device(self) -> None:
        never = self._wiring.pool.refuse_reason(self._request)
        self.waiting_for = never or self._wiring.pool.why_waiting(self._request.owner)
        if never and not len(self._flights):
            self.record.move(JobState.PAUSED, never)

    def _may_start(self) -> bool:
        if self._ending is not None or self.record.state is not JobState.RUNNING or self.backlog:
            return False
        if len(self._flights) >= self._request.parallel:
            return False
        if self._again:
            return True
        used = sum(count for state, count in self.live.counts.items() if state.counts)
        return used + len(self._flights) < self.spec.trials and self._searcher.ready

    def _ask(self) -> LiveTrial | None:
        proposal = self._searcher.ask()
        if proposal is None:
            return None
        now = self._wiring.clock.time()
        trial = LiveTrial(proposal.number, proposal.params, seed=proposal.seed, created_at=now)
        self.live.add(trial)
        return trial

    # ending trials

    def _on_trial_ended(self, event: events.TrialEnded) -> None:
        flight = self._flights.land(event.number)
        if flight is None:
            return
        how = _attempt_of(event.outcome)
        if how.poisoned:
            self._poisoned(flight, how)
        flight.lease.release()
        try:
            self._settle(flight.trial, how)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a trial brings back must not end the others
            self._settle(flight.trial, _unsettled(error), clean=True)

    def _poisoned(self, flight: Flight, how: Attempt) -> None:
        flight.lease.close_slot()
        if self._ending is None:
            reason = how.verdict.reason if how.verdict else ""
            self._end(Ending(JobState.FAILED, f"{POISONED} ({reason})"))

    def _settle(self, trial: LiveTrial, how: Attempt, *, clean: bool = False) -> None:
        """Work out how a trial ended, put that on disk, and only then show it.

        With `clean`, nothing that the trial reported is part of it: something there cannot be stored.
        """
        if clean:
            verdict, values, curve = how.verdict or Verdict(TrialState.FAILED, ""), None, []
        else:
            self.live.conclude(trial, how)
            verdict, values = self.live.outcome(trial, how)
            with self.live.lock:
                curve = self.live.board.curve(trial.number) if self.live.board is not None else []
        view = replace(
            trial.view(),
            state=verdict.state,
            reason=verdict.reason,
            kind=verdict.kind,
            values=values,
            ended_at=trial.ended_at or self._wiring.clock.time(),
        )
        view = replace(view, metrics={}, traceback="", step=None, notes=()) if clean else view

        def commit() -> None:
            self.record.save(self._searcher, view, Told(verdict.state, values, curve))
            self.live.finish(trial, verdict, values)
            self._criteria.ended(view)

        self.backlog.write(commit)
        if not clean:
            with self.live.lock:
                change = trial.metrics.drain()
            self.record.put_metrics(trial.number, change)

    # the end of the job

    def _decide(self) -> None:
        if self._ending is not None:
            return
        runtime = self._wiring.clock.monotonic() - self._began
        ending = self._criteria.ending(self.live.counts, runtime, exhausted=self._searcher.exhausted)
        if ending is not None:
            self._end(ending)

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        if ending.cut and len(self._flights):
            self.record.move(JobState.STOPPING, ending.reason)
            self._flights.tell_to_end(Verdict(TrialState.STOPPED, f"stopped: {ending.reason}"))

    def _finish(self, ending: Ending) -> None:
        final = ending if ending.state is JobState.CANCELLED else self._criteria.final(ending)
        self.waiting_for = ""
        self.record.close(final.state, final.reason)

    def _give_up(self, state: JobState, reason: str) -> None:
        self._flights.tell_to_end(Verdict(TrialState.STOPPED, reason))
        self._flights.abandon()
        self.record.fail(state, reason)

    def _let_go(self) -> None:
        """Drop the notebook's objects, so that the user's `del` frees them."""
        self.code = None
        self._flights.forget_code()

    def _refuse(self, event: events.Event) -> None:
        """Answer what comes when the job is over; may run in any thread."""
        if isinstance(event, events.TrialEnded):
            self._flights.land(event.number)
        elif isinstance(event, events.Suggest | events.Enqueue):
            event.answer.set_exception(Conflict(f"{self.record.name} has ended"))

    # what others ask for

    def _on_stop(self, event: events.StopJob) -> None:
        if self._ending is None or self._ending.state is not JobState.CANCELLED:
            self._end(Ending(JobState.CANCELLED, event.reason))

    def _on_stop_trial(self, event: events.StopTrial) -> None:
        flight = self._flights.get(event.number)
        if flight is not None:
            self.live.stop(flight.trial, Verdict(TrialState.STOPPED, event.reason))

    def _on_suggest(self, event: events.Suggest) -> None:
        try:
            value = self._searcher.suggest(event.number, event.name, event.dimension)
        except AstramlError as error:
            event.answer.set_exception(error)
            return
        flight = self._flights.get(event.number)
        if flight is not None:
            with self.live.lock:
                flight.trial.params[event.name] = value
                self.live.touch(flight.trial)
        event.answer.set_result(value)

    def _on_enqueue(self, event: events.Enqueue) -> None:
        try:
            self._searcher.enqueue(event.params)
        except AstramlError as error:
            event.answer.set_exception(error)
        else:
            event.answer.set_result(None)

    def _on_extend(self, event: events.Extend) -> None:
        if event.trials > self.spec.trials:
            self.spec = self._criteria.spec = self.record.extend(event.trials)

    def _on_pause(self, _event: events.Pause) -> None:
        if self.record.state is JobState.RUNNING:
            self.record.move(JobState.PAUSED, "paused: running trials end, no new one starts")

    def _on_unpause(self, _event: events.Unpause) -> None:
        if self.record.state is JobState.PAUSED:
            self.record.move(JobState.RUNNING)


def _attempt_of(outcome: Outcome) -> Attempt:
    if isinstance(outcome.value, Attempt):
        return outcome.value
    verdict = Verdict(TrialState.FAILED, outcome.error or "the executor lost it", FailureKind.CRASHED)
    return Attempt(verdict, traceback=outcome.traceback)


def _unsettled(error: Exception) -> Attempt:
    reason = f"what it reported could not be stored, {type(error).__name__}: {error}"
    return Attempt(Verdict(TrialState.FAILED, ascii(reason), FailureKind.CRASHED))
