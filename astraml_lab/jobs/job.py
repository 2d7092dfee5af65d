"""The handle of a job: every question and every command, from any thread and any kernel."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Conflict, JobCancelled, JobFailed, NotFound
from astraml_lab.jobs import cells, events, requests, studying, tables
from astraml_lab.jobs.debug import account
from astraml_lab.jobs.describing import describe_job, first_traceback
from astraml_lab.jobs.finding import free_name
from astraml_lab.jobs.foreground_cell import foreground_cell
from astraml_lab.jobs.handles import TrialHandle, Trials
from astraml_lab.jobs.naming import tune_line
from astraml_lab.jobs.owner import Owner
from astraml_lab.jobs.presenter import presenter
from astraml_lab.jobs.taking_over import ask, take_over
from astraml_lab.search import check_point
from astraml_lab.spec import JobState, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from astraml_lab.dialects import RequestReport
    from astraml_lab.jobs.deleting import Deleted
    from astraml_lab.jobs.manager import Manager
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.jobs.selected import Selected
    from astraml_lab.spec import JobSpec, JobView, ParamValue
    from astraml_lab.store import GenerationRecord

_GLANCE = 0.2
"""Seconds between two looks while somebody waits: short, so that an interrupt is felt at once."""
_LONGEST_NAME = 180
"""Letters of a name that are kept where something is added to it."""


class Job:
    """A tuning job, running here, in another kernel, or long finished.

    Attributes:
        name: Unique within the project, ignoring case.
        project: The project.
        generation: Counts the different searches that had this name, from 1.
        id: `project/name#generation`.
        said: What the launch that returned this handle has to say of itself; mostly nothing.
    """

    def __init__(self, manager: Manager, stored: GenerationRecord, *, said: str = "") -> None:
        self.name = stored.name
        self.project = stored.project
        self.generation = stored.number
        self.id = f"{stored.project}/{stored.name}#{stored.number}"
        self._manager = manager
        self._generation_id = stored.id
        self._owner = Owner(manager, stored.id)
        self._reasons = studying.Reasons(manager.store, stored.id)
        self.said = said
        self._silent = False

    @property
    def reader(self) -> JobReader:
        """The read side: live where the job runs in this kernel, else from the store."""
        return self._manager.reader(self._generation_id)

    def view(self) -> JobView:
        """Return a snapshot of the job."""
        return self.reader.view()

    @property
    def spec(self) -> JobSpec:
        """What was asked for."""
        return self._manager.spec(self._generation_id)

    @property
    def state(self) -> JobState:
        """Where the job stands, as the store has it at this moment where another kernel runs it."""
        return self.view().state if self._owner.runner is not None else self._owner.stored.state

    @property
    def trials(self) -> Trials:
        """The trials by number: `job.trials[7].log.tail()`."""
        return Trials(self.reader, self._folder)

    @property
    def best(self) -> TrialHandle:
        """The best trial so far, by the mean of its runs where it was confirmed; of a single run its trial.

        Raises:
            Conflict: The job has several objectives, so there is a front: `job.pareto`.
            NotFound: No trial is COMPLETE yet, or none keeps to the constraints.
        """
        view = self.view()
        if len(view.objectives) > 1:
            names = " and ".join(objective.metric for objective in view.objectives)
            raise Conflict(f"{self.name} tunes {names}: there is no single best, see job.pareto")
        if not view.objectives and sum(view.counts.values()) == 1:
            return self._trial(0)
        if not view.best:
            raise NotFound(view.without_best)
        return self._trial(view.best[0])

    @property
    def pareto(self) -> list[TrialHandle]:
        """The trials that no other beats in every objective, by number."""
        return [self._trial(number) for number in self.view().best]

    @property
    def hypervolume(self) -> float | None:
        """How much the Pareto front dominates of the box from the best to the worst values: see `JobView`."""
        return self.view().hypervolume

    @property
    def df(self) -> pd.DataFrame:
        """One row per trial: state, parameters, metrics, runtime, device, kind of a failure, reason."""
        return tables.trials_table(self.reader)

    @property
    def selection(self) -> Selected:
        """Which trials are selected, on the pages that show the job and here."""
        return self._manager.selected(self._generation_id)

    @property
    def selected(self) -> pd.DataFrame:
        """The rows of `df` of the selected trials, in the order in which they were chosen."""
        table = self.df
        return table.loc[[number for number in self.selection.numbers if number in table.index]]

    def select(self, *numbers: int | Iterable[int]) -> None:
        """Select trials on every page that shows the job: `job.select(3, 7)`; none without numbers.

        Raises:
            NotFound: The job has no such trial.
        """
        listed = [each if isinstance(each, Iterable) else [each] for each in numbers]  # numpy's integers too
        chosen = [int(number) for each in listed for number in each]
        for number in chosen:
            self._trial(number).view()
        self.selection.choose(chosen)

    def metrics(self, name: str, window: str | float | None = None) -> pd.DataFrame:
        """Return a metric of all trials: by step, or with `window="30s"` in windows of time.

        Raises:
            InvalidSpec: The job's windows do not add up to this length.
        """
        if window is None:
            return tables.curves_table(self.reader, name)
        return tables.windows_table(self.reader, name, window)

    @property
    def study(self) -> Any:
        """A detached copy as an `optuna.Study`, for Optuna's own tools; changes to it change nothing here."""
        return studying.detached_study(self.spec, self.reader, self.id)

    def why(self, trial: int | TrialHandle) -> str:
        """Say in one sentence why a trial's point was tried: an expected gain, exploring, enqueued ….

        Raises:
            NotFound: The job has no such trial.
            TypeError: It is neither a trial nor a number.
        """
        number = trial.number if isinstance(trial, TrialHandle) else trial
        return self._reasons.of(self.trials[number].view(), self.spec)

    def wait(self, timeout: float | None = None, *, glance: Callable[[Job], None] | None = None) -> Job:
        """Wait until the job has ended, or `timeout` seconds; an interrupt only ends the waiting.

        Args:
            timeout: Seconds; `None` waits to the end.
            glance: Called a few times a second meanwhile.
        """
        until = None if timeout is None else time.monotonic() + timeout
        done = self._done()
        try:
            while not done():
                if until is not None and time.monotonic() >= until:
                    break
                if glance is not None:
                    glance(self)
        except KeyboardInterrupt:
            stop, again = self._line("stop"), self._line("wait")
            print(f"Detached: {self.name} goes on. `{stop}` ends it, `{again}` waits again.")  # noqa: T201 - said to a person at a prompt
        return self

    def raise_if_bad(self) -> Job:
        """Return the job if it SUCCEEDED; for runs that nobody watches.

        Raises:
            JobFailed: It FAILED.
            JobCancelled: Somebody stopped it.
        """
        view = self.view()
        if view.state is JobState.STALE:
            raise JobFailed(f"{self.name} is STALE: {view.reason}")
        if view.state is JobState.FAILED:
            raise JobFailed(f"{self.name} FAILED: {view.reason}{first_traceback(self.reader)}")
        if view.state is JobState.CANCELLED:
            raise JobCancelled(f"{self.name} was CANCELLED: {view.reason}")
        return self

    def stop(self, reason: str = "stopped by you") -> Job:
        """End the job: running trials end at their next report, no other starts; what finished is kept."""
        self._owner.stop(reason)
        return self

    def stop_trial(self, number: int) -> Job:
        """End one trial at its next report.

        Raises:
            NotFound: The job has no such trial.
            Conflict: The trial has ended, or nobody runs the job.
        """
        view = self._trial(number).view()
        if view.state.ended:
            raise Conflict(f"trial {number} of {self.name} is {view.state} already")
        self._owner.send(events.StopTrial(number, "stopped by you"))
        return self

    def pause(self) -> Job:
        """Start no new trial until `resume`; running ones go on.

        Raises:
            Conflict: Nobody runs the job.
        """
        self._owner.send(events.Pause())
        return self

    def resume(self, trials: int | None = None, *, confirm: int | None = None) -> Job:
        """Go on: after `pause`, or in this kernel where the job ended early or its own kernel is gone.

        Args:
            trials: Raise the budget to this many.
            confirm: Have so many of the best run once more, with other seeds, before a winner is named.

        Raises:
            Conflict: It cannot: nothing is left to do, another kernel was faster, or its code is not in this
                kernel or has changed; the message says what helps.
        """
        self._owner.settle()
        if not self._owner.alive:
            take_over(self._manager, self._owner, trials, confirm=confirm)
            return self
        if self.state is JobState.STOPPING:
            line = self._line("resume")
            raise Conflict(f"{self.name} is STOPPING; once it has ended, `{line}` takes it up")
        self._owner.go_on(self.spec, confirm)
        return self if trials is None else self.extend(trials)

    def extend(self, trials: int) -> Job:
        """Raise the budget of a running job to `trials`; `resume(trials)` does it for any other.

        Raises:
            Conflict: Nobody runs the job.
        """
        self._owner.send(events.Extend(trials))
        return self

    def enqueue(self, params: Mapping[str, ParamValue]) -> int | None:
        """Try these values next; those that are left out are sampled.

        The budget grows where nothing is left of it. A job that has ended goes on in this kernel, for these
        values alone.

        Returns:
            The number of the trial that tries them; `None` where another kernel runs the job and will choose
            it.

        Raises:
            InvalidSpec: The values do not fit the space.
            Conflict: The job has ended and cannot go on in this kernel; see `resume`.
        """
        point = check_point(self.spec.search, params)
        return ask(self._manager, self._owner, events.Enqueue(point, Future()))

    def rerun(self, number: int) -> int | None:
        """Try a trial's parameters next, as a further trial with a seed of its own.

        The budget grows by one. A job that has ended goes on in this kernel, for this trial alone.

        Returns:
            The new trial's number; `None` where another kernel runs the job and will choose it.

        Raises:
            NotFound: The job has no such trial.
            Conflict: The job has ended and cannot go on in this kernel; see `resume`.
        """
        self._trial(number).view()
        return ask(self._manager, self._owner, events.Rerun(number, Future()))

    def debug(self, number: int) -> str:
        """Return all that is known of a trial: how it ended, its traceback, parameters, last log lines.

        Raises:
            NotFound: The job has no such trial.
        """
        return account(self, self._trial(number).view())

    def trial_as_cell(self, number: int) -> str:
        """Return the source of a cell that runs one configuration in the foreground; see `lab.foreground`.

        Raises:
            NotFound: The job has no such trial, or its code is not in the store.
        """
        call = f"{quoted(self.name)}, {number}"
        call += "" if self.project == "default" else f", project={quoted(self.project)}"
        call += "" if self._is_newest else f", generation={self.generation}"
        return foreground_cell(self.spec, self._trial(number).view(), call)

    def delete(self) -> Deleted:
        """Remove the job with all its generations and files; return how many generations and finished trials.

        Raises:
            Conflict: It is running.
        """
        return self._manager.delete(self)

    def check(self) -> Any:
        """Validate the job, sample five configurations and run one step; see `lab.preflight`.

        Raises:
            Conflict: Its code is not in this kernel.
        """
        code = runner.code if (runner := self._owner.runner) is not None else None
        if code is None:
            raise Conflict(f"the code of {self.name} is not in this kernel: run its cell with --check")
        return self._manager.preflight(self.spec, code)

    def show(self, *, live: bool = False) -> None:
        """Display the job under the calling cell.

        Args:
            live: Display also an ended job as the dashboard, to look around in, and keep it at the end.
        """
        presenter().show(self, live=True, kept=live)

    def figure(self, kind: str, **options: Any) -> Any:
        """Return a plotly figure: `metrics`, `history`, `pareto`, `timeline` ….

        Raises:
            InvalidSpec: There is no such figure.
        """
        return presenter().figure(self, kind, **options)

    @property
    def request(self) -> RequestReport:
        """The request of a service that the job was made of; shown, it says what became of each field.

        Raises:
            NotFound: It was made of a cell or a function.
        """
        return requests.request_of(self)

    def export(self, form: str, **options: Any) -> Any:
        """Return the job in another form; see `%tune export`.

        Args:
            form: `cell` (source text), `csv` (text), `optuna` (a study); or `sagemaker`, `vertex` or
                `astraml` (a request of that service, whose `left_out` says what it cannot say).
            options: What a service needs and the job does not say: `image="…"`, `role_arn="…"`.

        Raises:
            InvalidSpec: There is no such form or option.
        """
        return requests.export(self, form, options)

    def best_as_cell(self) -> str:
        """Return assignments of the best values, as the source of a cell."""
        return cells.best_cell(self)

    def narrowed(self, *numbers: int) -> str:
        """Return the source of a cell that searches once more, only around some trials.

        The new job has a name of its own and starts from this one's trials that fit.

        Args:
            numbers: The trials (default: the selected ones).

        Raises:
            Conflict: No trial is named, and none is selected.
            NotFound: The job has no such trial, or its code is not in the store.
        """
        chosen = tuple(dict.fromkeys(numbers)) or self.selection.numbers
        if not chosen:
            raise Conflict("no trial is selected: select some, or name them, as in job.narrowed(3, 7)")
        name = free_name(self._manager.store, f"{self.name[:_LONGEST_NAME]}-narrow", self.project)
        source = self.name if self._is_newest else f"{self.name}#{self.generation}"
        return cells.narrowed_cell(self, chosen, name=name, source=source)

    def quietly(self) -> Job:
        """Return the handle, not displayed once: the cell that launched it has just shown the job."""
        self._silent = True
        return self

    def __repr__(self) -> str:
        return describe_job(self.view())

    def _ipython_display_(self) -> None:
        """Say the job in one line; right after its own launch nothing, not even an empty output."""
        silent, self._silent = self._silent, False
        if not silent:
            print(self)  # noqa: T201 - IPython's way of displaying

    def _done(self) -> Callable[[], bool]:
        runner = self._owner.runner
        if runner is not None:
            return lambda: runner.done.wait(_GLANCE)
        pause = threading.Event()

        def look() -> bool:
            state = self.state
            over = state.ended or state is JobState.STALE
            if over:
                self._manager.forget(self._generation_id)  # what was read a second ago is not its end
            return over or (pause.wait(_GLANCE) and False)

        return look

    @property
    def alive(self) -> bool:
        """Whether this or another kernel runs the job, as the store has it at this moment."""
        return self._owner.alive

    @property
    def elsewhere(self) -> str:
        """The kernel that runs the job, `host:pid`, where that is another one; else empty."""
        return self._owner.elsewhere

    def _line(self, command: str) -> str:
        return tune_line(command, self.name, self.project)

    def _trial(self, number: int) -> TrialHandle:
        return TrialHandle(self.reader, number, self._folder(number))

    def _folder(self, number: int) -> Any:
        return self._manager.store.files.trial(self.project, self.name, self.generation, number)

    @property
    def _is_newest(self) -> bool:
        newest = self._manager.store.load_job(self.project, self.name)
        return newest is None or newest.number == self.generation
