"""Every public request runs as it is: with a stand-in for its image that trains something small and real."""

from __future__ import annotations

import json
import re
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.sagemaker_answers import check_request, checked, described, training_jobs

import astraml_lab as lab
from astraml_lab.objectives import TARGETS
from astraml_lab.spec import JobState, Pruning, StoppingKind, TrialState
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.jobs import Job
    from astraml_lab.spec import TrialView
    from astraml_lab.trial import Trial

DIALECTS = Path(__file__).parents[1] / "dialects"
SAGEMAKER = sorted((DIALECTS / "sagemaker/examples").glob("*.json"))
VERTEX = sorted((DIALECTS / "vertex/requests").glob("*.json"))
IMAGES = ("xgboost:*", "example:*", "image:*", "trainer.task")
EPOCHS = 5


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a store of its own, and take its registrations away."""
    monkeypatch.setenv("ASTRAML_HOME", str(tmp_path))
    yield tmp_path
    lab.lab.manager().close()
    for pattern in IMAGES:
        TARGETS.forget(pattern)


def example(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def knob(value: Any) -> float:
    """Return a number from -1 to 1 for any hyperparameter, as text or not."""
    try:
        number = float(str(value).strip('"'))
    except ValueError:
        number = zlib.crc32(str(value).encode()) % 89 / 89
    return number / (1 + abs(number))


def line_for(regex: str, value: float) -> str:
    """Write a line of a log that a metric's regex finds the value in."""
    shaped = re.sub(r"(?<!\\)\(.*?(?<!\\)\)", f"{value:.6f}", regex)
    shaped = shaped.replace(r"\d\.\d+", "0.5").replace(r"\s+", " ").replace(".*$", "").replace("\\", "")
    found = re.search(regex, shaped)
    assert found is not None
    assert float(found[1]) == round(value, 6)
    return shaped


def stand_in(metrics: dict[str, str], *, maximize: bool) -> Callable[[Trial], None]:
    """Return a training of a logistic regression by gradient descent, as hyperparameters of any kind say.

    Args:
        metrics: The metrics' names, with the regex that finds each in the log; empty for one to report.
        maximize: Whether accuracy is told; else the loss.
    """
    rng = np.random.default_rng(0)
    points = rng.normal(size=(120, 4))
    labels = (points @ np.array([1.0, -2.0, 0.5, 0.0]) + rng.normal(size=120) > 0).astype(float)

    def train(trial: Trial) -> None:
        rate = 0.05 + abs(
            float(np.mean([knob(value) for value in trial.params.values() if value is not None]))
        )
        weights = np.zeros(4)
        for epoch in range(1, EPOCHS + 1):
            chance = 1 / (1 + np.exp(-points[:80] @ weights))
            weights -= rate * points[:80].T @ (chance - labels[:80]) / 80
            held_out = 1 / (1 + np.exp(-points[80:] @ weights))
            loss = float(-np.mean(np.log(np.where(labels[80:] > 0.5, held_out, 1 - held_out))))
            value = float(np.mean((held_out > 0.5) == labels[80:])) if maximize else loss
            for name, regex in metrics.items():
                if regex:
                    print(line_for(regex, value))  # noqa: T201 - what its log says
                else:
                    trial.report({name: value}, step=epoch)

    return train


def in_store(job: Job) -> tuple[JobState, list[TrialView]]:
    """Return a job's state and its trials as the store has them, read anew."""
    with Store(lab.lab.manager().store.files.home) as store:
        record = store.load_job(job.project, job.name)
        assert record is not None
        return record.state, list(store.load_trials(record.id))


def at_once(trials: list[TrialView]) -> int:
    """Return how many trials ran at once at most."""
    moments = [(trial.started_at or 0.0, 1) for trial in trials] + [
        (trial.ended_at or 0.0, -1) for trial in trials
    ]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def register_for_sagemaker(request: dict[str, Any]) -> None:
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    objective = config["HyperParameterTuningJobObjective"]
    found = definition["AlgorithmSpecification"].get("MetricDefinitions", [])
    metrics = {each["Name"]: each["Regex"] for each in found} or {objective["MetricName"]: ""}
    for image in IMAGES[:2]:
        lab.register(image, stand_in(metrics, maximize=objective["Type"] == "Maximize"))


