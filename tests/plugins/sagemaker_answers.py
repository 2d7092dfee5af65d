"""SageMaker's answers, held against the service's definition as botocore has it."""

from __future__ import annotations

import time
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

_SERVICE = ServiceModel(Loader().load_service_model("sagemaker", "service-2", "2017-07-24"), "sagemaker")


def check_request(operation: str, request: dict[str, Any]) -> None:
    """Hold a request against the service's definition."""
    report = ParamValidator().validate(request, _SERVICE.operation_model(operation).input_shape)
    assert not report.has_errors(), report.generate_report()


def checked(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Hold a client's answer against the service's definition; return it without its metadata."""
    given = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    shape = _SERVICE.operation_model(operation).output_shape
    if shape is None:
        assert given == {}
    else:
        report = ParamValidator().validate(given, shape)
        assert not report.has_errors(), report.generate_report()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    return given


def described(client: Any, name: str) -> dict[str, Any]:
    """Describe a tuning job."""
    answer = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return checked("DescribeHyperParameterTuningJob", answer)


def training_jobs(client: Any, name: str, **options: Any) -> list[dict[str, Any]]:
    """List up to 100 training jobs of a tuning job."""
    options = {"HyperParameterTuningJobName": name, "MaxResults": 100, **options}
    answer = client.list_training_jobs_for_hyper_parameter_tuning_job(**options)
    found: list[dict[str, Any]] = checked("ListTrainingJobsForHyperParameterTuningJob", answer)[
        "TrainingJobSummaries"
    ]
    return found


def until(client: Any, name: str, *statuses: str) -> dict[str, Any]:
    """Poll describe, as scripts do."""
    end = time.monotonic() + 120
    while True:
        found = described(client, name)
        if found["HyperParameterTuningJobStatus"] in statuses:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)
