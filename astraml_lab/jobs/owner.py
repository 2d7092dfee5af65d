"""Who runs a job at this moment, this kernel or another one, and how to reach them."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from astraml_lab.errors import Conflict
from astraml_lab.jobs import controls
from astraml_lab.jobs.confirming import refuse_confirming
from astraml_lab.jobs.events import Confirm, Enqueue, Rerun, StopJob, Unpause
from astraml_lab.jobs.naming import tune_line
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from astraml_lab.jobs.manager import Manager
    from astraml_lab.jobs.runner import Runner
    from astraml_lab.spec import JobSpec
    from astraml_lab.store import GenerationRecord

_LOOK = 0.05
_SETTLES = 60.0
"""Seconds that the end of a job may take to be written, with a slow disk and processes that are let go."""


class Owner:
    """Answers from the store as it is now, not from what a reader saw a moment ago; thread-safe."""

    def __init__(self, manager: Manager, generation_id: int) -> None:
        self._manager = manager
        self._id = generation_id

    @property
    def runner(self) -> Runner | None:
        """The job's runner, where it runs in this kernel."""
        runner = self._manager.runner(self._id)
        return None if runner is None or runner.done.is_set() else runner

    @property
    def stored(self) -> GenerationRecord:
        """The job as the store has it."""
        return self._manager.stored(self._id)

    @property
    def alive(self) -> bool:
        """Whether somebody runs the job."""
        return self.runner is not None or self._runs_elsewhere(self.stored)

    @property
    def elsewhere(self) -> str:
        """The kernel that runs it, `host:pid`, where that is another one; else empty."""
        lease = None if self.runner is not None else self.stored.lease
        return f"{lease.host}:{lease.pid}" if lease is not None and self.alive else ""

    def settle(self) -> None:
        """Wait for a runner of this kernel that writes its job's end: it takes nothing any more."""
        runner, until = self.runner, time.monotonic() + _SETTLES
        # Where the end cannot be written, it takes messages again.
        while runner is not None and runner.closing and time.monotonic() < until:
            if runner.done.wait(_LOOK):
                return

    def send(self, event: controls.Told) -> bool:
        """Hand an event to whoever runs the job; return whether that is this kernel.

        Raises:
            Conflict: Nobody does, or only to end it.
        """
        runner = self.runner
        if runner is not None and runner.offer(event):
            return True
        self.settle()
        runner = self.runner
        if runner is not None:
            raise Conflict(f"{runner.record.name} is ending: ask again once it has ended")
        found = self.stored
        if not self._runs_elsewhere(found):
            line = tune_line("resume", found.name, found.project)
            if found.state is JobState.SUCCEEDED:
                raise Conflict(
                    f"{found.name} is SUCCEEDED: nothing of it runs; `{line} --trials N` runs more"
                )
            if found.state.ended:
                raise Conflict(
                    f"{found.name} is {found.state}: nothing of it runs; `{line}` takes it up here"
                )
            raise Conflict(f"{found.name} is STALE: its kernel is gone; `{line}` takes it over")
        if found.state is JobState.STOPPING and isinstance(event, Enqueue | Rerun):
            raise Conflict(f"{found.name} is STOPPING: ask again once it has ended")
        self._manager.store.request(self._id, *controls.row_of(event))
        return False

    def stop(self, reason: str) -> None:
        """End the job, whoever runs it; one that has ended just now is left as it is."""
        with contextlib.suppress(Conflict):
            if self.alive:
                self.send(StopJob(reason))
                return
        if self._manager.store.cancel_stale(self._id, reason):
            self._manager.forget(self._id)

    def go_on(self, spec: JobSpec, confirm: int | None) -> None:
        """End a pause, and have so many of the best run once more at the end, where that changes.

        Raises:
            InvalidSpec: The job has no single best.
            Conflict: Nobody runs it.
        """
        refuse_confirming(spec, confirm)
        self.send(Unpause())
        if confirm is not None:
            self.send(Confirm(confirm))

    def _runs_elsewhere(self, found: GenerationRecord) -> bool:
        if found.state.ended or found.state is JobState.STALE or found.lease is None:
            return False
        ran = self._manager.runner(self._id)
        # A runner of this kernel may have ended without being able to write that.
        return ran is None or ran.record.owner != f"{found.lease.host}:{found.lease.pid}"
