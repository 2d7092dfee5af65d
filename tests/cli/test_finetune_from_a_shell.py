"""The AstraML service's example, `bert-base` and data in S3: from a shell, by `submit`, under `%%tune`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from IPython.utils.capture import capture_output
from plugins.transformers_tiny import GOOD, opinions, write_csv

import astraml_lab as lab
from astraml_lab.magics import load_ipython_extension, unload_ipython_extension
from astraml_lab.spec import JobState, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from astraml_lab.jobs import Job

pytestmark = pytest.mark.filterwarnings("default")  # what the libraries of a training warn of is in its log
LINE = (
    "astraml submit --project p-demo --model bert-base --gpus 1 --dataset s3://bucket/dataset "
    "--batch-size 32 --epochs 5 --lr 3e-5"
)
REQUEST: dict[str, Any] = {
    "apiVersion": "2.1",
    "project_id": "p-demo",
    "model": "bert-base",
    "dataset": "s3://bucket/dataset",
    "resources": {"gpus": 1},
}


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path, tiny_bert: Path, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put data into a bucket, and work in a folder where `bert-base` is the tiny one."""
    import s3fs

    for name, value in (
        ("AWS_ENDPOINT_URL", s3_server),
        ("AWS_ACCESS_KEY_ID", "somebody"),
        ("AWS_SECRET_ACCESS_KEY", "hidden"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("ASTRAML_HEADLESS", "1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert-base").symlink_to(tiny_bert)
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    if not files.exists("bucket/dataset"):
        files.makedirs("bucket", exist_ok=True)
        for name, count in (("train", 64), ("validation", 16)):
            data = write_csv(tmp_path / f"{name}.csv", opinions(count, seed=count))
            files.put(str(data), f"bucket/dataset/{name}.csv")
            files.put(str(data), f"bucket/{name}")  # an object whose name says nothing of its kind
    yield s3_server
    lab.lab.manager().close()


def predicts(job: Job) -> bool:
    model, tokenizer = job.best.load_model()
    logits = model(**tokenizer(f"it was {GOOD[0]}", return_tensors="pt")).logits
    return tuple(logits.shape) == (1, 2) and model.config.id2label == {0: "negative", 1: "positive"}


@pytest.mark.slow
def test_the_services_own_line_runs_as_it_is() -> None:
    words = shlex.split(LINE)
    ran = subprocess.run(
        [sys.executable, "-c", "from astraml_lab.cli import main; main()", *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "1/1 trials" in ran.stdout
    assert "%|" not in ran.stdout + ran.stderr

    (view,) = lab.jobs(project="p-demo")
    job = lab.job(view.name, project="p-demo")
    curve = job.best.curve("eval_loss")
    assert curve is not None
    assert list(curve.steps)[:5] == [2, 4, 6, 8, 10]  # 64 rows in batches of 32, five epochs
    windows = job.metrics("eval_loss", window="30s")
    assert int(windows["count"].sum()) >= 5
    assert "the split validation, 16 rows, to evaluate on" in str(job.best.log)
    assert predicts(job)


def test_a_search_as_json_fetches_and_tokenizes_once_and_its_trials_end_early() -> None:
    job = lab.submit(
        {
            **REQUEST,
            "hyperparams": {
                "lr": {"min": 1e-9, "max": 2e-9},
                "epochs": 9,
                "early_stopping": {"patience": 1, "min_delta": 0.9},
                "lr_scheduler": "exponential",
                "weight_decay": 0.01,
            },
            "tuning": {
                "objective": {"metric": "eval_loss", "direction": "minimize"},
                "max_trials": 2,
                "seed": 1,
            },
        }
    )

    assert [trial.state for trial in job.trials.values()] == [TrialState.COMPLETE] * 2, job.trials
    for trial in job.trials.values():
        assert "stopped early after 2 of 9 epochs: eval_loss was no better" in str(trial.log)
    shared = job.best.folder.parents[1]
    assert len([each for each in (shared / "prepared").iterdir() if each.is_dir()]) == 1
    assert len(list((shared / "inputs").iterdir())) == 1
    assert predicts(job)
    assert '"model": "bert-base"' in str(job.export("astraml"))


def test_a_request_under_tune_reads_one_object_from_the_store_that_it_names(
    bucket: str, shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ASTRAML_SECRET_P_DEMO_S3", "hidden-key-of-s3")
    keys = {name: {"secret": "s3"} for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    request = {
        **REQUEST,
        "name": "told",
        "dataset": "s3://bucket/train",
        "env": {"AWS_ENDPOINT_URL": bucket, **keys},
        "hyperparams": {"max_steps": 2, "batch_size": 8, "eval_steps": 1, "bf16": False},
    }
    load_ipython_extension(shell)
    try:
        with capture_output():  # IPython leaves a `write` of its own at the stream that it prints to
            result = shell.run_cell(f"%%tune\n{json.dumps(request)}")
    finally:
        unload_ipython_extension(shell)

    result.raise_error()
    job = lab.job("told", project="p-demo")
    assert (job.state, len(job.trials)) == (JobState.SUCCEEDED, 1)
    assert "6 of its 64 rows, drawn with seed 0, are evaluated on" in str(job.best.log)
    assert predicts(job)


def test_data_that_is_not_in_the_bucket_is_one_sentence() -> None:
    with pytest.raises(lab.AstramlError):
        lab.submit({**REQUEST, "name": "nothing", "dataset": "s3://bucket/nothing"})

    trial = lab.job("nothing", project="p-demo").trials[0]
    assert trial.reason.startswith("s3://bucket/nothing could not be fetched")
    assert "Traceback" not in trial.traceback
