"""Vertex AI's client for hyperparameter tuning jobs, answered by this lab.

    client = astraml_lab.vertex.Client()   # in place of aiplatform_v1.JobServiceClient()

Its methods take the requests and fields of the GAPIC client as dictionaries, in snake_case or lowerCamel, and
return resources as dictionaries in snake_case, as `HyperparameterTuningJob.to_dict(…,
use_integers_for_enums=False)` writes them: enums by name, times as RFC 3339 text, whole 64-bit numbers as
decimal strings. What differs:

* A job runs here, on this kernel's devices, and no longer than the kernel: a script polls until its job has
  ended. Images and modules run what `astraml_lab.register` says.
* Every job of the lab is listed. One that was made otherwise (by `%%tune`, of another service's request)
  is shown under `projects/lab/locations/local` as the resource that it could be created as.
* An id is the job's number in the store, as a decimal string; no other job ever has it.
* Deleting a job removes its trials, which are part of it; the operation is done at once.
* A job whose kernel is gone is FAILED with code 14; resumed, it runs again.
* Errors are `VertexError`: `.code` and `.number` of `google.rpc.Code`, `.status` of HTTP, `.field`,
  `.body()`.
* Every warning of a request, such as a security promise that means nothing here, is logged at each create.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.errors import VertexError, Violation
from astraml_lab.dialects.vertex.listing import Query, list_jobs
from astraml_lab.dialects.vertex.shapes import snake
from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.lab.known import known_job
from astraml_lab.lab.requests import read, start
from astraml_lab.lab.resources import Resource, cancel, delete, resource, resources
from astraml_lab.spec import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_log = logging.getLogger("astraml_lab")
_PARENT = re.compile(r"projects/[^/]+/locations/[^/]+")
Json = dict[str, Any]


class Client:
    """Stands for `google.cloud.aiplatform_v1.JobServiceClient`.

    Args:
        ignored: The service's options, without effect: credentials, transport, client_options, client_info.
    """

    def __init__(self, **ignored: Any) -> None:
        strangers = ignored.keys() - {"credentials", "transport", "client_options", "client_info"}
        if strangers:
            raise TypeError(f"Client() has no option {', '.join(sorted(strangers))}")

    def create_hyperparameter_tuning_job(
        self,
        request: Mapping[str, Any] | None = None,
        *,
        parent: str | None = None,
        hyperparameter_tuning_job: Mapping[str, Any] | None = None,
        **call: Any,
    ) -> Json:
        """Start a job in the background of this kernel, and return it.

        Args:
            request: `parent` and `hyperparameter_tuning_job`, in place of these.
            parent: `projects/…/locations/…`.
            hyperparameter_tuning_job: The job.
            call: `retry`, `timeout`, `metadata`: without effect.

        Raises:
            VertexError: The request is refused; nothing was started.
        """
        given = {"parent": parent, "hyperparameter_tuning_job": hyperparameter_tuning_job}
        asked = _asked(request, given, call)
        where = _parent(asked)
        if asked["hyperparameter_tuning_job"] is None:
            raise _bad("hyperparameterTuningJob", "is required")
        translation = read(asked["hyperparameter_tuning_job"], Dialect.VERTEX, parent=where)
        try:
            job = start(translation.spec)
        except (NotFound, InvalidSpec) as error:
            raise _bad("trialJobSpec.workerPoolSpecs[0]", str(error)) from None
        for warning in translation.fidelity.warnings:
            _log.warning("%s: %s", job.name, warning)
        return _shown(Resource(known_job(job)), trials=False)

    def get_hyperparameter_tuning_job(
        self, request: Mapping[str, Any] | None = None, *, name: str | None = None, **call: Any
    ) -> Json:
        """Return a job with its trials.

        Raises:
            VertexError: NOT_FOUND.
        """
        return _shown(resource(_name(request, name, call)))

    def list_hyperparameter_tuning_jobs(
        self, request: Mapping[str, Any] | None = None, *, parent: str | None = None, **call: Any
    ) -> Pager:
        """Return the jobs, the newest first, without their trials.

        Args:
            request: `parent`, `filter`, `page_size`, `page_token` and `read_mask`.
            parent: `projects/…/locations/…`.
            call: `retry`, `timeout`, `metadata`: without effect.

        Raises:
            VertexError: The request is refused.
        """
        fields = {"parent": parent, "filter": None, "page_size": None, "page_token": None, "read_mask": None}
        asked = _asked(request, fields, call)
        query = Query(
            _parent(asked),
            asked["filter"] or "",
            asked["page_size"] or 0,
            asked["page_token"] or "",
            _mask(asked["read_mask"]),
        )
        return Pager(query)

    def cancel_hyperparameter_tuning_job(
        self, request: Mapping[str, Any] | None = None, *, name: str | None = None, **call: Any
    ) -> None:
        """Have a job end: it is CANCELLING until its trials have ended; one that has ended stays as it is.

        Raises:
            VertexError: NOT_FOUND.
        """
        cancel(_name(request, name, call))

    def delete_hyperparameter_tuning_job(
        self, request: Mapping[str, Any] | None = None, *, name: str | None = None, **call: Any
    ) -> Operation:
        """Remove a job that has ended, with its trials.

        Raises:
            VertexError: NOT_FOUND, or FAILED_PRECONDITION while it runs.
        """
        delete(_name(request, name, call))
        return Operation()


class Operation:
    """A long-running operation: a deletion, done at once."""

    def done(self) -> bool:
        """Return whether it is over."""
        return True

    def result(self, timeout: float | None = None) -> None:
        """Return nothing, at once."""


class Pager:
    """The jobs of a list, page by page as they are needed.

    Attributes:
        hyperparameter_tuning_jobs: Those of the first page.
        next_page_token: Of the page after it; empty where there is none.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._first = list_jobs(resources(), query)  # a wrong request is refused here
        self.hyperparameter_tuning_jobs = _jobs(self._first)
        self.next_page_token = str(self._first.get("nextPageToken", ""))

    @property
    def pages(self) -> Iterator[Json]:
        """Each page: `hyperparameter_tuning_jobs` and `next_page_token`."""
        answer = self._first
        while True:
            token = str(answer.get("nextPageToken", ""))
            yield {"hyperparameter_tuning_jobs": _jobs(answer), "next_page_token": token}
            if not token:
                return
            query = Query(
                self._query.parent, self._query.filter, self._query.page_size, token, self._query.read_mask
            )
            answer = list_jobs(resources(), query)

    def __iter__(self) -> Iterator[Json]:
        for page in self.pages:
            yield from page["hyperparameter_tuning_jobs"]


