"""`lab.sql` answers questions about jobs, trials and windows, and nothing reaches the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import astraml_lab as lab
from astraml_lab.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from astraml_lab.store.records import GenerationRecord
    from astraml_lab.trial import Trial


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path))
    yield
    lab.lab.manager().close()


def train(trial: Trial) -> None:
    if trial.number == 1:
        raise ValueError("no luck")
    trial.report(loss=trial.params["lr"], seconds=2)


def launch(name: str, **options: Any) -> None:
    space = {"lr": lab.Float(0.1, 1.0)}
    lab.tune(train, space, minimize="loss", trials=3, seed=0, name=name, tag={"team": "a"}, **options)


def table(statement: str) -> pd.DataFrame:
    found = lab.sql(statement)
    assert isinstance(found, pd.DataFrame)
    return found


@pytest.mark.parametrize("asked", ["jobs", "trials", "windows", "/v2/tuning-jobs"])
def test_a_job_that_is_deleted_while_all_are_read_is_left_out(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("digits", "letters"):
        launch(name, wait=True)
    store, doomed = lab.lab.manager().store, lab.job("digits")
    listed = store.list_jobs

    def then_deleted(project: str | None = None) -> tuple[GenerationRecord, ...]:
        found = listed(project)
        monkeypatch.setattr(store, "list_jobs", listed)
        doomed.delete()
        return found

    monkeypatch.setattr(store, "list_jobs", then_deleted)
    if asked.startswith("/"):
        answer = lab.api("GET", asked)
        assert [job["name"] for job in answer.body["jobs"]] == ["letters"]
    else:
        column = "name" if asked == "jobs" else "job"
        assert set(table(f"SELECT {column} AS name FROM {asked}").name) == {"letters"}  # noqa: S608


def test_jobs_trials_and_windows_are_tables() -> None:
    launch("digits")
    launch("letters")

    jobs = table(
        "SELECT name, state, metric, goal, finished, tags ->> 'team' AS team FROM jobs ORDER BY name"
    )
    assert jobs.to_dict("records") == [
        {"name": name, "state": "SUCCEEDED", "metric": "loss", "goal": "minimize", "finished": 3, "team": "a"}
        for name in ("digits", "letters")
    ]
    best = table(
        "SELECT j.name, t.number, t.value, params ->> 'lr' AS lr FROM trials t "
        "JOIN jobs j ON j.name = t.job AND j.best = t.number ORDER BY 1"
    )
    assert list(best.value) == [lab.job(name).view().best_value for name in ("digits", "letters")]
    assert list(best.lr) == list(best.value)
    failed = table("SELECT job, kind, reason FROM trials WHERE state = 'FAILED' LIMIT 1")
    assert list(failed.iloc[0]) == ["letters", "exception", "ValueError: no luck"]
    windows = table("SELECT metric, SUM(count) AS points FROM windows WHERE job = 'digits' GROUP BY metric")
    assert windows.to_dict("records") == [{"metric": "loss", "points": 2}, {"metric": "seconds", "points": 2}]


def test_an_empty_store_has_empty_tables() -> None:
    assert table("WITH a AS (SELECT * FROM jobs) SELECT name FROM a").empty


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT load_extension('x') FROM jobs",
        "SELECT readfile('/etc/passwd') FROM jobs",
        "SELECT * FROM sqlite_master, jobs",
        "SELECT * FROM jobs; DROP TABLE jobs",
        "ATTACH 'lab.db' AS other",
        "PRAGMA database_list",
        "DELETE FROM jobs",
        "UPDATE trials SET value = 0",
        "INSERT INTO jobs SELECT * FROM jobs",
        "SELECT * FROM leases",
    ],
)
def test_a_question_does_nothing_but_ask(statement: str) -> None:
    launch("digits")

    with pytest.raises(RequestRefused):
        lab.sql(statement)

    assert len(lab.job("digits").trials) == 3


def test_an_endless_question_is_ended() -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n, jobs"

    with pytest.raises(RequestRefused, match="ran longer than 2 s"):
        lab.sql(endless)


RESOURCE = "google.aiplatform.hyperparameter_tuning_jobs"
WHERE = "WHERE projectsId = 'lab' AND locationsId = 'local'"
STUDY = {
    "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
    "parameters": [{"parameterId": "lr", "doubleValueSpec": {"minValue": 0.1, "maxValue": 1.0}}],
}
TASK = {
    "workerPoolSpecs": [
        {
            "machineSpec": {"machineType": "local"},
            "replicaCount": 1,
            "containerSpec": {"imageUri": "local/sql-train"},
        }
    ]
}
INSERT = f"""INSERT INTO {RESOURCE}
 (data__displayName, data__studySpec, data__maxTrialCount, data__parallelTrialCount, data__trialJobSpec,
  projectsId, locationsId)
