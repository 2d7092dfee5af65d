from __future__ import annotations

import json
from typing import Any

import pytest
from dialects.stackql.samples import (
    CANCEL,
    COUNTS,
    DELETE,
    GETS,
    INSERT,
    JOBS,
    LISTS,
    PARAMETERS,
    PARENT,
    PUBLISHED,
    RESOURCE,
    STUDY,
    TASK,
    TRIALS,
    WHERE,
    a_job,
)

from astraml_lab.dialects.stackql import Effect, Table, answer


def table(text: str, jobs: list[dict[str, Any]] = JOBS) -> Table:
    found = answer(text, jobs)
    assert isinstance(found, Table)
    return found


def effect(text: str, jobs: list[dict[str, Any]] = JOBS) -> dict[str, Any]:
    found = answer(text, jobs)
    assert isinstance(found, Effect)
    assert json.dumps(found.as_dict())
    return found.as_dict()


def test_a_get_returns_the_job_with_objects_as_json() -> None:
    found = table(GETS)

    assert found.columns == ("name", "displayName", "state", "maxTrialCount", "studySpec")
    assert found.rows[0][:4] == (f"{PARENT}/hyperparameterTuningJobs/17", "job-17", "JOB_STATE_SUCCEEDED", 17)
    assert json.loads(str(found.rows[0][4])) == JOBS[0]["studySpec"]


def test_json_is_taken_apart_without_its_quotes() -> None:
    assert table(LISTS).rows == tuple((f"job-{n}", "RANDOM_SEARCH", "loss") for n in (19, 18, 17))


def test_jobs_are_counted_by_state() -> None:
    assert dict(table(COUNTS).rows) == {  # type: ignore[arg-type]  # two columns
        "JOB_STATE_SUCCEEDED": 1,
        "JOB_STATE_RUNNING": 1,
        "JOB_STATE_FAILED": 1,
    }


def test_the_best_trials_are_found_by_sql() -> None:
    assert table(TRIALS).rows == (("5", 0.5), ("4", 0.4), ("3", 0.3))


def test_the_parameters_of_a_study_are_rows() -> None:
    assert table(PARAMETERS).rows == (("lr", None), ("n", "UNIT_LOG_SCALE"))


@pytest.mark.parametrize(
    "text",
    [
        INSERT,
        INSERT.replace("data__", ""),
        INSERT.replace("INSERT INTO", "insert /*+ AWAIT */ into"),
        INSERT.replace("SELECT 'sql", "VALUES ('sql").replace(" RETURNING", ") RETURNING"),
        "/*+ create */\n"
        + INSERT.replace("8, 2", "'8', -- required\n '2'").replace(" 'local' R", "'local' R"),
    ],
)
def test_an_insert_is_a_create_request(text: str) -> None:
    found = effect(text)

    assert {**found, "body": {key: str(value) for key, value in found["body"].items()}} == {
        "op": "create",
        "parent": PARENT,
        "body": {
            "displayName": "sql-made",
            "studySpec": str(json.loads(STUDY)),
            "maxTrialCount": "8",
            "parallelTrialCount": "2",
            "trialJobSpec": str(json.loads(TASK)),
        },
        "returning": ["name", "state"],
    }


@pytest.mark.parametrize(
    "text",
    [
        CANCEL,
        CANCEL.replace(",", ""),
        CANCEL.replace("EXEC", "exec /*+ AWAIT */"),
        CANCEL.replace(";", " @@json='{}';"),
        f"""/*+ cancel */
EXEC {RESOURCE}.cancel
@projectsId='lab' --required,
@locationsId='local' --required,
@hyperparameterTuningJobsId='18' --required;
""",
    ],
)
def test_a_cancel_begins(text: str) -> None:
    assert effect(text) == {
        "op": "cancel",
        "name": f"{PARENT}/hyperparameterTuningJobs/18",
        "effect": "JOB_STATE_CANCELLING",
    }


def test_a_cancel_of_a_job_that_has_ended_has_no_effect() -> None:
    assert effect(CANCEL.replace("18", "17"))["effect"] == "none"


@pytest.mark.parametrize("text", [DELETE, DELETE.replace("DELETE", "DELETE /*+ AWAIT */")])
def test_a_job_that_has_ended_is_deleted(text: str) -> None:
    assert effect(text) == {"op": "delete", "name": f"{PARENT}/hyperparameterTuningJobs/17"}


