"""The runner: one thread per job that owns its search.

    lease a device → ask → hand the trial to the executor → on its end: tell, persist, publish, release

It waits on one event queue only and leases without blocking: a runner that waited for a device which only a
trial waiting in `report()` can free would never wake. Optuna is touched by this thread alone.
"""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab import output
from astraml_lab.devices import cpu_threads
from astraml_lab.errors import AstramlError, Conflict, LeaseLost, StoreUnavailable
from astraml_lab.jobs import controls, disk, events
from astraml_lab.jobs.backlog import Backlog
from astraml_lab.jobs.checkpoints import Keeper
from astraml_lab.jobs.confirming import Confirming
from astraml_lab.jobs.criteria import Criteria, Ending
from astraml_lab.jobs.ending import JobEnd
from astraml_lab.jobs.flights import Flights
from astraml_lab.jobs.holding import Hold
from astraml_lab.jobs.mailbox import Mailbox
from astraml_lab.jobs.retrying import RetryPolicy, Waiting
from astraml_lab.jobs.settling import Settling, attempt_of
from astraml_lab.jobs.starting import Starter
from astraml_lab.jobs.stopwatch import Stopwatch
from astraml_lab.jobs.wishes import Wishes
from astraml_lab.spec import FailureKind, JobState, TrialState
from astraml_lab.trial import Attempt, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.devices import Device, LeaseRequest, ThreadContention
    from astraml_lab.jobs.live import LiveJob, LiveTrial
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.wiring import Wiring
    from astraml_lab.objectives.base import Code
    from astraml_lab.search import Searcher
    from astraml_lab.spec import JobSpec

