"""After the search: the best trials run once more, with other seeds, before a winner is named.

Their runs are trials of their own and use up no budget. Which of them are left is read off the trials that
there are: a job that goes on in another kernel confirms what is not confirmed yet, and nothing twice.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound, SearchFailed
from astraml_lab.jobs.criteria import Criteria
from astraml_lab.jobs.fluctuation import alike, fluctuation
from astraml_lab.jobs.live import LiveTrial
from astraml_lab.jobs.naming import tune_line
from astraml_lab.spec import JobSpec, JobState, TrialState, format_number, validate
from astraml_lab.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astraml_lab.jobs.backlog import Backlog
    from astraml_lab.jobs.criteria import Ending
    from astraml_lab.jobs.flights import Flights
    from astraml_lab.jobs.live import LiveJob
    from astraml_lab.jobs.record import Record
    from astraml_lab.jobs.retrying import Waiting
    from astraml_lab.jobs.settling import Settling
    from astraml_lab.search import Searcher
    from astraml_lab.spec import TrialView
    from astraml_lab.store import GenerationRecord

_OFFERED = 5
"""So many of the best are compared at most where running them again is offered."""


class Confirming:
    """Touched by one runner.

    Args:
        live: The job's memory.
        record: The job on disk.
        searcher: Gives a trial's point out once more.
        criteria: Knows the best.
        flights: What runs.
        again: What is to run: these come first, and whatever the budget is.
        settling: Ends what will not run any more.
        backlog: Keeps what cannot be written at present.

    Attributes:
        active: Whether the search is over and the job is not.
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
    ) -> None:
        self.active = False
        self._live = live
        self._record = record
        self._searcher = searcher
        self._criteria = criteria
        self._flights = flights
        self._again = again
        self._settling = settling
        self._backlog = backlog
        self._asked: set[int] = set()

    def comes_first(self, ending: Ending | None, *, in_time: bool) -> bool:
        """Whether the best still run before the job ends, now that its ending is due; starts what is to run.

        Args:
            ending: What is due, if anything is: a job that was extended searches on.
            in_time: Whether any of the time is left that the job was given.
        """
        wanted = ending is not None and ending.state is JobState.SUCCEEDED and in_time
        was, self.active = self.active, bool(wanted and self._criteria.spec.confirm)
        if self.active and ending is not None:
            self.active = self._search_goes_on(ending) or self._start_some(ending)
        if was and not self.active:
            self._say("")
        return self.active

    def holds_back(self, trial: LiveTrial) -> bool:
        """Whether a trial of the search that fails is not to be tried again."""
        return self.active and trial.confirms is None

    @property
    def cut_short(self) -> bool:
        """Whether some of the best were still to run."""
        return self.active and bool(self._criteria.unconfirmed)

    def _search_goes_on(self, ending: Ending) -> bool:
        """Have the search's own trials come to their end; return whether one of them has not yet."""
        verdict = Verdict(TrialState.STOPPED, f"stopped: {ending.reason}")
        for trial in [trial for trial in self._again if trial.confirms is None]:
            self._again.remove(trial.number)
            self._settling.give_up(trial, verdict)
        searching = [flight.trial for flight in self._flights if flight.trial.confirms is None]
        for trial in searching if ending.cut else ():
            self._live.stop(trial, verdict)
        return bool(searching or self._backlog)

    def _start_some(self, ending: Ending) -> bool:
        """Have those of the best run once more that did not; return whether one of them has not ended."""
        under_way = self._under_way()
        left = [n for n in self._criteria.unconfirmed if n not in under_way and n not in self._asked]
        # No more than may run at once: whoever asks for more trials meanwhile may want others confirmed
        for number in left[: max(0, (self._record.spec.parallel or 1) - len(under_way))]:
            self._start(number)
        if not self._under_way():
            return False
        many = len(self._criteria.finalists)
        best = f"the best {many} run" if many > 1 else "the best trial runs"
        self._say(f"{ending.reason}; {best} once more, with other seeds")
        return True

    def _start(self, number: int) -> None:
        self._asked.add(number)  # in this run once: what somebody stops is not started again
        try:
            proposal = self._searcher.once_more(number)
        except (NotFound, SearchFailed) as error:
            self._record.remark(f"trial {number} cannot run once more: {error}")
            return
        now = self._live.clock.time()
        trial = LiveTrial(
            proposal.number, proposal.params, seed=proposal.seed, created_at=now, confirms=number
        )
        self._live.add(trial)
        self._again.add(trial)
        self._backlog.write(partial(self._record.save, self._searcher, trial.view()))

    def _under_way(self) -> set[int]:
        """Return which trials run once more at present, or are about to."""
        trials = (*(flight.trial for flight in self._flights), *self._again)
        return {trial.confirms for trial in trials if trial.confirms is not None}

    def _say(self, reason: str) -> None:
        if self._record.state is JobState.RUNNING and self._record.reason != reason:
            self._record.move(JobState.RUNNING, reason)

    # what is said at the end

    def outcome(self, state: JobState) -> str:
        """Say what came of it, or what running the best again would be good for; mostly nothing."""
        if not self._criteria.spec.confirm:
            return self._offer() if state is JobState.SUCCEEDED else ""
        finalists = self._criteria.finalists
        if not finalists or (state is not JobState.SUCCEEDED and not self.active):
            return ""
        runs = [self._criteria.confirmed_of(number) for number in finalists]
        ran = [each for each in runs if each is not None]
        many, broke = len(finalists), self._criteria.broke
        best, done = f"the best {many}" if many > 1 else "the best trial", len(ran) + broke
        if not done:
            return f"{best} did not run once more"
        winner, first = self._criteria.best[0], finalists[0]
        said = f"{best if done == many else f'{done} of {best}'} ran once more"
        if broke:
            said += " and broke a limit" if done == 1 else f", {broke} of them broke a limit"
        said += f": trial {winner} stays" if winner == first else f": trial {winner}, not {first}, is"
        said += " the best"
        if ran and all(each.error == 0 for each in ran):
            said += "; each gave the same value again: does the code set a seed of its own?"
        return said

    def _offer(self) -> str:
        """Say that the best differ by no more than noise, where their curves tell."""
        spec = self._record.spec
        if len(spec.objectives) != 1 or spec.origin is not None or self._criteria.confirmed is not None:
            return ""
        best = self._criteria.top(_OFFERED)
        if len(best) < 2:  # noqa: PLR2004 - one has no rival
            return ""
        noise = fluctuation([self._values(number) for number in best])
        many = alike([*best.values()], noise)
        if many < 2:  # noqa: PLR2004 - as above
            return ""
        line = tune_line("resume", self._record.name, self._record.project, f"--confirm {many}")
        return f"the best {many} lie within noise (± {format_number(noise, 2)}): `{line}` runs each once more"

    def _values(self, number: int) -> list[float]:
        """Return the objective of a trial by step."""
        with self._live.lock:
            series = self._live.trials[number].metrics.get(self._record.spec.objectives[0].metric)
            if series is not None:
                values: list[float] = series.curve.arrays()[1].tolist()
                return values
        return [value for _, value in self._record.stored_points(number)]


def left_to_confirm(found: GenerationRecord, spec: JobSpec, views: Iterable[TrialView]) -> int:
    """Return how many trials of an ended job would run once more if it went on.

    Args:
        found: The job.
        spec: What is asked for now.
        views: Its trials.
    """
    ran = (found.ended_at or 0.0) - (found.started_at or 0.0)
    if not spec.confirm or (spec.max_runtime is not None and ran >= spec.max_runtime):
        return 0
    criteria = Criteria(spec)
    for view in views:
        if view.state.ended:
            criteria.ended(view)
    return len(criteria.unconfirmed)


def refuse_confirming(spec: JobSpec, count: int | None) -> None:
    """Refuse a wish that the job would have refused at its launch.

    Raises:
        InvalidSpec: There is no single best, or it is no such number.
    """
    if count is not None:
        validate(JobSpec, {"definitions": spec.definitions, "confirm": count})
