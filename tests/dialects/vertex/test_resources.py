from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dialects.vertex.samples import a_request, categorical, double, translated, under, with_parameters
from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.dialects.vertex import VertexError
from astraml_lab.dialects.vertex.listing import Query, list_jobs
from astraml_lab.dialects.vertex.resources import (
    cancel_effect,
    check_delete,
    delete_operation,
    not_found,
    render_job,
)
from astraml_lab.dialects.vertex.scalars import duration, epoch, seconds, timestamp
from astraml_lab.spec import (
    CurveView,
    Definition,
    FailureKind,
    Float,
    JobSpec,
    JobState,
    JobView,
    Space,
    TrialState,
    TrialView,
    objectives_of,
)

SPEC = translated(a_request(labels={"team": "vision"}, state="whatever")).spec
NAME = "projects/lab/locations/local/hyperparameterTuningJobs/920849533629301841"


def a_view(state: JobState = JobState.SUCCEEDED, **fields: Any) -> JobView:
    given: dict[str, Any] = {
        "id": "default/sweep-17#1",
        "name": "sweep-17",
        "project": "default",
        "generation": 1,
        "state": state,
        "objectives": SPEC.objectives,
        "trials": 6,
        "counts": {},
        "created_at": 1801396800.0,
        "started_at": 1801396801.5,
        "ended_at": 1801396900.0,
    }
    return JobView(**(given | fields))


def a_trial(number: int, state: TrialState, **fields: Any) -> TrialView:
    times = {"started_at": 1801396810.0, "ended_at": 1801396820.25 if state.ended else None}
    return TrialView(number, state, {"lr": 0.01}, **(times | fields))


