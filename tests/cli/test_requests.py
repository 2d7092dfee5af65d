"""Requests on the command line: shown, run, asked about, migrated; one sentence in place of a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import astraml_lab as lab

RUN = [sys.executable, "-c", "from astraml_lab.cli import main; main()"]
EXAMPLES = Path(__file__).parents[1] / "dialects"
SAGEMAKER = json.loads((EXAMPLES / "sagemaker/examples/sm-d01.json").read_text())["request"]
VERTEX = json.loads((EXAMPLES / "vertex/requests/vx-d01.json").read_text())["request"]
OLD = 'apiVersion: "1.4"\nproject_id: p-demo\nmodel: bert\ndataset: s3://bucket/data\n'
SCRIPT = """import os, sys, time
import hypertune
rate = float(next(word for word in sys.argv if word.startswith("--lr=")).partition("=")[2])
time.sleep(float(os.environ.get("PAUSE", "0")))
hypertune.HyperTune().report_hyperparameter_tuning_metric("accuracy", 1 - rate, 1)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a script and requests."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "sagemaker.json").write_text(json.dumps(SAGEMAKER))
    (tmp_path / "vertex.json").write_text(json.dumps(VERTEX))
    (tmp_path / "old.yaml").write_text(OLD)
    return tmp_path


def astraml(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [*RUN, *words], input=given, capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def test_a_request_is_translated_for_people_and_for_programs() -> None:
    shown = astraml("translate", "sagemaker.json")
    assert shown.returncode == 0
    assert "Approximated (5 fields):" in shown.stdout

    given = json.loads(astraml("translate", "sagemaker.json", "--json").stdout)
    assert given == lab.translate(SAGEMAKER).as_dict()
    piped = astraml("translate", "-", "--json", given=json.dumps(VERTEX))
    assert json.loads(piped.stdout) == lab.translate(VERTEX).as_dict()


def test_a_refused_request_is_a_sentence_or_data_and_status_2() -> None:
    broken = json.dumps({**VERTEX, "maxTrialCount": -1})

    said = astraml("translate", "-", given=broken)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("astraml: Invalid value at maxTrialCount: ")
    as_data = astraml("translate", "-", "--json", given=broken)
    assert as_data.returncode == 2
    assert json.loads(as_data.stdout)["field"] == "maxTrialCount"
    for words in (("translate", "no.json"), ("submit", "no.json"), ("migrate", "no.json")):
        ran = astraml(*words)
        assert (ran.returncode, ran.stderr) == (2, "astraml: there is no file no.json\n")


def test_a_request_runs_in_the_foreground_to_its_end(folder: Path) -> None:
    ran = astraml("submit", "vertex.json", "--target", "train.py")
    assert ran.returncode == 0, ran.stderr
    assert "note: made of a Vertex AI request: 2 fields without effect: job.request" in ran.stdout
    assert "hpt-container  succeeded  2/2 trials  best accuracy" in ran.stdout

    (folder / "astraml.toml").write_text('[targets]\n"image:*" = "train.py"\n')
    facts: dict[str, Any] = json.loads(astraml("submit", "-", "--json", given=json.dumps(VERTEX)).stdout)
    assert (facts["name"], facts["state"], facts["trials"]) == ("hpt-container-2", "SUCCEEDED", 2)
    assert set(facts["best"][0]) == {"number", "values", "params", "metrics"}


def test_a_request_without_a_stand_in_is_refused_with_the_ways_to_give_one() -> None:
    ran = astraml("submit", "vertex.json")

    assert ran.returncode == 2
    assert "nothing here runs us-docker.pkg.dev/" in ran.stderr
    assert ran.stderr.endswith("; or say --target train.py, or [targets] in astraml.toml\n")
    assert lab.jobs() == []


def test_a_dry_run_starts_nothing() -> None:
    assert "Vertex AI request: hpt-container" in astraml("submit", "vertex.json", "--dry-run").stdout
    assert lab.jobs() == []


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "programs"])
def test_a_job_that_fails_is_status_1(folder: Path, form: tuple[str, ...]) -> None:
    (folder / "bad.py").write_text("raise SystemExit('no data here')")

    ran = astraml("submit", "vertex.json", "--target", "bad.py", *form)

    assert ran.returncode == 1
    assert "no data here" in ran.stderr
    if form:
        assert json.loads(ran.stdout)["state"] == "FAILED"


