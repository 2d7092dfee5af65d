"""What is refused, and by which code; attacks among it."""

from __future__ import annotations

import contextlib
import sqlite3
import time

import pytest
from dialects.stackql.samples import CANCEL, INSERT, JOBS, RESOURCE, TASK, WHERE
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects.stackql import StackqlError, answer
from astraml_lab.dialects.stackql.sandbox import run

IDS = f"{WHERE} AND hyperparameterTuningJobsId = '17'"
JSON_COLUMNS = "projectsId, locationsId, displayName"


def insert(columns: str, values: str) -> str:
    return f"INSERT INTO {RESOURCE} ({columns}) {values}"


def refused(text: str) -> StackqlError:
    with pytest.raises(StackqlError) as caught:
        answer(text, JOBS)
    return caught.value


REFUSED = [
    ("missing-params", f"SELECT * FROM {RESOURCE}"),
    ("missing-params", f"SELECT * FROM {RESOURCE} WHERE projectsId = 'lab'"),
    ("missing-params", f"SELECT * FROM {RESOURCE} WHERE projectsid = 'lab' AND locationsId = 'local'"),
    ("missing-params", f"SELECT * FROM {RESOURCE} WHERE state = 'x' AND hyperparameterTuningJobsId = '17'"),
    ("missing-params", f"SELECT 1 FROM (SELECT 1 FROM {RESOURCE}) x WHERE {WHERE}"),
    ("missing-params", f"DELETE FROM {RESOURCE}"),
    ("missing-params", f"DELETE FROM {RESOURCE} WHERE {WHERE}"),
    ("missing-params", f"EXEC {RESOURCE}.cancel @projectsId='lab', @locationsId='local'"),
    ("missing-params", f"EXEC {RESOURCE}.cancel"),
    ("missing-params", INSERT.replace("projectsId, locationsId", "projectsId").replace(", 'local' R", " R")),
    ("missing-params", insert("projectsId, locationsId", "SELECT 'lab', ''")),
    ("missing-params", f"INSERT INTO {RESOURCE} SELECT 'a', 'b'"),
    ("unknown-resource", f"SELECT * FROM {RESOURCE}.trials WHERE {WHERE}"),
    ("unsupported-statement", f"SELECT * FROM {RESOURCE} WHERE {WHERE} FOR UPDATE"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE projectsId = 'lab' OR locationsId = 'local'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} OR state = 'x'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND NOT hyperparameterTuningJobsId = '17'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId IN ('17', '18')"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId > '17'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId LIKE '1%'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId = displayName"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId = '1' || '7'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE projectsId = lower('LAB') AND locationsId = 'local'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE projectsId = NULL AND locationsId = 'local'"),
    (
        "param-form",
        f"SELECT * FROM {RESOURCE} WHERE projectsId = 'lab' AND projectsId = 'b' AND locationsId = 'local'",
    ),
    ("param-form", f"SELECT * FROM {RESOURCE} j JOIN JSON_EACH('[]') e ON projectsId = 'lab' WHERE {WHERE}"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {IDS} AND filter = 'state=x'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND filter = 'nonsense'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND pageSize = 'many'"),
    ("param-form", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND pageSize = -1"),
    ("param-form", f"DELETE FROM {RESOURCE} WHERE {IDS} AND state = 'JOB_STATE_FAILED'"),
    ("param-form", f"DELETE FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId IN ('17')"),
    ("param-form", CANCEL.replace("'18'", "now()")),
    ("param-form", CANCEL.replace(";", ", @other='x'")),
    ("param-form", CANCEL.replace(";", " @projectsId='lab'")),
    ("param-form", CANCEL.replace(";", ", @@json='{}'")),
    ("param-form", CANCEL.replace(";", " @@json='{'")),
    ("param-form", CANCEL.replace(";", " @@json='{\"a\": 1}'")),
    ("param-form", CANCEL.replace(".cancel ", ".cancel , ")),
    ("param-form", insert(JSON_COLUMNS, "SELECT 'lab', 'local', lower('X')")),
    ("param-form", insert(JSON_COLUMNS, "VALUES ('lab', 'local', (SELECT 1))")),
    ("param-form", insert(JSON_COLUMNS, "VALUES ('lab', 'local')")),
    ("param-form", insert("projectsId, locationsId, data__studySpec", "VALUES ('lab', 'local', '{')")),
    ("param-form", insert("projectsId, locationsId, data__studySpec", "VALUES ('lab', 'local', 5)")),
    ("param-form", insert("projectsId, locationsId, labels", """VALUES ('a', 'b', '{"a":"1","a":"2"}')""")),
    ("param-form", insert("projectsId, locationsId, labels", """VALUES ('a', 'b', '{"a":NaN}')""")),
    (
        "param-form",
        insert("projectsId, locationsId, displayName, data__displayName", "VALUES ('a', 'b', 'c', 'd')"),
    ),
    ("param-form", INSERT.replace("       8,", "       0,")),
    ("no-method", f"UPDATE {RESOURCE} SET displayName = 'x' WHERE {IDS}"),
    ("no-method", f"REPLACE {RESOURCE} SET displayName = 'x' WHERE {IDS}"),
    ("no-method", CANCEL.replace(".cancel", ".pause")),
    ("no-method", CANCEL.replace(".cancel", ".delete")),
    ("failed-precondition", f"DELETE FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId = '18'"),
    ("multi-statement", f"SELECT * FROM {RESOURCE} WHERE {WHERE}; SELECT 1"),
    ("multi-statement", f"{CANCEL} DROP TABLE x"),
    ("multi-statement", f"{CANCEL}\n-- another\n{CANCEL}"),
    ("output-only", insert(f"{JSON_COLUMNS}, state", "VALUES ('a', 'b', 'c', 'JOB_STATE_RUNNING')")),
    ("output-only", insert(f"{JSON_COLUMNS}, data__name", "VALUES ('a', 'b', 'c', 'd')")),
    ("output-only", insert(f"{JSON_COLUMNS}, trials", "VALUES ('a', 'b', 'c', '[]')")),
    ("output-only", insert(f"{JSON_COLUMNS}, hyperparameterTuningJobsId", "VALUES ('a', 'b', 'c', '5')")),
    ("output-only", insert(f"{JSON_COLUMNS}, colour", "VALUES ('a', 'b', 'c', 'd')")),
    ("unknown-resource", f"SELECT * FROM google.aiplatform.custom_jobs WHERE {WHERE}"),
    ("unknown-resource", f"SELECT * FROM aws.ec2.instances WHERE {WHERE}"),
    ("unknown-resource", f"SELECT * FROM hyperparameter_tuning_jobs WHERE {WHERE}"),
    ("unknown-resource", f"SELECT * FROM Google.aiplatform.hyperparameter_tuning_jobs WHERE {WHERE}"),
    ("unknown-resource", "SELECT * FROM sqlite_master"),
    ("unknown-resource", "SELECT * FROM sqlite_schema"),
    ("unknown-resource", "SELECT * FROM main.sqlite_master"),
    ("unknown-resource", "SELECT * FROM information_schema.tables"),
    ("unknown-resource", "SELECT * FROM r0"),
    ("unknown-resource", f"SELECT * FROM {RESOURCE}, sqlite_master WHERE {WHERE}"),
    ("unknown-resource", f"SELECT nope FROM {RESOURCE} WHERE {WHERE}"),
    ("unknown-resource", "DELETE FROM jobs WHERE id = 1"),
    ("unknown-resource", "INSERT INTO jobs (a) VALUES (1)"),
    ("unknown-resource", CANCEL.replace("google.", "aws.")),
    ("unknown-resource", "SHOW METHODS IN google.aiplatform.models"),
    ("unknown-resource", "DESCRIBE jobs"),
    ("not-allowed", "SELECT load_extension('/tmp/x.so')"),
    ("not-allowed", f"SELECT load_extension('x') FROM {RESOURCE} WHERE {WHERE}"),
    ("not-allowed", "SELECT readfile('/etc/passwd')"),
    ("not-allowed", "SELECT writefile('/tmp/x', 'y')"),
    ("not-allowed", "SELECT randomblob(1000000000)"),
    ("not-allowed", "SELECT zeroblob(1000000000)"),
    ("not-allowed", "SELECT sqlite_version()"),
    ("not-allowed", "SELECT fts3_tokenizer('x')"),
    ("not-allowed", "SELECT * FROM pragma_table_info('sqlite_master')"),
    ("not-allowed", "SELECT * FROM pragma_database_list()"),
    ("not-allowed", "SELECT * FROM generate_series(1, 10)"),
    ("not-allowed", "SELECT 1 WHERE 1 IN (SELECT load_extension('x'))"),
    ("not-allowed", "SELECT replace(printf('%10000000d', 1), ' ', 'xxxxxxxxxx')"),
    ("not-allowed", "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"),
    ("not-allowed", f"DELETE FROM {RESOURCE} WHERE {IDS} RETURNING name"),
    ("not-allowed", INSERT.replace('{"imageUri"', '{"env":[{"name":"API_TOKEN","value":"abc"}],"imageUri"')),
    ("not-allowed", INSERT.replace("local/train", "x/AKIA" + "A" * 16)),
    ("not-found", f"SELECT * FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId = '404'"),
    (
        "not-found",
        f"SELECT * FROM {RESOURCE} WHERE projectsId='other' AND locationsId='local' AND hyperparameterTuningJobsId='17'",
    ),
    ("not-found", f"DELETE FROM {RESOURCE} WHERE {WHERE} AND hyperparameterTuningJobsId = '404'"),
    ("not-found", CANCEL.replace("'18'", "'404'")),
    ("unsupported-statement", ""),
    ("unsupported-statement", " ; -- nothing"),
    ("unsupported-statement", "SELECT 'never closed"),
    ("unsupported-statement", "SELECT /* never closed"),
    ("unsupported-statement", "SELECT FROM WHERE"),
    ("unsupported-statement", "CREATE TABLE x (a)"),
    ("unsupported-statement", "DROP TABLE jobs"),
    ("unsupported-statement", "ALTER TABLE jobs ADD x"),
    ("unsupported-statement", "ATTACH DATABASE '/tmp/x.db' AS x"),
    ("unsupported-statement", "DETACH x"),
    ("unsupported-statement", "PRAGMA database_list"),
    ("unsupported-statement", "VACUUM INTO '/tmp/x.db'"),
    ("unsupported-statement", "BEGIN"),
    ("unsupported-statement", "COMMIT"),
    ("unsupported-statement", "EXPLAIN SELECT 1"),
    ("unsupported-statement", "VALUES (1)"),
    ("unsupported-statement", "SHOW TABLES"),
    ("unsupported-statement", f"SHOW METHODS IN {RESOURCE} WHERE 1"),
    ("unsupported-statement", "hello"),
    ("unsupported-statement", "(" * 5000 + "1" + ")" * 5000),
    ("unsupported-statement", "SELECT " + "(" * 5000 + "1" + ")" * 5000),
    ("unsupported-statement", "SELECT 1" + " " * 30_000),
    ("unsupported-statement", "SELECT '" + " " * 1_000_000 + "'"),
    ("unsupported-statement", f"SELECT 1 FROM {RESOURCE} a, {RESOURCE} b WHERE {WHERE}"),
    ("unsupported-statement", insert(JSON_COLUMNS, "VALUES ('a', 'b', 'c'), ('a', 'b', 'd')")),
    (
        "unsupported-statement",
        insert(JSON_COLUMNS, f"SELECT projectsId, locationsId, name FROM {RESOURCE} WHERE {WHERE}"),
    ),
    ("unsupported-statement", insert(JSON_COLUMNS, "SELECT 'a', 'b', 'c' UNION SELECT 'a', 'b', 'd'")),
    ("unsupported-statement", f"INSERT OR REPLACE INTO {RESOURCE} ({JSON_COLUMNS}) VALUES ('a', 'b', 'c')"),
    (
        "unsupported-statement",
        f"INSERT INTO {RESOURCE} ({JSON_COLUMNS}) VALUES ('a', 'b', 'c') ON CONFLICT DO NOTHING",
    ),
]


@pytest.mark.parametrize(("code", "text"), REFUSED)
def test_a_statement_is_refused_with_its_code(code: str, text: str) -> None:
    error = refused(text)

    assert error.code == code, str(error)
    assert error.as_dict()["code"] == code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"SELECT * FROM {RESOURCE}",
            "query cannot be executed, missing required parameters: { locationsId, projectsId }",
        ),
        (
            f"EXEC {RESOURCE}.cancel @projectsId='lab' @locationsId='local'",
            "required param not supplied for exec: could not find variable 'hyperparameterTuningJobsId'",
        ),
        (
            f"DELETE FROM {RESOURCE} WHERE {IDS} RETURNING name",
            "returning from asynchronous delete is disallowed",
        ),
        (f"UPDATE {RESOURCE} SET a = 1", f"run SHOW METHODS IN {RESOURCE}"),
        ("SELECT * FROM a.b.c", "could not find resource"),
        (
            INSERT.replace("       8,", "       0,"),
            'http response status code: 400, response body: {"error": {"code": 400',
        ),
    ],
)
def test_a_refusal_says_what_stackql_says(text: str, said: str) -> None:
    assert said in str(refused(text))


