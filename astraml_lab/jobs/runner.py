"""The runner: one thread per job that owns its search.

    lease a device → ask → hand the trial to the executor → on its end: tell, persist, publish, release

It waits on one event queue only and leases without blocking: a runner that waited for a device which only a
trial waiting in `report()` can free would never wake. Optuna is touched by this thread alone.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab import output
from astraml_lab.devices import cpu_threads
from astraml_lab.errors import AstramlError, Conflict, LeaseLost
from astraml_lab.executors import Task
from astraml_lab.jobs import events
from astraml_lab.jobs.attempt import attempt, build_trial
from astraml_lab.jobs.backlog import Backlog
from astraml_lab.jobs.channel import LiveChannel
from astraml_lab.jobs.criteria import Criteria, Ending
from astraml_lab.jobs.live import LiveTrial
from astraml_lab.jobs.verdict import Attempt, Verdict
from astraml_lab.search import Told
from astraml_lab.spec import FailureKind, JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.devices import Device, Lease, LeaseRequest, Pool, ProcessTuning
    from astraml_lab.executors import Executor, Handle
    from astraml_lab.jobs.live import LiveJob
    from astraml_lab.jobs.record import Record
    from astraml_lab.objectives.base import Code
    from astraml_lab.search import Proposal, Searcher
    from astraml_lab.spec import JobSpec

TICK = 1.0
"""Seconds between two looks at clocks, controls and the metrics that wait for the writer."""
STOP_GRACE = 30.0
"""Seconds that a trial has to report after it was told to end; then its thread is left behind."""

POISONED = "CUDA is broken in this kernel and every further trial would fail: restart the kernel, then resume"


@dataclass(frozen=True)
class Wiring:
    """The parts of the process that all jobs share."""

    pool: Pool
    tuning: ProcessTuning
    executor: Executor
    clock: Clock


@dataclass
class _Flight:
    """A trial in the air; touched by the runner alone."""

    trial: LiveTrial
    lease: Lease
    handle: Handle | None = None
    told_to_end_at: float | None = None


class Runner:
    """Runs one job from start to end.

    Args:
        code: What each trial runs.
        live: The job's memory, shared with its readers.
        record: The job on disk.
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
        self.code = code
        self.done = threading.Event()
        self.waiting_for = ""
        self.trouble = ""
        self.devices: tuple[Device, ...] = ()
        self._searcher = searcher
        self._request = request
        self._wiring = wiring
        self._criteria = Criteria(self.spec)
        self._events: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self._flights: dict[int, _Flight] = {}
        self._again: list[LiveTrial] = []
        self._ending: Ending | None = None
        self.backlog = Backlog()
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
        self._events.put(event)

    def restore(self, trial: LiveTrial) -> None:
        """Take in a trial of an earlier run, before `start`: an ended one counts, any other runs again."""
        if trial.state.ended:
            self._criteria.ended(trial.view())
            self._done_before += trial.state.counts
        else:
            self._again.append(trial)

    @property
    def best(self) -> tuple[int, ...]:
        """The best trial's number, or those on the Pareto front."""
        return self._criteria.best

    @property
    def slots(self) -> int:
        """How many trials may run at once."""
        return self._request.parallel

    def seconds_left(self, done: int) -> float | None:
        """Guess from the pace of this run how long the rest of the budget takes."""
        here = done - self._done_before
        if here < 1:
            return None
        return (self._wiring.clock.monotonic() - self._began) / here * max(0, self.spec.trials - done)

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
                self.record.move(JobState.RUNNING)
                self._loop()
        except LeaseLost as error:
            self._give_up(JobState.STALE, str(error))
        except BaseException as error:  # noqa: BLE001 - a runner that dies silently would hang whoever waits
            self._give_up(JobState.FAILED, f"the runner failed, {type(error).__name__}: {error}")
        finally:
            self.done.set()

    def _loop(self) -> None:
        while True:
            self.backlog.retry()
            self._fill()
            self._decide()
            if self._ending is not None and not self._flights and not self.backlog:
                if self.record.state.ended:
                    return
                self.backlog.write(partial(self._finish, self._ending))
                continue
            for event in self._next_events():
                self._handlers[type(event)](event)
            if self._wiring.clock.monotonic() >= self._next_tick:
                self._tick()

    def _next_events(self) -> list[events.Event]:
        """Wait for at least one event, or until the next tick; then take all that are there."""
        found: list[events.Event] = []
        with contextlib.suppress(queue.Empty):
            left = self._next_tick - self._wiring.clock.monotonic()
            found.append(self._events.get(timeout=max(0.0, left)))
            while True:
                found.append(self._events.get_nowait())
        return found

    def _tick(self) -> None:
        self._next_tick = self._wiring.clock.monotonic() + TICK
        with self.live.lock:
            changes = [(f.trial.number, f.trial.metrics.drain()) for f in self._flights.values()]
            notes = [(f.trial, f.trial.metrics.take_notes()) for f in self._flights.values()]
            for trial, said in notes:
                trial.notes += said
        for number, change in changes:
            self.record.put_metrics(number, change)
        for command in self.record.heartbeat():
            if command.command == "stop":
                self.tell(events.StopJob(str(command.argument or "stopped from another kernel")))
        if any(flight.lease.devices for flight in self._flights.values()):
            self.devices = self._wiring.pool.devices()
        self._watch_clocks()

    # starting trials

    def _fill(self) -> None:
        """Start trials until something is short: the budget, the slots, the devices or the space."""
        while self._may_start():
            lease = self._wiring.pool.try_lease(self._request)
            if lease is None:
                self._wait_for_device()
                return
            self.waiting_for = ""
            trial = self._again.pop(0) if self._again else self._ask()
            if trial is None:
                lease.release()
                return
            self._launch(trial, lease)
        self._wiring.pool.cancel(self._request.owner)

    def _wait_for_device(self) -> None:
        never = self._wiring.pool.refuse_reason(self._request)
        self.waiting_for = never or self._wiring.pool.why_waiting(self._request.owner)
        if never and not self._flights:
            self.record.move(JobState.PAUSED, never)

    def _may_start(self) -> bool:
        if self._ending is not None or self.record.state is not JobState.RUNNING or self.backlog:
            return False
        if len(self._flights) >= self._request.parallel:
            return False
        used = sum(count for state, count in self.live.counts.items() if state.counts)
        wants_more = used + len(self._flights) < self.spec.trials and not self._searcher.exhausted
        return bool(self._again) or wants_more

    def _ask(self) -> LiveTrial | None:
        proposal: Proposal | None = self._searcher.ask()
        if proposal is None:
            return None
        now = self._wiring.clock.time()
        trial = LiveTrial(proposal.number, proposal.params, seed=proposal.seed, created_at=now)
        self.live.add(trial)
        return trial

    def _launch(self, trial: LiveTrial, lease: Lease) -> None:
        self._wiring.tuning.refresh()
        folder = self.record.folder(trial.number)
        sink = output.TrialSink(folder / "log.txt", clock=self._wiring.clock)
        self.live.start(trial, device=lease.label, sink=sink)
        flight = self._flights[trial.number] = _Flight(trial, lease)
        self.backlog.write(partial(self.record.save, self._searcher, trial.view()))
        run = attempt(
            self.code,
            partial(build_trial, trial, self.spec.space, lease, folder / "checkpoint"),
            lease=lease,
            sink=sink,
        )
        task = Task(
            f"{self.record.name} trial {trial.number}", run, LiveChannel(self.live, trial, self._ask_later)
        )
        flight.handle = self._wiring.executor.submit(
            task, lambda outcome: self.tell(events.TrialEnded(trial.number, outcome))
        )

    def _ask_later(self, suggest: events.Suggest) -> None:
        if self.done.is_set():
            raise Conflict("the job has ended: it suggests no more values")
        self.tell(suggest)

    # ending trials

    def _on_trial_ended(self, event: events.TrialEnded) -> None:
        flight = self._flights.pop(event.number, None)
        if flight is None:
            return  # it was left behind, and came back after all
        how = event.outcome.value
        if not isinstance(how, Attempt):
            reason = event.outcome.error or "the executor lost it"
            verdict = Verdict(TrialState.FAILED, reason, FailureKind.CRASHED)
            how = Attempt(verdict, traceback=event.outcome.traceback)
        if how.poisoned:
            flight.lease.close_slot()
            self._end(Ending(JobState.FAILED, f"{POISONED} ({how.verdict.reason if how.verdict else ''})"))
        flight.lease.release()
        self._settle(flight.trial, how)

    def _settle(self, trial: LiveTrial, how: Attempt) -> None:
        """Work out how a trial ended, put that on disk, and only then show it."""
        self.live.conclude(trial, how)
        verdict, values = self.live.outcome(trial, how)
        view = replace(
            trial.view(),
            state=verdict.state,
            reason=verdict.reason,
            kind=verdict.kind,
            values=values,
            ended_at=trial.ended_at,
        )
        with self.live.lock:
            change = trial.metrics.drain()
            board = self.live.board
            curve = board.curve(trial.number) if board is not None else []
        self.record.put_metrics(trial.number, change)
        told = Told(verdict.state, values, curve)

        def commit() -> None:
            self.record.save(self._searcher, view, told)
            self.live.finish(trial, verdict, values)
            self._criteria.ended(view)

        self.backlog.write(commit)

    def _watch_clocks(self) -> None:
        """Tell trials that are over their time to end, and leave behind those that do not listen."""
        now = self._wiring.clock.monotonic()
        for flight in list(self._flights.values()):
            trial = flight.trial
            with self.live.lock:
                if trial.verdict is None and now > trial.deadline:
                    trial.verdict = self.live.timed_out(trial)
                told = trial.verdict is not None
            if told and flight.told_to_end_at is None:
                flight.told_to_end_at = now
            if flight.told_to_end_at is not None and now - flight.told_to_end_at > STOP_GRACE:
                self._leave_behind(flight)

    def _leave_behind(self, flight: _Flight) -> None:
        trial = flight.trial
        del self._flights[trial.number]
        flight.lease.close_slot()
        note = (
            f"did not report for {STOP_GRACE:g} s after it was told to end: its thread was left behind, "
            f"and its slot on {flight.lease.label} stays closed until the kernel restarts"
        )
        with self.live.lock:
            trial.notes.append(note)
        self._settle(trial, Attempt())

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
        if ending.cut and self._flights:
            self.record.move(JobState.STOPPING, ending.reason)
            for flight in self._flights.values():
                self.live.stop(flight.trial, Verdict(TrialState.STOPPED, f"stopped: {ending.reason}"))

    def _finish(self, ending: Ending) -> None:
        final = ending if ending.state is JobState.CANCELLED else self._criteria.final(ending)
        self.waiting_for = ""
        self.record.close(final.state, final.reason)

    def _give_up(self, state: JobState, reason: str) -> None:
        for flight in self._flights.values():
            self.live.stop(flight.trial, Verdict(TrialState.STOPPED, reason))
            flight.lease.release()
        self.record.fail(state, reason)

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
