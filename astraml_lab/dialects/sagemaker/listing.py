"""Lists of tuning jobs and of training jobs: filtered, sorted, page by page."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeVar

from astraml_lab.dialects.sagemaker.errors import invalid
from astraml_lab.dialects.sagemaker.operation_shapes import LIST_JOBS, LIST_TRAINING_JOBS
from astraml_lab.dialects.sagemaker.responses import (
    Tuning,
    job_status,
    last_modified,
    summary,
    training_summaries,
)
from astraml_lab.dialects.sagemaker.shape_check import check_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_PAGE = 10
Key = tuple[str | float, str]
_T = TypeVar("_T")


def list_jobs(jobs: Iterable[Tuning], request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ListHyperParameterTuningJobs.

    Raises:
        SageMakerError: The request is wrong, or its token belongs to another one.
    """
    check_shape(request, LIST_JOBS)
    keys: dict[str, Callable[[Tuning], str | float]] = {
        "Name": lambda each: each.view.name,
        "CreationTime": lambda each: each.view.created_at,
        "Status": lambda each: job_status(each.view.state),
    }
    sort = keys[request.get("SortBy", "Name")]
    kept = [each for each in jobs if _is_listed(each, request)]
    page, token = _page(kept, lambda each: (sort(each), each.view.name), request)
    shown = [summary(each, each.trials()) for each in page]
    answer: dict[str, Any] = {"HyperParameterTuningJobSummaries": shown}
    return answer | ({} if token is None else {"NextToken": token})


def list_training_jobs(tuning: Tuning, request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ListTrainingJobsForHyperParameterTuningJob, for the job that the request names.

    Raises:
        SageMakerError: The request is wrong, or its token belongs to another one.
    """
    check_shape(request, LIST_TRAINING_JOBS)
    by = request.get("SortBy", "Name")
    summaries = training_summaries(tuning, tuning.trials())
    wanted = request.get("StatusEquals")
    if wanted is not None:
        summaries = [each for each in summaries if each["TrainingJobStatus"] == wanted]
    if by == "FinalObjectiveMetricValue":  # jobs that have none are left out
        summaries = [each for each in summaries if "FinalHyperParameterTuningJobObjectiveMetric" in each]
    keys: dict[str, Callable[[dict[str, Any]], str | float]] = {
        "Name": lambda each: str(each["TrainingJobName"]),
        "CreationTime": lambda each: float(each["CreationTime"].timestamp()),
        "Status": lambda each: str(each["TrainingJobStatus"]),
        "FinalObjectiveMetricValue": lambda each: float(
            each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        ),
    }
    page, token = _page(summaries, lambda each: (keys[by](each), each["TrainingJobName"]), request)
    answer: dict[str, Any] = {"TrainingJobSummaries": page}
    return answer | ({} if token is None else {"NextToken": token})


def _is_listed(each: Tuning, request: Mapping[str, Any]) -> bool:
    view = each.view
    if request.get("NameContains", "") not in view.name:
        return False
    if request.get("StatusEquals", job_status(view.state)) != job_status(view.state):
        return False
    times = {"CreationTime": view.created_at, "LastModifiedTime": last_modified(view)}
    return all(
        _seconds(request.get(f"{name}After", at)) <= at <= _seconds(request.get(f"{name}Before", at))
        for name, at in times.items()
    )


def _seconds(given: dt.datetime | float) -> float:
    if isinstance(given, dt.datetime):
        # boto3 takes a time without a zone for UTC
        return (given if given.tzinfo else given.replace(tzinfo=dt.UTC)).timestamp()
    return given


def _page(
    items: Sequence[_T], key: Callable[[_T], Key], request: Mapping[str, Any]
) -> tuple[list[_T], str | None]:
    """Return a page and the token of the next one; a token says after which key to go on."""
    backwards = request.get("SortOrder") == "Descending"
    ordered = sorted(items, key=key, reverse=backwards)
    if "NextToken" in request:
        last = _last(request["NextToken"], request)
        ordered = [each for each in ordered if (key(each) < last if backwards else key(each) > last)]
    size = request.get("MaxResults", _PAGE)
    page = ordered[:size]
    return page, _token(key(page[-1]), request) if len(ordered) > size else None


def _token(last: Key, request: Mapping[str, Any]) -> str:
    text = json.dumps({"after": last, "query": _query(request)})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _last(token: str, request: Mapping[str, Any]) -> Key:
    try:
        said = json.loads(base64.urlsafe_b64decode(token.encode()))
        value, name = said["after"]
        numeric = request.get("SortBy") in {"CreationTime", "FinalObjectiveMetricValue"}
        ours = said["query"] == _query(request) and isinstance(name, str)
        ours = ours and isinstance(value, int | float if numeric else str)
    except (ValueError, TypeError, KeyError, RecursionError):
        ours = False
    if not ours:
        raise invalid("NextToken", "The NextToken is of another request: repeat its other parameters.")
    return value, name


def _query(request: Mapping[str, Any]) -> str:
    """Return what a token is bound to: all that is asked but the size of a page."""
    asked = {name: str(value) for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
