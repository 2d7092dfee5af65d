"""What people ask of a running job by hand: points, a trial once more, more trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.errors import AstramlError
from astraml_lab.jobs.events import Rerun

if TYPE_CHECKING:
    from astraml_lab.jobs.backlog import Backlog
    from astraml_lab.jobs.criteria import Criteria
    from astraml_lab.jobs.events import Confirm, Enqueue, Extend
    from astraml_lab.jobs.live import LiveJob
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.starting import Starter
    from astraml_lab.search import Searcher


class Wishes:
    """Touched by one runner.

    Args:
        live: The job's memory.
        record: The job on disk.
        searcher: Takes the points, and gives them out before any of its own.
        criteria: Has to know the budget.
        starter: Knows how much of the budget is left.
        backlog: Keeps what cannot be written at present.
    """

    def __init__(
        self,
        live: LiveJob,
        record: Record,
        searcher: Searcher,
        criteria: Criteria,
        starter: Starter,
        backlog: Backlog,
    ) -> None:
        self._live = live
        self._record = record
        self._searcher = searcher
        self._criteria = criteria
        self._starter = starter
        self._backlog = backlog
        self._owed: set[int] = set()

    @property
    def owed(self) -> bool:
        """Whether a trial has not ended yet that the job does not end before."""
        trials = self._live.trials
        self._owed = {
            number for number in self._owed if number not in trials or not trials[number].state.ended
        }
        return bool(self._owed)

    @property
    def untried(self) -> str:
        """How many points were asked for and not tried, in words; mostly empty."""
        count = self._searcher.enqueued
        return f"{count} enqueued {'point was' if count == 1 else 'points were'} not tried" if count else ""

    def ask(self, event: Enqueue | Rerun) -> None:
        """Have a point tried next; where the budget has no room left for it, the budget grows.

        A trial that runs again is always beyond the budget, and the job does not end before it.
        """
        try:
            if isinstance(event, Rerun):
                number = self._searcher.repeat(event.number)
                self._grow(self._record.spec.trials + 1)
            else:
                number = self._searcher.enqueue(event.params)
        except AstramlError as error:
            event.answer.set_exception(error)
            return
        if event.owed:
            self._owed.add(number)
        self.make_room()  # also for what was asked for before it
        self._backlog.write(self._record.commit)
        event.answer.set_result(number)

    def make_room(self) -> None:
        """Let the budget hold all points that were asked for, those of an earlier run too."""
        self._grow(self._starter.taken + self._searcher.enqueued)

    def extend(self, event: Extend) -> None:
        """Raise the budget."""
        self._grow(event.trials)

    def confirm(self, event: Confirm) -> None:
        """Have so many of the best run once more before the job ends."""
        self._criteria.spec = self._record.ask(confirm=event.count)

    def _grow(self, trials: int) -> None:
        if trials > self._record.spec.trials:
            self._criteria.spec = self._record.ask(trials=trials)
