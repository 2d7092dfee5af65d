"""The scheduler: one thread that sleeps until the next tick, and starts what came due.

    due          worked out from the rule, since what was recorded last
    recorded     one transaction: who is first of several kernels has it; the others see that and move on
    started      under a name that only this tick has
    noted        with the job, or the sentence that kept it from starting

It looks at least every `LOOK` seconds: then it sees what other kernels added, that the clock was set, and
that the machine has slept (timeouts do not count that time). While it waits for the end of an earlier run it
looks every second.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import traceback
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from astraml_lab.errors import AstramlError, NotFound, StoreError
from astraml_lab.jobs.scheduling.rule import Rule, run_name, stamp
from astraml_lab.spec import ScheduledRun, TickState
from astraml_lab.store import NewTick

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astraml_lab.clock import Clock
    from astraml_lab.jobs.job import Job
    from astraml_lab.jobs.manager import Manager
    from astraml_lab.store import ScheduleRecord, TickRecord

LOOK = 30.0
"""Seconds between two looks where nothing comes due earlier."""
SOON = 1.0
"""Seconds between two looks while a run waits for the end of an earlier one."""
_REMEMBERED = 100
_log = logging.getLogger("astraml_lab")


class Run(Protocol):
    """A run of a schedule, ready to start."""

    def __call__(self, name: str, run: ScheduledRun) -> Job:
        """Start its job under a name."""


class Scheduler:
    """Serves the schedules of a store; thread-safe.

    Args:
        manager: Where jobs start.
        clock: What time it is.
        prepare: Reads a schedule's request as things are now. It raises NotFound where nothing in this
            process stands for what the request names: the tick is left to a kernel that knows better.
        tell: Is told what happens, in sentences.

    Attributes:
        started: The jobs that it started last, the newest at the end.
    """

    def __init__(
        self,
        manager: Manager,
        clock: Clock,
        prepare: Callable[[ScheduleRecord], Run],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._manager = manager
        self._schedules = manager.store.schedules
        self._clock = clock
        self._prepare = prepare
        self._listener = tell or _log.info
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._unnoted: list[tuple[TickRecord, TickState, str, int | None]] = []
        self._unable: dict[int, str] = {}
        self.started: deque[Job] = deque(maxlen=_REMEMBERED)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def why_not(self, schedule_id: int) -> str:
        """Return why this process cannot run a schedule, as far as that came up; else empty."""
        return self._unable.get(schedule_id, "")

    def start(self) -> None:
        """Start the thread, if it does not run; else have it look now."""
        with self._lock:
            if not self.alive:
                self._ended.clear()
                self._thread = threading.Thread(target=self.serve, name="astraml-scheduler", daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self, timeout: float = 2.0) -> None:
        """End the thread; jobs go on."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def serve(self) -> None:
        """Serve until `close`."""
        while True:
            self._wake.clear()  # before the look at `_ended`: a `close` in between would be forgotten
            if self._ended.is_set():
                return
            self._wake.wait(self._safe_turn())

    def turn(self) -> float:
        """Start what is due; return after how many seconds to look again."""
        self._note_what_waits()
        pauses = [LOOK]
        still_open = self._schedules.open_ticks()
        for schedule in self._schedules.find():
            if schedule.enabled and not self._ended.is_set():
                waiting = [tick for tick in still_open if tick.schedule_id == schedule.id]
                pauses.append(self._serve_safely(schedule, waiting))
        return max(0.0, min(pauses))

    def run_now(self, schedule: ScheduleRecord) -> Job:
        """Start a run that somebody asks for, whatever else runs.

        Raises:
            AstramlError: Whatever keeps it from starting; that is recorded.
        """
        now = float(int(self._clock.time()))
        go = self._prepare(schedule)
        tick = NewTick(f"hand:{schedule.name}:{stamp(now)}", now, run_name(schedule.name, now, by_hand=True))
        claimed = self._schedules.by_hand(schedule.id, tick)
        try:
            job = self._launch(schedule, claimed, go, by_hand=True)
        except BaseException as error:
            self._note(claimed, TickState.FAILED, _sentence(error))
            raise
        return job

    def _safe_turn(self) -> float:
        try:
            return self.turn()
        except StoreError as error:  # a full disk, a locked file: it may be better soon
            self._tell(f"the schedules cannot be served: {error}")
        except Exception:  # noqa: BLE001 - the thread must outlive whatever goes wrong
            _log.debug("a turn of the scheduler failed", exc_info=True)
            self._tell(f"a turn of the scheduler failed: {traceback.format_exc(limit=1)}")
        return LOOK

    def _serve_safely(self, schedule: ScheduleRecord, waiting: Sequence[TickRecord]) -> float:
        try:
            return self._serve(schedule, waiting)
        except StoreError:
            raise  # it is not about this schedule
        except Exception as error:  # noqa: BLE001 - one that cannot be served must not keep the others waiting
            _log.debug("a schedule could not be served", exc_info=True)
            self._tell(f"{schedule.name} cannot be served: {_sentence(error)}")
        return LOOK

    def _serve(self, schedule: ScheduleRecord, waiting: Sequence[TickRecord]) -> float:
        rule, now = Rule.of(schedule.request["schedule"]), self._clock.time()
        if schedule.since > now:
            # a clock that was ahead moved it there: nothing would come due until then. What ran has its row
            self._schedules.record(schedule, (), now, overlap=rule.overlap)
            schedule = replace(schedule, since=now)
        due = rule.due(schedule.name, schedule.since, now)
        pause = SOON if any(tick.state is TickState.WAITING for tick in waiting) else LOOK
        if due or waiting:
            go = self._ready(schedule)
            if go is None:
                return LOOK
            late = self._due(schedule, rule, due, go) if due else False
            for tick in waiting:
                self._take(schedule, rule, tick, go)
            pause = SOON if late else pause
        after = rule.next(now)
        return pause if after is None else min(pause, after - self._clock.time())

    def _ready(self, schedule: ScheduleRecord) -> Run | None:
        """Read the request; what refuses it is raised, and recorded, when the tick is its own."""
        try:
            go = self._prepare(schedule)
        except NotFound as error:
            if self.why_not(schedule.id) != str(error):
                self._tell(f"{schedule.name} does not run here: {error}")
            self._unable[schedule.id] = str(error)
            return None
        except StoreError:  # nothing is claimed yet: it is due at the next turn, too
            raise
        except Exception as error:  # noqa: BLE001 - it becomes the tick's sentence
            go = _raising(error)
        self._unable.pop(schedule.id, None)
        return go

    def _due(self, schedule: ScheduleRecord, rule: Rule, due: Sequence[NewTick], go: Run) -> bool:
        """Record what came due and start it; return whether a run waits for the end of an earlier one."""
        until = max(tick.planned_at for tick in due)
        recorded = self._schedules.record(schedule, due, until, overlap=rule.overlap)
        for tick in recorded:
            if tick.state is TickState.CLAIMED:
                self._start(schedule, tick, go)
            else:
                self._tell(_line(schedule, tick))
        waits = any(tick.state is TickState.WAITING for tick in recorded)
        if waits and rule.overlap == "replace":
            self._stop_old(schedule)
        return waits

    def _take(self, schedule: ScheduleRecord, rule: Rule, tick: TickRecord, go: Run) -> None:
        if tick.state is TickState.WAITING and rule.overlap == "replace" and not tick.late:
            self._stop_old(schedule)
        claimed = self._schedules.take(tick, overlap=rule.overlap)
        if claimed is None:
            return
        left = tick.state is TickState.CLAIMED
        if left and rule.missed == "skip" and self._clock.time() - tick.planned_at > rule.grace:
            self._note(claimed, TickState.MISSED, "the kernel that was about to start it ended")
            return
        self._start(schedule, claimed, go)

    def _start(self, schedule: ScheduleRecord, tick: TickRecord, go: Run) -> None:
        try:
            job = self._launch(schedule, tick, go)
        except Exception as error:  # noqa: BLE001 - a run that fails is recorded, the others go on
            self._note(tick, TickState.FAILED, _sentence(error))
            self._tell(f"{schedule.name}: the run of {stamp(tick.planned_at)} failed: {_sentence(error)}")
        else:
            self._tell(f"{schedule.name}: started {job.name}")

    def _launch(self, schedule: ScheduleRecord, tick: TickRecord, go: Run, *, by_hand: bool = False) -> Job:
        run = ScheduledRun(schedule=schedule.name, planned_at=tick.planned_at, by_hand=by_hand)
        job = go(tick.job, run)
        made = self._manager.store.load_job(job.project, job.name, job.generation)
        self._note(tick, TickState.STARTED, tick.reason, None if made is None else made.id)
        self.started.append(job)
        return job

    def _stop_old(self, schedule: ScheduleRecord) -> None:
        for found in self._schedules.running(schedule.id):
            job = self._manager.find(found.name, found.project, found.number)
            if found.state.value != "STOPPING":
                job.stop(f"replaced by the next run of {schedule.name}")

    def _tell(self, sentence: str) -> None:
        """Tell what happened; a pipe that nobody reads any more must not keep a run from starting."""
        with contextlib.suppress(Exception):
            self._listener(sentence)

    def _note(
        self, tick: TickRecord, state: TickState, reason: str, generation_id: int | None = None
    ) -> None:
        """Note what became of a tick; where the store cannot take it now, at the next turn."""
        try:
            self._schedules.end(tick, state, reason, generation_id)
        except StoreError:
            self._unnoted.append((tick, state, reason, generation_id))

    def _note_what_waits(self) -> None:
        waiting, self._unnoted = self._unnoted, []
        for each in waiting:
            self._note(*each)


def _raising(error: Exception) -> Run:
    def go(name: str, run: ScheduledRun) -> Job:  # noqa: ARG001 - a run is called like this
        raise error

    return go


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, AstramlError) else f"{type(error).__name__}: {error}"


def _line(schedule: ScheduleRecord, tick: TickRecord) -> str:
    said = f": {tick.reason}" if tick.reason else ""
    return f"{schedule.name}: the run of {stamp(tick.planned_at)} is {tick.state}{said}"
