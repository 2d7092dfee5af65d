"""Amazon SageMaker's client for tuning jobs, answered by this lab.

A script that was written for boto3 runs with its client replaced:

    client = astraml_lab.sagemaker.Client()   # in place of boto3.client("sagemaker")

What its methods take and return, and what they raise, is the service's. What differs:

* A job runs here, on this kernel's devices, and no longer than the kernel: a script polls until its job has
  ended. Images run what `astraml_lab.register` says.
* `list_hyper_parameter_tuning_jobs` and `describe_hyper_parameter_tuning_job` know each job of the project
  `default`; one that was made otherwise (by `%%tune`, of another service's request) is shown as the request
  that it could be sent as. Jobs whose names no tuning job of the service can have are left out.
* `delete_hyper_parameter_tuning_job` frees the name. The service keeps the training jobs; here the job stays
  with its trials, logs and files as `NAME (deleted)` in `astraml_lab.jobs()`, until it is deleted there.
* A job whose kernel is gone is Failed, "InternalServerError: kernel ended"; resumed, it is InProgress again.
* Every warning of a request, such as a security promise that means nothing here, is logged at each create.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker import listing, operations, responses
from astraml_lab.dialects.sagemaker.errors import SageMakerError, invalid
from astraml_lab.dialects.sagemaker.operation_shapes import LIST_TRAINING_JOBS
from astraml_lab.dialects.sagemaker.request_shape import JOB_NAME
from astraml_lab.dialects.sagemaker.shape_check import check_shape
from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.lab.default import manager
from astraml_lab.lab.known import Known, known, known_by_name
from astraml_lab.lab.requests import read, start
from astraml_lab.lab.sagemaker_errors import Exceptions
from astraml_lab.spec import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_log = logging.getLogger("astraml_lab")
_PROJECT = "default"
_PAGES = {
    "list_hyper_parameter_tuning_jobs": "HyperParameterTuningJobSummaries",
    "list_training_jobs_for_hyper_parameter_tuning_job": "TrainingJobSummaries",
}
"""The operations that answer page by page, with what a page lists."""
_DEFINITIONS = ("TrainingJobDefinition", "TrainingJobDefinitions")


class Client:
    """Stands for `boto3.client("sagemaker")`.

    Args:
        service_name: Accepted without effect, as all others are: nothing leaves this machine.
        region_name: What `meta.region_name` says.
        ignored: boto3's other options: credentials, an endpoint, a configuration.

    Attributes:
        exceptions: What the methods raise: `ClientError`, `ResourceInUse`, `ResourceNotFound`,
            `ResourceLimitExceeded`; what breaks a rule is a `ClientError` with the code ValidationException.
            Where botocore was imported, all are its `ClientError`, too.
        meta: `region_name`.
    """

    def __init__(
        self, service_name: str = "sagemaker", region_name: str | None = None, **ignored: Any
    ) -> None:
        if service_name != "sagemaker":
            raise ValueError(f"this is a client for sagemaker; there is none here for {service_name}")
        strangers = ignored.keys() - _OPTIONS
        if strangers:
            raise TypeError(f"Client() has no option {', '.join(sorted(strangers))}; boto3's are accepted")
        self.exceptions = Exceptions()
        self.meta = SimpleNamespace(region_name=region_name or "local")

    def create_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        """Start a tuning job, in the background of this kernel."""
        return self._answer("CreateHyperParameterTuningJob", _create, request)

    def describe_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        """Return how a tuning job stands."""
        return self._answer("DescribeHyperParameterTuningJob", _describe, request)

    def list_hyper_parameter_tuning_jobs(self, **request: Any) -> dict[str, Any]:
        """Return a page of the tuning jobs."""
        return self._answer("ListHyperParameterTuningJobs", _list, request)

    def list_training_jobs_for_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        """Return a page of a tuning job's training jobs."""
        operation = "ListTrainingJobsForHyperParameterTuningJob"
        return self._answer(operation, _list_training_jobs, request)

    def stop_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        """Have a tuning job end: it is Stopping until its training jobs have ended."""
        return self._answer("StopHyperParameterTuningJob", _stop, request)

    def delete_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        """Free the name of a tuning job that has ended; its trials stay, see `astraml_lab.sagemaker`."""
        return self._answer("DeleteHyperParameterTuningJob", _delete, request)

    def can_paginate(self, operation_name: str) -> bool:
        """Return whether an operation answers page by page."""
        return operation_name in _PAGES

    def get_paginator(self, operation_name: str) -> Paginator:
        """Return what walks through the pages of an operation.

        Raises:
            ValueError: It has none.
        """
        if operation_name not in _PAGES:
            raise ValueError(f"{operation_name} has no pages; these have: {', '.join(_PAGES)}")
        return Paginator(getattr(self, operation_name), _PAGES[operation_name])

    @property
    def waiter_names(self) -> list[str]:
        """The service has no waiter for tuning jobs: describe one until it has ended."""
        return []

    def get_waiter(self, waiter_name: str) -> Any:
        """Refuse: see `waiter_names`.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"Waiter does not exist: {waiter_name}")

    def _answer(
        self,
        operation: str,
        method: Callable[[Mapping[str, Any]], dict[str, Any]],
        request: Mapping[str, Any],
    ) -> dict[str, Any]:
        try:
            answer = method(request)
        except SageMakerError as error:
            raise self.exceptions.made_of(error, operation) from None
        metadata = {
            "RequestId": str(uuid.uuid4()),
            "HTTPStatusCode": 200,
            "HTTPHeaders": {},
            "RetryAttempts": 0,
        }
        return {**answer, "ResponseMetadata": metadata}


class Paginator:
    """Walks through the pages of a list: `for page in paginator.paginate(…)`."""

    def __init__(self, ask: Callable[..., dict[str, Any]], lists: str) -> None:
        self._ask = ask
        self._lists = lists

    def paginate(self, *, PaginationConfig: Mapping[str, Any] | None = None, **request: Any) -> Pages:  # noqa: N803 - boto3's name
        """Return the pages; `PaginationConfig` has `MaxItems`, `PageSize` and `StartingToken`."""
        return Pages(self._ask, self._lists, request, dict(PaginationConfig or {}))


class Pages:
    """The pages of one list, asked for as they are needed."""

    def __init__(
        self, ask: Callable[..., dict[str, Any]], lists: str, request: dict[str, Any], config: dict[str, Any]
    ) -> None:
        self._ask = ask
        self._lists = lists
        self._request = request
        self._config = config

    def __iter__(self) -> Iterator[dict[str, Any]]:
        request, left = dict(self._request), self._config.get("MaxItems")
        if "PageSize" in self._config:
            request["MaxResults"] = self._config["PageSize"]
        token = self._config.get("StartingToken")
        while left is None or left > 0:
            page = self._ask(**request, **({} if token is None else {"NextToken": token}))
            if left is not None:
                page[self._lists] = page[self._lists][:left]
                left -= len(page[self._lists])
            yield page
            token = page.get("NextToken")
            if token is None:
                return

    def build_full_result(self) -> dict[str, Any]:
        """Return all pages as one."""
        return {self._lists: [each for page in self for each in page[self._lists]]}


def _create(request: Mapping[str, Any]) -> dict[str, Any]:
    translation = read(request, Dialect.SAGEMAKER)
    try:
        job = start(translation.spec)
    except (NotFound, InvalidSpec) as error:
        raise invalid(next(each for each in _DEFINITIONS if each in request), str(error)) from None
    for warning in translation.fidelity.warnings:
        _log.warning("%s: %s", job.name, warning)
    return responses.created(job.name)


def _describe(request: Mapping[str, Any]) -> dict[str, Any]:
    tuning = _tuning(_find(operations.named(request)))
    return responses.describe(tuning, manager().store.clock.time(), list(_bests(tuning)))


def _bests(tuning: responses.Tuning) -> Iterator[Mapping[str, Any]]:
    """Yield the best training job of each parent that is still there."""
    for each in tuning.request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ()):
        parent = known_by_name(each["HyperParameterTuningJobName"], _PROJECT)
        if parent is not None:
            shown = _tuning(parent)
            best = responses.best_of(responses.training_summaries(shown, shown.trials()))
            if best is not None:
                yield best


def _list(request: Mapping[str, Any]) -> dict[str, Any]:
    shown = (each for each in known(_PROJECT) if not list(JOB_NAME.broken(each.record.name)))
    return listing.list_jobs(map(_tuning, shown), request)


def _list_training_jobs(request: Mapping[str, Any]) -> dict[str, Any]:
    check_shape(request, LIST_TRAINING_JOBS)  # before the job is looked for
    return listing.list_training_jobs(_tuning(_find(request["HyperParameterTuningJobName"])), request)


def _stop(request: Mapping[str, Any]) -> dict[str, Any]:
    found = _find(operations.named(request))
    operations.check_stop(_tuning(found))
    found.job().stop("stopped by StopHyperParameterTuningJob")
    return {}


def _delete(request: Mapping[str, Any]) -> dict[str, Any]:
    found = known_by_name(operations.named(request), _PROJECT)
    if found is not None:
        operations.check_delete(_tuning(found))
        with contextlib.suppress(NotFound):  # somebody else was faster
            manager().set_aside(found.job())
    return {}


def _find(name: str) -> Known:
    found = known_by_name(name, _PROJECT)
    if found is None:
        raise operations.not_found(name)
    return found


def _tuning(found: Known) -> responses.Tuning:
    return responses.Tuning(found.view(), found.spec, lambda: found.reader.trials()[1])


_OPTIONS = frozenset(
    {
        *("api_version", "use_ssl", "verify", "endpoint_url", "config", "aws_account_id"),
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    }
)
