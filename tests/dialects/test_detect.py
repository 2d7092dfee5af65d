from __future__ import annotations

import pytest

from astraml_lab.dialects.astraml import ProblemError
from astraml_lab.dialects.detect import detect, named
from astraml_lab.spec import Dialect


@pytest.mark.parametrize(
    ("request_", "dialect"),
    [
        ({"project_id": "p-a", "dataset": "d", "model": "m"}, Dialect.ASTRAML),
        ({"hyperparams": {}, "name": "x"}, Dialect.ASTRAML),
        ({"HyperParameterTuningJobName": "x"}, Dialect.SAGEMAKER),
        ({"TrainingJobDefinition": {}, "Tags": [], "name": "stray"}, Dialect.SAGEMAKER),
        ({"displayName": "x", "studySpec": {}}, Dialect.VERTEX),
        ({"display_name": "x", "study_spec": {}, "labels": {}}, Dialect.VERTEX),
        ({"name": "projects/p", "displayName": "x", "maxTrialCount": 1}, Dialect.VERTEX),
    ],
)
def test_the_fields_tell_the_format(request_: dict[str, object], dialect: Dialect) -> None:
    assert detect(request_) is dialect


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, "project_id, dataset, model"),
        (
            {"projectid": 1},
            'no format has the field `projectid`; did you mean "project_id"? That would be AstraML',
        ),
        ({"StudySpec": 1}, 'did you mean "studySpec"? That would be Vertex AI'),
        ({"TrainingJobDefintion": 1}, "That would be SageMaker"),
        ({"model": "m", "displayName": "x"}, "the request mixes fields of AstraML and Vertex AI"),
    ],
)
def test_a_request_of_no_format_is_refused_with_the_nearest(request_: dict[str, object], says: str) -> None:
    with pytest.raises(ProblemError) as caught:
        detect(request_)
    assert says in str(caught.value)
    assert (caught.value.code, caught.value.status) == ("malformed", 400)


def test_a_format_is_asked_for_by_name() -> None:
    assert named("SageMaker") is Dialect.SAGEMAKER
    with pytest.raises(ProblemError, match="one of astraml, sagemaker, vertex"):
        named("azure")
