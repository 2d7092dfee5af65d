from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.objectives import TARGETS
from astraml_lab.service.answers import as_problem
from astraml_lab.store import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from astraml_lab.trial import Trial

JOBS = "/v2/tuning-jobs"
LOSS = {"metric": "loss", "direction": "minimize"}
REQUEST: dict[str, Any] = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "dataset": "s3://bucket/data",
    "model": "bert-base",
    "hyperparams": {"lr": {"min": 1e-5, "max": 1e-3, "scale": "log"}},
    "resources": {"gpus": 0},
    "tuning": {"objective": LOSS, "max_trials": 2, "strategy": "random", "seed": 1},
}
release = threading.Event()


def train(trial: Trial) -> None:
    print("step one")  # noqa: T201 - what a script prints is its log
    trial.report(loss=trial.params["lr"])
    trial.report(loss=trial.params["lr"] / 2)


def wait(trial: Trial) -> None:
    while not trial.should_stop() and not release.wait(0.02):
        pass
    trial.report(loss=1.0)


@pytest.fixture(autouse=True)
def ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End everything after each test; what it registered is forgotten."""
    monkeypatch.setattr(TARGETS, "_targets", dict(TARGETS._targets))
    home.mkdir(exist_ok=True)
    (home / "data").mkdir()
    lab.register("bert-base", train)
    lab.register("slow", wait)
    lab.register_input("s3://bucket/data", str(home / "data"))
    release.clear()
    yield
    release.set()
    lab.lab.manager().close()


def problem(answer: Any) -> tuple[int, str, list[str]]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.body
    assert body["status"] == answer.status
    assert body["type"] == f"urn:astraml-lab:problem:{body['code']}"
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status, body["code"], [error["pointer"] for error in body["errors"]]


def submit(request: dict[str, Any] = REQUEST, key: str | None = None, version: str | None = None) -> Any:
    given = {"Idempotency-Key": key, "astraml-version": version}
    return lab.api("POST", JOBS, request, {name: text for name, text in given.items() if text is not None})


def finished(answer: Any) -> str:
    """Wait for the job of an answer; return its path."""
    lab.job(answer.body["name"], project="p-demo").wait(120)
    return f"{JOBS}/{answer.body['id']}"


def test_a_request_is_submitted_and_its_job_read() -> None:
    created = submit()
    assert created.status == 201
    assert created.headers["AstraML-Version"] == "2.1"
    assert created.headers["Location"] == f"{JOBS}/{created.body['id']}"
    path = finished(created)
    found = lab.api("GET", path)
    assert (found.status, found.body["state"], found.body["project_id"]) == (200, "SUCCEEDED", "p-demo")
    assert found.body["request"] == REQUEST
    assert found.body["provenance"]["lr"] == "request"
    trials = lab.api("get", f"{path}/trials").body["trials"]
    assert [each["state"] for each in trials] == ["COMPLETE", "COMPLETE"]
    assert lab.api("GET", f"{path}/trials/1").body == trials[1]
    assert problem(lab.api("GET", f"{path}/trials/7")) == (404, "trial-not-found", [])
    for answer in (created, found):
        assert json.loads(json.dumps(answer.body)) == answer.body


def test_metrics_come_in_windows_with_watermark_and_revisions() -> None:
    path = finished(submit())
    answer = lab.api("GET", f"{path}/trials/0/metrics?name=loss").body
    assert (answer["window_s"], answer["watermark"], answer["final"]) == (30, None, True)
    assert sum(window["count"] for window in answer["windows"]) == 2
    window = answer["windows"][-1]
    assert window["complete"]
    assert window["start"] % 30 == 0
    assert window["end"] == window["start"] + 30
    assert window["min"] <= window["mean"] <= window["max"]
    assert window["revision"] >= 0
    assert lab.api("GET", f"{path}/trials/0/metrics?name=loss&resolution=300").body["window_s"] in {0, 300}
    assert lab.api("GET", f"{path}/trials/0/metrics?name=absent").body["windows"] == []
    assert problem(lab.api("GET", f"{path}/trials/0/metrics?resolution=x"))[:2] == (400, "malformed")


def test_logs_are_tailed_and_followed_by_offset() -> None:
    path = finished(submit())
    assert any("step one" in line for line in lab.api("GET", f"{path}/trials/0/logs?tail=5").body["lines"])
    first = lab.api("GET", f"{path}/trials/0/logs?from_offset=0").body
    assert any("step one" in line for line in first["lines"])
    again = lab.api("GET", f"{path}/trials/0/logs?from_offset={first['next_offset']}").body
    assert (again["lines"], again["next_offset"]) == ([], first["next_offset"])
    assert problem(lab.api("GET", f"{path}/trials/0/logs?tail=0"))[:2] == (400, "malformed")


def test_the_same_key_and_request_give_the_same_job() -> None:
    first = submit(key="k-1")
    again = submit({name: REQUEST[name] for name in reversed(REQUEST)}, key="k-1")
    assert (first.status, again.status) == (201, 200)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body["id"] == first.body["id"]
    other = submit({**REQUEST, "tags": {"a": "b"}}, key="k-1")
    assert problem(other) == (422, "idempotency-key-reused", [])
    assert not other.body["retryable"]
    assert submit(key="k-2").status == 201
    assert len(lab.api("GET", f"{JOBS}?project_id=p-demo").body["jobs"]) == 2


def test_without_a_key_every_submit_is_a_job() -> None:
    assert submit().body["id"] != submit().body["id"]


def test_a_key_whose_request_was_refused_is_free_again() -> None:
    assert problem(submit({**REQUEST, "model": ""}, key="k-1"))[:2] == (422, "schema-violation")
    assert problem(submit({**REQUEST, "model": "nobody"}, key="k-1")) == (422, "schema-violation", ["/model"])
    assert submit(key="k-1").status == 201


def test_a_key_whose_first_request_still_runs_says_when_to_come_again() -> None:
    from astraml_lab.dialects.astraml.fingerprint import fingerprint

    claim = lab.lab.manager().store.requests.claim("p-demo", "k-1", fingerprint(REQUEST), "x")
    assert claim.answer is Answer.NEW
    answer = submit(key="k-1")
    assert problem(answer) == (409, "request-in-progress", [])
    assert (answer.headers["Retry-After"], answer.body["retryable"], answer.body["retry_after_s"]) == (
        "1",
        True,
        1,
    )


def test_a_job_that_was_deleted_stays_deleted_for_its_key() -> None:
    path = finished(submit(key="k-1"))
    assert lab.api("DELETE", path)[:1] == (204,)
    assert problem(lab.api("GET", path)) == (404, "job-not-found", [])
    assert problem(lab.api("DELETE", path)) == (404, "job-not-found", [])
    assert problem(submit(key="k-1")) == (410, "job-deleted", [])


def test_an_edit_of_the_policy_does_not_turn_a_repeat_into_a_refusal() -> None:
    first = submit(key="k-1")
    lab.api("PUT", "/v2/projects/p-demo/policy", {"ceilings": {"max_trials": 1}})
    assert submit(key="k-1").body["id"] == first.body["id"]
    refused = submit(key="k-2")
    assert problem(refused) == (422, "policy-violation", ["/tuning/max_trials"])
    assert refused.body["errors"][0]["limit"] == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\nb"])
def test_a_key_is_printable_ascii(key: str) -> None:
    assert problem(submit(key=key))[:2] == (400, "malformed")


def test_a_running_job_is_stopped_but_not_deleted_and_stopping_again_is_no_mistake() -> None:
    created = submit({**REQUEST, "model": "slow"})
    path = f"{JOBS}/{created.body['id']}"
    assert problem(lab.api("DELETE", path))[:2] == (409, "invalid-state")
    assert lab.api("POST", f"{path}:stop").status == 200
    finished(created)
    assert lab.api("GET", path).body["state"] == "STOPPED"
    again = lab.api("POST", f"{path}:stop")
    assert (again.status, again.body["state"]) == (200, "STOPPED")
    assert [job["id"] for job in lab.api("GET", f"{JOBS}?state=STOPPED").body["jobs"]] == [created.body["id"]]


def test_a_used_name_is_a_conflict() -> None:
    named = {**REQUEST, "name": "digits"}
    assert submit(named).status == 201
    assert problem(submit(named))[:2] == (409, "invalid-state")


def test_policies_are_versioned_and_checked() -> None:
    path = "/v2/projects/p-demo/policy"
    assert problem(lab.api("GET", path)) == (404, "project-not-found", [])
    assert lab.api("PUT", path, "ceilings: {gpus: 1}").status == 201
    stale = lab.api("PUT", path, b'{"defaults": {"epochs": 3}, "version": 9}')
    assert problem(stale) == (409, "invalid-state", [])
    assert lab.api("PUT", path, b'{"defaults": {"epochs": 3}, "version": 1}').status == 200
    assert lab.api("GET", path).body == {"defaults": {"epochs": 3}, "version": 2}
    assert problem(lab.api("PUT", path, {"ceiling": {}})) == (422, "schema-violation", ["/ceiling"])
    created = submit()
    assert created.body["policy_version"] == 2
    assert created.body["provenance"]["epochs"] == "policy"


def test_translating_runs_nothing_and_speaks_every_dialect() -> None:
    answer = lab.api("POST", f"{JOBS}:translate", json.dumps(REQUEST))
    assert (answer.status, answer.body["kind"], answer.body["dialect"]) == (200, "tuning", "astraml")
    assert "/hyperparams/lr" in answer.body["fidelity"]["honoured"]
    bad = lab.api("POST", f"{JOBS}:translate", {"HyperParameterTuningJobName": "!"})
    assert (bad.status, bad.body["error"]) == (400, "ValidationException")
    assert lab.api("GET", JOBS).body == {"jobs": []}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/v2/nothing", 404, "not-found"),
        ("GET", f"{JOBS}/tj-99", 404, "job-not-found"),
        ("GET", f"{JOBS}/..%2f..%2fetc", 404, "job-not-found"),
        ("GET", f"{JOBS}/tj-1' OR '1'='1", 404, "job-not-found"),
        ("PATCH", JOBS, 405, "method-not-allowed"),
        ("GET", f"{JOBS}?state=DONE", 400, "malformed"),
        ("GET", "/v2/projects/P%20X/policy", 400, "malformed"),
    ],
)
def test_what_is_not_there_is_said(method: str, path: str, status: int, code: str) -> None:
    assert problem(lab.api(method, path))[:2] == (status, code)


def test_a_known_path_says_its_methods() -> None:
    assert lab.api("PUT", JOBS).headers["Allow"] == "GET, POST"


def test_versions_of_body_and_header_are_held_together() -> None:
    assert submit(version="v2.1").status == 201
    assert problem(submit(version="3")) == (400, "version-mismatch", ["/apiVersion"])
    assert problem(lab.api("GET", JOBS, headers={"AstraML-Version": "9"}))[:2] == (400, "unsupported-version")


def test_the_id_of_a_request_comes_back() -> None:
    assert lab.api("GET", JOBS, headers={"x-request-id": "r-17"}).headers["X-Request-Id"] == "r-17"
    made_up = lab.api("GET", JOBS, headers={"X-Request-Id": "a\r\nSet-Cookie: x"}).headers["X-Request-Id"]
    assert made_up.isalnum()


def test_a_body_is_never_taken_for_the_name_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(REQUEST), encoding="utf-8")
    assert problem(lab.api("POST", JOBS, str(path)))[:2] == (400, "malformed")
    assert problem(lab.api("POST", JOBS, path))[:2] == (400, "malformed")
    assert problem(lab.api("POST", JOBS))[:2] == (400, "malformed")
    assert problem(lab.api("POST", JOBS, "x" * 2_000_000))[:2] == (413, "body-too-large")


def test_a_secret_as_a_literal_is_in_no_answer() -> None:
    answer = submit({**REQUEST, "env": {"DB_PASSWORD": "hunter2"}}, key="k-1")
    assert problem(answer) == (422, "inline-secret", ["/env/DB_PASSWORD"])
    assert "hunter2" not in str(answer)


def test_a_failure_of_the_lab_is_a_problem_too(caplog: pytest.LogCaptureFixture) -> None:
    error = as_problem(RuntimeError("broken"), keyed=True)
    assert (error.code, error.status, error.retryable) == ("internal", 500, True)
    assert not as_problem(RuntimeError("broken"), keyed=False).retryable
    assert "a call of the service failed" in caplog.text
