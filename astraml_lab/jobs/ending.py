"""The end of a job: when it is due, what it means for the trials that run, and how it is written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from astraml_lab.spec import JobState, TrialState
from astraml_lab.trial import Verdict

if TYPE_CHECKING:
    from astraml_lab.jobs.backlog import Backlog
    from astraml_lab.jobs.confirming import Confirming
    from astraml_lab.jobs.criteria import Criteria, Ending
    from astraml_lab.jobs.flights import Flights
    from astraml_lab.jobs.live import LiveJob
    from astraml_lab.jobs.mailbox import Mailbox
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.retrying import Waiting
    from astraml_lab.jobs.settling import Settling
    from astraml_lab.jobs.starting import Starter
    from astraml_lab.jobs.stopwatch import Stopwatch
    from astraml_lab.jobs.wishes import Wishes
    from astraml_lab.search import Searcher


class JobEnd:
    """Touched by one runner.

    Args:
        live: The job's memory.
        record: The job on disk.
        searcher: Knows whether any point is left.
        criteria: Says what ends the job.
        flights: What runs.
        again: What waits to run again.
        settling: Ends what will not run any more.
        backlog: Keeps what cannot be written at present.
        mail: Takes nothing any more while and after the end is written.
        starter: Says what the next trial waits for.
        confirming: Has the best run once more first.
        wishes: Knows what the job does not end before.
        watch: Knows how long the job has run for.

    Attributes:
        ending: Why the job ends; `None` while it goes on.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - built in one place, by the runner
        self,
        live: LiveJob,
        record: Record,
        searcher: Searcher,
        criteria: Criteria,
        flights: Flights,
        again: Waiting,
        settling: Settling,
        backlog: Backlog,
        *,
        mail: Mailbox,
        starter: Starter,
        confirming: Confirming,
        wishes: Wishes,
        watch: Stopwatch,
    ) -> None:
        self.ending: Ending | None = None
        self._live = live
        self._record = record
        self._searcher = searcher
        self._criteria = criteria
        self._flights = flights
        self._again = again
        self._settling = settling
        self._backlog = backlog
        self._mail = mail
        self._starter = starter
        self._confirming = confirming
        self._wishes = wishes
        self._watch = watch

    def due(self) -> Ending | None:
        """Return the ending that is due, if the job is not ending already."""
        if self.ending is not None or self._wishes.owed:
            return None
        exhausted, now, ran = self._searcher.exhausted, self._live.clock.time(), self._watch.seconds
        ending = self._criteria.ending(self._live.searched, ran, now=now, exhausted=exhausted)
        in_time = not self._criteria.out_of_time(ran, now)
        return None if self._confirming.comes_first(ending, in_time=in_time) else ending

    def begin(self, ending: Ending) -> None:
        """Start no more trials, and have those that run end if they are not to come to their own end."""
        self.ending = ending
        if ending.cut and len(self._flights):
            # Before STOPPING is shown: whoever reads it may have a trial report, and that is to end it.
            self._flights.tell_to_end(Verdict(TrialState.STOPPED, f"stopped: {ending.reason}"))
            self._record.move(JobState.STOPPING, ending.reason)

    def reconsider(self) -> None:
        """Have an end judged once more that lets the trials run to theirs."""
        if self.ending is not None and not self.ending.cut:
            self.ending = None

    def write(self, ending: Ending) -> None:
        """Write the end now, or once the store can be written and if there is nothing more to run by then.

        Raises:
            LeaseLost: Another kernel owns the job now.
        """
        for trial in self._again.clear():  # a job that has ended has no trial that waits
            self._settling.give_up(trial, Verdict(TrialState.STOPPED, f"stopped: {ending.reason}"))
        self._backlog.write(partial(self._finish, ending))

    def _finish(self, ending: Ending) -> None:
        final = ending if self._confirming.cut_short else self._criteria.final(ending, self._live.searched)
        self._starter.waiting_for = ""
        said = (final.reason, self._confirming.outcome(final.state), self._wishes.untried)
        if self.ending is not ending:
            return  # it waited to be written, and there is more to run since
        if not self._mail.close_if_empty():
            return  # what was taken is read first, and may be a reason to go on
        try:
            self._record.close(final.state, "; ".join(filter(None, said)))
        except BaseException:
            self._mail.open_again()
            raise
