"""`%%tune` with a request as its body, `%tune export` to a service, and `%%tunesql`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from plugins.sagemaker_requests import a_request

if TYPE_CHECKING:
    from pathlib import Path

    from magics.conftest import FakeJob, Notebook

BODY = json.dumps(a_request())
YAML = "project_id: p-demo\nmodel: bert\ndataset: s3://b/d\nhyperparams: {lr: 0.1}\nresources: {gpus: 1}\n"


def test_a_dry_run_of_a_request_shows_its_report_and_submits_nothing(notebook: Notebook) -> None:
    shown = notebook.run(f"%%tune --dry-run\n{BODY}")

    assert "SageMaker request: tuner-01" in shown
    assert "Approximated (3 fields):" in shown
    assert "AstraML request" in notebook.run(f"%%tune --dry-run\n{YAML}")
    assert notebook.lab.submitted == []


def test_a_check_of_a_request_shows_its_report_and_tries_its_first_step(notebook: Notebook) -> None:
    shown = notebook.run(f"%%tune --check\n{BODY}")

    assert shown.index("SageMaker request: tuner-01") < shown.index("tuner-01 would try")
    assert notebook.lab.submitted == []


@pytest.mark.parametrize("line", ["--trials 3", "--maximize a", "--dry-run --seed 1", "--nonsense"])
def test_what_a_request_says_itself_is_no_option(notebook: Notebook, line: str) -> None:
    said = notebook.refused(f"%%tune {line}\n{BODY}")

    assert "a request takes no options but --check and --dry-run (put the others into the request)" in said
    assert "Traceback" not in said


def test_a_refused_request_is_told_in_the_services_words_without_a_traceback(notebook: Notebook) -> None:
    broken = json.dumps(a_request({"HyperParameterTuningJobConfig.Strategy": "Guess"}))
    said = notebook.refused(f"%%tune --dry-run\n{broken}")

    assert said.strip().startswith("SageMakerError: 1 validation error detected: Value 'Guess' at")
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


def test_every_mistake_of_a_request_has_a_line_with_its_path(notebook: Notebook) -> None:
    said = notebook.refused(f"%%tune --dry-run\n{YAML}tuning: {{max_trials: 0}}\nmodle: x\n")

    lines = said.strip().splitlines()
    assert any(line.startswith("  - /modle: ") for line in lines), said
    assert any(line.startswith("  - /tuning/max_trials: ") for line in lines), said
    assert "Traceback" not in said


@pytest.mark.usefixtures("digits")
def test_a_job_is_exported_as_a_request_into_the_notebook_or_into_a_new_file(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "The request cannot say:\n  - seed 3." in notebook.run("%tune export digits sagemaker")
    notebook.run("request = %tune export digits vertex")
    assert notebook.shell.user_ns["request"]["form"] == "vertex"

    said = "job.json holds digits as sagemaker. It cannot say:\n  - seed 3.\n"
    assert notebook.run("%tune export digits sagemaker job.json") == said
    assert json.loads((tmp_path / "job.json").read_text()) == {"form": "sagemaker"}
    assert "job.json is there already" in notebook.refused("%tune export digits sagemaker job.json")
    assert notebook.run("%tune export digits cell cell.py") == "cell.py holds digits as cell.\n"
    assert "no/such.json cannot be written" in notebook.refused("%tune export digits vertex no/such.json")
    assert "a study is not written to a file" in notebook.refused("%tune export digits optuna a.json")


def test_sql_is_answered_on_a_line_and_in_a_cell(notebook: Notebook) -> None:
    notebook.run("answer = %tunesql SELECT name FROM jobs")
    assert notebook.shell.user_ns["answer"] == "answer to SELECT name FROM jobs"

    assert r"answer to SELECT name\nFROM jobs" in notebook.run("%%tunesql\nSELECT name\nFROM jobs")


def test_what_is_wrong_with_sql_is_one_sentence(notebook: Notebook, digits: FakeJob) -> None:
    del digits
    assert notebook.refused("%tunesql SELECT * FROM nope").strip() == (
        "NotFound: there is no table nope; there are jobs, trials, windows"
    )
    assert "the statement; missing (%tunesql SELECT name, state FROM jobs)" in notebook.refused("%tunesql")
