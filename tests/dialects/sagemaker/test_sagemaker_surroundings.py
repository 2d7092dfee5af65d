from __future__ import annotations

from typing import Any

import pytest
from plugins.sagemaker_requests import (
    CATEGORIES,
    CONFIG,
    DEFINITION,
    GONE,
    INTEGERS,
    LIMITS,
    NUMBERS,
    OBJECTIVE,
    a_request,
    choice,
    understood,
)

from astraml_lab.dialects.sagemaker import SageMakerError

MAX_JOBS = f"{LIMITS}.MaxNumberOfTrainingJobs"
IDENTICAL = "IdenticalDataAndAlgorithm"
PARENTS = "WarmStartConfig.ParentHyperParameterTuningJobs"


def a_parent(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Parent-1",
        "status": "Completed",
        "objective": {"metric": "loss", "direction": "minimize"},
        "names": ["depth", "eta", "booster", "epochs"],
        "types": {"depth": "int", "eta": "float", "booster": "categorical"},
        "training_jobs": 5,
        **changes,
    }


def a_child(changes: dict[str, Any] | None = None, kind: str = "TransferLearning") -> dict[str, Any]:
    start = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent-1"}],
        "WarmStartType": kind,
    }
    return a_request({"WarmStartConfig": start, **(changes or {})})


def refusal(request: dict[str, Any], *existing: dict[str, Any]) -> tuple[str, str, str]:
    with pytest.raises(SageMakerError) as refused:
        understood(request, *existing)
    return refused.value.code, refused.value.field, str(refused.value)


@pytest.mark.parametrize("status", ["Completed", "InProgress", "Failed"])
def test_a_name_is_in_use_ignoring_case_whatever_the_state(status: str) -> None:
    assert refusal(a_request(), {"name": "Tuner-01", "status": status}) == (
        "ResourceInUse",
        "HyperParameterTuningJobName",
        "A hyperparameter tuning job with the name Tuner-01 already exists. Names are unique, ignoring case.",
    )


def test_a_parent_is_found_ignoring_case_and_named_as_written() -> None:
    translation = understood(a_child(), a_parent())

    assert translation.as_dict()["warm_start"] == {"type": "TransferLearning", "parents": ["parent-1"]}
    assert translation.spec.warm_start == ("parent-1",)


def test_a_missing_parent_is_not_found() -> None:
    assert refusal(a_child()) == (
        "ResourceNotFound",
        f"{PARENTS}[0].HyperParameterTuningJobName",
        "Amazon SageMaker can't find a tuning job called parent-1. Type another name.",
    )


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_parent_has_to_be_over(status: str) -> None:
    assert refusal(a_child(), a_parent(status=status)) == (
        "ValidationException",
        f"{PARENTS}[0].HyperParameterTuningJobName",
        (
            f"The parent tuning job parent-1 is {status}; "
            "it must be in a terminal state: Completed, Stopped, Failed."
        ),
    )


def test_a_parent_is_named_once_ignoring_case() -> None:
    twice = [{"HyperParameterTuningJobName": name} for name in ("parent-1", "PARENT-1")]

    assert refusal(a_child({PARENTS: twice}), a_parent()) == (
        "ValidationException",
        f"{PARENTS}[1].HyperParameterTuningJobName",
        "The parent tuning job 'PARENT-1' is listed more than once.",
    )


@pytest.mark.parametrize(
    ("parent", "text"),
    [
        (
            {"objective": {"metric": "loss", "direction": "maximize"}},
            "The objective metric and type are not the same in the parent tuning job Parent-1.",
        ),
        (
            {"names": ["depth", "eta", "booster"]},
            (
                "The set of tunable plus static HyperParameter names is not the same across "
                "current and parent tuning jobs"
            ),
        ),
        (
            {"types": {"depth": "float"}},
            "The type of the hyperparameter 'depth' is int, and float in the parent tuning job Parent-1.",
        ),
    ],
)
def test_a_parent_that_does_not_fit_is_refused(parent: dict[str, Any], text: str) -> None:
    assert refusal(a_child(), a_parent(**parent)) == ("ValidationException", "WarmStartConfig", text)


def test_a_hyperparameter_may_become_static_or_tunable() -> None:
    changes = {INTEGERS: GONE, f"{DEFINITION}.StaticHyperParameters.depth": "3"}
    assert understood(a_child(changes), a_parent()).spec.space.names() == ["eta", "booster"]

    parent = a_parent(types={"eta": "float", "booster": "categorical"})
    assert understood(a_child(), parent).spec.space.names() == ["depth", "eta", "booster"]


