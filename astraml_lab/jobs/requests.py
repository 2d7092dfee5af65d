"""A job as a request of a service: the one that it was made of, and the one that it would be."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects import RequestReport, StandIn
from astraml_lab.errors import InvalidSpec, NotBuiltYet, NotFound, Problem, one_of
from astraml_lab.jobs import cells
from astraml_lab.spec import Dialect, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.dialects import Export
    from astraml_lab.jobs.job import Job
    from astraml_lab.spec import JobSpec

OURS: dict[str, Callable[[Job], Any]] = {
    "cell": cells.job_cell,
    "csv": lambda job: job.df.to_csv(),
    "optuna": lambda job: job.study,
}
"""Forms that are no request, and what makes them."""
FORMS = (*OURS, *Dialect)


def request_of(job: Job) -> RequestReport:
    """Return the account of the request that a job was made of.

    Raises:
        NotFound: It was made of a cell or a function.
    """
    if job.spec.origin is None:
        raise NotFound(f"{job.name} was made of no request; job.export('sagemaker') writes one")
    return RequestReport(job.spec, stands=_ran)


def export(job: Job, form: str, options: dict[str, Any]) -> Any:
    """Return a job in another form; see `Job.export`.

    Raises:
        InvalidSpec: There is no such form or option.
    """
    if form not in FORMS:
        problem = Problem("form", shown(form), one_of(FORMS), nearest(form, FORMS))
        raise InvalidSpec([problem], subject="the export")
    if form in OURS:
        _check(form, options, [])
        return OURS[form](job)
    write = getattr(importlib.import_module(f"astraml_lab.dialects.{form}"), "write", None)
    if write is None:
        raise NotBuiltYet(f"export({form!r}) is not built in this version; export('sagemaker') is.")
    _check(form, options, [name for name in inspect.signature(write).parameters if name != "spec"])
    spec = job.spec if job.spec.name else job.spec.model_copy(update={"name": job.name})
    made: Export = write(spec, **options)
    return made


def _check(form: str, options: dict[str, Any], known: list[str]) -> None:
    said = f"export({form!r}) takes {', '.join(known) or 'nothing else'}"
    strangers = [
        Problem(name, shown(value), said, nearest(name, known))
        for name, value in options.items()
        if name not in known
    ]
    if strangers:
        raise InvalidSpec(strangers, subject="the export")


def _ran(spec: JobSpec) -> dict[str, StandIn]:
    """Say what ran for each name of the request; a function has left its name alone."""
    programs = [definition.program for definition in spec.definitions]
    return {
        program.script.target: StandIn(f"here {program.source} ran")
        for program in programs
        if program is not None and program.script is not None and program.source != program.script.target
    }
