from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from plugins.sagemaker_requests import CONFIG, a_request, several, understood

from astraml_lab.dialects.sagemaker import SageMakerError
from astraml_lab.dialects.sagemaker.listing import list_jobs, list_training_jobs
from astraml_lab.dialects.sagemaker.operations import check_delete, check_stop, named, not_found
from astraml_lab.dialects.sagemaker.responses import Tuning, created, describe
from astraml_lab.spec import (
    Definition,
    FailureKind,
    Float,
    Goal,
    JobSpec,
    JobState,
    JobView,
    Objective,
    ParamValue,
    Space,
    TrialState,
    TrialView,
)

SERVICE = ServiceModel(Loader().load_service_model("sagemaker", "service-2", "2017-07-24"), "sagemaker")
START = 1_700_000_000.0
PARAMS: dict[str, ParamValue] = {"depth": 3, "eta": 0.01, "booster": "tree"}


def a_trial(number: int, state: TrialState, value: float | None = None, **changes: Any) -> TrialView:
    ended = START + 10 * number + 5 if state.ended else None
    return TrialView(
        number=number,
        state=state,
        params=dict(PARAMS),
        values=(value,) if value is not None and state is TrialState.COMPLETE else None,
        metrics={} if value is None else {"loss": value},
        seed=number + 11,
        created_at=START + 10 * number,
        started_at=START + 10 * number + 1,
        ended_at=ended,
        **changes,
    )


TRIALS = (
    a_trial(0, TrialState.COMPLETE, 0.5),
    a_trial(1, TrialState.PRUNED, 0.9),
    a_trial(2, TrialState.COMPLETE, 0.3),
    a_trial(3, TrialState.FAILED, kind=FailureKind.EXCEPTION, reason="ValueError: x" + "!" * 2000),
    a_trial(4, TrialState.FAILED, kind=FailureKind.CRASHED),
    a_trial(5, TrialState.COMPLETE, 0.299),
    a_trial(6, TrialState.RUNNING),
)


def a_tuning(
    name: str = "tuner-01",
    state: JobState = JobState.RUNNING,
    *,
    changes: dict[str, Any] | None = None,
    trials: tuple[TrialView, ...] = TRIALS,
    created_at: float = START,
) -> Tuning:
    request = a_request({"HyperParameterTuningJobName": name, **(changes or {})})
    parents = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    existing = [{"name": parent["HyperParameterTuningJobName"], "status": "Completed"} for parent in parents]
    spec = understood(request, *existing).spec
    return Tuning(a_view(spec, state, trials, created_at), spec, lambda: trials)


def a_view(
    spec: JobSpec, state: JobState, trials: tuple[TrialView, ...], created_at: float = START
) -> JobView:
    return JobView(
        id=f"default/{spec.name}#1",
        name=spec.name or "job",
        project="default",
        generation=1,
        state=state,
        objectives=spec.objectives,
        trials=spec.trials,
        counts={each: sum(trial.state is each for trial in trials) for each in TrialState},
        reason="everything failed" if state is JobState.FAILED else "",
        created_at=created_at,
        started_at=created_at + 1,
        ended_at=created_at + 101 if state.ended else None,
    )


def check_answer(operation: str, answer: dict[str, Any]) -> None:
    """Hold an answer against the vendor's definition: required and unknown members, types."""
    shape = SERVICE.operation_model(operation).output_shape
    report = ParamValidator().validate(answer, shape)
    assert not report.has_errors(), report.generate_report()


def test_a_job_is_described_as_the_service_does() -> None:
    answer = describe(a_tuning(), now=START + 61)

    check_answer("DescribeHyperParameterTuningJob", answer)
    assert answer["HyperParameterTuningJobArn"] == (
        "arn:aws:sagemaker:local:000000000000:hyper-parameter-tuning-job/tuner-01"
    )
    assert answer["HyperParameterTuningJobStatus"] == "InProgress"
    assert answer["HyperParameterTuningJobConfig"] == a_request()[CONFIG]
    assert answer["TrainingJobDefinition"]["StaticHyperParameters"] == {
        "epochs": "27",
        "_tuning_objective_metric": "loss",
    }
    assert answer["TrainingJobStatusCounters"] == {
        "Completed": 3,
        "InProgress": 1,
        "RetryableError": 1,
        "NonRetryableError": 1,
        "Stopped": 1,
    }
    assert answer["ObjectiveStatusCounters"] == {"Succeeded": 4, "Pending": 1, "Failed": 2}
    assert answer["CreationTime"] == dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    assert answer["ConsumedResources"] == {"RuntimeInSeconds": 60}
    # 0.299 is better than 0.3, and by less than one percent
    assert answer["TuningJobCompletionDetails"] == {"NumberOfTrainingJobsObjectiveNotImproving": 3}
    for absent in (
        "HyperParameterTuningEndTime",
        "FailureReason",
        "OverallBestTrainingJob",
        "WarmStartConfig",
    ):
        assert absent not in answer
    best = answer["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Minimize",
        "MetricName": "loss",
        "Value": 0.299,
    }
    assert best["TunedHyperParameters"] == {"depth": "3", "eta": "0.01", "booster": "tree"}


