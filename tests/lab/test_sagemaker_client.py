"""A script that was written for boto3 runs with its client replaced."""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from plugins.sagemaker_answers import check_request, checked, training_jobs, until

import astraml_lab as lab
from astraml_lab.errors import RequestRefused
from astraml_lab.objectives import TARGETS
from astraml_lab.spec import Float, JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.trial import Trial

EXAMPLES = Path(__file__).parents[1] / "dialects/sagemaker/examples"
ABALONE = json.loads((EXAMPLES / "sm-d01.json").read_text())["request"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a store of its own, and take its registrations away."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path))
    yield tmp_path
    lab.lab.manager().close()
    TARGETS.forget("xgboost:*")


def request_of(name: str = "abalone", **limits: int) -> dict[str, Any]:
    request: dict[str, Any] = {**copy.deepcopy(ABALONE), "HyperParameterTuningJobName": name}
    request["HyperParameterTuningJobConfig"]["ResourceLimits"].update(limits)
    return request


def boost(trial: Trial) -> None:
    for epoch in range(3):
        trial.report({"validation:rmse": float(trial.params["eta"]) + 1 / (epoch + 1)})


def test_a_boto3_script_creates_polls_lists_and_deletes() -> None:
    lab.register("xgboost:*", boost)
    check_request("CreateHyperParameterTuningJob", request_of())
    client: Any = lab.sagemaker.Client("sagemaker", region_name="us-west-2", aws_access_key_id="x")

    created = checked(
        "CreateHyperParameterTuningJob", client.create_hyper_parameter_tuning_job(**request_of())
    )
    assert created["HyperParameterTuningJobArn"].endswith(":hyper-parameter-tuning-job/abalone")
    described = until(client, "abalone", "Completed", "Failed", "Stopped")
    assert described["HyperParameterTuningJobStatus"] == "Completed"
    assert described["TrainingJobStatusCounters"]["Completed"] == 10
    assert described["ObjectiveStatusCounters"] == {"Succeeded": 10, "Pending": 0, "Failed": 0}
    listed = training_jobs(client, "abalone", SortBy="FinalObjectiveMetricValue", SortOrder="Ascending")
    assert len(listed) == 10
    assert listed[0] == described["BestTrainingJob"]
    assert set(listed[0]["TunedHyperParameters"]) == {"max_depth", "eta", "min_child_weight", "alpha"}
    jobs = checked(
        "ListHyperParameterTuningJobs", client.list_hyper_parameter_tuning_jobs(NameContains="abal")
    )
    assert [each["HyperParameterTuningJobName"] for each in jobs["HyperParameterTuningJobSummaries"]] == [
        "abalone"
    ]
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_hyper_parameter_tuning_job(**request_of("Abalone"))
    checked(
        "DeleteHyperParameterTuningJob",
        client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="abalone"),
    )
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="abalone")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What trials wait for; opened at the end."""
    made = threading.Event()
    yield made
    made.set()


def held_by(gate: threading.Event, reported: threading.Event) -> Callable[[Trial], None]:
    """Return an objective that reports, says so, and then waits for a gate."""

    def train(trial: Trial) -> None:
        trial.report({"validation:rmse": 1.0})
        reported.set()
        gate.wait(120)
        trial.report({"validation:rmse": 0.5})

    return train


def test_stop_answers_at_once_and_the_job_is_stopping_until_its_training_jobs_have_ended(
    gate: threading.Event,
) -> None:
    reported = threading.Event()
    lab.register("xgboost:*", held_by(gate, reported))
    client: Any = lab.sagemaker.Client()
    client.create_hyper_parameter_tuning_job(**request_of(MaxParallelTrainingJobs=1))
    name = {"HyperParameterTuningJobName": "abalone"}
    assert reported.wait(120)
    with pytest.raises(ClientError, match="not in a terminal state: InProgress"):
        client.delete_hyper_parameter_tuning_job(**name)

    assert checked("StopHyperParameterTuningJob", client.stop_hyper_parameter_tuning_job(**name)) == {}
    assert until(client, "abalone", "Stopping")["TrainingJobStatusCounters"]["InProgress"] == 1
    gate.set()
    described = until(client, "abalone", "Stopped")

    assert described["TrainingJobStatusCounters"]["Stopped"] == 1
    (trial,) = client.list_training_jobs_for_hyper_parameter_tuning_job(**name)["TrainingJobSummaries"]
    assert (trial["TrainingJobStatus"], trial["ObjectiveStatus"]) == ("Stopped", "Succeeded")
    with pytest.raises(ClientError) as caught:
        client.stop_hyper_parameter_tuning_job(**name)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "already reached a terminal state" in caught.value.response["Error"]["Message"]


def test_errors_are_the_services_for_its_own_classes_and_for_botocores() -> None:
    client: Any = lab.sagemaker.Client()
    for kind in (
        client.exceptions.ResourceNotFound,
        client.exceptions.ClientError,
        ClientError,
        RequestRefused,
    ):
        with pytest.raises(kind) as caught:
            client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="lost")
        assert caught.value.response["Error"]["Code"] == "ResourceNotFound"
    assert str(caught.value) == (
        "An error occurred (ResourceNotFound) when calling the StopHyperParameterTuningJob operation: "
        "Amazon SageMaker can't find a tuning job called lost. Type another name."
    )
    assert client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="lost")
    with pytest.raises(client.exceptions.ResourceLimitExceeded):
        client.create_hyper_parameter_tuning_job(**request_of(MaxNumberOfTrainingJobs=751))
    with pytest.raises(
        ClientError, match=r"ValidationException.*nothing here runs .*xgboost:1.*lab\.register"
    ):
        client.create_hyper_parameter_tuning_job(**request_of())
    with pytest.raises(ClientError, match="ValidationException"):
        client.list_training_jobs_for_hyper_parameter_tuning_job(MaxResults=0)
    assert lab.jobs() == []


def test_what_a_deletion_leaves_is_kept_beside_the_next_job_of_that_name() -> None:
    lab.register("xgboost:*", boost)
    client: Any = lab.sagemaker.Client()
    for _ in range(2):
        client.create_hyper_parameter_tuning_job(**request_of(MaxNumberOfTrainingJobs=2))
        until(client, "abalone", "Completed")
        client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="ABALONE")

    assert sorted(view.name for view in lab.jobs()) == ["abalone (deleted)", "abalone (deleted)-2"]
    left = lab.job("abalone (deleted)")
    assert len(left.trials) == 2
    assert left.trials[0].log.path.parent.is_dir()
    assert client.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    left.delete()
    assert [view.name for view in lab.jobs()] == ["abalone (deleted)-2"]


def test_a_job_that_was_made_otherwise_is_shown_as_the_request_that_it_could_be() -> None:
    def both(x: float) -> dict[str, float]:
        return {"score": x, "cost": -x}

    def free(trial: Trial) -> float:
        return trial.suggest_float("lr", 0.001, 1.0)

    space = {"x": Float(0.0, 1.0)}
    lab.tune(both, space=space, maximize="score", minimize="cost", trials=2, name="two-goals", wait=True)
    lab.tune(free, maximize="score", trials=2, name="free", wait=True)
    lab.tune(free, maximize="score", trials=1, name="no name of the service", wait=True)
    lab.tune(free, maximize="score", trials=1, name="elsewhere", project="p", wait=True)
    client: Any = lab.sagemaker.Client()

    jobs = checked("ListHyperParameterTuningJobs", client.list_hyper_parameter_tuning_jobs())

    names = [each["HyperParameterTuningJobName"] for each in jobs["HyperParameterTuningJobSummaries"]]
    assert names == ["free", "two-goals"]
    for name in names:
        assert until(client, name, "Completed")["TrainingJobStatusCounters"]["Completed"] == 2
        answer = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        checked("ListTrainingJobsForHyperParameterTuningJob", answer)
    lab.register("xgboost:*", boost)
    client.create_hyper_parameter_tuning_job(**request_of("elsewhere", MaxNumberOfTrainingJobs=1))
    assert until(client, "elsewhere", "Completed")


def test_pages_are_walked_as_boto3_walks_them() -> None:
    lab.register("xgboost:*", boost)
    client: Any = lab.sagemaker.Client()
    for name in ("a", "b", "c"):
        client.create_hyper_parameter_tuning_job(**request_of(name, MaxNumberOfTrainingJobs=1))
        until(client, name, "Completed")
    walker = client.get_paginator("list_hyper_parameter_tuning_jobs")

    def found(**given: Any) -> list[list[str]]:
        pages = walker.paginate(**given)
        shown = [page["HyperParameterTuningJobSummaries"] for page in pages]
        return [[each["HyperParameterTuningJobName"] for each in page] for page in shown]

    assert found(PaginationConfig={"PageSize": 2}) == [["a", "b"], ["c"]]
    assert found(PaginationConfig={"PageSize": 1, "MaxItems": 2}, SortOrder="Descending") == [["c"], ["b"]]
    whole = walker.paginate(PaginationConfig={"PageSize": 1}).build_full_result()
    assert len(whole["HyperParameterTuningJobSummaries"]) == 3
    assert not client.can_paginate("stop_hyper_parameter_tuning_job")
    with pytest.raises(ValueError, match="has no pages"):
        client.get_paginator("stop_hyper_parameter_tuning_job")
    with pytest.raises(ValueError, match="Waiter does not exist"):
        client.get_waiter("tuning_job_completed")
    with pytest.raises(TypeError, match="regoin"):
        lab.sagemaker.Client(regoin="us-west-2")


def test_a_security_promise_is_warned_of_at_every_create(caplog: pytest.LogCaptureFixture) -> None:
    lab.register("xgboost:*", boost)
    client: Any = lab.sagemaker.Client()
    for name in ("a", "b"):
        request = request_of(name, MaxNumberOfTrainingJobs=1)
        request["TrainingJobDefinition"]["EnableNetworkIsolation"] = True
        with caplog.at_level(logging.WARNING, "astraml_lab"):
            client.create_hyper_parameter_tuning_job(**request)
        until(client, name, "Completed")

    said = [each for each in caplog.messages if "EnableNetworkIsolation" in each]
    assert [each[:3] for each in said] == ["a: ", "b: "]


def test_of_many_creates_of_one_name_at_once_one_makes_the_job() -> None:
    lab.register("xgboost:*", boost)
    client: Any = lab.sagemaker.Client()
    ready, said = threading.Barrier(6), list[str]()

    def create(number: int) -> None:
        name = "Race" if number % 2 else "race"
        ready.wait()
        with contextlib.suppress(client.exceptions.ResourceInUse):
            client.create_hyper_parameter_tuning_job(**request_of(name, MaxNumberOfTrainingJobs=1))
            said.append(name)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert len(said) == 1
    until(client, "race", "Completed")
    assert [view.name for view in lab.jobs()] == said


def test_a_submitted_name_that_another_kernel_takes_meanwhile_is_in_use() -> None:
    translation = lab.lab.requests.read(request_of(MaxNumberOfTrainingJobs=1))
    lab.submit(request_of(MaxNumberOfTrainingJobs=1), target=boost)

    with pytest.raises(RequestRefused) as refused:
        lab.lab.requests.start(translation.spec, target={"xgboost:*": boost})

    assert (refused.value.code, refused.value.status) == ("ResourceInUse", 400)
    assert lab.job("abalone").state is JobState.SUCCEEDED


STUCK_ONCE = """
import os, time
from pathlib import Path

