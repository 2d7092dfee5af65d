from __future__ import annotations

import base64
import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects.vertex import VertexError
from astraml_lab.dialects.vertex.filters import parse_filter
from astraml_lab.dialects.vertex.listing import Query, list_jobs

FAR = base64.urlsafe_b64encode(b'{"id": "1", "at": 1' + b"0" * 400 + b"}").decode()
"""After a time that no float holds."""
PARENT = "projects/lab/locations/local"


def a_job(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "name": f"{PARENT}/hyperparameterTuningJobs/{number}",
        "displayName": f"job_{number}",
        "state": "JOB_STATE_SUCCEEDED",
        "createTime": f"2027-01-{number % 28 + 1:02d}T00:00:00Z",
        "studySpec": {"metrics": [{"metricId": "loss", "goal": "MINIMIZE"}], "parameters": []},
        "trials": [{"id": "1"}],
        **fields,
    }


def found(jobs: list[dict[str, Any]], **query: Any) -> list[str]:
    return [each["displayName"] for each in list_jobs(jobs, Query(**query))["hyperparameterTuningJobs"]]


def refused(**query: Any) -> str:
    with pytest.raises(VertexError) as caught:
        list_jobs([a_job(1)], Query(**query))
    return caught.value.field


JOBS = [
    a_job(1, labels={"team": "vision"}),
    a_job(2, state="JOB_STATE_FAILED", labels={"team": "nlp", "draft": ""}),
    a_job(3, displayName="my job"),
    a_job(4, name="projects/other/locations/local/hyperparameterTuningJobs/4"),
]


def test_jobs_are_listed_newest_first_without_their_trials_and_those_of_the_parent_alone() -> None:
    answer = list_jobs(JOBS, Query())

    assert [each["displayName"] for each in answer["hyperparameterTuningJobs"]] == [
        "my job",
        "job_2",
        "job_1",
    ]
    assert all("trials" not in each for each in answer["hyperparameterTuningJobs"])
    assert "nextPageToken" not in answer


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('display_name="job_1"', ["job_1"]),
        ("display_name != job_1", ["my job", "job_2"]),
        ('display_name:"job_*"', ["job_2", "job_1"]),
        ("display_name:*y*", ["my job"]),
        ("displayName='my job'", ["my job"]),
        ('state="JOB_STATE_FAILED"', ["job_2"]),
        ('create_time>"2027-01-02T12:00:00+12:00"', ["my job", "job_2"]),
        ('create_time<="2027-01-02T00:00:00Z"', ["job_1"]),
        ("labels.team=vision", ["job_1"]),
        ("labels.team!=vision", ["my job", "job_2"]),
        ("labels.draft:*", ["job_2"]),
        ("labels:draft", ["job_2"]),
        ("NOT labels.team:*", ["my job"]),
        ("-labels.team:*", []),
        ('labels.team:* AND NOT state="JOB_STATE_FAILED"', ["job_1"]),
        ("labels.team=vision OR labels.team=nlp", ["job_2", "job_1"]),
        ("labels.team=vision OR labels.team=nlp AND labels.draft:*", ["job_2"]),
        ("labels.team=vision OR (labels.team=nlp AND labels.draft:*)", ["job_2", "job_1"]),
        ("labels.team:* labels.draft:*", ["job_2"]),
        ("  ", ["my job", "job_2", "job_1"]),
    ],
)
def test_a_filter_says_which(text: str, names: list[str]) -> None:
    if text.startswith("-"):
        assert refused(filter=text) == "filter"
    else:
        assert found(JOBS, filter=text) == names


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "name=x",
        "display_name=",
        "display_name<x",
        "state:x",
        "create_time=yesterday",
        'create_time:"2027-01-02T00:00:00Z"',
        "(state=x",
        "state=x)",
        "AND",
        "state=x AND",
        "state=x OR",
        "NOT",
        'state="x',
        '"state"=x',
        "state==x",
        "(" * 60 + "state=x" + ")" * 60,
        "state=" + "x" * 5000,
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    assert refused(filter=text) == "filter"


@given(st.text(alphabet="sta=\"'()NOT ANDR:*.<>!lbe", max_size=30))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with contextlib.suppress(VertexError):
        assert parse_filter(text)(a_job(1)) in {True, False}


@given(st.integers(1, 7), st.integers(0, 20))
def test_pages_hold_every_job_once_also_when_new_ones_come(size: int, count: int) -> None:
    jobs = [a_job(number) for number in range(count)]
    seen: list[str] = []
    token = ""
    while True:
        answer = list_jobs(jobs, Query(page_size=size, page_token=token))
        assert len(answer["hyperparameterTuningJobs"]) <= size
        seen += [each["displayName"] for each in answer["hyperparameterTuningJobs"]]
        token = answer.get("nextPageToken", "")
        if not token:
            break
        jobs.append(a_job(1000 + len(jobs), createTime="2028-01-01T00:00:00Z"))

    assert sorted(seen) == sorted(f"job_{number}" for number in range(count))


def test_a_page_has_a_hundred_jobs_unless_asked_and_a_thousand_at_most() -> None:
    jobs = [a_job(number) for number in range(1200)]

    assert len(found(jobs)) == 100
    assert len(found(jobs, page_size=5000)) == 1000
    assert refused(page_size=-1) == "pageSize"


def test_a_token_belongs_to_its_query() -> None:
    token = list_jobs(JOBS, Query(page_size=1))["nextPageToken"]

    assert refused(page_size=1, page_token=token, filter="state=x") == "pageToken"
    for broken in ("x", "é", "bm90IGpzb24=", "e30=", "bnVsbA==", "W1tb" * 20_000, FAR):
        assert refused(page_token=broken) == "pageToken"


def test_a_read_mask_chooses_the_fields() -> None:
    job = list_jobs(JOBS, Query(read_mask="display_name, studySpec.metrics.metricId,trials"))[
        "hyperparameterTuningJobs"
    ][0]

    assert job == {"displayName": "my job", "studySpec": {"metrics": [{"metricId": "loss"}]}}
    assert refused(read_mask="name,nope") == "readMask"
    assert refused(read_mask="studySpec.nope") == "readMask"
    assert found(JOBS, read_mask="*") == found(JOBS)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        *((each, True) for each in ("a*", "*b", "a*b", "*", "ab", "*a*b*", "**")),
        *((each, False) for each in ("a", "b*", "ab*ab", "*ba*", "a*ab", "")),
    ],
)
def test_stars_of_a_name_stand_for_anything(pattern: str, fits: bool) -> None:  # noqa: FBT001 - a row of a table
    assert parse_filter(f'display_name:"{pattern}"')({"displayName": "ab"}) is fits


def test_a_name_of_many_stars_is_compared_at_once() -> None:
    began = time.process_time()
    assert not parse_filter(f'display_name:"{"*a" * 40}*b"')({"displayName": "a" * 128})
    assert time.process_time() - began < 1