def rendered(trial: TrialView, spec: JobSpec = SPEC, curves: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = render_job(spec, a_view(), trials=[trial], curves=curves)["trials"][0]
    assert json.dumps(found, allow_nan=False)
    return found


def test_a_job_is_its_request_with_its_name_its_state_and_its_times() -> None:
    found = render_job(SPEC, a_view())

    assert found == {
        "name": NAME,
        **a_request(labels={"team": "vision"}),
        "state": "JOB_STATE_SUCCEEDED",
        "createTime": "2027-01-31T12:00:00Z",
        "startTime": "2027-01-31T12:00:01.500000Z",
        "endTime": "2027-01-31T12:01:40Z",
        "updateTime": "2027-01-31T12:01:40Z",
    }
    assert list_jobs([found], Query())["hyperparameterTuningJobs"] == [found]


@pytest.mark.parametrize(
    ("state", "shown", "error"),
    [
        (JobState.QUEUED, "JOB_STATE_QUEUED", None),
        (JobState.RUNNING, "JOB_STATE_RUNNING", None),
        (JobState.PAUSED, "JOB_STATE_PAUSED", None),
        (JobState.STALE, "JOB_STATE_FAILED", 14),
        (JobState.STOPPING, "JOB_STATE_CANCELLING", None),
        (JobState.SUCCEEDED, "JOB_STATE_SUCCEEDED", None),
        (JobState.CANCELLED, "JOB_STATE_CANCELLED", 1),
        (JobState.FAILED, "JOB_STATE_FAILED", 9),
    ],
)
def test_every_state_of_a_job_has_its_name_and_its_error(
    state: JobState, shown: str, error: int | None
) -> None:
    view = a_view(state, reason="why", counts={TrialState.FAILED: 2})
    if state is JobState.QUEUED:
        view = replace(view, started_at=None)

    found = render_job(SPEC, view)

    assert found["state"] == shown
    said = "kernel ended" if state is JobState.STALE else "why"
    assert found.get("error") == (None if error is None else {"code": error, "message": said})
    assert ("endTime" in found) == (state.ended or state is JobState.STALE)


def test_what_a_dead_kernel_left_open_has_failed_and_an_id_may_be_given() -> None:
    view, open_trial = a_view(JobState.STALE, ended_at=None), a_trial(0, TrialState.RUNNING)
    done = a_trial(1, TrialState.COMPLETE, values=(0.5,))

    found = render_job(SPEC, view, trials=[open_trial, done], number=5)

    assert found["name"].endswith("/hyperparameterTuningJobs/5")
    assert [each["state"] for each in found["trials"]] == ["INFEASIBLE", "SUCCEEDED"]
    assert found["trials"][0]["infeasibleReason"] == "kernel ended"


def test_a_job_that_failed_without_a_failed_trial_is_an_internal_error() -> None:
    assert render_job(SPEC, a_view(JobState.FAILED))["error"]["code"] == 13


@pytest.mark.parametrize(
    ("trial", "state", "reason"),
    [
        (a_trial(0, TrialState.WAITING, started_at=None), "REQUESTED", None),
        (a_trial(0, TrialState.RUNNING, metrics={"loss": 0.5}), "ACTIVE", None),
        (a_trial(0, TrialState.COMPLETE, values=(0.5,)), "SUCCEEDED", None),
        (a_trial(0, TrialState.PRUNED, metrics={"loss": 0.5}), "SUCCEEDED", None),
        (a_trial(0, TrialState.STOPPED, metrics={"loss": 0.5}), "SUCCEEDED", None),
        (a_trial(0, TrialState.STOPPED), "INFEASIBLE", "cancelled"),
        (a_trial(0, TrialState.STOPPED, metrics={"loss": float("nan")}), "INFEASIBLE", "cancelled"),
        (a_trial(0, TrialState.FAILED, reason="boom", metrics={"loss": 0.5}), "INFEASIBLE", "boom"),
        (
            a_trial(0, TrialState.FAILED, kind=FailureKind.INFEASIBLE, reason="too big"),
            "INFEASIBLE",
            "too big",
        ),
    ],
)
def test_every_state_of_a_trial_has_its_name_and_its_reason(
    trial: TrialView, state: str, reason: str | None
) -> None:
    found = rendered(trial)

    assert (found["state"], found.get("infeasibleReason")) == (state, reason)
    assert ("finalMeasurement" in found) == (state == "SUCCEEDED")
    assert (found["id"], found["name"]) == ("1", f"{NAME}/trials/1")


def test_a_trial_has_its_measurements_and_the_one_that_counts() -> None:
    curves = {3: {"loss": CurveView(3, "loss", np.array([1.0, 2.0, 4.0]), np.array([0.9, np.nan, 0.5]))}}
    trial = a_trial(3, TrialState.COMPLETE, values=(0.5,), step=4)

    assert rendered(trial, curves=curves) == {
        "name": f"{NAME}/trials/4",
        "id": "4",
        "state": "SUCCEEDED",
        "parameters": [{"parameterId": "lr", "value": 0.01}],
        "finalMeasurement": {
            "metrics": [{"metricId": "loss", "value": 0.5}],
            "stepCount": "4",
            "elapsedDuration": "10.25s",
        },
        "measurements": [
            {"stepCount": "1", "metrics": [{"metricId": "loss", "value": 0.9}]},
            {"stepCount": "4", "metrics": [{"metricId": "loss", "value": 0.5}]},
        ],
        "startTime": "2027-01-31T12:00:10Z",
        "endTime": "2027-01-31T12:00:20.250000Z",
    }


def test_the_best_measurement_counts_where_it_was_asked_for() -> None:
    spec = translated(a_request(studySpec__measurementSelectionType="BEST_MEASUREMENT")).spec
    curves = {0: {"loss": CurveView(0, "loss", np.array([1.0, 2.0]), np.array([0.1, 0.7]))}}

    found = rendered(a_trial(0, TrialState.PRUNED, metrics={"loss": 0.7}), spec, curves)

    assert found["finalMeasurement"] == {"stepCount": "1", "metrics": [{"metricId": "loss", "value": 0.1}]}


def test_a_parameter_of_a_branch_has_the_name_that_the_script_knows() -> None:
    request = with_parameters(
        categorical(
            "opt",
            "sgd",
            "adam",
            conditionalParameterSpecs=[
                under("parentCategoricalValues", ["sgd"], double("lr", 0, 1)),
                under("parentCategoricalValues", ["adam"], double("lr", 0, 2)),
            ],
        )
    )
    trial = replace(
        a_trial(0, TrialState.RUNNING), params={"opt": "adam", "opt=sgd/lr": None, "opt=adam/lr": 1.5}
    )

    assert rendered(trial, translated(request).spec)["parameters"] == [
        {"parameterId": "opt", "value": "adam"},
        {"parameterId": "lr", "value": 1.5},
    ]


def test_a_job_of_another_origin_is_shown_as_a_request_too() -> None:
    definition = Definition(space=Space({"x": Float(0.0, 1.0)}), objectives=objectives_of((), "loss"))
    spec = JobSpec(name="cell", definitions=(definition,))

    found = render_job(spec, a_view(name="cell", id="default/cell#1"), trials=[])

    assert found["displayName"] == "cell"
    assert found["name"].rpartition("/")[2].isdecimal()
    assert found["trials"] == []


def test_cancel_and_delete_depend_on_the_state() -> None:
    ended, running = render_job(SPEC, a_view()), render_job(SPEC, a_view(JobState.RUNNING))

    assert (cancel_effect(ended), cancel_effect(running)) == ("none", "JOB_STATE_CANCELLING")
    check_delete(ended)
    with pytest.raises(VertexError) as caught:
        check_delete(running)
    assert (caught.value.number, caught.value.status, caught.value.code) == (9, 400, "FAILED_PRECONDITION")
    missing = not_found(NAME)
    assert (missing.number, missing.status, missing.code) == (5, 404, "NOT_FOUND")
    assert delete_operation(NAME)["done"] is True


@given(st.integers(1, 10**15))
def test_a_duration_is_itself_again(nanoseconds: int) -> None:
    length = nanoseconds / 1e6
    assert seconds(duration(length)) == pytest.approx(length, abs=1e-9)


@given(st.integers(0, 4 * 10**9 * 1000))
def test_a_timestamp_is_itself_again(milliseconds: int) -> None:
    assert epoch(timestamp(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-6)