TICK = 1.0
"""Seconds between two looks at clocks, controls and the metrics that wait for the writer."""
POISONED = (
    "CUDA is broken in this kernel and every further trial would fail: restart the kernel and resume, or use "
    "--executor processes, where such an error costs one trial"
)


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
        self.live = live
        self.record = record
        self.code: Code | None = code
        self.done = threading.Event()
        self.backlog = Backlog()
        self.trouble = ""
        self.devices: tuple[Device, ...] = ()
        self._searcher = searcher
        self._request = request
        self._wiring = wiring
        self.criteria = Criteria(record.spec)
        self._mail = Mailbox(self._refuse)
        self._executor = wiring.executor(self.spec.executor, code, live.space)
        self._flights = Flights(code, live, record, self._executor, self._mail, request.parallel)
        self._hold = Hold(record)
        self._policy = RetryPolicy.of(self.spec)
        self._again = Waiting(wiring.clock)
        core = (live, record, searcher, self.criteria)
        self._settling = Settling(
            *core, self.backlog, policy=self._policy, waiting=self._again, keeper=Keeper(self.spec)
        )
        self._starter = Starter(
            live,
            record,
            searcher,
            request,
            wiring,
            flights=self._flights,
            again=self._again,
            hold=self._hold,
            backlog=self.backlog,
            settling=self._settling,
        )
        parts = (self._flights, self._again, self._settling, self.backlog)
        self._confirming = Confirming(*core, *parts)
        self._wishes = Wishes(*core, self._starter, self.backlog)
        self._watch = Stopwatch(wiring.clock, record.ran_before)
        self._end = JobEnd(
            *core,
            *parts,
            mail=self._mail,
            starter=self._starter,
            confirming=self._confirming,
            wishes=self._wishes,
            watch=self._watch,
        )
        self._contention: ThreadContention | None = wiring.contention()
        self._lost: list[LiveTrial] = []
        self._left = False
        self._next_tick = 0.0
        self._done_before = 0
        self._thread = threading.Thread(target=self._run, name=f"astraml-{record.id}", daemon=True)
        self._handlers: dict[type, Callable[..., None]] = {
            events.TrialEnded: self._on_trial_ended,
            events.Begun: lambda _event: self.record.begin(),
            events.Leave: self._on_leave,
            events.StopJob: self._on_stop,
            events.StopTrial: self._on_stop_trial,
            events.Suggest: self._on_suggest,
            events.Enqueue: self._on_asked,
            events.Rerun: self._on_asked,
            events.Extend: self._on_more,
            events.Confirm: self._on_more,
            events.Pause: self._on_pause,
            events.Unpause: self._on_unpause,
            events.LeaseFreed: lambda _event: self._hold.lift("slots"),
        }

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self, event: events.Event) -> None:
        """Leave a message; returns at once."""
        self._mail.put(event)

    def offer(self, event: events.Event) -> bool:
        """Leave a message; return at once whether it was taken: not while and after the end is written."""
        return self._mail.offer(event)

    @property
    def closing(self) -> bool:
        """Whether the job's end is being written: it takes no message, and is `done` soon, if that works."""
        return self._mail.closed

    def stop(self, reason: str) -> None:
        """End the job: running trials end at their next report."""
        self.tell(events.StopJob(reason))

    def leave(self) -> None:
        """Let go of the job as it stands, for another kernel to take over: no more of it is written."""
        self.tell(events.Leave())

    def restore(self, trial: LiveTrial, *, was_running: bool) -> None:
        """Take in a trial of an earlier run, before `start`: an ended one counts, any other runs again.

        One that ran when its kernel died does not if that attempt was its last, unless it has a checkpoint
        to go on from.
        """
        if trial.state.ended:
            self.criteria.restored(trial.view())
            self._done_before += trial.view().counts
        elif (
            not was_running
            or self._policy.allows(FailureKind.STALE, trial.attempt - 1)
            or self.record.has_checkpoint(trial.number)
        ):
            self._again.add(trial)
        else:
            self._lost.append(trial)

    @property
    def spec(self) -> JobSpec:
        """What was asked for, with the budget as it has grown."""
        return self.record.spec

    @property
    def waiting_for(self) -> str:
        """What keeps the next trial from starting, in one sentence; mostly empty."""
        return self._starter.waiting_for

    @property
    def slots(self) -> int:
        """How many trials may run at once."""
        return self._request.parallel

    def seconds_left(self, done: int) -> float | None:
        """Guess from the pace of this run how long the rest of the budget takes."""
        here = done - self._done_before
        if here < 1:
            return None
        left = self._watch.here / here * max(0, self.spec.trials - done)
        limit = self.spec.max_runtime
        return left if limit is None else min(left, max(0.0, limit - self._watch.seconds))

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
                scene.callback(self._wiring.let_go, self._executor)
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
        self._begin_again()
        self._hear(0)  # a trial that is to run again is why an ended job goes on
        while not self._left:
            self.backlog.retry()
            self._decide()
            self._start_more()
            if self._end.ending is None or len(self._flights) or self.backlog:
                self._hear(self._next_tick - self._wiring.clock.monotonic())
                if not self._left and self._wiring.clock.monotonic() >= self._next_tick:
                    self._tick()
            elif self.record.state.ended:
                return
            else:
                self._end_now()

    def _start_more(self) -> None:
        """Start as many trials as there is room for, unless the job ends or cannot be written."""
        self._hold.judge("store", self.backlog.trouble if self.backlog else "")
        if self._end.ending is None and not self._left:
            self._starter.most = self._most()
            self._starter.fill()
        self._watch.observe(running=self._flights.begun and self.record.state is not JobState.PAUSED)

    def _end_now(self) -> None:
        """Write the end, unless what was told meanwhile is a reason to go on."""
        self._hear(0)
        if self._end.ending is not None and not self._left:
            self._end.write(self._end.ending)

    def _hear(self, seconds: float) -> None:
        """Do what was told, or is within some seconds."""
        self._handle(self._mail.wait(0 if self._left else seconds))

    def _handle(self, told: list[events.Event]) -> None:
        for index, event in enumerate(told):
            try:
                (self._refuse if self._left else self._handlers[type(event)])(event)
            except BaseException:
                for unread in told[index:]:  # somebody may wait for an answer, or a device for its release
                    self._refuse(unread)
                raise

    def _begin_again(self) -> None:
        """Start with the trials of an earlier run that were under way when its kernel died."""
        for trial in self._lost:
            last = trial.attempt - 1
            reason = (
                f"its kernel died in attempt {last}, its last, and it has no checkpoint to go on from; "
                "where a trial itself ends the kernel, `--executor processes` keeps that to the trial"
            )
            self._settling.give_up(trial, Verdict(TrialState.FAILED, reason, FailureKind.STALE))
        for trial in self._again:
            if trial.attempt > 1:
                self.backlog.write(partial(self.record.start_over, self._searcher, trial.view()))
        self._wishes.make_room()

    def _tick(self) -> None:
        self._next_tick = self._wiring.clock.monotonic() + TICK
        for flight in self._flights:
            with self.live.lock:
                change = flight.trial.metrics.drain()
                flight.trial.notes += flight.trial.metrics.take_notes()
            self.record.put_metrics(flight.trial.number, change)
        self._listen()
        self._look_for_room()
        self._watch_threads()
        if any(flight.lease.devices for flight in self._flights):
            self.devices = self._wiring.pool.devices()
        for flight in self._flights.overdue(self._wiring.clock.monotonic()):
            self._flights.leave_behind(flight)
            # its thread goes on: another attempt would share the folder with it
            self._settling.settle(flight.trial, Attempt(), may_retry=False)

    def _watch_threads(self) -> None:
        """Say once that threads cost throughput here, where that is seen."""
        if self._contention is None or self._executor.can_kill:
            return
        on_cpu = sum(not flight.lease.devices for flight in self._flights)
        if self._contention.sample(on_cpu):
            self._contention = None
            self.record.remark(
                f"{on_cpu} trials in threads hold each other up here, as Python runs one at a time: "
                "--executor processes runs them side by side"
            )

    def _look_for_room(self) -> None:
        """Pause while the disk has no room, and go on by itself when it has."""
        self._hold.judge("disk", disk.shortage(self.record.home))

    def _most(self) -> int:
        """Return how many trials of the search may begin in all."""
        if self._confirming.active:
            return 0
        now = self._wiring.clock.time()
        return self.criteria.most_trials(self.live.searched, self._watch.seconds, now)

    # ending trials

    def _on_trial_ended(self, event: events.TrialEnded) -> None:
        flight = self._flights.land(event.number, event.attempt)
        if flight is None:
            return
        how = attempt_of(event.outcome, flight.trial)
        if how.poisoned:
            self._poisoned(how)
        if how.disk_full:
            self._look_for_room()
        flight.lease.release()
        try:
            may_retry = self._end.ending is None and not self._confirming.holds_back(flight.trial)
            self._settling.settle(flight.trial, how, may_retry=may_retry)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a trial brings back must not end the others
            self._settling.settle_bare(flight.trial, error)

    def _poisoned(self, how: Attempt) -> None:
        self._wiring.pool.break_cuda()
        if self._end.ending is None:
            reason = how.verdict.reason if how.verdict else ""
            self._end.begin(Ending(JobState.FAILED, f"{POISONED} ({reason})"))

    # the end of the job

    def _decide(self) -> None:
        if self._end.due() is None:
            return
        # What was asked for meanwhile, here and by other kernels, may be a reason to go on.
        self._hear(0)
        if not self._left:
            self._listen()
            ending = self._end.due()
            if ending is not None:
                self._end.begin(ending)

    def _listen(self) -> None:
        """Do what other kernels ask for."""
        asked = [controls.event_of(command) for command in self.record.heartbeat()]
        self._handle([event for event in asked if event is not None])

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
            flight = self._flights.land(event.number, event.attempt)
            if flight is not None:
                flight.lease.release()
        elif isinstance(event, events.Suggest | events.Enqueue | events.Rerun) and not event.answer.done():
            event.answer.set_exception(Conflict(f"{self.record.name} has ended"))

    # what others ask for

    def _on_leave(self, _event: events.Leave) -> None:
        self._left = True

    def _on_stop(self, event: events.StopJob) -> None:
        ending = self._end.ending
        if ending is None or ending.state is not JobState.CANCELLED:
            self._end.begin(Ending(JobState.CANCELLED, event.reason))

    def _on_stop_trial(self, event: events.StopTrial) -> None:
        verdict = Verdict(TrialState.STOPPED, event.reason)
        flight, waits = self._flights.get(event.number), self._again.remove(event.number)
        if flight is not None:
            self.live.stop(flight.trial, verdict)
        elif waits is not None:
            self._settling.give_up(waits, verdict)

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

    def _on_asked(self, event: events.Enqueue | events.Rerun) -> None:
        if self._end.ending is None:
            self._wishes.ask(event)
        else:
            why = self._end.ending.reason
            event.answer.set_exception(
                Conflict(f"{self.record.name} is ending ({why}): ask again once it has ended")
            )

    def _on_more(self, event: events.Extend | events.Confirm) -> None:
        self._end.reconsider()
        if isinstance(event, events.Extend):
            self._wishes.extend(event)
        else:
            self._wishes.confirm(event)

    def _on_pause(self, _event: events.Pause) -> None:
        self._hold.pause()

    def _on_unpause(self, _event: events.Unpause) -> None:
        self._hold.resume()
