from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import astraml_lab as lab
from astraml_lab.objectives import TARGETS, ScriptCode, call_in, storage_options
from astraml_lab.objectives.script_project import project_of

if TYPE_CHECKING:
    from astraml_lab.trial import Trial

ROOT = Path(__file__).parents[1]
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -c binder/requirements.txt -e "
TEST_COMMAND = INSTALL + '".[test]" && .venv/bin/pytest'
MAIN_JOB_COMMAND = INSTALL + '".[quickstart]" && .venv/bin/astraml quickstart'


@pytest.mark.parametrize("file", ["README.md", ".ci/run"])
def test_the_test_command_is_the_same_one_line_in_the_readme_and_in_ci(file: str) -> None:
    assert TEST_COMMAND in (ROOT / file).read_text().splitlines()


def test_the_readme_runs_the_main_job_with_one_line() -> None:
    assert MAIN_JOB_COMMAND in (ROOT / "README.md").read_text().splitlines()


def test_the_readme_names_each_notebook() -> None:
    named = set(re.findall(r"`([\w-]+\.ipynb)`", (ROOT / "README.md").read_text()))
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= named


def test_the_readmes_way_with_a_request_works_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(trial: Trial) -> None:
        trial.report({"validation:rmse": trial.params["eta"]})

    example = json.loads((ROOT / "tests/dialects/sagemaker/examples/sm-d01.json").read_text())
    monkeypatch.chdir(tmp_path)
    Path("request.json").write_text(json.dumps(example["request"]))
    section = (ROOT / "README.md").read_text().split("## Bring your request")[1].split("\n## ")[0]
    names: dict[str, Any] = {"lab": lab, "train": train}
    try:
        for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
            exec(code, names)  # noqa: S102 - the README's own
    finally:
        TARGETS.forget("xgboost:*")

    assert names["job"].export("sagemaker") == example["request"]
    assert "Approximated (5 fields)" in str(names["job"].request)


def test_the_readmes_policy_and_storage_are_taken_as_they_are_written(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (policy,) = re.findall(r"echo '(\{\"defaults\".*?)' > policy.json", text)
    assert lab.set_policy(policy, "p-demo") == {**json.loads(policy), "version": 1}
    (storage,) = re.findall(r"```toml\n(\[storage\..*?)```", text, re.DOTALL)
    (tmp_path / "astraml.toml").write_text(storage)
    secrets = {"s3-key": "k", "s3-secret": "s"}
    found = storage_options("s3://bucket/x", secrets.__getitem__, [project_of(tmp_path).storages])
    assert found == {"endpoint_url": "http://127.0.0.1:9000", "key": "k", "secret": "s"}


def test_the_readmes_fine_tuning_passes_the_door_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("text,label\nfine,1\n")
    section = (ROOT / "README.md").read_text().split("## Fine-tune a transformer")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    spec = call_in(code, {})
    assert spec is not None
    program = ScriptCode(spec).program
    assert program.source == "bert-base data.csv task=classification epochs=3 warmup_ratio=0.1"

    (line,) = re.findall(r"```sh\n(.*?)\n```", section, re.DOTALL)
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "from astraml_lab.cli import main; main()",
            *shlex.split(line)[1:],
            "--dry-run",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "here bert-base (google-bert/bert-base-uncased) is fine-tuned" in " ".join(shown.stdout.split())
