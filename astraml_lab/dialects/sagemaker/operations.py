"""What may be asked of a job that exists: which one is meant, and whether it can be stopped or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.errors import NOT_FOUND, SageMakerError, invalid
from astraml_lab.dialects.sagemaker.operation_shapes import ONE_JOB
from astraml_lab.dialects.sagemaker.responses import Tuning, job_status
from astraml_lab.dialects.sagemaker.shape_check import check_shape
from astraml_lab.dialects.sagemaker.surroundings_check import ENDED, cannot_find

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELD = "HyperParameterTuningJobName"


def named(request: Mapping[str, Any]) -> str:
    """Return which job a request to describe, stop or delete one means.

    Raises:
        SageMakerError: The request is wrong.
    """
    check_shape(request, ONE_JOB)
    return str(request[_FIELD])


def not_found(name: str) -> SageMakerError:
    """Make the error that there is no such job."""
    return SageMakerError(NOT_FOUND, cannot_find(name), _FIELD)


def check_stop(tuning: Tuning) -> None:
    """Refuse to stop a job that is over.

    Raises:
        SageMakerError: A ValidationException.
    """
    status = job_status(tuning.view.state)
    if status in ENDED:
        name = tuning.view.name
        raise invalid(_FIELD, f"The tuning job {name} has already reached a terminal state: {status}.")


def check_delete(tuning: Tuning) -> None:
    """Refuse to delete a job that is not over.

    Raises:
        SageMakerError: A ValidationException.
    """
    status = job_status(tuning.view.state)
    if status not in ENDED:
        raise invalid(_FIELD, f"The tuning job {tuning.view.name} is not in a terminal state: {status}.")