def test_what_vertex_refuses_comes_with_its_answer() -> None:
    error = refused(INSERT.replace('"scaleType":"UNIT_LOG_SCALE"', '"scaleType":"LOG"'))

    assert error.response is not None
    assert error.response["error"]["details"][0]["fieldViolations"][0]["field"] == (
        "studySpec.parameters[0].scaleType"
    )


def test_a_refused_credential_is_not_repeated() -> None:
    task = TASK.replace('"imageUri"', '"env":[{"name":"DB_PASSWORD","value":"hunter2"}],"imageUri"')

    assert "hunter2" not in str(refused(INSERT.replace(TASK, task)))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT instr(printf('%.*c', 9000000, 'a'), printf('%.*c', 4000000, 'a') || 'b')",
        "SELECT length(replace(printf('%.*c', 9000000, 'a'), printf('%.*c', 4000000, 'a') || 'b', ''))",
        "SELECT length(replace(printf('%.*c', 9000000, 'a'), 'a', printf('%.*c', 9000000, 'a')))",
        "SELECT length(trim(printf('%.*c', 9000000, 'a'), printf('%.*c', 4000000, 'b') || 'a'))",
        "SELECT printf('%.*c', 9000000, 'a') LIKE '" + "%a" * 49 + "b'",
        "SELECT printf('%.*c', 9000000, 'a') GLOB '*" + "a" * 90 + "b'",
        "SELECT printf('%.*c', 2000000000, 'a')",
        "SELECT format('%.*c', 2e9, 'a')",
        "SELECT printf('%.*c', '2000000000', 'a')",
        "SELECT printf('" + "%.19000000c" * 300 + "')",
        "SELECT " + "+".join(["1"] * 9_000),
        f"SELECT 1 FROM {RESOURCE} WHERE {WHERE} AND " + " AND ".join(["1"] * 3_000),
    ],
)
def test_no_function_or_statement_takes_long(text: str) -> None:
    before = time.process_time()
    with contextlib.suppress(StackqlError):
        answer(text, JOBS)

    assert time.process_time() - before < 10