@pytest.mark.parametrize("path", SAGEMAKER, ids=lambda path: path.stem)
def test_a_public_request_of_sagemaker_runs(path: Path) -> None:
    case = example(path)
    request, expected = case["request"], case["expected"]
    check_request("CreateHyperParameterTuningJob", request)
    register_for_sagemaker(request)
    parents = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    for parent in parents:
        first = {name: value for name, value in request.items() if name != "WarmStartConfig"}
        lab.submit({**first, **parent})

    job = lab.submit(request)

    limits, rule = expected["limits"], expected["early_stopping"]
    state, trials = in_store(job)
    assert state is JobState.SUCCEEDED
    assert len(trials) == limits["max_trials_effective"]
    ends = {TrialState.COMPLETE} | ({TrialState.PRUNED} if rule == "median" else set())
    assert {trial.state for trial in trials} <= ends, [trial.reason for trial in trials]
    assert at_once(trials) <= limits["max_parallel"]
    assert job.spec.prune is Pruning.OFF
    assert (job.spec.stopping.kind if job.spec.stopping else None) == (
        StoppingKind.AVERAGES if rule == "median" else None
    )
    assert all(trial.step == EPOCHS for trial in trials if trial.state is TrialState.COMPLETE)
    client: Any = lab.sagemaker.Client()
    shown = described(client, request["HyperParameterTuningJobName"])
    assert shown["HyperParameterTuningJobStatus"] == "Completed"
    counters = shown["TrainingJobStatusCounters"]
    assert counters["Completed"] + counters["Stopped"] == len(trials)
    assert shown["ObjectiveStatusCounters"] == {"Succeeded": len(trials), "Pending": 0, "Failed": 0}
    assert shown["HyperParameterTuningJobConfig"] == request["HyperParameterTuningJobConfig"]
    listed = training_jobs(client, request["HyperParameterTuningJobName"])
    values = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in listed]
    assert values == [trial.values[0] for trial in trials if trial.values]
    best = max(values) if request_maximizes(request) else min(values)
    assert shown["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == best
    assert ("OverallBestTrainingJob" in shown) == bool(parents)
    if parents:
        everyone = [
            *values,
            *(each.values[0] for each in in_store(lab.job(job.spec.warm_start[0]))[1] if each.values),
        ]
        overall = shown["OverallBestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
        assert overall["Value"] == min(everyone)
        assert "1 trial" in job.view().note
    jobs = checked("ListHyperParameterTuningJobs", client.list_hyper_parameter_tuning_jobs())
    assert len(jobs["HyperParameterTuningJobSummaries"]) == 1 + len(parents)


def request_maximizes(request: dict[str, Any]) -> bool:
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    return bool(objective["Type"] == "Maximize")


@pytest.mark.parametrize("path", VERTEX, ids=lambda path: path.stem)
def test_a_public_request_of_vertex_ai_runs(path: Path) -> None:
    case = example(path)
    request, expected = case["request"], case["expected"]
    (metric,) = request["studySpec"]["metrics"]
    for image in IMAGES[2:]:
        lab.register(image, stand_in({metric["metricId"]: ""}, maximize=metric["goal"] == "MAXIMIZE"))

    job = lab.submit(request)

    limits = expected["limits"]
    state, trials = in_store(job)
    assert state is JobState.SUCCEEDED
    assert len(trials) == limits["trials_expected"]
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}, [trial.reason for trial in trials]
    assert at_once(trials) <= limits["parallel"]
    assert (job.spec.prune, job.spec.stopping) == (Pruning.OFF, None)
    client: Any = lab.vertex.Client()
    (listed,) = client.list_hyperparameter_tuning_jobs(parent="projects/lab/locations/local")
    found = client.get_hyperparameter_tuning_job(name=listed["name"])
    assert (found["state"], found["display_name"]) == ("JOB_STATE_SUCCEEDED", request["displayName"])
    assert {**found, "trials": None} == {**listed, "trials": None}
    assert {trial["state"] for trial in found["trials"]} == {"SUCCEEDED"}
    assert [trial["id"] for trial in found["trials"]] == [str(number + 1) for number in range(len(trials))]
    names = [each["parameterId"] for each in request["studySpec"]["parameters"]]
    for shown, trial in zip(found["trials"], trials, strict=True):
        assert [each["parameter_id"] for each in shown["parameters"]] == names
        (final,) = shown["final_measurement"]["metrics"]
        assert trial.values == (final["value"],)
        assert final["metric_id"] == metric["metricId"]
        assert len(shown["measurements"]) == EPOCHS


def test_a_public_request_with_early_stopping_stops_the_worse_of_its_training_jobs() -> None:
    request = example(DIALECTS / "sagemaker/examples/sm-d04.json")["request"]
    ended, first_four = threading.Semaphore(0), threading.Lock()

    def train(trial: Trial) -> None:
        """Be the worse the later; the first four end before the others say how they are."""
        if trial.number >= 4:
            with first_four:
                ended.acquire()
                ended.release()
        for epoch in range(1, 7):
            trial.report({"test:RMSE": 1 + trial.number + 1 / epoch}, step=epoch)

    job = lab.lab.requests.start(lab.lab.requests.read(request).spec, target=train)
    while sum(trial.view().state.ended for trial in job.trials.values()) < 4:
        job.wait(0.05)
    ended.release()
    job.wait(120)

    states = [trial.state for trial in in_store(job)[1]]
    assert states[:3] == [TrialState.COMPLETE] * 3
    assert states[4:] == [TrialState.PRUNED] * 6
    client: Any = lab.sagemaker.Client()
    listed = training_jobs(client, request["HyperParameterTuningJobName"])
    assert [each["TrainingJobStatus"] for each in listed[4:]] == ["Stopped"] * 6
    assert {each["ObjectiveStatus"] for each in listed} == {"Succeeded"}
    last = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in listed[4:]]
    assert last == [pytest.approx(1 + number + 1 / 2) for number in range(4, 10)]
    shown = described(client, request["HyperParameterTuningJobName"])
    assert shown["HyperParameterTuningJobStatus"] == "Completed"
    assert shown["TrainingJobStatusCounters"]["Stopped"] >= 6


def test_all_public_requests_are_among_these() -> None:
    assert (len(SAGEMAKER), len(VERTEX)) == (12, 6)
