"""Requests as bodies of cells, in a real kernel: they run, say what became of them, are refused in words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.kernel import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[1] / "dialects"
SAGEMAKER = json.loads((EXAMPLES / "sagemaker/examples/sm-d01.json").read_text())["request"]
VERTEX = json.loads((EXAMPLES / "vertex/requests/vx-d01.json").read_text())["request"]
ASTRAML = """apiVersion: "2.1"
project_id: p-demo
name: bert
model: bert-base
dataset: s3://bucket/data
hyperparams:
  lr: {min: 1e-5, max: 1e-3, scale: log}
resources: {gpus: 0}
tuning:
  objective: {metric: accuracy, direction: maximize}
  max_trials: 2
"""
PREPARE = """%load_ext astraml_lab
import astraml_lab as lab
def train(trial):
    trial.report({"validation:rmse": 1.0, "accuracy": 0.5})
for pattern in ("xgboost:*", "image:*", "bert-base"):
    lab.register(pattern, train)"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all of them."""
    made = Kernel(tmp_path_factory.mktemp("home"))
    assert made.run(PREPARE).status == "ok"
    yield made
    made.close()


def sagemaker(name: str, **changes: Any) -> str:
    request = copy.deepcopy(SAGEMAKER) | {"HyperParameterTuningJobName": name}
    request["TrainingJobDefinition"] |= changes
    request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 2
    return json.dumps(request)


@pytest.mark.parametrize(
    ("body", "name", "project", "said"),
    [
        (sagemaker("abalone"), "abalone", "default", "made of a SageMaker request: 5 fields approximated"),
        (
            json.dumps(VERTEX),
            "hpt-container",
            "default",
            "made of a Vertex AI request: 2 fields without effect",
        ),
        (ASTRAML, "bert", "p-demo", "made of an AstraML request"),
    ],
    ids=["sagemaker", "vertex", "astraml"],
)
def test_a_request_runs_as_the_body_of_a_cell(
    kernel: Kernel, body: str, name: str, project: str, said: str
) -> None:
    ran = kernel.run(f"%%tune\n{body}")
    assert ran.status == "ok", ran.text

    ended = kernel.run(
        f"job = lab.job({name!r}, project={project!r}).wait()\nprint(job.state, len(job.trials))\njob.request"
    )
    assert "SUCCEEDED 2" in ended.text
    assert f"note: {said}" in kernel.run("job.show()").text
    assert f"request: {name}" in ended.text
    (shown,) = [content["data"] for kind, content in ended.outputs if kind == "execute_result"]
    assert "<div" in shown["text/html"]
    assert "<script" not in shown["text/html"]


def test_a_dry_run_and_a_check_show_the_report_and_start_nothing(kernel: Kernel) -> None:
    dry = kernel.run(f"%%tune --dry-run\n{sagemaker('dry')}")
    (shown,) = [content["data"] for kind, content in dry.outputs if kind == "execute_result"]
    assert "SageMaker request: dry" in shown["text/plain"]
    assert "here the function train runs" in shown["text/html"]

    checked = kernel.run(f"%%tune --check\n{sagemaker('dry')}")
    assert "SageMaker request: dry" in checked.text
    assert "The job is valid. It would try, for example:" in checked.text
    assert "validation:rmse 1" in checked.text

    assert kernel.run("print([view.name for view in lab.jobs() if view.name == 'dry'])").text == "[]\n"


def test_a_promise_of_security_is_told_where_the_job_is_started(kernel: Kernel) -> None:
    ran = kernel.run(f"%%tune\n{sagemaker('isolated', EnableNetworkIsolation=True)}")
    assert ran.text.count("EnableNetworkIsolation: trials are NOT cut off from the network here.") == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (sagemaker("bad name"), "SageMakerError: 1 validation error detected: Value 'bad name' at"),
        (json.dumps({**VERTEX, "maxTrialCount": -1}), "VertexError: Invalid value at maxTrialCount: "),
        (ASTRAML.replace("max_trials: 2", "max_trials: 0"), "ProblemError: "),
        (json.dumps({**VERTEX, "colour": "red"}), "VertexError: "),
        (sagemaker("fine").replace("xgboost:1", "catboost:1"), "NotFound: nothing here runs "),
        ("%%tune", "InvalidSpec"),
    ],
)
def test_a_request_that_cannot_run_is_refused_in_words(kernel: Kernel, body: str, said: str) -> None:
    ran = kernel.run(f"%%tune\n{body}")

    assert ran.status == "error"
    assert said in ran.text
    assert "Traceback" not in ran.text
    assert "File " not in ran.text
