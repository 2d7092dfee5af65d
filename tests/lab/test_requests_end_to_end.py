"""Requests and the scripts that they were written for, unmodified, up to the services' final states."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.sagemaker_answers import check_request, described, training_jobs
from plugins.sagemaker_requests import (
    CONFIG,
    DEFINITION,
    LIMITS,
    OBJECTIVE,
    RANGES,
    a_request,
    bounded,
    choice,
    put,
    several,
)

import astraml_lab as lab
from astraml_lab.objectives import INPUTS, TARGETS
from astraml_lab.spec import JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.jobs import Job
    from astraml_lab.trial import Trial

SCRIPTS = Path(__file__).parents[1] / "objectives/scripts"
VERTEX = Path(__file__).parents[1] / "dialects/vertex/requests/vx-d01.json"
PARENT = "projects/lab/locations/local"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a store of its own, and take its registrations away."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path / "home"))
    yield tmp_path
    lab.lab.manager().close()
    for pattern in ("xgboost:*", "image:*", "net:*"):
        TARGETS.forget(pattern)
    INPUTS.forget("s3://bucket/abalone")


@pytest.fixture
def client() -> Any:
    """The client that scripts for boto3 are given."""
    return lab.sagemaker.Client()


def started(request: dict[str, Any]) -> Job:
    """Create a job by the client, and wait for its end."""
    check_request("CreateHyperParameterTuningJob", request)
    lab.sagemaker.Client().create_hyper_parameter_tuning_job(**request)
    job = lab.job(request["HyperParameterTuningJobName"]).wait(120)
    assert job.state.ended
    return job


def a_script(folder: Path, text: str) -> Path:
    path = folder / "train.py"
    path.write_text(text)
    return path


def test_a_script_mode_script_is_tuned_with_metrics_early_stopping_and_a_best_training_job(
    home: Path, client: Any
) -> None:
    (home / "data").mkdir()
    (home / "data/part-0.csv").write_text("1\n2\n")
    lab.register_input("s3://bucket/abalone", str(home / "data"))
    lab.register("xgboost:*", SCRIPTS / "sagemaker_train.py")
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/abalone"}
    request = a_request(
        {
            f"{CONFIG}.Strategy": "Grid",
            f"{CONFIG}.TrainingJobEarlyStoppingType": "Auto",
            OBJECTIVE: {"Type": "Maximize", "MetricName": "val:acc"},
            RANGES: {
                "CategoricalParameterRanges": [
                    choice("learning-rate", '"0.1"', '"0.2"', '"0.3"', '"5.0"'),
                    choice("batch-size", '"32"'),
                ]
            },
            LIMITS: {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1},
            f"{DEFINITION}.StaticHyperParameters": {"epochs": "4", "optimizer": '"sgd"'},
            f"{DEFINITION}.InputDataConfig": [
                {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
            ],
            f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions": [
                {"Name": "val:acc", "Regex": r"val_acc=(\S+)"},
                {"Name": "loss", "Regex": "train_loss=(.*?);"},
            ],
        }
    )

    job = started(request)

    views = [trial.view() for trial in job.trials.values()]
    assert job.state is JobState.SUCCEEDED, [view.reason for view in views]
    assert [view.state for view in views[:3]] == [TrialState.COMPLETE] * 3, [view.reason for view in views]
    assert views[3].state is TrialState.PRUNED, views[3]
    assert all(set(view.metrics) == {"val:acc", "loss"} for view in views[:3])
    listed = training_jobs(client, "tuner-01")
    assert [each["TrainingJobStatus"] for each in listed] == ["Completed"] * 3 + ["Stopped"]
    assert listed[3]["TunedHyperParameters"] == {"learning-rate": '"5.0"', "batch-size": '"32"'}
    assert "FinalHyperParameterTuningJobObjectiveMetric" in listed[3]
    best = described(client, "tuner-01")["BestTrainingJob"]
    assert best["TrainingJobName"] == listed[0]["TrainingJobName"]
    assert best["TunedHyperParameters"]["learning-rate"] == '"0.1"'
    log = job.trials[0].log.tail()
    assert '"--learning-rate", "0.1"' in log
    assert f"job {best['TrainingJobName']}" in log


def test_a_hypertune_script_is_tuned_with_metrics_early_stopping_and_a_best_trial() -> None:
    request = json.loads(VERTEX.read_text())["request"]
    request["studySpec"] = {
        "metrics": [{"metricId": "accuracy", "goal": "MAXIMIZE"}],
        "algorithm": "GRID_SEARCH",
        "medianAutomatedStoppingSpec": {},
        "parameters": [
            {"parameterId": "learning_rate", "discreteValueSpec": {"values": [0.01, 0.02, 0.03, 0.9]}},
            {"parameterId": "momentum", "discreteValueSpec": {"values": [0.5]}},
            {"parameterId": "num_units", "discreteValueSpec": {"values": [64]}},
        ],
    }
    request["maxTrialCount"] = 4
    request["trialJobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"] = ["--epochs=4"]
    lab.register("image:*", SCRIPTS / "vertex_train.py")
    client: Any = lab.vertex.Client()

    made = client.create_hyperparameter_tuning_job(parent=PARENT, hyperparameter_tuning_job=request)
    job = lab.job().wait(120)
    found = client.get_hyperparameter_tuning_job(name=made["name"])

    views = [trial.view() for trial in job.trials.values()]
    assert found["state"] == "JOB_STATE_SUCCEEDED", [view.reason for view in views]
    assert [view.state for view in views] == [TrialState.COMPLETE] * 3 + [TrialState.PRUNED]
    assert [trial["state"] for trial in found["trials"]] == ["SUCCEEDED"] * 4
    assert [len(trial["measurements"]) for trial in found["trials"][:3]] == [4] * 3
    assert found["trials"][0]["final_measurement"]["metrics"] == [
        {"metric_id": "accuracy", "value": 1 - 0.01 / 4}
    ]
    stopped = found["trials"][3]
    assert stopped["final_measurement"]["metrics"] == stopped["measurements"][-1]["metrics"]
    assert job.best.number == 0


def test_a_training_job_that_reaches_its_time_limit_is_stopped_and_its_last_value_counts(
    home: Path, client: Any
) -> None:
    path = a_script(
        home, "import time\nprint('loss=0.75', flush=True)\nprint('loss=0.5', flush=True)\ntime.sleep(60)\n"
    )
    lab.register("xgboost:*", path)
    request = a_request(
        {
            f"{DEFINITION}.StoppingCondition": {"MaxRuntimeInSeconds": 10},
            LIMITS: {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        }
    )

    job = started(request)

    assert job.state is JobState.SUCCEEDED
    shown = described(client, "tuner-01")
    assert shown["HyperParameterTuningJobStatus"] == "Completed"
    assert shown["TrainingJobStatusCounters"]["Stopped"] == 2
    assert shown["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5
    for each in training_jobs(client, "tuner-01"):
        assert (each["TrainingJobStatus"], each["ObjectiveStatus"]) == ("Stopped", "Succeeded")
        assert each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5


def test_a_target_that_is_reached_lets_running_training_jobs_finish(client: Any) -> None:
    both, reached = threading.Barrier(2), threading.Event()

    def train(trial: Trial) -> None:
        if trial.number < 2:
            both.wait(120)
        if trial.number == 1:
            reached.wait(120)
        print(f"loss={0.1 + trial.number}")  # noqa: T201 - what its log says

    lab.register("xgboost:*", train)
    request = a_request({f"{CONFIG}.TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": 0.2}})
    client.create_hyper_parameter_tuning_job(**request)
    job = lab.job("tuner-01")
    while not (job.trials and job.trials[0].view().state.ended):
        job.wait(0.05)
    shown = described(client, "tuner-01")
    assert shown["HyperParameterTuningJobStatus"] in {"InProgress", "Stopping"}
    assert shown["TrainingJobStatusCounters"]["InProgress"] == 1
    reached.set()
    job.wait(120)

    shown = described(client, "tuner-01")
    assert shown["HyperParameterTuningJobStatus"] == "Completed"
    assert shown["TrainingJobStatusCounters"]["Completed"] == 2
    assert len(training_jobs(client, "tuner-01")) == 2


def test_no_better_training_job_for_long_ends_the_job_as_completed_with_how_many(client: Any) -> None:
    def train(trial: Trial) -> None:
        print(f"loss={1 + trial.number}")  # noqa: T201 - what its log says

    lab.register("xgboost:*", train)
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    request = a_request(
        {
            f"{CONFIG}.TuningJobCompletionCriteria": criteria,
            LIMITS: {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 1},
        }
    )

    started(request)

    shown = described(client, "tuner-01")
    assert shown["HyperParameterTuningJobStatus"] == "Completed"
    assert shown["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3
    assert shown["TrainingJobStatusCounters"]["Completed"] == 4


def test_several_definitions_take_turns_and_say_whose_each_training_job_is(client: Any) -> None:
    def tree(trial: Trial) -> None:
        print(f"loss={1 + trial.params['eta']}")  # noqa: T201 - what its log says

    def net(trial: Trial) -> None:
        print(f"loss={trial.params['eta']}")  # noqa: T201

    lab.register("xgboost:*", tree)
    lab.register("net:*", net)
    request = several("tree", "net")
    put(request, "TrainingJobDefinitions[1].AlgorithmSpecification.TrainingImage", "example/net:2")
    put(
        request,
        "TrainingJobDefinitions[1].HyperParameterRanges.ContinuousParameterRanges",
        [bounded("eta", "0.6", "0.9")],
    )
    put(request, f"{LIMITS}.MaxNumberOfTrainingJobs", 6)

    job = started(request)

    assert job.state is JobState.SUCCEEDED, [trial.view().reason for trial in job.trials.values()]
    listed = training_jobs(client, "tuner-01", SortBy="Name")
    assert [each["TrainingJobDefinitionName"] for each in listed] == ["tree", "net"] * 3
    assert all(set(each["TunedHyperParameters"]) == {"eta"} for each in listed)
    assert all(0.6 <= float(each["TunedHyperParameters"]["eta"]) <= 0.9 for each in listed[1::2])
    shown = described(client, "tuner-01")
    assert shown["BestTrainingJob"]["TrainingJobDefinitionName"] == "net"
    assert [each["DefinitionName"] for each in shown["TrainingJobDefinitions"]] == ["tree", "net"]


@pytest.mark.parametrize("fails", [ValueError("no luck"), None])
def test_a_failed_training_job_says_why_and_counts(client: Any, fails: Exception | None) -> None:
    def train(trial: Trial) -> None:
        if trial.number == 0:
            if fails is not None:
                raise fails
            return  # no metric
        print("loss=0.5")  # noqa: T201 - what its log says

    lab.register("xgboost:*", train)
    started(a_request({f"{LIMITS}.MaxNumberOfTrainingJobs": 3, f"{LIMITS}.MaxParallelTrainingJobs": 1}))

    shown = described(client, "tuner-01")
    assert shown["HyperParameterTuningJobStatus"] == "Completed"
    counters = shown["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["NonRetryableError"]) == (2, 1)
    assert shown["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 1}
    first = training_jobs(client, "tuner-01")[0]
    assert (first["TrainingJobStatus"], first["ObjectiveStatus"]) == ("Failed", "Failed")
    assert first["FailureReason"]
    assert "FinalHyperParameterTuningJobObjectiveMetric" not in first