def test_describing_a_job_changes_neither_it_nor_its_request() -> None:
    tuning = a_tuning()
    describe(tuning, now=START)["TrainingJobDefinition"]["RoleArn"] = "changed"

    assert tuning.request == a_request()


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (JobState.QUEUED, "InProgress"),
        (JobState.PAUSED, "InProgress"),
        (JobState.STOPPING, "Stopping"),
        (JobState.SUCCEEDED, "Completed"),
        (JobState.CANCELLED, "Stopped"),
        (JobState.FAILED, "Failed"),
    ],
)
def test_states_are_told_in_the_services_words(state: JobState, status: str) -> None:
    answer = describe(a_tuning(state=state), now=START)

    check_answer("DescribeHyperParameterTuningJob", answer)
    assert answer["HyperParameterTuningJobStatus"] == status
    assert ("HyperParameterTuningEndTime" in answer) == state.ended
    assert ("FailureReason" in answer) == (state is JobState.FAILED)


def test_a_training_job_that_ran_to_its_time_limit_was_stopped() -> None:
    trials = (
        a_trial(0, TrialState.COMPLETE, 0.5, kind=FailureKind.TIMEOUT, reason="ran longer than 1 h"),
        a_trial(1, TrialState.FAILED, kind=FailureKind.TIMEOUT, reason="ran longer than 1 h"),
        replace(a_trial(2, TrialState.FAILED, kind=FailureKind.TIMEOUT, reason="waited"), started_at=None),
    )
    tuning = a_tuning(trials=trials)

    found = list_training_jobs(tuning, {"HyperParameterTuningJobName": "tuner-01"})["TrainingJobSummaries"]

    said = [(each["TrainingJobStatus"], each["ObjectiveStatus"]) for each in found]
    assert said == [("Stopped", "Succeeded"), ("Stopped", "Failed"), ("Failed", "Failed")]
    assert ["FailureReason" in each for each in found] == [False, False, True]
    assert describe(tuning, START)["TrainingJobStatusCounters"]["Stopped"] == 2


