"""The flags of `submit`: what request they make, and mistakes in their own words, all at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import astraml_lab as lab
from astraml_lab.cli.app import app
from astraml_lab.cli.service_line import read_line, scalar
from astraml_lab.errors import AstramlError, InvalidSpec

if TYPE_CHECKING:
    from pathlib import Path

LINE = ("--project", "p-demo", "--model", "bert-base", "--dataset", "s3://bucket/dataset")


def made(*words: str) -> dict[str, Any]:
    """Return what a line would run."""
    ran = CliRunner().invoke(app, ["submit", *words, "--dry-run", "--json"], catch_exceptions=False)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def refused(*words: str) -> list[str]:
    """Return the mistakes of a line."""
    with pytest.raises(AstramlError) as caught:
        CliRunner().invoke(app, ["submit", *words], catch_exceptions=False)
    first, *mistakes = str(caught.value).split("\n  - ")
    assert first.endswith(", nothing was started:")
    return mistakes


def test_every_flag_of_the_service_has_its_place_in_the_request() -> None:
    options = {
        "project": "p-demo",
        "model": "bert-base",
        "dataset": "s3://bucket/dataset",
        "gpus": "1",
        "batch_size": "32",
        "epochs": "5",
        "patience": "3",
        "lr_scheduler": "linear",
        "grad_accum": "2",
        "metric": "eval_loss",
        "direction": "minimize",
        "strategy": "random",
        "max_trials": "10",
        "max_parallel": "2",
        "max_runtime": "1h30m",
        "seed": "7",
        "pruning": "median",
        "cron": "0 2 * * *",
        "timezone": "Europe/Berlin",
        "overlap": "replace",
        "missed": "skip",
        "name": "nightly",
    }
    lists = {
        "hp": ["warmup_steps=10", "fp16=true", "note=a=b"],
        "tune": ["lr=1e-5:1e-3:log", "width=16:64:step=16", "depth=1:4:float"],
        "choice": ["act=relu,gelu", "layers=2,4"],
        "env": ["A=b"],
        "env_secret": ["HF_TOKEN=hub"],
        "tag": ["team=vision"],
    }
    line = read_line(None, options, lists)

    assert line.problems == []
    assert line.request == {
        "apiVersion": "2.1",
        "project_id": "p-demo",
        "name": "nightly",
        "model": "bert-base",
        "dataset": "s3://bucket/dataset",
        "resources": {"gpus": 1},
        "hyperparams": {
            "batch_size": 32,
            "epochs": 5,
            "early_stopping": {"patience": 3},
            "lr_scheduler": "linear",
            "gradient_accumulation_steps": 2,
            "warmup_steps": 10,
            "fp16": True,
            "note": "a=b",
            "lr": {"min": 1e-5, "max": 1e-3, "scale": "log"},
            "width": {"min": 16, "max": 64, "step": 16},
            "depth": {"min": 1, "max": 4, "type": "float"},
            "act": {"choices": ["relu", "gelu"]},
            "layers": {"choices": [2, 4]},
        },
        "tuning": {
            "objective": {"metric": "eval_loss", "direction": "minimize"},
            "strategy": "random",
            "max_trials": 10,
            "max_parallel": 2,
            "max_runtime_s": 5400,
            "seed": 7,
            "pruning": "median",
        },
        "schedule": {
            "cron": "0 2 * * *",
            "timezone": "Europe/Berlin",
            "overlap": "replace",
            "missed_runs": "skip",
        },
        "env": {"A": "b", "HF_TOKEN": {"secret": "hub"}},
        "tags": {"team": "vision"},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-5", 3e-5),
        ("32", 32),
        ("-.5", -0.5),
        ("true", True),
        ("007", 7),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("cosine", "cosine"),
        ("", ""),
    ],
)
def test_a_value_is_a_number_a_switch_or_a_text(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_a_line_becomes_a_request_with_its_provenance() -> None:
    shown = made(*LINE, "--lr", "3e-5", "--patience", "3")

    assert (shown["kind"], shown["fixed"]["lr"]) == ("run", 3e-5)
    assert shown["provenance"]["early_stopping.patience"] == "request"
    assert shown["provenance"]["epochs"] == "default"
    said = CliRunner().invoke(app, ["submit", *LINE, "--lr", "3e-5", "--dry-run"]).stdout
    rows = [line.split() for line in said.partition("Effective request:")[2].splitlines()]
    assert ["lr", "3e-05", "said"] in rows
    assert ["epochs", "5", "default"] in rows
    assert lab.jobs() == []


def test_all_mistakes_come_at_once_each_by_its_flag() -> None:
    wrong = ("--batch-size", "0", "--epochs", "many", "--tune", "width=16", "--hp", "x", "--max-runtime", "y")

    assert refused("--model", "bert", "--dataset", "d", *wrong) == [
        '--max-runtime is "y"; a duration such as 90s, 10m, 2h or 1h30m',
        '--hp is "x"; NAME=VALUE',
        '--tune width is "16"; needs two numbers; write NAME=MIN:MAX[:log|reverse_log][:step=S]',
        '--batch-size: is 0; a whole number, 1 or more, a range {"min", "max"} or {"choices": […]}',
        '--epochs: is "many"; a whole number, 1 or more, a range {"min", "max"} or {"choices": […]}',
        "--project: required, but absent",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--choice", "e="), '--choice e is ""; names no choice; write NAME=a,b,c'),
        (("--choice", "e=a,,b"), "a choice is empty; write NAME=a,b,c (did you mean --choice e=a,b?)"),
        (("--tune", "lr="), '--tune lr is ""; needs two numbers; write NAME=MIN:MAX'),
        (("--tune", "lr=1e-4,1e-1,log"), "(did you mean --tune lr=1e-4:1e-1:log?)"),
        (("--tune", "lr=1e-4..1e-1"), "(did you mean --tune lr=1e-4:1e-1?)"),
        (("--tune", "lr=1e-4:1e-1:lgo"), "(did you mean --tune lr=1e-4:1e-1:log?)"),
        (("--tune", "o=adam,sgd"), "(did you mean --choice o=adam,sgd?)"),
    ],
)
def test_a_malformed_search_is_one_mistake_with_the_nearest_right_spelling(
    words: tuple[str, str], said: str
) -> None:
    (only,) = refused(*LINE, *words, "--metric", "loss", "--direction", "minimize", "--dry-run")

    assert said in only


def test_a_timezone_that_is_none_is_shown_with_the_nearest() -> None:
    (said,) = refused(
        *("--project", "p-demo", "--model", "m", "--dataset", "d", "--cron", "0 2 * * *"),
        *("--timezone", "Europe/Berln"),
    )

    assert said.startswith('--timezone: is "Europe/Berln"; an IANA name such as UTC')
    assert said.endswith('(did you mean "Europe/Berlin"?)')


def test_one_field_is_said_once() -> None:
    assert refused(*LINE, "--lr", "0.1", "--tune", "lr=0.1:0.2", "--patience", "1", "--hp", "patience=2") == [
        "--hp patience; --patience says the same field: keep one of them",
        "--tune lr; --lr says the same field: keep one of them",
    ]
    assert refused(*LINE, "--tag", "a=1", "--tag", "a=2") == ["--tag a; say it once"]


def test_a_search_without_a_metric_and_a_metric_without_a_search_name_their_flags() -> None:
    (range_alone,) = refused(*LINE, "--tune", "lr=0.1:0.2", "--dry-run")
    (metric_alone,) = refused(*LINE, "--metric", "loss", "--direction", "minimize", "--dry-run")

    assert range_alone.startswith("--metric, --direction: required where there is a range")
    assert metric_alone.startswith("--metric, --direction: nothing to tune")


def test_a_file_is_refused_by_its_fields_and_flags_win_over_it(tmp_path: Path) -> None:
    file = tmp_path / "part.yaml"
    file.write_text("hyperparams: {lr: 0.1, epochs: 3, early_stopping: null}\n")

    shown = made(str(file), *LINE, "--tune", "epochs=1:4", "--metric", "loss", "--direction", "minimize")
    assert shown["fixed"]["lr"] == 0.1
    assert [each["name"] for each in shown["search_space"]] == ["epochs"]
    assert made("--file", str(file), *LINE, "--patience", "2")["fixed"]["early_stopping.patience"] == 2
    file.write_text("hyperparams: {lr: -1, epochs: 3}\n")
    assert [each.partition(":")[0] for each in refused(str(file), *LINE, "--epochs", "0", "--dry-run")] == [
        "--epochs",
        "/hyperparams/lr",
    ]


def test_flags_change_no_request_of_another_service(tmp_path: Path) -> None:
    file = tmp_path / "vertex.json"
    file.write_text(json.dumps({"displayName": "a", "studySpec": {}, "trialJobSpec": {}}))

    (problem,) = refused(str(file), "--lr", "0.1")
    assert problem == f"--lr; belongs to an AstraML request; {file} is Vertex AI's"


def test_no_value_of_a_variable_is_repeated() -> None:
    (nameless,) = refused(*LINE, "--env", "hunter2", "--dry-run")
    (inline,) = refused(*LINE, "--env", "API_TOKEN=hunter2", "--dry-run")

    assert nameless == "--env; NAME=VALUE"
    assert inline.startswith("--env API_TOKEN: ")
    assert "hunter2" not in inline


def test_nothing_is_no_request_and_two_files_are_one_too_many() -> None:
    with pytest.raises(InvalidSpec, match="FILE; a request's file"):
        CliRunner().invoke(app, ["submit"], catch_exceptions=False)
    with pytest.raises(InvalidSpec, match="keep one of them"):
        CliRunner().invoke(app, ["submit", "a.json", "--file", "b.json"], catch_exceptions=False)


def test_a_key_on_the_line_is_that_of_one_schedule(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('loss=0.5')\n")
    line = [*LINE, "--target", str(tmp_path / "train.py"), "--idempotency-key", "monday", "--json"]
    hourly, daily = ["--cron", "0 * * * *"], ["--cron", "0 2 * * *"]
    made = [CliRunner().invoke(app, ["submit", *line, *hourly], catch_exceptions=False) for _ in range(2)]
    assert [json.loads(each.stdout)["name"] for each in made] == ["bert-base"] * 2

    with pytest.raises(AstramlError, match="the key belongs to another request"):
        CliRunner().invoke(app, ["submit", *line, *daily], catch_exceptions=False)
    assert len(lab.schedules()) == 1