def _jobs(answer: Mapping[str, Any]) -> list[Json]:
    return [_snake(each) for each in answer["hyperparameterTuningJobs"]]


def _asked(request: Mapping[str, Any] | None, fields: Mapping[str, Any], call: Mapping[str, Any]) -> Json:
    """Return what a call asks for: a request, or its fields.

    Raises:
        VertexError: The request has a field that it cannot have.
    """
    strangers = call.keys() - {"retry", "timeout", "metadata"}
    if strangers:
        raise TypeError(f"the method takes no {', '.join(sorted(strangers))}: put it into the request")
    if request is None:
        return dict(fields)
    if any(value is not None for value in fields.values()):
        raise ValueError("give the request or its fields, not both")
    asked = {snake(key): value for key, value in request.items()}
    for name in asked.keys() - fields.keys():
        raise _bad(name, "is no field of the request")
    return {**fields, **asked}


def _name(request: Mapping[str, Any] | None, name: str | None, call: Mapping[str, Any]) -> str:
    asked = _asked(request, {"name": name}, call)["name"]
    if not isinstance(asked, str):
        raise _bad("name", "is required: projects/…/locations/…/hyperparameterTuningJobs/…")
    return asked


def _parent(asked: Mapping[str, Any]) -> str:
    parent = asked["parent"]
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        raise _bad("parent", "must be projects/…/locations/…")
    return parent


def _mask(mask: Any) -> str:
    """Return a FieldMask as one text."""
    paths = mask.get("paths", ()) if isinstance(mask, dict) else mask
    return paths if isinstance(paths, str) else ",".join(paths or ())


def _shown(found: Resource, *, trials: bool = True) -> Json:
    return _snake({name: found[name] for name in found if trials or name != "trials"})


def _snake(message: Mapping[str, Any]) -> Json:
    """Return a message with the names that Python's client has for its fields."""
    return {snake(name): value if name == "labels" else _value(value) for name, value in message.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _snake(value)
    return [_value(each) for each in value] if isinstance(value, list) else value


def _bad(field: str, description: str) -> VertexError:
    return VertexError(f"Invalid value at {field}: {description}", violations=[Violation(field, description)])