def test_the_list_of_the_seed_is_an_alias() -> None:
    text = f"EXEC /*+ SHOWRESULTS */ {RESOURCE}._list @projectsId='lab' @locationsId='local'"

    assert effect(text) == {
        "op": "_list",
        "names": [f"{PARENT}/hyperparameterTuningJobs/{number}" for number in (19, 18, 17)],
    }
    assert effect(text.replace("'lab'", "'nobody'")) == {"op": "_list", "names": []}
    assert len(effect(text + """, @filter='state="JOB_STATE_FAILED"'""")["names"]) == 1


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (f"SELECT displayName FROM {RESOURCE} WHERE {WHERE}", [("job-19",), ("job-18",), ("job-17",)]),
        (f"select displayName from {RESOURCE} where {WHERE} and maxTrialCount > 18", [("job-19",)]),
        (f"SELECT displayName FROM {RESOURCE} WHERE ((projectsId == 'lab')) AND ('local' = locationsId)", 3),
        (f"SELECT * FROM {RESOURCE} WHERE projectsId = 'nobody' AND locationsId = 'local'", 0),
        (f"SELECT j.displayName FROM {RESOURCE} AS j WHERE j.projectsId='lab' AND j.locationsId='local'", 3),
        (
            f"SELECT hyperparameter_tuning_jobs.displayName, {RESOURCE}.state FROM {RESOURCE} WHERE {WHERE} LIMIT 1",
            [("job-19", "JOB_STATE_FAILED")],
        ),
        (
            f"SELECT projectsId, locationsId, hyperparameterTuningJobsId FROM {RESOURCE} WHERE {WHERE} LIMIT 1",
            [("lab", "local", "19")],
        ),
        (f"SELECT trials FROM {RESOURCE} WHERE {WHERE} LIMIT 1", [(None,)]),
        (
            f"SELECT json_array_length(trials) FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId = 17",
            [(5,)],
        ),
        (f"SELECT displayName FROM {RESOURCE} WHERE {WHERE} AND filter = 'labels.team=vision'", 2),
        (f"SELECT displayName FROM {RESOURCE} WHERE {WHERE} AND pageSize = 2", 2),
        (
            f"SELECT displayName, state FROM {RESOURCE} WHERE {WHERE} AND readMask='displayName' LIMIT 1",
            [("job-19", None)],
        ),
        (
            (
                f"WITH mine AS (SELECT state, maxTrialCount AS n FROM {RESOURCE} WHERE {WHERE}) "
                "SELECT state, SUM(n) OVER (ORDER BY n) FROM mine WHERE n > 17"
            ),
            [("JOB_STATE_RUNNING", 18), ("JOB_STATE_FAILED", 37)],
        ),
        (
            (
                f"SELECT displayName FROM {RESOURCE} WHERE {WHERE} UNION ALL SELECT displayName FROM {RESOURCE} "
                "WHERE projectsId = 'other' AND locationsId = 'local' ORDER BY 1"
            ),
            [("job-17",), ("job-18",), ("job-19",), ("job-20",)],
        ),
        (
            (
                f"SELECT displayName FROM {RESOURCE} WHERE {WHERE} AND maxTrialCount = "
                f"(SELECT MAX(maxTrialCount) FROM {RESOURCE} WHERE {WHERE})"
            ),
            [("job-19",)],
        ),
        (
            (
                f"SELECT COUNT(*) FROM {RESOURCE} j WHERE {WHERE} AND EXISTS "
                "(SELECT 1 FROM JSON_EACH(j.labels) WHERE key = 'team') AND (state LIKE '%RUN%' OR state GLOB '*SUCC*')"
            ),
            [(2,)],
        ),
        (
            f"SELECT displayName -- the; name\nFROM {RESOURCE} /* ; */ WHERE {WHERE} AND displayName <> 'a;b--c'",
            3,
        ),
        (
            f"SELECT strftime('%Y', createTime), IFNULL(endTime, 'none'), studySpec->>'$.algorithm' FROM {RESOURCE} WHERE {WHERE} LIMIT 1",
            [("2027", "none", "RANDOM_SEARCH")],
        ),
        ("SELECT 1 + 1", [(2,)]),
        (f"(SELECT displayName FROM {RESOURCE} WHERE {WHERE} LIMIT 1)", [("job-19",)]),
    ],
)
def test_plain_sql_works_on_the_jobs(text: str, rows: int | list[tuple[Any, ...]]) -> None:
    found = table(text)

    assert len(found.rows) == rows if isinstance(rows, int) else list(found.rows) == rows


def test_all_columns_come_in_the_order_of_the_description() -> None:
    described = [row[0] for row in table(f"DESCRIBE {RESOURCE};").rows]

    assert list(table(f"SELECT * FROM {RESOURCE} WHERE {WHERE}").columns) == described
    assert len(described) == 21
    assert table(f"describe extended {RESOURCE}").columns == ("name", "type", "description")


def test_a_list_goes_on_to_the_last_page() -> None:
    jobs = [a_job(number % 28 + 1, displayName=f"{number}") for number in range(2345)]
    for number, job in enumerate(jobs):
        job["name"] = f"{PARENT}/hyperparameterTuningJobs/{number}"

    assert table(f"SELECT COUNT(*) FROM {RESOURCE} WHERE {WHERE}", jobs).rows == ((2345,),)


def test_methods_are_shown_with_what_they_require() -> None:
    assert table(f"SHOW METHODS IN {RESOURCE}").records() == [
        {
            "MethodName": "get",
            "RequiredParams": "projectsId, locationsId, hyperparameterTuningJobsId",
            "SQLVerb": "SELECT",
        },
        {"MethodName": "list", "RequiredParams": "projectsId, locationsId", "SQLVerb": "SELECT"},
        {"MethodName": "create", "RequiredParams": "projectsId, locationsId", "SQLVerb": "INSERT"},
        {
            "MethodName": "delete",
            "RequiredParams": "projectsId, locationsId, hyperparameterTuningJobsId",
            "SQLVerb": "DELETE",
        },
        {
            "MethodName": "cancel",
            "RequiredParams": "projectsId, locationsId, hyperparameterTuningJobsId",
            "SQLVerb": "EXEC",
        },
        {"MethodName": "_list", "RequiredParams": "projectsId, locationsId", "SQLVerb": "EXEC"},
    ]
    assert "description" in table(f"show extended methods in {RESOURCE};").columns


def test_an_answer_changes_nothing() -> None:
    before = json.dumps(JOBS)
    for text in PUBLISHED:
        answer(text, JOBS)

    assert json.dumps(JOBS) == before
