"""Starting trials: as many as the budget, the slots, the devices and the space allow."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from astraml_lab.errors import StoreUnavailable
from astraml_lab.jobs.live import LiveTrial
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from astraml_lab.devices import Lease, LeaseRequest
    from astraml_lab.jobs.backlog import Backlog
    from astraml_lab.jobs.flights import Flights
    from astraml_lab.jobs.holding import Hold
    from astraml_lab.jobs.live import LiveJob
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.retrying import Waiting
    from astraml_lab.jobs.settling import Settling
    from astraml_lab.jobs.wiring import Wiring
    from astraml_lab.search import Searcher


class Starter:
    """Touched by one runner; `waiting_for` may be read from any thread.

    Attributes:
        waiting_for: What keeps the next trial from starting, in one sentence; mostly empty.
        most: So many trials may begin in all, where that is less than the budget.
    """

    def __init__(  # noqa: PLR0913 - built in one place, by the runner
        self,
        live: LiveJob,
        record: Record,
        searcher: Searcher,
        request: LeaseRequest,
        wiring: Wiring,
        *,
        flights: Flights,
        again: Waiting,
        hold: Hold,
        backlog: Backlog,
        settling: Settling,
    ) -> None:
        self.waiting_for = ""
        self.most: int | None = None
        self._settling = settling
        self._waits_since: float | None = None
        self._live = live
        self._record = record
        self._searcher = searcher
        self._request = request
        self._wiring = wiring
        self._flights = flights
        self._again = again
        self._hold = hold
        self._backlog = backlog

    @property
    def taken(self) -> int:
        """How much of the budget is used up by trials that have ended, run, or wait to run again."""
        used = sum(count for state, count in self._live.searched.items() if state.counts)
        under_way = (*(flight.trial for flight in self._flights), *self._again)
        return used + sum(trial.confirms is None for trial in under_way)

    def fill(self) -> None:
        """Start trials until something is short.

        Raises:
            LeaseLost: Another kernel owns the job now.
        """
        pool = self._wiring.pool
        while self._may_start():
            lease = pool.try_lease(self._request)
            if lease is None:
                self._wait_for_device()
                self._give_up_waiting()
                return
            self._waits_since = None
            with contextlib.ExitStack() as undo:
                undo.callback(lease.release)
                if not self._start_one(lease):
                    return
                undo.pop_all()
        self._waits_since = None  # what may not start, in a pause say, waits for no device
        pool.cancel(self._request.owner)

    def _start_one(self, lease: Lease) -> bool:
        """Start a trial on a lease; return whether it holds the lease now."""
        trial = self._again.pop() or self._ask()
        if trial is None:
            return False
        self._wiring.tuning.refresh()
        try:
            task = self._flights.prepare(trial, lease)
        except StoreUnavailable as error:
            self._again.put_back(trial)
            self._hold.because("disk", f"no trial starts until its folder can be made: {error}")
            return False
        self.waiting_for = ""
        self._backlog.write(partial(self._record.save, self._searcher, trial.view()))
        self._flights.launch(trial.number, task)
        return True

    def _may_start(self) -> bool:
        if self._record.state is not JobState.RUNNING or self._backlog:
            return False
        if len(self._flights) >= self._request.parallel:
            return False
        if self._again.ready:
            return True
        budget = self._record.spec.trials
        most = budget if self.most is None else min(self.most, budget)
        return self.taken < most and self._searcher.ready

    def _ask(self) -> LiveTrial | None:
        proposal = self._searcher.ask()
        if proposal is None:
            return None
        now = self._wiring.clock.time()
        trial = LiveTrial(proposal.number, proposal.params, seed=proposal.seed, created_at=now)
        self._live.add(trial)
        return trial

    def _wait_for_device(self) -> None:
        never = self._wiring.pool.refuse_reason(self._request)
        self.waiting_for = never or self._wiring.pool.why_waiting(self._request.owner)
        if never and not len(self._flights):
            self._hold.because("slots", self._stuck() or never)

    def _give_up_waiting(self) -> None:
        """Fail the next trial if it has waited too long; behind the job's own trials it waits for ever."""
        longest, now = self._record.spec.limits.max_wait, self._wiring.clock.monotonic()
        if longest is None or len(self._flights):
            self._waits_since = None
            return
        if self._waits_since is None:
            self._waits_since = now
        if now - self._waits_since < longest:
            return
        self._waits_since = None
        trial = self._again.pop() or self._ask()
        if trial is not None:
            self._settling.expire(trial, longest)

    def _stuck(self) -> str:
        """Name the trials that hold the last slots, if it is trials of this job."""
        left = self._flights.left_behind
        if not left:
            return ""
        who = f"trial {left[0]} does" if len(left) == 1 else f"trials {', '.join(map(str, left))} do"
        return (
            f"{who} not end, though told to, and no slot is left: a thread cannot be killed. Restart the "
            f"kernel, then `%tune resume {self._record.name}`; with `--executor processes` such a trial is "
            "killed"
        )