def test_a_stopped_training_job_has_a_value_only_where_its_objective_was_reported() -> None:
    trials = (
        replace(a_trial(0, TrialState.STOPPED, 0.5), metrics={"loss": float("nan"), "other": 1.0}),
        replace(a_trial(1, TrialState.STOPPED), metrics={"other": 1.0}),
        a_trial(2, TrialState.STOPPED, 0.5),
    )
    answer = describe(a_tuning(trials=trials), START)

    assert answer["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 2}
    assert answer["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5


def test_a_job_whose_kernel_died_has_failed_with_what_it_left_open() -> None:
    tuning = a_tuning(state=JobState.STALE)

    answer = describe(tuning, now=START + 61)
    listed = list_training_jobs(tuning, {"HyperParameterTuningJobName": "tuner-01"})["TrainingJobSummaries"]

    check_answer("DescribeHyperParameterTuningJob", answer)
    assert answer["HyperParameterTuningJobStatus"] == "Failed"
    assert answer["FailureReason"] == "InternalServerError: kernel ended"
    counters = answer["TrainingJobStatusCounters"]
    assert (counters["InProgress"], counters["RetryableError"]) == (0, 2)
    assert (listed[6]["TrainingJobStatus"], listed[6]["FailureReason"]) == (
        "Failed",
        "InternalServerError: kernel ended",
    )
    assert [
        each["HyperParameterTuningJobName"]
        for each in list_jobs([tuning], {"StatusEquals": "Failed"})["HyperParameterTuningJobSummaries"]
    ] == ["tuner-01"]
    check_delete(tuning)
    with pytest.raises(SageMakerError, match="terminal state: Failed"):
        check_stop(tuning)


def test_the_best_of_all_counts_the_parents_only_for_identical_data() -> None:
    better = describe(a_tuning("parent", trials=(a_trial(0, TrialState.COMPLETE, 0.1),)), now=START)
    found = [better["BestTrainingJob"]]

    for kind, expected in (("IdenticalDataAndAlgorithm", 0.1), ("TransferLearning", None)):
        start = {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
            "WarmStartType": kind,
        }
        answer = describe(a_tuning(changes={"WarmStartConfig": start}), START, found)
        check_answer("DescribeHyperParameterTuningJob", answer)
        overall = answer.get("OverallBestTrainingJob", {}).get(
            "FinalHyperParameterTuningJobObjectiveMetric", {}
        )
        assert overall.get("Value") == expected
        assert answer["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.299


def test_convergence_is_told_when_it_ended_the_job() -> None:
    path = f"{CONFIG}.TuningJobCompletionCriteria.ConvergenceDetected"
    worse = tuple(a_trial(number, TrialState.COMPLETE, 1.0) for number in range(12))
    tuning = a_tuning(
        state=JobState.SUCCEEDED, changes={path: {"CompleteOnConvergence": "Enabled"}}, trials=worse
    )

    details = describe(tuning, START)["TuningJobCompletionDetails"]

    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == 11
    assert details["ConvergenceDetectedTime"] == dt.datetime.fromtimestamp(START + 101, tz=dt.UTC)


def test_training_jobs_are_listed_with_stable_names_of_their_own() -> None:
    answer = list_training_jobs(a_tuning(), {"HyperParameterTuningJobName": "tuner-01"})

    check_answer("ListTrainingJobsForHyperParameterTuningJob", answer)
    again = list_training_jobs(a_tuning(), {"HyperParameterTuningJobName": "tuner-01"})
    assert answer == again
    found = answer["TrainingJobSummaries"]
    assert [each["TrainingJobName"][:12] for each in found] == [f"tuner-01-{n:03d}" for n in range(1, 8)]
    assert all(len(each["TrainingJobName"]) == len("tuner-01-001-") + 8 for each in found)
    assert [each["TrainingJobStatus"] for each in found] == [
        "Completed", "Stopped", "Completed", "Failed", "Failed", "Completed", "InProgress",
    ]  # fmt: skip
    assert [each["ObjectiveStatus"] for each in found] == [
        "Succeeded", "Succeeded", "Succeeded", "Failed", "Failed", "Succeeded", "Pending",
    ]  # fmt: skip
    assert len(found[3]["FailureReason"]) == 1024
    assert found[1]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.9
    assert "TrainingEndTime" not in found[6]


def test_training_jobs_without_an_objective_are_left_out_when_sorted_by_it() -> None:
    answer = list_training_jobs(
        a_tuning(),
        {
            "HyperParameterTuningJobName": "tuner-01",
            "SortBy": "FinalObjectiveMetricValue",
            "SortOrder": "Descending",
        },
    )

    values = [
        each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for each in answer["TrainingJobSummaries"]
    ]
    assert values == [0.9, 0.5, 0.3, 0.299]


def test_training_jobs_are_filtered_by_status_and_come_in_pages() -> None:
    request: dict[str, Any] = {
        "HyperParameterTuningJobName": "tuner-01",
        "StatusEquals": "Completed",
        "SortBy": "CreationTime",
        "MaxResults": 2,
    }
    first = list_training_jobs(a_tuning(), request)
    check_answer("ListTrainingJobsForHyperParameterTuningJob", first)
    second = list_training_jobs(a_tuning(), {**request, "NextToken": first["NextToken"]})

    assert [len(page["TrainingJobSummaries"]) for page in (first, second)] == [2, 1]
    assert "NextToken" not in second


@pytest.mark.parametrize("change", [{"SortOrder": "Descending"}, {"StatusEquals": "Failed"}])
def test_a_token_is_bound_to_its_query(change: dict[str, Any]) -> None:
    request: dict[str, Any] = {"HyperParameterTuningJobName": "tuner-01", "MaxResults": 2}
    token = list_training_jobs(a_tuning(), request)["NextToken"]

    with pytest.raises(SageMakerError) as refused:
        list_training_jobs(a_tuning(), {**request, **change, "NextToken": token})

    assert refused.value.as_dict()["field"] == "NextToken"


@pytest.mark.parametrize("token", ["", "nonsense", "bnVsbA==", "e30=", "W1tb" * 2000])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(SageMakerError, match="NextToken is of another request"):
        list_training_jobs(a_tuning(), {"HyperParameterTuningJobName": "tuner-01", "NextToken": token})


def test_a_token_with_another_kind_of_key_is_refused() -> None:
    request: dict[str, Any] = {"HyperParameterTuningJobName": "tuner-01", "MaxResults": 2}
    said = json.loads(base64.urlsafe_b64decode(list_training_jobs(a_tuning(), request)["NextToken"]))
    forged = base64.urlsafe_b64encode(json.dumps({**said, "after": [1, "x"]}).encode()).decode()

    with pytest.raises(SageMakerError, match="NextToken"):
        list_training_jobs(a_tuning(), {**request, "NextToken": forged})


JOBS = (
    a_tuning("beta", JobState.SUCCEEDED, created_at=START),
    a_tuning("alpha", JobState.RUNNING, created_at=START + 50),
    a_tuning("gamma-x", JobState.FAILED, created_at=START + 25),
)


def names(answer: dict[str, Any]) -> list[str]:
    check_answer("ListHyperParameterTuningJobs", answer)
    return [each["HyperParameterTuningJobName"] for each in answer["HyperParameterTuningJobSummaries"]]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, ["alpha", "beta", "gamma-x"]),
        ({"SortBy": "CreationTime", "SortOrder": "Descending"}, ["alpha", "gamma-x", "beta"]),
        ({"SortBy": "Status"}, ["beta", "gamma-x", "alpha"]),
        ({"NameContains": "a-"}, ["gamma-x"]),
        ({"StatusEquals": "Failed"}, ["gamma-x"]),
        ({"CreationTimeAfter": dt.datetime.fromtimestamp(START + 20, tz=dt.UTC)}, ["alpha", "gamma-x"]),
        ({"CreationTimeBefore": START + 30}, ["beta", "gamma-x"]),
        ({"LastModifiedTimeAfter": START + 110}, ["gamma-x"]),
    ],
)
def test_jobs_are_listed_filtered_and_sorted(request_: dict[str, Any], expected: list[str]) -> None:
    assert names(list_jobs(JOBS, request_)) == expected


