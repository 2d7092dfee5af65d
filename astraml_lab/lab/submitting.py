"""Submitting a request: it runs as a job, or becomes a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects import Surroundings
from astraml_lab.dialects.plain import plain
from astraml_lab.jobs import attended
from astraml_lab.lab.front import accompany
from astraml_lab.lab.requests import begin
from astraml_lab.lab.scheduling import is_scheduled, schedule

if TYPE_CHECKING:
    from astraml_lab.objectives.script_targets import Target
    from astraml_lab.spec import Dialect


def submit(
    request: object,
    dialect: Dialect | str | None = None,
    *,
    target: Target = None,
    parent: str = Surroundings.parent,
    api_version: str | None = None,
    idempotency_key: str | None = None,
) -> Any:
    """Run a request of a tuning service on this kernel's devices.

    Args:
        request: A mapping, JSON or YAML text, or the path of a .json, .yaml or .yml file.
        dialect: `astraml`, `sagemaker` or `vertex`; by default what the request's fields say.
        target: What its trials run: a function, the path of a script, the name of a module, or a `Command`.
            By default what is registered for the image, algorithm, module or model that it names; a mapping
            of patterns to targets is asked before that.
        parent: Vertex AI's `projects/…/locations/…` of the job.
        api_version: The version that an AstraML request without one is of.
        idempotency_key: Makes a repeat safe: the same request with the same key, within a day, is the same
            job or schedule, and another request with it is refused.

    Returns:
        The job; at once where a person is at the keyboard, at its end elsewhere. Of an AstraML request with a
        `schedule`, the `Schedule`: see `schedule`.

    Raises:
        RequestRefused: In the service's own words, also where another kernel was faster with the name of a
            SageMaker request; nothing was started.
        NotFound: Nothing here stands for what the request names; the message says how that is registered.
        Conflict: The name is used.
        JobFailed: Nobody was at the keyboard, and the job FAILED.
        JobCancelled: Nobody was at the keyboard, and the job was stopped.
    """
    data = plain(request, dialect)
    if is_scheduled(data, dialect):
        return schedule(data, target=target, api_version=api_version, idempotency_key=idempotency_key)
    job = begin(
        data,
        dialect,
        target=target,
        parent=parent,
        api_version=api_version,
        idempotency_key=idempotency_key,
    )
    return accompany(job, watched=attended(), waits=job.spec.wait)
