"""The library's front door: every face (magics, forms, command line) calls these."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, overload

from astraml_lab.clock import SystemClock
from astraml_lab.errors import InvalidSpec, Problem, one_of
from astraml_lab.jobs import Job, JobList, Preflight, attended, presenter, views_of
from astraml_lab.jobs.debug import foreground as one_trial
from astraml_lab.jobs.importing import import_job
from astraml_lab.lab.arguments import refused
from astraml_lab.lab.default import manager
from astraml_lab.objectives import (
    Command,
    Finetune,
    FunctionCode,
    Notebook,
    finetune_job,
    is_notebook,
    notebook_job,
    script_job,
)
from astraml_lab.spec import (
    CONSTRUCTORS,
    BaseDimension,
    Definition,
    JobSpec,
    JobState,
    JobView,
    Objective,
    Space,
    format_duration,
    nearest,
    objectives_of,
    refuse_unbuilt,
    shown,
    validate,
)

if TYPE_CHECKING:
    from astraml_lab.objectives.base import Code
    from astraml_lab.trial import Trial

_LONGEST_PAUSE = 600.0
"""Seconds for which a job that nobody watches may be paused: a disk may get room, a thread may come back."""
Names = str | Iterable[str]
Target = Callable[..., Any] | str | PathLike[str] | Command | Finetune | Notebook


@overload
def tune(
    objective: Target | None = None,
    /,
    space: Mapping[str, BaseDimension] | None = None,
    *,
    notebook: str | PathLike[str] | Notebook | None = None,
    check: Literal[True],
    **options: Any,
) -> Preflight: ...


@overload
def tune(
    objective: Target | None = None,
    /,
    space: Mapping[str, BaseDimension] | None = None,
    *,
    notebook: str | PathLike[str] | Notebook | None = None,
    maximize: Names = (),
    minimize: Names = (),
    **options: Any,
) -> Job: ...


def tune(
    objective: Target | None = None,
    /,
    space: Mapping[str, BaseDimension] | None = None,
    *,
    notebook: str | PathLike[str] | Notebook | None = None,
    maximize: Names = (),
    minimize: Names = (),
    **options: Any,
) -> Job | Preflight:
    """Tune a function: `train(trial)`, `train(**params)`, or a mix; a script, a notebook, or a transformer.

    Args:
        objective: Parameters called `trial` or `report` get ours, the others come from the space. A returned
            number, tuple or mapping is the final report. The path of a script, the name of a module or a
            `Command` runs in a process of its own: it gets the space's names as arguments (`--lr 0.1`), and
            prints its metrics (`accuracy=0.9`) or calls `astraml_lab.report`. A `Finetune` trains a
            transformer on a data set, and the space varies its settings; its objective is `eval_loss` where
            no other is named.
        notebook: In place of an objective: the path of a notebook, or a `Notebook`. Papermill executes it for
            each trial in a kernel of its own, with the space's names as its parameters; it calls
            `astraml_lab.report`, and is kept as `job.trials[3].notebook`.
        space: Dimensions by name. Without one, `trial.suggest_float` and its like make it as they are called.
        maximize: The metric or metrics to maximize.
        minimize: The metric or metrics to minimize; two or more objectives make a Pareto job.
        options: Any other field of `JobSpec`: `trials=40, parallel=2, name="digits"`.

    Returns:
        The job; at once where a person is at the keyboard, at its end elsewhere. With `check=True` the
        preflight, and nothing is started.

    Raises:
        InvalidSpec: With every mistake in the request; nothing was started.
        NotBuiltYet: An option is valid, but of a later version.
        Conflict: The name belongs to a running job with another search.
        JobFailed: Nobody was at the keyboard, and the job FAILED.
        JobCancelled: Nobody was at the keyboard, and the job was stopped.
    """
    objectives = objectives_of(_listed(maximize), _listed(minimize))
    if isinstance(objective, Finetune):
        objectives = objectives or objectives_of((), ["eval_loss"])
    try:
        spec = build_spec(space or {}, objectives, options)
    except InvalidSpec as error:
        raise refused(error, options) from None
    target = _target(objective, notebook)
    code: Code
    if isinstance(target, Notebook):
        spec, code = notebook_job(target, spec)
    elif isinstance(target, Finetune):
        spec, code = finetune_job(target, spec)
    elif isinstance(target, str | PathLike | Command):
        spec, code = script_job(target, spec)
    else:
        code = FunctionCode(target, spec.space, spec.objectives)
    return preflight(spec, code) if spec.check else launch(spec, code)


def build_spec(
    space: Mapping[str, BaseDimension] | Space, objectives: tuple[Objective, ...], options: Mapping[str, Any]
) -> JobSpec:
    """Build a specification from its parts, at the door.

    Raises:
        InvalidSpec: With every mistake in it.
    """
    given = dict(space.dimensions if isinstance(space, Space) else space)
    strangers = [
        Problem(f"space.{name}", shown(value), "a dimension: Float(…), Int(…), Categorical(…) or Discrete(…)")
        for name, value in given.items()
        if not isinstance(value, CONSTRUCTORS)
    ]
    if strangers:
        raise InvalidSpec(strangers)
    definition = validate(Definition, {"space": given, "objectives": objectives})
    return validate(JobSpec, {"definitions": (definition,), **options})


def launch(spec: JobSpec, code: Code) -> Job:
    """Start a job, show it, and wait for it where nobody else would: what every face calls.

    Raises:
        InvalidSpec: The devices cannot be had.
        NotBuiltYet: An option is valid, but of a later version.
        Conflict: The name belongs to a running job with another search.
        JobFailed: It was waited for and FAILED.
        JobCancelled: It was waited for and stopped.
    """
    watched = attended()
    job = manager().launch(spec, code, attended=watched)
    return accompany(job, watched=watched, waits=spec.wait)


def resume(
    name: str | None = None,
    *,
    project: str = "default",
    generation: int | None = None,
    trials: int | None = None,
    confirm: int | None = None,
) -> Job:
    """Have a job go on: after a pause, or in this kernel where it ended early or its own kernel is gone.

    Its code is what the store has of it, with what this notebook defines now. What finished is kept; trials
    that were running when their kernel died run again with the same parameters. A job that goes on here is
    shown, and waited for where nobody else would.

    Args:
        name: The job's name (default: the newest job).
        project: Its project.
        generation: Which of the searches that had this name (default: the newest).
        trials: Raise the budget to this many.
        confirm: Have so many of the best run once more, with other seeds, before a winner is named.

    Raises:
        NotFound: There is no such job.
        Conflict: It cannot go on; the message says what helps.
        JobFailed: It was waited for and FAILED.
        JobCancelled: It was waited for and stopped.
    """
    found = job(name, project=project, generation=generation)
    if found.alive:
        return found.resume(trials, confirm=confirm)
    watched = attended()
    return accompany(found.resume(trials, confirm=confirm), watched=watched, waits=None)


@contextlib.contextmanager
def foreground(
    job: Job | str,
    number: int,
    /,
    *,
    params: Mapping[str, Any] | None = None,
    project: str = "default",
    generation: int | None = None,
) -> Iterator[Trial]:
    """Make one configuration of a job run in the calling cell, under `with`.

    Inside, `report`, `current_trial` and the trial work as they do in the job, with the same parameters and
    seed, but each report is only printed and nothing is stored. `%tune debug digits 7` writes such a cell.

    Args:
        job: The job, or its name.
        number: The trial.
        params: Values, as the code sees them, in place of the trial's own.
        project: The project of a job given by name.
        generation: Its generation (default: the newest).

    Raises:
        NotFound: There is no such job or trial.
        Conflict: Other trials hold every GPU.
    """
    found = manager().find(job, project, generation) if isinstance(job, str) else job
    with one_trial(found, number, manager().pool, params) as trial:
        yield trial


def accompany(job: Job, *, watched: bool, waits: bool | None) -> Job:
    """Show a job that runs here, and wait for it where nobody is at the keyboard, or where that is asked.

    Raises:
        JobFailed: It was waited for where nobody is at the keyboard, and FAILED.
        JobCancelled: It was waited for there, and stopped.
    """
    over = job.state.ended
    if job.said:
        print(job.said)  # noqa: T201 - said to whoever ran the cell again
    presenter().show(job, live=watched)
    if waits or (waits is None and not watched):
        job.wait(glance=None if watched else progress_glance(job.spec.window))
        if not watched:
            presenter().close(job)
            if not over:
                presenter().progress(job)
            job.raise_if_bad()
    return job.quietly()


def preflight(spec: JobSpec, code: Code) -> Preflight:
    """Validate a job, sample five configurations, and run the first until it has reported every objective.

    Runs in the foreground and stores nothing.

    Raises:
        InvalidSpec: An objective was never reported, or the devices cannot be had.
    """
    refuse_unbuilt(spec)
    return manager().preflight(spec, code)


def import_trials(  # noqa: PLR0913 - each is an option of `%tune import`
    source: Any,
    *,
    name: str | None = None,
    project: str = "default",
    maximize: Names = (),
    minimize: Names = (),
    space: Mapping[str, BaseDimension] | None = None,
    params: Names | None = None,
) -> Job:
    """Make a job of trials that ran elsewhere; nothing runs.

    The job is listed, shown and drawn like any other, and `warm_start=` starts from its trials.

    Args:
        source: The path of a table (CSV, TSV, JSON lines, Parquet), a pandas `DataFrame`, or an
            `optuna.Study`. `job.df`, Optuna's `study.trials_dataframe()` and a W&B export are read as what
            they are; of any other table every row is a trial.
        name: The job's name; by default that of the file or the study.
        project: Its project.
        maximize: The metric or metrics that were maximized; a study and `job.df` say it themselves.
        minimize: The metric or metrics that were minimized.
        space: The space that was searched; by default it is inferred from the values.
        params: The columns that are parameters; by default those that the table's shape gives, or in a plain
            table all single values but the metrics.

    Returns:
        The job, SUCCEEDED.

    Raises:
        InvalidSpec: With every mistake in the source and the options; nothing was stored.
        NotFound: There is no such file.
        Conflict: The project has a job of that name.
    """
    objectives = objectives_of(_listed(maximize), _listed(minimize))
    spec = build_spec(space or {}, objectives, {"name": name, "project": project})
    found = import_job(manager().store, source, spec, None if params is None else _listed(params))
    return manager().find(found.name, found.project)


def job(name: str | None = None, *, project: str = "default", generation: int | None = None) -> Job:
    """Return a job by name, or the newest of the project; from any kernel, running or not.

    Args:
        name: The job's name; case does not count.
        project: Its project.
        generation: Which of the searches that had this name, from 1 (default: the newest).

    Raises:
        NotFound: There is none; the message names the nearest.
    """
    return manager().find(name, project, generation)


def jobs(project: str | None = None, state: JobState | str | None = None) -> JobList:
    """Return the newest generation of every job, the newest first; a notebook shows it as a live table.

    Args:
        project: Only this project's.
        state: Only those in this state.

    Raises:
        InvalidSpec: There is no such state.
    """
    wanted = None if state is None else _state(state)
    source = manager()

    def ask() -> list[JobView]:
        return [view for view in views_of(source, project) if wanted in {None, view.state}]

    return JobList(ask, lambda view: source.find(view.name, view.project))


def notices() -> tuple[str, ...]:
    """Return what became of the store when this kernel opened it, in sentences; mostly nothing.

    That is what was damaged, recovered and lost, or that an older version's store was brought to this one.
    """
    return manager().notices


def progress_glance(window: float, *, gives_up: bool = True) -> Callable[[Job], None]:
    """Return a glance at a job that prints one line per window.

    Args:
        window: Seconds between two lines.
        gives_up: Whether it also ends what stays paused for too long.
    """
    clock = SystemClock()
    last = running_at = clock.monotonic()

    def glance(job: Job) -> None:
        nonlocal last, running_at
        now = clock.monotonic()
        if now - last < window:
            return
        last = now
        presenter().progress(job)
        view = job.view()
        if view.state is not JobState.PAUSED:
            running_at = now
        elif gives_up and now - running_at > _LONGEST_PAUSE:
            waited = format_duration(_LONGEST_PAUSE)
            job.stop(f"paused for {waited} where nobody is at the keyboard: {view.reason}")

    return glance


def _target(objective: Target | None, notebook: str | PathLike[str] | Notebook | None) -> Target:
    """Return what each trial runs.

    Raises:
        InvalidSpec: That is nothing, or two things.
    """
    if notebook is not None and objective is None:
        return notebook if isinstance(notebook, Notebook) else Notebook(notebook)
    if objective is None or notebook is not None:
        given = "" if objective is None else "both an objective and notebook="
        said = "give one: a function, a script, a Finetune, or notebook="
        raise InvalidSpec([Problem("what each trial runs", given, said)])
    return Notebook(objective) if is_notebook(objective) else objective


def _listed(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _state(state: JobState | str) -> JobState:
    try:
        return JobState(str(state).upper())
    except ValueError:
        problem = Problem(
            "state", shown(state), one_of(list(JobState)), nearest(str(state).upper(), list(JobState))
        )
        raise InvalidSpec([problem], subject="the question") from None