SELECT 'sql-made', '{json.dumps(STUDY)}', 3, 1, '{json.dumps(TASK)}', 'lab', 'local' RETURNING name, state"""


def test_statements_on_given_resources_change_nothing() -> None:
    found = lab.sql(f"SELECT displayName FROM {RESOURCE} {WHERE}", jobs=[])  # noqa: S608 - likewise

    assert isinstance(found, pd.DataFrame)
    assert found.empty
    effect = lab.sql(INSERT, jobs=[])
    assert isinstance(effect, dict)
    assert (effect["op"], effect["body"]["displayName"]) == ("create", "sql-made")
    assert lab.jobs() == []


def test_null_is_none_and_leaves_the_numbers_beside_it_whole() -> None:
    given: list[dict[str, Any]] = [{"maxFailedTrialCount": 3}, {"error": {"code": 1}}, {}]
    jobs = [
        {"name": f"projects/lab/locations/local/hyperparameterTuningJobs/{number}", **each}
        for number, each in enumerate(given)
    ]
    found = lab.sql(
        "SELECT hyperparameterTuningJobsId AS id, maxFailedTrialCount AS most, JSON_EXTRACT(error, '$.code') "
        "AS code, error FROM google.aiplatform.hyperparameter_tuning_jobs "
        "WHERE projectsId = 'lab' AND locationsId = 'local' ORDER BY 1",
        jobs=jobs,
    )
    assert isinstance(found, pd.DataFrame)
    rows = list(found.itertuples(index=False, name=None))
    assert rows == [("0", 3, None, None), ("1", None, 1, '{"code":1}'), ("2", None, None, None)]
    assert type(rows[0][1]) is int


def test_a_job_is_made_asked_for_cancelled_and_deleted_by_sql() -> None:
    lab.register("local/sql-train", train)
    made = table(INSERT)
    number = made.name[0].rpartition("/")[2]
    exact = f"{WHERE} AND hyperparameterTuningJobsId = '{number}'"
    lab.job("sql-made").wait(120)

    listed = table(f"SELECT displayName, state, trials FROM {RESOURCE} {WHERE}")  # noqa: S608 - likewise
    assert listed.to_dict("records") == [
        {"displayName": "sql-made", "state": "JOB_STATE_SUCCEEDED", "trials": None}
    ]
    trials = table(
        "SELECT JSON_EXTRACT(t.value, '$.id') AS id, JSON_EXTRACT(t.value, '$.state') AS state "  # noqa: S608 - likewise
        f"FROM {RESOURCE} j, JSON_EACH(j.trials) t {exact}"
    )
    assert list(trials.state) == ["SUCCEEDED", "INFEASIBLE", "SUCCEEDED"]
    names = f"@projectsId='lab', @locationsId='local', @hyperparameterTuningJobsId='{number}'"
    assert (
        table(f"EXEC {RESOURCE}.cancel {names}").attrs["message"]
        == "The operation was despatched successfully"
    )
    table(f"DELETE FROM {RESOURCE} {exact}")  # noqa: S608 - likewise
    assert lab.jobs() == []


def test_a_statement_that_is_refused_is_refused_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    for statement in ("SHOW TABLES", "EXPLAIN SELECT 1", "VACUUM", "SHOW DATABASES"):
        with pytest.raises(RequestRefused, match="not supported"):
            lab.sql(statement)

    assert caplog.text == ""