@given(st.text("ab ", max_size=8), st.text("ab ", max_size=3), st.text("abc", max_size=3))
def test_our_text_functions_are_those_of_sqlite(text: str, part: str, other: str) -> None:
    calls = "instr(?1, ?2), replace(?1, ?2, ?3), trim(?1, ?2), ltrim(?1, ?2), rtrim(?1, ?2), instr(?1, NULL)"
    with contextlib.closing(sqlite3.connect(":memory:")) as plain:
        expected = plain.execute(f"SELECT {calls}", (text, part, other)).fetchone()
    for index, value in enumerate((text, part, other), start=1):
        calls = calls.replace(f"?{index}", f"'{value}'")

    assert run(f"SELECT {calls}", {}, {}).rows == (expected,)


@pytest.mark.parametrize(
    "call",
    [
        "printf('%-5d|%s|%.2f|%%|%*d', 3, 'a', 1.5, 4, 1795237855)",
        "printf('%lld %5s %,d', 9000000000, 'x', 1234567)",
        "format('%*.*f', 8, 2, 3.14159)",
        "printf('50%')",
        "printf(NULL, 1)",
        "printf()",
    ],
)
def test_our_printf_is_that_of_sqlite(call: str) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as plain:
        expected = plain.execute(f"SELECT {call}").fetchone()

    assert run(f"SELECT {call}", {}, {}).rows == (expected,)


