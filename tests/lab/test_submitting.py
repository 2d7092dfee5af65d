"""`lab.submit` reads a request against the store, finds what stands for its image, and runs it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.cli.answers import in_a_shell
from astraml_lab.errors import Conflict, NotFound, RequestRefused
from astraml_lab.lab.requests import _name_is_used
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.trial import Trial

EXAMPLES = Path(__file__).parents[1] / "dialects"
SAGEMAKER = json.loads((EXAMPLES / "sagemaker/examples/sm-d01.json").read_text())["request"]
VERTEX = json.loads((EXAMPLES / "vertex/requests/vx-d01.json").read_text())["request"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a store of its own."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path))
    yield
    lab.lab.manager().close()


def boost(trial: Trial) -> None:
    for epoch in range(3):
        trial.report({"validation:rmse": trial.params["eta"] + 1 / (epoch + 1)})


def sure(trial: Trial) -> None:
    trial.report(accuracy=0.5)


def named(name: str) -> dict[str, Any]:
    return {**copy.deepcopy(SAGEMAKER), "HyperParameterTuningJobName": name}


def test_a_request_runs_what_is_given_for_its_image_under_its_own_name() -> None:
    job = lab.submit(named("abalone"), target=boost)

    assert (job.name, job.state, len(job.trials)) == ("abalone", JobState.SUCCEEDED, 10)
    assert job.spec.origin is not None
    assert job.spec.origin.request == named("abalone")


def test_an_image_that_stands_for_nothing_is_refused_with_the_way_to_register_it() -> None:
    with pytest.raises(NotFound, match=r"lab\.register\('xgboost:\*', train\)"):
        lab.submit(named("abalone"))

    assert lab.jobs() == []


def test_a_used_sagemaker_name_is_refused_whatever_its_case() -> None:
    lab.submit(named("abalone"), target=boost)

    with pytest.raises(RequestRefused) as refused:
        lab.submit(named("Abalone"), target=boost)

    assert refused.value.code == "ResourceInUse"


def test_a_used_name_is_refused_with_what_can_be_done_about_it() -> None:
    request = {"apiVersion": "2.1", "project_id": "p-demo", "name": "digits", "model": "m", "dataset": "d"}
    lab.submit(request, target=sure)

    with pytest.raises(Conflict) as refused:
        lab.submit({**request, "name": "Digits"}, target=sure)
    assert in_a_shell(str(refused.value)) == (
        "project `p-demo` has a job `digits` already, which is SUCCEEDED: "
        "`astraml resume digits --trials N --project p-demo` goes on with it, "
        "`astraml delete digits --project p-demo` frees its name, "
        "or give this request another `name` (`--name` in a shell)"
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (JobState.RUNNING, "`%tune wait digits` watches it, `%tune stop digits` ends it"),
        (JobState.STALE, "`%tune resume digits` goes on with it, `%tune delete digits` frees its name"),
    ],
)
def test_what_can_be_done_about_a_used_name_goes_by_the_state_of_its_job(state: JobState, said: str) -> None:
    lab.tune(lambda: 1.0, {}, maximize="x", name="digits")
    taken = lab.lab.manager().store.load_job("default", "digits")
    assert taken is not None

    assert f"which is {state}: {said}, or give" in _name_is_used(replace(taken, state=state))


def test_vertex_display_names_may_be_used_again() -> None:
    names = [lab.submit(VERTEX, target=sure).name for _ in range(3)]

    assert names == ["hpt-container", "hpt-container-2", "hpt-container-3"]


def test_a_key_makes_a_repeat_safe() -> None:
    first = lab.submit(named("abalone"), target=boost, idempotency_key="monday")
    again = lab.submit(named("abalone"), target=boost, idempotency_key="monday")

    assert (again.id, len(lab.jobs())) == (first.id, 1)
    with pytest.raises(RequestRefused) as refused:
        lab.submit(named("other"), target=boost, idempotency_key="monday")
    assert refused.value.code == "idempotency-key-reused"
    first.delete()
    with pytest.raises(RequestRefused) as refused:
        lab.submit(named("abalone"), target=boost, idempotency_key="monday")
    assert refused.value.code == "job-deleted"


def test_a_refused_request_leaves_its_key_free() -> None:
    with pytest.raises(NotFound):
        lab.submit(named("abalone"), idempotency_key="tuesday")

    assert lab.submit(named("abalone"), target=boost, idempotency_key="tuesday").state is JobState.SUCCEEDED


def test_a_secret_that_the_project_does_not_have_is_refused_at_the_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = {
        "project_id": "demo",
        "model": "bert-base",
        "dataset": "data.csv",
        "apiVersion": "2.1",
        "env": {"HUB": {"secret": "hub-key"}},
    }

    with pytest.raises(RequestRefused) as refused:
        lab.submit(request, target=sure)

    assert (refused.value.code, refused.value.status) == ("unknown-secret", 422)
    monkeypatch.setenv("ASTRAML_SECRET_DEMO_HUB_KEY", "open sesame")
    assert lab.submit(request, target=sure).state is JobState.SUCCEEDED


def test_a_job_made_of_a_request_is_exported_as_a_cell_that_holds_it() -> None:
    source = lab.submit(named("abalone"), target=boost).export("cell")

    line, _, body = source.partition("\n")
    assert (line, json.loads(body)) == ("%%tune", named("abalone"))
