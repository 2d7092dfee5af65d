"""What the operations on jobs that exist take."""

from __future__ import annotations

from astraml_lab.dialects.sagemaker.request_shape import JOB_NAME
from astraml_lab.dialects.sagemaker.shapes import Moment, Number, Shape, Structure, Text

_NAME = {"HyperParameterTuningJobName": JOB_NAME}
_PAGE: dict[str, Shape] = {
    "NextToken": Text(0, 8192),
    "MaxResults": Number(1, 100),
    "SortOrder": Text(enum=("Ascending", "Descending")),
}
_STATUS = ("Completed", "InProgress", "Failed", "Stopped", "Stopping", "Deleting", "DeleteFailed")
_TRAINING_STATUS = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")

ONE_JOB = Structure(_NAME)
"""Describe, Stop and Delete."""
LIST_JOBS = Structure(
    optional={
        **_PAGE,
        "SortBy": Text(enum=("Name", "Status", "CreationTime")),
        "NameContains": Text(0, 63, r"[a-zA-Z0-9\-]+"),
        "CreationTimeAfter": Moment(),
        "CreationTimeBefore": Moment(),
        "LastModifiedTimeAfter": Moment(),
        "LastModifiedTimeBefore": Moment(),
        "StatusEquals": Text(enum=_STATUS),
    }
)
LIST_TRAINING_JOBS = Structure(
    _NAME,
    {
        **_PAGE,
        "StatusEquals": Text(enum=_TRAINING_STATUS),
        "SortBy": Text(enum=("Name", "CreationTime", "Status", "FinalObjectiveMetricValue")),
    },
)