def test_the_same_key_is_the_same_job() -> None:
    words = ("submit", "vertex.json", "--target", "train.py", "--idempotency-key", "k1", "--json")
    names = [json.loads(astraml(*words).stdout)["name"] for _ in range(2)]

    assert names[0] == names[1]
    assert len(lab.jobs()) == 1


def test_an_interrupt_stops_the_job() -> None:
    ran = subprocess.Popen(
        [*RUN, "submit", "vertex.json", "--target", "train.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PAUSE": "600"},
        start_new_session=True,
    )
    assert ran.stdout is not None
    line = ran.stdout.readline()  # the job is shown: it is waited for
    ran.send_signal(signal.SIGINT)
    rest, wrong = ran.communicate(timeout=120)

    assert ran.returncode == 130, wrong
    assert "hpt-container CANCELLED" in line + rest
    assert "interrupted at the command line" in rest
    assert "goes on" not in rest


def test_sql_is_answered_as_a_table_and_as_json() -> None:
    lab.tune(lambda x: x, {"x": lab.Float(0, 1)}, maximize="score", trials=2, name="digits")

    table = astraml("query", "SELECT name, state FROM jobs").stdout
    assert table.split() == ["name", "state", "digits", "SUCCEEDED"]
    rows = astraml("query", "-", "--json", given="SELECT name, finished FROM jobs").stdout
    assert json.loads(rows) == [{"name": "digits", "finished": 2}]
    assert astraml("query", "SELECT name FROM jobs WHERE name = 'x'").stdout == "No row.\n"
    wrong = astraml("query", "SELECT nope FROM jobs")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("astraml: ")


def test_a_version_1_request_is_migrated_with_a_difference_of_three_lines(folder: Path) -> None:
    marked = astraml("migrate", "old.yaml")
    assert "<<CHOOSE: v2.1 default is cosine>>" in marked.stdout
    assert len(marked.stderr.splitlines()) == 3

    astraml("migrate", "old.yaml", "--accept-v2-defaults", "--output", "new.json")
    assert json.loads((folder / "new.json").read_text())["hyperparams"]["batch_size"] == 32
    assert lab.translate(folder / "new.json").as_dict()["outcome"] == "valid"
    again = astraml("migrate", "old.yaml", "--output", "new.json")
    assert (again.returncode, "new.json is there already" in again.stderr) == (2, True)


def test_a_file_to_migrate_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "odd.yaml").write_bytes(b"apiVersion: \xff")
    ran = astraml("migrate", "odd.yaml")
    assert (ran.returncode, ran.stderr) == (2, "astraml: the request is not UTF-8 (byte 12)\n")


def test_the_services_own_line_is_a_request_and_wins_over_a_file(folder: Path) -> None:
    line = [
        "--project",
        "p-demo",
        "--model",
        "bert-base",
        "--gpus",
        "0",
        "--dataset",
        "s3://bucket/dataset",
        "--epochs",
        "5",
    ]
    (folder / "data").mkdir()
    (folder / "fit.py").write_text("print('loss=0.5')")
    (folder / "astraml.toml").write_text('[inputs]\n"s3://bucket/dataset" = "data/"\n')

    words = ("--batch-size", "32", "--lr", "3e-5", "--dry-run", "--json")
    shown = json.loads(astraml("submit", *line, *words).stdout)
    assert (shown["kind"], shown["gpus"], shown["fixed"]["lr"]) == ("run", 0, 3e-5)
    assert shown["provenance"]["lr"] == "request"
    ran = astraml("submit", *line, "--target", "fit.py", "--json")
    assert json.loads(ran.stdout)["state"] == "SUCCEEDED", ran.stderr

    (folder / "part.yaml").write_text("hyperparams: {lr: 0.1, epochs: 3}\n")
    merged = json.loads(astraml("submit", "part.yaml", *line, "--dry-run", "--json").stdout)
    assert (merged["fixed"]["lr"], merged["fixed"]["epochs"]) == (0.1, 5)
    nothing = astraml("submit")
    assert nothing.returncode == 2
    assert "FILE; a request's file" in nothing.stderr
