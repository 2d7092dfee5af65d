"""What programs get with `--json`: jobs, trials and refusals as strict JSON, where no number is NaN."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from astraml_lab.errors import AstramlError, InvalidSpec, RequestRefused

if TYPE_CHECKING:
    from astraml_lab.jobs import Job
    from astraml_lab.spec import JobView, TrialView


_IN_A_NOTEBOOK = re.compile(
    r"(?:(?<=`)|(?<=kept: ))%tune (?=(?:show|stop|pause|resume|wait|best|logs|delete)\b)"
)


class Refused(AstramlError):
    """The process of a job could not start it; `document` is what a program gets of that."""

    def __init__(self, message: str, document: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.document = dict(document)


def in_a_shell(text: str) -> str:
    """Return a sentence with what it says to type in a notebook as it is typed in a shell."""
    return _IN_A_NOTEBOOK.sub("astraml ", text)


def print_json(data: object) -> None:
    """Print data as JSON."""
    typer.echo(as_json(data))


def as_json(data: object, indent: int | None = 2) -> str:
    """Spell data as JSON; what JSON has no number for (NaN, infinity) is null."""
    return json.dumps(_plain(data), indent=indent, ensure_ascii=False, allow_nan=False, default=str)


def job_facts(view: JobView) -> dict[str, Any]:
    """Return all that a script may want to know of a job, but for its trials."""
    return {
        "id": view.id,
        "name": view.name,
        "project": view.project,
        "generation": view.generation,
        "state": view.state,
        "reason": view.reason,
        "note": view.note,
        "objectives": [{"metric": each.metric, "direction": each.goal} for each in view.objectives],
        "trials": view.finished,
        "budget": view.trials,
        "counts": {state: count for state, count in view.counts.items() if count},
        "running": view.running,
        "best_trials": view.best,
        "best_value": view.best_value,
        "owner": view.owner,
        "created_at": view.created_at,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "disk_bytes": view.disk_bytes,
        "tags": view.tags,
        "service": None if view.origin is None else view.origin.dialect,
    }


def facts_with_best(job: Job) -> dict[str, Any]:
    """Return a job's facts with its best trials."""
    view = job.view()
    return {**job_facts(view), "best": [best_facts(job.trials[number].view()) for number in view.best]}


def best_facts(view: TrialView) -> dict[str, Any]:
    """Return the values that a trial was tried with, and what came of it."""
    return {"number": view.number, "values": view.values, "params": view.params, "metrics": view.metrics}


def trial_facts(view: TrialView) -> dict[str, Any]:
    """Return all that is known of a trial."""
    names = (
        "number state kind reason params values metrics step device seed attempt definition created_at "
        "started_at ended_at traceback notes disk_bytes"
    )
    return {name: getattr(view, name) for name in names.split()}


def refusal_facts(error: AstramlError) -> dict[str, Any]:
    """Return an error as data: of a service's request in the shape that the service documents."""
    if isinstance(error, Refused):
        return error.document
    found: dict[str, Any] = {"outcome": "invalid", "code": type(error).__name__, "message": str(error)}
    if isinstance(error, RequestRefused):
        found |= error.as_dict()
        document = getattr(error, "document", None)
        found |= {k: document()[k] for k in ("title", "detail", "errors", "retryable")} if document else {}
    if isinstance(error, InvalidSpec):
        found["problems"] = [vars(problem) for problem in error.problems]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