@pytest.mark.parametrize(("count", "fits"), [(10, True), (11, False)])
def test_at_most_ten_hyperparameters_become_static(count: int, *, fits: bool) -> None:
    static = {f"s{number}": "1" for number in range(count)}
    request = a_child({f"{DEFINITION}.StaticHyperParameters": static})
    types = {**a_parent()["types"], **dict.fromkeys(static, "int")}
    parent = a_parent(names=["depth", "eta", "booster", *static], types=types)

    if fits:
        assert understood(request, parent).spec.trials == 8
    else:
        assert refusal(request, parent)[:2] == ("ValidationException", "WarmStartConfig")


def test_changed_static_values_count_twice_and_dropped_categories_once() -> None:
    static = {f"s{number}": "1" for number in range(5)}
    request = a_child(
        {f"{DEFINITION}.StaticHyperParameters": static, CATEGORIES: [choice("booster", "tree")]}
    )
    parent = a_parent(
        names=["depth", "eta", "booster", *static],
        static=dict.fromkeys(static, "2"),
        values={"booster": ["tree", "linear"]},
    )

    assert "There are 11 changes" in refusal(request, parent)[2]
    assert understood(request, {**parent, "values": {"booster": ["tree"]}}).spec.warm_start


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        (
            "training_image",
            "other:1",
            f"TrainingImage must be the same as in the parent tuning job Parent-1 for {IDENTICAL}.",
        ),
        (
            "input_data",
            [{"ChannelName": "train"}],
            f"InputDataConfig must be the same as in the parent tuning job Parent-1 for {IDENTICAL}.",
        ),
    ],
)
def test_identical_data_and_algorithm_are_compared_where_they_are_known(
    key: str, value: Any, text: str
) -> None:
    parent = a_parent(**{key: value})

    assert refusal(a_child(kind=IDENTICAL), parent)[2] == text
    assert understood(a_child(), parent).spec.warm_start
    assert understood(a_child(kind=IDENTICAL), a_parent()).spec.warm_start


@pytest.mark.parametrize(
    ("strategy", "trials", "fits"),
    [
        ("Bayesian", 750, True),
        ("Bayesian", 751, False),
        ("Random", 10_000, True),
        ("Random", 10_001, False),
        ("Hyperband", 751, False),
    ],
)
def test_the_quota_of_training_jobs_depends_on_the_strategy(
    strategy: str, trials: int, *, fits: bool
) -> None:
    request = a_request({f"{CONFIG}.Strategy": strategy, MAX_JOBS: trials})

    if fits:
        assert understood(request).spec.trials == trials
    else:
        code, field, text = refusal(request)
        assert (code, field) == ("ResourceLimitExceeded", MAX_JOBS)
        assert f"the request asks for {trials}." in text


def test_the_jobs_of_parents_count_against_the_quota_and_not_against_the_job() -> None:
    assert understood(a_child({MAX_JOBS: 745}), a_parent()).spec.trials == 745
    assert refusal(a_child({MAX_JOBS: 746}), a_parent()) == (
        "ResourceLimitExceeded",
        MAX_JOBS,
        (
            "The limit 'Maximum number of training jobs per hyperparameter tuning job' is 750; "
            "the request asks for 746 and its parents have 5."
        ),
    )


def test_at_most_a_hundred_training_jobs_run_at_once() -> None:
    path = f"{LIMITS}.MaxParallelTrainingJobs"

    assert understood(a_request({path: 100})).spec.parallel == 100
    assert refusal(a_request({path: 101}))[:2] == ("ResourceLimitExceeded", path)


def test_where_no_number_is_given_the_parents_leave_the_rest_of_the_quota() -> None:
    translation = understood(a_child({MAX_JOBS: GONE}), a_parent(training_jobs=5))

    assert translation.as_dict()["limits"]["max_trials_effective"] == translation.spec.trials == 745
    assert translation.fidelity.warnings == (
        "MaxNumberOfTrainingJobs is not given: the job runs up to 745 training jobs.",
    )
    assert refusal(a_child({MAX_JOBS: GONE}), a_parent(training_jobs=750))[0] == "ResourceLimitExceeded"


def test_a_grid_of_more_points_than_the_quota_is_refused() -> None:
    letters = [str(number) for number in range(28)]
    changes = {
        f"{CONFIG}.Strategy": "Grid",
        MAX_JOBS: GONE,
        INTEGERS: GONE,
        NUMBERS: GONE,
        CATEGORIES: [choice("a", *letters), choice("b", *letters)],
    }

    assert refusal(a_request(changes))[:2] == ("ResourceLimitExceeded", MAX_JOBS)


def test_the_metric_of_another_name_does_not_fit_a_parent() -> None:
    request = a_child(
        {
            f"{OBJECTIVE}.MetricName": "auc",
            f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions[0].Name": "auc",
        }
    )

    assert refusal(request, a_parent())[1] == "WarmStartConfig"
