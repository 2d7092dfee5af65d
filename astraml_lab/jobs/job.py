"""The handle of a job: every question and every command, from any thread and any kernel."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Conflict, JobCancelled, JobFailed, NotBuiltYet, NotFound
from astraml_lab.jobs import events, tables
from astraml_lab.jobs.handles import TrialHandle, Trials
from astraml_lab.jobs.presenter import presenter
from astraml_lab.search import study_of
from astraml_lab.spec import JobState, format_duration, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from astraml_lab.jobs.manager import Manager
    from astraml_lab.jobs.reader import JobReader
    from astraml_lab.jobs.runner import Runner
    from astraml_lab.spec import JobSpec, JobView, ParamValue
    from astraml_lab.store import GenerationRecord

_GLANCE = 0.2
"""Seconds between two looks while somebody waits: short, so that an interrupt is felt at once."""


class Job:
    """A tuning job, running here, in another kernel, or long finished.

    Attributes:
        name: Unique within the project, ignoring case.
        project: The project.
        generation: Counts the different searches that had this name, from 1.
        id: `project/name#generation`.
    """

    def __init__(self, manager: Manager, stored: GenerationRecord) -> None:
        self.name = stored.name
        self.project = stored.project
        self.generation = stored.number
        self.id = f"{stored.project}/{stored.name}#{stored.number}"
        self._manager = manager
        self._generation_id = stored.id
        self._silent = False

    # what it is

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
        """Where the job stands."""
        return self.view().state

    @property
    def trials(self) -> Trials:
        """The trials by number: `job.trials[7].log.tail()`."""
        return Trials(self.reader, self._folder)

    @property
    def best(self) -> TrialHandle:
        """The best trial so far.

        Raises:
            Conflict: The job has several objectives, so there is a front: `job.pareto`.
            NotFound: No trial is COMPLETE yet.
        """
        view = self.view()
        if len(view.objectives) > 1:
            names = " and ".join(objective.metric for objective in view.objectives)
            raise Conflict(f"{self.name} tunes {names}: there is no single best, see job.pareto")
        if not view.best:
            raise NotFound(f"{self.name} has no COMPLETE trial yet ({view.state})")
        return self._trial(view.best[0])

    @property
    def pareto(self) -> list[TrialHandle]:
        """The trials that no other beats in every objective, by number."""
        return [self._trial(number) for number in self.view().best]

    @property
    def df(self) -> pd.DataFrame:
        """One row per trial: state, parameters, metrics, runtime, device, reason."""
        return tables.trials_table(self.reader)

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
        reader = self.reader
        views = reader.trials()[1]
        first = self.spec.objectives[0].metric if self.spec.objectives else ""
        curves = {view.number: reader.curve(view.number, first) for view in views}
        steps = {
            number: list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
            for number, curve in curves.items()
            if curve is not None
        }
        return study_of(self.spec.definitions[0], views, steps, name=self.id)

    # what to do with it

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
            print(f"Detached: {self.name} goes on. %tune stop {self.name} ends it, %tune wait waits again.")  # noqa: T201 - said to a person at a prompt
        return self

    def raise_if_bad(self) -> Job:
        """Return the job if it SUCCEEDED; for runs that nobody watches.

        Raises:
            JobFailed: It FAILED.
            JobCancelled: Somebody stopped it.
        """
        view = self.view()
        if view.state is JobState.STALE:
            raise JobFailed(f"{self.name} went on without this kernel: {view.reason}")
        if view.state is JobState.FAILED:
            raise JobFailed(f"{self.name} FAILED: {view.reason}{self._first_traceback()}")
        if view.state is JobState.CANCELLED:
            raise JobCancelled(f"{self.name} was CANCELLED: {view.reason}")
        return self

    def stop(self, reason: str = "stopped by you") -> Job:
        """End the job: running trials end at their next report, no other starts; what finished is kept."""
        state, runner = self.state, self._runner()
        if runner is not None and not runner.done.is_set():
            runner.stop(reason)
        elif state is JobState.STALE:
            self._manager.store.cancel_stale(self._generation_id, reason)
            self._manager.forget(self._generation_id)
        elif not state.ended:
            self._manager.store.request(self._generation_id, "stop", reason)
        return self

    def stop_trial(self, number: int) -> Job:
        """End one trial at its next report.

        Raises:
            Conflict: The job does not run in this kernel.
        """
        self._own_runner().tell(events.StopTrial(number, "stopped by you"))
        return self

    def pause(self) -> Job:
        """Start no new trial until `resume`; running ones go on.

        Raises:
            Conflict: The job does not run in this kernel.
        """
        self._own_runner().tell(events.Pause())
        return self

    def resume(self) -> Job:
        """Go on after `pause`.

        Raises:
            Conflict: The job does not run in this kernel.
        """
        self._own_runner().tell(events.Unpause())
        return self

    def extend(self, trials: int) -> Job:
        """Raise the budget of a running job to `trials`.

        Raises:
            Conflict: The job does not run in this kernel.
        """
        self._own_runner().tell(events.Extend(trials))
        return self

    def enqueue(self, params: Mapping[str, ParamValue]) -> Job:
        """Try these values next.

        Raises:
            Conflict: The job does not run in this kernel.
            InvalidSpec: The values do not fit the space.
        """
        answer: Future[None] = Future()
        self._own_runner().tell(events.Enqueue(dict(params), answer))
        answer.result()
        return self

    def delete(self) -> None:
        """Remove the job with all its generations and files.

        Raises:
            Conflict: It is running.
        """
        self._manager.delete(self)

    def check(self) -> Any:
        """Validate the job, sample five configurations and run one step; see `lab.preflight`.

        Raises:
            Conflict: Its code is not in this kernel.
        """
        code = runner.code if (runner := self._runner()) is not None else None
        if code is None:
            raise Conflict(f"the code of {self.name} is not in this kernel: run its cell with --check")
        return self._manager.preflight(self.spec, code)

    def show(self) -> None:
        """Display the job under the calling cell."""
        presenter().show(self, live=True)

    def figure(self, kind: str, **options: Any) -> Any:
        """Return a plotly figure: `metrics`, `history`, `pareto`, `timeline` ….

        Raises:
            InvalidSpec: There is no such figure.
        """
        return presenter().figure(self, kind, **options)

    def export(self, form: str) -> Any:
        """Return the job in another form: `cell` (source text) or `optuna` (a study).

        Raises:
            NotBuiltYet: The cloud services' requests come later.
        """
        if form == "cell":
            return self._as_cell()
        if form == "optuna":
            return self.study
        raise NotBuiltYet(
            f'export("{form}") is not built in this version: export("cell") and export("optuna") are.'
        )

    def best_as_cell(self) -> str:
        """Return assignments of the best values, as the source of a cell."""
        front = self.view().best if len(self.spec.objectives) > 1 else ()
        view = self._trial(front[0] if front else self.best.number).view()
        said = ", ".join(f"{name} {value:.4g}" for name, value in view.metrics.items())
        lines = [f"# {self.name}, trial {view.number}: {said}"]
        if len(front) > 1:
            others = ", ".join(str(number) for number in front[1:])
            lines.append(f"# one of {len(front)} on the front; the others: {others} (job.pareto)")
        return "\n".join([*lines, *(f"{name} = {value!r}" for name, value in view.params.items())])

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

    # how it gets there

    def _first_traceback(self) -> str:
        """Return the first traceback of a user's code, for whoever reads this and nothing else."""
        failed = (view for view in self.reader.trials()[1] if view.traceback)
        first = next(failed, None)
        return f"\n\nTrial {first.number}:\n{first.traceback.rstrip()}" if first else ""

    def _done(self) -> Callable[[], bool]:
        runner = self._runner()
        if runner is not None:
            return lambda: runner.done.wait(_GLANCE)
        pause = threading.Event()

        def look() -> bool:
            state = self.state
            return state.ended or state is JobState.STALE or (pause.wait(_GLANCE) and False)

        return look

    def _runner(self) -> Runner | None:
        return self._manager.runner(self._generation_id)

    def _own_runner(self) -> Runner:
        runner = self._runner()
        if runner is None or runner.done.is_set():
            owner = self.view().owner
            where = f"it runs in another kernel ({owner})" if owner else f"it is {self.state}"
            raise Conflict(f"{self.name} is not running in this kernel: {where}")
        return runner

    def _trial(self, number: int) -> TrialHandle:
        return TrialHandle(self.reader, number, self._folder(number))

    def _folder(self, number: int) -> Any:
        return self._manager.store.files.trial(self.project, self.name, self.generation, number)

    def _as_cell(self) -> str:
        program = self.spec.definitions[0].program
        if program is None or program.kind != "cell":
            raise NotFound(f"{self.name} was not written as a cell")
        return f"{line_of(self.spec)}\n{program.source}"


def describe_job(view: JobView) -> str:
    """Say a job in one line."""
    parts = [f"{view.name} {view.state}", f"{view.finished}/{view.trials} trials"]
    if view.started_at is not None and view.ended_at is not None:
        parts.append(format_duration(max(0.0, view.ended_at - view.started_at)))
    if view.best_value is not None:
        parts.append(f"best {view.objectives[0].metric} {view.best_value:.4g} (trial {view.best[0]})")
    elif view.best:
        parts.append(f"{len(view.best)} on the front")
    return " · ".join([*parts, *([view.reason] if view.reason else [])])


__all__ = ["Job", "describe_job"]