from astraml_lab import report

report({"validation:rmse": 0.5})
here = Path(__file__).parent
if "-002-" in os.environ["TRAINING_JOB_NAME"] and not (here / "stuck").exists():
    (here / "stuck").touch()
    time.sleep(60)
"""
DYING = """
import json, os, sys, time
from pathlib import Path

import astraml_lab as lab

script = Path(sys.argv[1])
lab.register("xgboost:*", script)
lab.sagemaker.Client().create_hyper_parameter_tuning_job(**json.load(sys.stdin))
while not (script.parent / "stuck").exists():
    if lab.job("abalone").state.ended:
        sys.exit("nothing got stuck")
    time.sleep(0.05)
os.kill(os.getpid(), 9)
"""


def test_a_job_whose_kernel_was_killed_has_failed_for_both_services_clients(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(STUCK_ONCE)
    asked = request_of(MaxNumberOfTrainingJobs=3, MaxParallelTrainingJobs=1)
    del asked["TrainingJobDefinition"]["InputDataConfig"]
    words = [sys.executable, "-c", DYING, str(script)]
    done = subprocess.run(words, input=json.dumps(asked), text=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    client: Any = lab.sagemaker.Client()

    shown = until(client, "abalone", "Failed")

    assert shown["FailureReason"] == "InternalServerError: kernel ended"
    counters = shown["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["InProgress"], counters["RetryableError"]) == (1, 0, 1)
    with pytest.raises(ClientError, match="already reached a terminal state"):
        client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="abalone")
    vertex: Any = lab.vertex.Client()
    (listed,) = vertex.list_hyperparameter_tuning_jobs(parent="projects/lab/locations/local")
    found = vertex.get_hyperparameter_tuning_job(name=listed["name"])
    assert (found["state"], found["error"]["code"]) == ("JOB_STATE_FAILED", 14)
    assert [trial["state"] for trial in found["trials"]] == ["SUCCEEDED", "INFEASIBLE"]
    lab.register("xgboost:*", script)
    lab.resume("abalone").wait(120)
    assert until(client, "abalone", "Completed")["TrainingJobStatusCounters"]["Completed"] == 3
    client.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="abalone")
    child = request_of("child", MaxNumberOfTrainingJobs=1)
    child["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "abalone"}],
        "WarmStartType": "TransferLearning",
    }
    with pytest.raises(client.exceptions.ResourceNotFound, match="abalone"):
        client.create_hyper_parameter_tuning_job(**child)


def test_no_clouds_library_is_loaded_for_it() -> None:
    text = """
import sys
import astraml_lab as lab

client = lab.sagemaker.Client()
try:
    client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="lost")
except client.exceptions.ResourceNotFound as error:
    print(type(error).__mro__[1].__name__, error.response["Error"]["Code"])
print(sorted(name for name in ("boto3", "botocore", "google.cloud") if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["ClientError ResourceNotFound", "[]"]