@pytest.mark.parametrize(
    "endless",
    [
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c",
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT MAX(x) FROM c",
    ],
)
def test_an_endless_recursion_ends(endless: str) -> None:
    before = time.process_time()

    with pytest.raises(StackqlError, match=r"longer than 0\.1 s") as caught:
        run(endless, {}, {}, seconds=0.1)

    assert caught.value.code == "not-allowed"
    assert time.process_time() - before < 2


def test_the_private_database_cannot_reach_a_file(tmp_path: object) -> None:
    for sql in (f"ATTACH '{tmp_path}/x.db' AS x", f"VACUUM INTO '{tmp_path}/x.db'", "PRAGMA database_list"):
        with pytest.raises(StackqlError):
            run(sql, {"r0": []}, {"r0": ("a",)})
    for sql in (
        "SELECT * FROM sqlite_master",
        "SELECT 1 WHERE 1 IN sqlite_master",
        "INSERT INTO r0 VALUES (1)",
    ):
        with pytest.raises(StackqlError) as caught:
            run(sql, {"r0": []}, {"r0": ("a",)})
        assert caught.value.code == "not-allowed"


@given(st.text(alphabet="SELECTFROMWHRE '\"`[]();,.@=*-/\n" + RESOURCE, max_size=60))
def test_any_text_is_answered_or_refused(text: str) -> None:
    for statement in (
        text,
        f"SELECT {text}",
        f"EXEC {RESOURCE}.{text}",
        f"SELECT 1 FROM {RESOURCE} WHERE {text}",
    ):
        with contextlib.suppress(StackqlError):
            answer(statement, JOBS)


@given(st.text(st.characters(exclude_characters="\0", categories=("L", "N", "P", "S", "Z")), max_size=30))
def test_a_literal_arrives_as_it_was_written(name: str) -> None:
    quoted = name.replace("'", "''")
    text = f"SELECT '{quoted}' FROM {RESOURCE} WHERE {IDS}"

    found = answer(text, JOBS)

    assert getattr(found, "rows", None) == ((name,),)


def test_a_body_nested_without_end_is_refused() -> None:
    assert "holds no JSON" in str(refused(CANCEL.replace(";", " @@json='" + "[" * 100_000 + "'")))


@pytest.mark.parametrize("text", ["[" * 500_000, "SELECT " + "[" * 19_000 + "a" * 500_000, "/*" * 400_000])
def test_what_never_closes_is_refused_in_a_second(text: str) -> None:
    began = time.process_time()
    assert refused(text).code == "unsupported-statement"
    assert time.process_time() - began < 5


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(StackqlError, match="surrogate pair"):
        run("SELECT '\ud800' FROM t", {"t": []}, {"t": ["a"]})
