"""Vertex AI's client: jobs are created, got, listed, cancelled and deleted as resources."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.dialects.vertex import VertexError
from astraml_lab.objectives import TARGETS
from astraml_lab.spec import Float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.trial import Trial

REQUESTS = Path(__file__).parents[1] / "dialects/vertex/requests"
ALL_TYPES = json.loads((REQUESTS / "vx-d02.json").read_text())["request"]
PARENT = "projects/lab/locations/local"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a store of its own, and take its registrations away."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path))
    yield tmp_path
    lab.lab.manager().close()
    TARGETS.forget("example/image:*")
    TARGETS.forget("image:*")


def request_of(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(ALL_TYPES)), "maxTrialCount": 3, "parallelTrialCount": 1, **changes}


def train(trial: Trial) -> None:
    for step in range(1, 4):
        trial.report(loss=float(trial.params["lr"]) / step, step=step)


def until(client: Any, name: str, *states: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while True:
        found: dict[str, Any] = client.get_hyperparameter_tuning_job(name=name)
        if found["state"].removeprefix("JOB_STATE_") in states:
            return found
        assert time.monotonic() < end, found
        time.sleep(0.05)


def refused(call: Any, *given: Any, **named: Any) -> tuple[str, int, str]:
    with pytest.raises(VertexError) as caught:
        call(*given, **named)
    return caught.value.code, caught.value.status, caught.value.field


def test_a_job_is_created_of_a_dictionary_and_got_with_its_trials() -> None:
    lab.register("image:*", train)
    client: Any = lab.vertex.Client(client_options={"api_endpoint": "europe-west4-aiplatform.googleapis.com"})

    created = client.create_hyperparameter_tuning_job(parent=PARENT, hyperparameter_tuning_job=request_of())
    found = until(client, created["name"], "SUCCEEDED")

    assert created["name"].startswith(f"{PARENT}/hyperparameterTuningJobs/")
    assert created["name"].rpartition("/")[2].isdecimal()
    assert "trials" not in created
    assert found["display_name"] == "mbsdk-hpt"
    assert found["study_spec"]["parameters"][0]["double_value_spec"] == {"min_value": 0.001, "max_value": 0.1}
    assert found["labels"] == {"my_key": "my_value"}
    assert [trial["id"] for trial in found["trials"]] == ["1", "2", "3"]
    first = found["trials"][0]
    assert first["state"] == "SUCCEEDED"
    assert {each["parameter_id"] for each in first["parameters"]} == {
        "lr",
        "units",
        "activation",
        "batch_size",
    }
    assert [each["step_count"] for each in first["measurements"]] == ["1", "2", "3"]
    assert first["final_measurement"]["metrics"] == first["measurements"][-1]["metrics"]
    again = client.create_hyperparameter_tuning_job(
        {"parent": PARENT, "hyperparameterTuningJob": _snaked(request_of())}
    )
    assert again["display_name"] == "mbsdk-hpt"
    until(client, again["name"], "SUCCEEDED")


def _snaked(request: dict[str, Any]) -> dict[str, Any]:
    names = {
        "displayName": "display_name", "studySpec": "study_spec", "maxTrialCount": "max_trial_count",
        "parallelTrialCount": "parallel_trial_count", "trialJobSpec": "trial_job_spec",
    }  # fmt: skip
    return {names.get(name, name): value for name, value in request.items()}


def test_cancel_returns_at_once_and_the_job_is_cancelling_until_its_trials_have_ended() -> None:
    gate, reported = threading.Event(), threading.Event()

    def held(trial: Trial) -> None:
        trial.report(loss=1.0)
        reported.set()
        gate.wait(120)
        trial.report(loss=0.5)

    lab.register("image:*", held)
    client: Any = lab.vertex.Client()
    name = client.create_hyperparameter_tuning_job(
        parent=PARENT, hyperparameter_tuning_job=request_of(studySpec=_one_metric())
    )["name"]
    assert reported.wait(120)
    assert refused(client.delete_hyperparameter_tuning_job, name=name)[:2] == ("FAILED_PRECONDITION", 400)

    client.cancel_hyperparameter_tuning_job(name=name)
    assert until(client, name, "CANCELLING")
    gate.set()
    found = until(client, name, "CANCELLED")

    assert found["error"]["code"] == 1
    (trial,) = found["trials"]
    assert trial["state"] == "SUCCEEDED"
    client.cancel_hyperparameter_tuning_job(request={"name": name})
    assert client.get_hyperparameter_tuning_job(name=name)["state"] == "JOB_STATE_CANCELLED"
    operation = client.delete_hyperparameter_tuning_job(name=name)
    assert operation.done()
    operation.result()
    assert refused(client.get_hyperparameter_tuning_job, name=name)[:2] == ("NOT_FOUND", 404)
    assert refused(client.delete_hyperparameter_tuning_job, name=name)[:2] == ("NOT_FOUND", 404)
    assert lab.jobs() == []


def _one_metric() -> dict[str, Any]:
    space = [{"parameterId": "lr", "doubleValueSpec": {"minValue": 0.1, "maxValue": 1}}]
    return {"metrics": [{"metricId": "loss", "goal": "MINIMIZE"}], "parameters": space}


def test_jobs_are_listed_by_parent_filter_page_and_mask_without_their_trials() -> None:
    lab.register("image:*", train)
    client: Any = lab.vertex.Client()
    lab.tune(lambda x: x, {"x": Float(0.0, 1.0)}, maximize="score", trials=1, name="cell", wait=True)
    other = "projects/another/locations/europe-west4"
    for parent, display in ((PARENT, "one"), (PARENT, "two"), (other, "three")):
        made = client.create_hyperparameter_tuning_job(
            parent=parent, hyperparameter_tuning_job=request_of(displayName=display, maxTrialCount=1)
        )
        until(client, made["name"], "SUCCEEDED")

    def shown(**asked: Any) -> list[str]:
        return [
            each["display_name"]
            for each in client.list_hyperparameter_tuning_jobs({"parent": PARENT, **asked})
        ]

    assert shown() == ["two", "one", "cell"]
    assert shown(filter='display_name="one" OR labels.my_key:*') == ["two", "one"]
    assert shown(page_size=2) == ["two", "one", "cell"]
    assert [each["display_name"] for each in client.list_hyperparameter_tuning_jobs(parent=other)] == [
        "three"
    ]
    pager = client.list_hyperparameter_tuning_jobs({"parent": PARENT, "page_size": 2})
    assert [len(page["hyperparameter_tuning_jobs"]) for page in pager.pages] == [2, 1]
    following = {"parent": PARENT, "page_size": 2, "page_token": pager.next_page_token}
    assert [each["display_name"] for each in client.list_hyperparameter_tuning_jobs(following)] == ["cell"]
    masked = client.list_hyperparameter_tuning_jobs(
        {"parent": PARENT, "read_mask": {"paths": ["name", "study_spec.metrics"]}}
    )
    assert set(masked.hyperparameter_tuning_jobs[0]) == {"name", "study_spec"}
    assert all("trials" not in each for each in client.list_hyperparameter_tuning_jobs(parent=PARENT))


def test_what_is_wrong_is_refused_in_the_services_words() -> None:
    client: Any = lab.vertex.Client()
    create = client.create_hyperparameter_tuning_job
    listed = client.list_hyperparameter_tuning_jobs

    assert refused(create, parent="lab", hyperparameter_tuning_job=request_of())[2] == "parent"
    assert refused(create, parent=PARENT)[2] == "hyperparameterTuningJob"
    assert refused(create, parent=PARENT, hyperparameter_tuning_job=request_of(maxTrialCount=0)) == (
        "INVALID_ARGUMENT",
        400,
        "maxTrialCount",
    )
    with pytest.raises(VertexError, match=r"nothing here runs .*image:latest.*lab\.register") as caught:
        create(parent=PARENT, hyperparameter_tuning_job=request_of())
    assert caught.value.body()["error"]["status"] == "INVALID_ARGUMENT"
    assert refused(listed, {"parent": PARENT, "filter": "age > 3"})[2] == "filter"
    assert refused(listed, {"parent": PARENT, "pagesize": 3})[2] == "pagesize"
    for name in (f"{PARENT}/hyperparameterTuningJobs/17", "17", f"{PARENT}/hyperparameterTuningJobs/x"):
        assert refused(client.get_hyperparameter_tuning_job, name=name)[0] == "NOT_FOUND"
        assert refused(client.cancel_hyperparameter_tuning_job, name=name)[0] == "NOT_FOUND"
    assert refused(client.get_hyperparameter_tuning_job)[2] == "name"
    with pytest.raises(ValueError, match="not both"):
        listed({"parent": PARENT}, parent=PARENT)
    with pytest.raises(TypeError, match="page_size"):
        listed(parent=PARENT, page_size=3)
    assert lab.jobs() == []


def test_a_job_of_a_name_that_was_deleted_has_an_id_of_its_own() -> None:
    lab.register("image:*", train)
    client: Any = lab.vertex.Client()
    names = []
    for _ in range(2):
        names.append(
            client.create_hyperparameter_tuning_job(
                parent=PARENT, hyperparameter_tuning_job=request_of(maxTrialCount=1)
            )["name"]
        )
        until(client, names[-1], "SUCCEEDED")
        client.delete_hyperparameter_tuning_job(name=names[-1])

    assert len(set(names)) == 2


def test_jobs_of_one_display_name_created_at_once_all_run() -> None:
    lab.register("image:*", train)
    client: Any = lab.vertex.Client()
    ready, names = threading.Barrier(6), list[str]()

    def create() -> None:
        ready.wait()
        made = client.create_hyperparameter_tuning_job(
            parent=PARENT, hyperparameter_tuning_job=request_of(maxTrialCount=1)
        )
        names.append(made["name"])

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert len(set(names)) == 6
    assert {until(client, name, "SUCCEEDED")["display_name"] for name in names} == {"mbsdk-hpt"}
    assert {view.name for view in lab.jobs()} == {"mbsdk-hpt", *(f"mbsdk-hpt-{n}" for n in range(2, 7))}


def test_a_security_promise_is_warned_of_at_every_create(caplog: pytest.LogCaptureFixture) -> None:
    lab.register("image:*", train)
    client: Any = lab.vertex.Client()
    request = request_of(
        maxTrialCount=1, encryptionSpec={"kmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}
    )
    with caplog.at_level(logging.WARNING, "astraml_lab"):
        for _ in range(2):
            made = client.create_hyperparameter_tuning_job(parent=PARENT, hyperparameter_tuning_job=request)
            until(client, made["name"], "SUCCEEDED")

    assert len([each for each in caplog.messages if "encrypt" in each.lower()]) == 2
