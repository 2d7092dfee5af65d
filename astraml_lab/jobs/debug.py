"""One configuration in the foreground: what is known of a trial, and the context that runs it again."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.devices import LeaseRequest, activate
from astraml_lab.errors import Conflict, StoreError, TrialEnd
from astraml_lab.jobs import last_words
from astraml_lab.jobs.secrecy import on_screen
from astraml_lab.objectives.seeding import seed_everything
from astraml_lab.secrets import Secrets
from astraml_lab.spec import (
    ExecutorKind,
    FailureKind,
    JobState,
    default_home,
    format_duration,
    format_number,
    state_words,
)
from astraml_lab.trial import Trial, entered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from astraml_lab.devices import Lease, Pool
    from astraml_lab.jobs.job import Job
    from astraml_lab.spec import AnyDimension, JobSpec, ParamValue, TrialView

_LINES = 20
"""So many of the last lines of a log are shown."""


def account(job: Job, view: TrialView) -> str:
    """Return all that is known of a trial as text."""
    runtime = [] if view.ended_at is None else [format_duration(view.runtime(view.ended_at))]
    attempt = [f"attempt {view.attempt}"] if view.attempt > 1 else []
    state = state_words(view, stale=job.state is JobState.STALE)
    head = ", ".join([state, *attempt, *([view.device] if view.device else []), *runtime])
    first = [f"{job.name}, trial {view.number}: {head}", view.reason, *view.notes]
    params = [f"  {name} = {value!r}" for name, value in view.params.items()]
    paragraphs = [
        "\n".join(line for line in first if line),
        view.traceback.rstrip(),
        "\n".join([f"Parameters (seed {view.seed}):", *(params or ["  none"]), *_why(job, view.number)]),
    ]
    lines = _log(job, view)
    if lines:
        path = job.trials[view.number].log.path
        paragraphs.append("\n".join([f"The end of its log ({path}):", *(f"  {line}" for line in lines)]))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _why(job: Job, number: int) -> list[str]:
    """Return why the point was tried; nothing where the store cannot tell."""
    with contextlib.suppress(StoreError):
        return [f"Why these: {job.why(number)}"]
    return []


def _log(job: Job, view: TrialView) -> list[str]:
    """Return the last lines that the trial printed, without the traceback that the log ends with."""
    shown = view.traceback.rstrip().splitlines()
    lines = job.reader.log_tail(view.number, _LINES + last_words.LINES + len(shown))
    if shown and lines[-len(shown) :] == shown:
        lines = lines[: -len(shown)]
    elif view.kind in {FailureKind.CRASHED, FailureKind.OOM}:
        lines = last_words.without_last_words(lines)
    return lines[-_LINES:]


@contextlib.contextmanager
def foreground(job: Job, number: int, pool: Pool, params: Mapping[str, Any] | None = None) -> Iterator[Trial]:
    """Stand in for a trial in the calling thread: same parameters and seed, reports are printed.

    Nothing is stored and nothing decides on its reports; its checkpoints go to a folder that is gone at the
    end.

    Args:
        job: The job.
        number: The trial.
        pool: The devices.
        params: Values, as the code sees them, in place of the trial's own.

    Raises:
        NotFound: The job has no such trial.
        Conflict: Other trials hold every GPU.
    """
    view, spec = job.trials[number].view(), job.spec
    changed = dict(params or {})
    plain = {name: value for name, value in changed.items() if name not in _labelled(spec)}
    with contextlib.ExitStack() as scene:
        lease = _lease(spec, pool)
        if lease is not None:
            scene.enter_context(lease)
            scene.enter_context(activate(lease))
        if spec.executor is ExecutorKind.PROCESSES:  # where the trial had these generators to itself
            seed_everything(view.seed)
        trial = Trial(
            number,
            {**spec.space.decode(view.params), **changed},
            _Printing(number, scene.enter_context(on_screen(Secrets(default_home()), job.project))),
            seed=view.seed,
            devices=lease.devices if lease is not None else (),
            checkpoint_dir=Path(scene.enter_context(tempfile.TemporaryDirectory())),
            values={**view.params, **plain},
        )
        scene.enter_context(entered(trial))
        try:
            yield trial
        except TrialEnd as end:
            print(f"The trial would end here: {end.reason}")  # noqa: T201 - its user watches


class _Printing:
    """A channel whose other end is the person at the keyboard."""

    def __init__(self, number: int, secret: Callable[[str], str]) -> None:
        self._number = number
        self._secret = secret

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        at = "" if step is None else f"step {step}: "
        said = ", ".join(f"{name} {format_number(value)}" for name, value in metrics.items())
        print(f"report {at}{said}")  # noqa: T201 - its user watches

    def should_stop(self) -> bool:
        return False

    def secret(self, name: str) -> str:
        return self._secret(name)

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        raise Conflict(
            f"trial {self._number} had no `{name}`: give it one of {dimension} with "
            f'params={{"{name}": …}} in foreground(…)'
        )


def _labelled(spec: JobSpec) -> tuple[str, ...]:
    program = spec.definitions[0].program
    return program.objects if program is not None else ()


def _lease(spec: JobSpec, pool: Pool) -> Lease | None:
    """Take the GPUs that one trial needs; none on a machine without, where it is just the user's own code.

    Raises:
        Conflict: Other trials hold them.
    """
    gpus = 1.0 if spec.gpus is None else spec.gpus
    if not gpus or not pool.devices():
        return None
    request = LeaseRequest("a trial in the foreground", gpus, spec.devices)
    lease = pool.try_lease(request)
    if lease is None:
        why = pool.refuse_reason(request) or pool.why_waiting(request.owner)
        pool.cancel(request.owner)
        raise Conflict(f"no GPU is free for it ({why}): pause the job that runs, or wait")
    return lease
