"""What a person sees of a submitted request, and the way back from any job to a request."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.errors import InvalidSpec, NotFound
from astraml_lab.objectives import TARGETS
from astraml_lab.spec import Dialect, Float

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.trial import Trial

EXAMPLES = Path(__file__).parents[1] / "dialects"
SAGEMAKER = json.loads((EXAMPLES / "sagemaker/examples/sm-d01.json").read_text())["request"]
VERTEX = json.loads((EXAMPLES / "vertex/requests/vx-d01.json").read_text())["request"]
ISOLATED = "TrainingJobDefinition.EnableNetworkIsolation: trials are NOT cut off from the network here."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a store of its own."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path))
    yield
    lab.lab.manager().close()


def boost(trial: Trial) -> None:
    trial.report({"validation:rmse": trial.params.get("eta", 0.0), "accuracy": 0.5})


def sagemaker(**changes: Any) -> dict[str, Any]:
    request: dict[str, Any] = copy.deepcopy(SAGEMAKER)
    request["TrainingJobDefinition"] |= changes
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 2
    return request


def test_a_translation_says_what_stands_for_the_image_at_this_moment() -> None:
    translation = lab.translate(SAGEMAKER)
    assert "nothing here runs it yet: register what does, `lab.register('xgboost:*', train)`" in str(
        translation
    )

    lab.register("xgboost:*", boost)
    try:
        assert "xgboost:1: here the function boost runs" in str(translation)
    finally:
        TARGETS.forget("xgboost:*")


def test_submitting_says_in_one_line_what_became_of_the_request_and_warns_of_each_broken_promise_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("first", "second"):
        request = {**sagemaker(EnableNetworkIsolation=True), "HyperParameterTuningJobName": name}
        lab.submit(request, target=boost)
        said = capsys.readouterr().out
        line = (
            "made of a SageMaker request: 5 fields approximated, 2 fields without effect, 1 security promise"
        )
        assert f"note: {line} NOT kept: job.request\n" in said
        assert said.count(f"Warning: {ISOLATED}") == 1


def test_a_job_shows_its_request_also_when_it_is_found_again() -> None:
    lab.submit(sagemaker(), target=boost)

    request = lab.job("r-xgb-abalone-01").request

    assert request.dialect is Dialect.SAGEMAKER
    assert request.original == sagemaker()
    assert "Approximated (5 fields):" in str(request)
    assert "Approximated (5 fields)" in request._repr_html_()


def test_a_job_of_a_function_has_no_request() -> None:
    job = lab.tune(lambda x: x, {"x": Float(0, 1)}, maximize="score", trials=1, name="digits")

    with pytest.raises(NotFound, match=r"made of no request; job\.export\('sagemaker'\) writes one"):
        _ = job.request


@pytest.mark.parametrize("request_", [sagemaker(), VERTEX], ids=["sagemaker", "vertex"])
def test_a_request_comes_back_as_it_was(request_: dict[str, Any]) -> None:
    job = lab.submit(request_, target=boost)

    exported = job.export(job.request.dialect)

    assert dict(exported) == request_
    assert exported.left_out == ()
    assert json.loads(json.dumps(exported)) == request_


def test_a_job_of_a_function_becomes_a_request_with_a_list_of_what_that_cannot_say() -> None:
    job = lab.tune(lambda x: x, {"x": Float(0, 1)}, maximize="score", trials=1, patience=3)

    exported = job.export("sagemaker", image="trainer:1", role_arn="arn:aws:iam::123456789012:role/Tuner")

    definition = exported["TrainingJobDefinition"]
    assert definition["AlgorithmSpecification"]["TrainingImage"] == "trainer:1"
    assert exported["HyperParameterTuningJobName"]
    assert any("patience" in each for each in exported.left_out)
    assert "The request cannot say:\n  - " in repr(exported)


def test_forms_and_options_that_are_not_there_are_refused_with_the_nearest() -> None:
    job = lab.tune(lambda x: x, {"x": Float(0, 1)}, maximize="score", trials=1)

    with pytest.raises(InvalidSpec, match=r'form is "sagemakr"; one of cell, .*did you mean "sagemaker"'):
        job.export("sagemakr")
    with pytest.raises(InvalidSpec, match=r"imag is .*export\('sagemaker'\) takes image, role_arn"):
        job.export("sagemaker", imag="x")
    with pytest.raises(InvalidSpec, match="takes nothing else"):
        job.export("csv", image="x")