def test_pages_of_jobs_go_on_where_they_stopped_whatever_came_meanwhile() -> None:
    first = list_jobs(JOBS, {"MaxResults": 2})
    more = (*JOBS, a_tuning("aaa"))

    assert names(first) == ["alpha", "beta"]
    assert names(list_jobs(more, {"NextToken": first["NextToken"]})) == ["gamma-x"]


def test_only_the_jobs_of_a_page_have_their_trials_loaded() -> None:
    loaded: list[str] = []

    def counted(tuning: Tuning) -> Tuning:
        def load() -> tuple[TrialView, ...]:
            loaded.append(tuning.view.name)
            return TRIALS

        return replace(tuning, load=load)

    list_jobs([counted(each) for each in JOBS], {"MaxResults": 1})

    assert loaded == ["alpha"]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"MaxResults": 101}, "MaxResults"),
        ({"SortBy": "Age"}, "SortBy"),
        ({"NameContains": "x" * 64}, "NameContains"),
    ],
)
def test_a_wrong_request_for_a_list_is_refused(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(SageMakerError) as refused:
        list_jobs(JOBS, request_)

    assert (refused.value.code, refused.value.field) == ("ValidationException", field)


def test_only_a_running_job_is_stopped_and_only_an_ended_one_deleted() -> None:
    running, ended = a_tuning(), a_tuning(state=JobState.CANCELLED)
    check_stop(running)
    check_delete(ended)

    with pytest.raises(SageMakerError, match=r"tuner-01 has already reached a terminal state: Stopped\."):
        check_stop(ended)
    with pytest.raises(SageMakerError, match=r"tuner-01 is not in a terminal state: InProgress\."):
        check_delete(running)


def test_an_unknown_job_is_not_found_in_the_services_words() -> None:
    error = not_found("lost")

    assert error.response["Error"] == {
        "Code": "ResourceNotFound",
        "Message": "Amazon SageMaker can't find a tuning job called lost. Type another name.",
    }
    assert named({"HyperParameterTuningJobName": "lost"}) == "lost"
    with pytest.raises(SageMakerError):
        named({})


def test_a_created_job_answers_with_its_arn() -> None:
    check_answer("CreateHyperParameterTuningJob", created("tuner-01"))


def test_a_trial_of_several_definitions_has_the_parameters_and_metric_of_its_own() -> None:
    spec = understood(several("first", "second")).spec
    trial = replace(
        a_trial(0, TrialState.COMPLETE, 0.5),
        params={"definition": "second", "second/eta": 0.2, "first/eta": None},
        definition="second",
    )
    tuning = Tuning(a_view(spec, JobState.RUNNING, (trial,)), spec, lambda: (trial,))

    answer = describe(tuning, START)

    check_answer("DescribeHyperParameterTuningJob", answer)
    best = answer["BestTrainingJob"]
    assert best["TrainingJobDefinitionName"] == "second"
    assert best["TunedHyperParameters"] == {"eta": "0.2"}
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "loss"
    for definition in answer["TrainingJobDefinitions"]:
        assert definition["StaticHyperParameters"]["_tuning_objective_metric"] == "loss"


def test_a_job_of_a_cell_is_described_as_what_it_would_be() -> None:
    objective = Objective(metric="loss", goal=Goal.MINIMIZE)
    spec = JobSpec(
        name="digits", definitions=(Definition(space=Space({"eta": Float(0, 1)}), objectives=(objective,)),)
    )
    trial = replace(a_trial(0, TrialState.COMPLETE, 0.5), params={"eta": 0.5})
    tuning = Tuning(a_view(spec, JobState.SUCCEEDED, (trial,)), spec, lambda: (trial,))

    check_answer("DescribeHyperParameterTuningJob", describe(tuning, START))
    assert names(list_jobs([tuning], {})) == ["digits"]
