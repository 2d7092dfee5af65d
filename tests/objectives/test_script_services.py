"""Scripts written for SageMaker and Vertex AI, as their documentation shows them, run unmodified."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.patience import until
from plugins.scripts import script_spec

from astraml_lab.objectives.script_reports import HypertuneFile
from astraml_lab.spec import (
    Categorical,
    Channel,
    Dialect,
    Discrete,
    Float,
    Int,
    JobState,
    LogMetric,
    TrialState,
    training_job_name,
)

if TYPE_CHECKING:
    from plugins.scripts import ScriptBench

    from astraml_lab.spec import JobSpec

HERE = Path(__file__).parent / "scripts"


def test_a_script_mode_script_of_sagemaker_runs_unmodified(scripts: ScriptBench, home: Path) -> None:
    data = scripts.folder / "data"
    data.mkdir()
    (data / "part-0.csv").write_text("1\n2\n")
    (scripts.folder / "astraml.toml").write_text('[inputs]\n"s3://bucket/abalone" = "data"\n')
    spec = script_spec(
        {
            "learning-rate": Float(0.1, 1.0),
            "batch-size": Categorical(['"32"', '"64"']),
            "epochs": Int(2, 3),
        },
        maximize="val:acc",
        name="abalone",
        convention=Dialect.SAGEMAKER,
        fixed={"optimizer": '"sgd"', "sagemaker_program": '"train.py"'},
        channels={"train": Channel(uri="s3://bucket/abalone", about={"ContentType": "csv"})},
        output="s3://bucket/output",
        log_metrics=(
            LogMetric(name="val:acc", regex=r"val_acc=(\S+)"),
            LogMetric(name="loss", regex=r"train_loss=(.*?);"),
        ),
    )
    job = scripts.run(spec, HERE / "sagemaker_train.py")
    assert job.state is JobState.SUCCEEDED, [each.view() for each in job.trials.values()]
    best = job.best
    view = best.view()
    assert view.values is not None
    params: dict[str, Any] = dict(view.params)
    loss = 3 / params["epochs"] / params["learning-rate"]
    assert abs(view.values[0] - (1 - 1 / (1 + loss))) < 1e-3
    assert set(view.metrics) == {"val:acc", "loss"}
    log = best.log.tail().splitlines()
    size = params["batch-size"].strip('"')
    assert f'"--batch-size", "{size}"' in log[0]
    assert '"--optimizer", "sgd"' in log[0]
    assert "sagemaker_program" not in log[0]
    assert log[1].startswith("rows 2 gpus 0 job abalone-00")
    archives = sorted((home / "s3" / "bucket" / "output").glob("abalone-*/output/model.tar.gz"))
    assert len(archives) == 2
    with tarfile.open(archives[0]) as archive:
        assert archive.getnames() == ["model.txt"]


def test_a_hypertune_script_of_vertex_runs_unmodified(scripts: ScriptBench, home: Path) -> None:
    spec = script_spec(
        {
            "learning_rate": Float(0.01, 0.5, log=True),
            "momentum": Float(0.0, 0.9),
            "num_units": Discrete([64.0, 128.0]),
        },
        maximize="accuracy",
        name="horses",
        convention=Dialect.VERTEX,
        args=("--epochs=4",),
        output="gs://bucket/base",
    )
    job = scripts.run(spec, HERE / "vertex_train.py")
    assert job.state is JobState.SUCCEEDED, [each.view() for each in job.trials.values()]
    view = job.trials[0].view()
    params: dict[str, Any] = dict(view.params)
    assert view.state is TrialState.COMPLETE
    assert view.values == (1 - params["learning_rate"] / 4,)
    assert view.step == 4
    model = home / "gs" / "bucket" / "base" / "horses" / "1" / "model" / "model.txt"
    assert model.read_text() == str(int(params["num_units"]))
    curve = job.reader.curve(0, "accuracy")
    assert curve is not None
    assert list(curve.steps) == [1, 2, 3, 4]


SHOW = """
import json, os, sys
print(json.dumps({"args": sys.argv[1:], "env": dict(os.environ)}))
print("score=1")
"""


def shown(scripts: ScriptBench, spec: JobSpec) -> tuple[list[str], dict[str, str], Path]:
    """Run a script that shows its arguments and variables; return them and its trial's folder."""
    job = scripts.run(spec, scripts.write(SHOW))
    trial = job.trials[0]
    assert trial.view().state is TrialState.COMPLETE, trial.view()
    log = (trial.checkpoint_dir.parent / "log.txt").read_text()
    lines = [line.split(" ", 2)[2] for line in log.splitlines()]
    found = json.loads("".join(lines[: lines.index("score=1")]))
    return found["args"], found["env"], trial.checkpoint_dir.parent


def test_a_script_of_sagemaker_finds_what_the_training_toolkit_gives(scripts: ScriptBench) -> None:
    (scripts.folder / "one.csv").write_text("1")
    spec = script_spec(
        {"n-neighbors": Int(7, 7), "lr": Float(0.25, 0.2500001), "size": Categorical(['"512"'])},
        name="toolkit",
        trials=1,
        convention=Dialect.SAGEMAKER,
        fixed={
            "model": '"rgcn"',
            "flag": "true",
            "plain": "features.csv",
            "layers": "[1, 2]",
            "out": '"/opt/ml/output/data"',
            "sagemaker_program": '"train.py"',
        },
        env={"WHERE": "/opt/ml/input", "LAST": "/opt/ml/checkpoints/last"},
        channels={"train-x": Channel(uri="one.csv", about={"ContentType": "text/csv"})},
        checkpoints="/opt/ml/checkpoints",
        log_metrics=(LogMetric(name="score", regex=r"score=(\S+)"),),
    )
    args, env, folder = shown(scripts, spec)
    base = folder / "opt-ml"
    pairs = dict(zip(args[::2], args[1::2], strict=True))
    assert list(pairs) == sorted(pairs)
    assert pairs.pop("--lr").startswith("0.25")
    assert pairs == {
        "--n-neighbors": "7",
        "--size": "512",
        "--model": "rgcn",
        "--flag": "True",
        "--plain": "features.csv",
        "--layers": "[1, 2]",
        "--out": str(base / "output" / "data"),
    }
    hps = json.loads(env["SM_HPS"])
    assert hps["n-neighbors"] == 7
    assert hps["size"] == "512"
    assert hps["flag"] is True
    assert env["SM_HP_N-NEIGHBORS"] == "7"
    assert env["SM_HP_LAYERS"] == "[1,2]"
    assert json.loads(env["SM_CHANNELS"]) == ["train-x"]
    assert (Path(env["SM_CHANNEL_TRAIN-X"]) / "one.csv").read_text() == "1"
    assert env["SM_MODEL_DIR"] == str(base / "model")
    assert env["SM_OUTPUT_DATA_DIR"] == str(base / "output" / "data")
    assert (env["SM_OUTPUT_DIR"], env["SM_INPUT_DIR"]) == (str(base / "output"), str(base / "input"))
    assert (env["SM_NUM_GPUS"], env["SM_CURRENT_HOST"]) == ("0", "algo-1")
    assert json.loads(env["SM_HOSTS"]) == ["algo-1"]
    assert json.loads(env["SM_USER_ARGS"]) == args
    assert int(env["SM_NUM_CPUS"]) >= 1
    assert json.loads(env["SM_TRAINING_ENV"])["hyperparameters"] == hps
    assert env["TRAINING_JOB_NAME"] == training_job_name("toolkit", 0, spec_seed(scripts))
    assert env["WHERE"] == str(base / "input")
    assert env["LAST"] == str(folder / "checkpoint" / "last")
    raw = json.loads((base / "input" / "config" / "hyperparameters.json").read_text())
    assert raw["size"] == '"512"'
    assert raw["n-neighbors"] == "7"
    assert raw["_tuning_objective_metric"] == "score"


def spec_seed(scripts: ScriptBench) -> int:
    return scripts.bench.manager.find("toolkit").trials[0].view().seed


def test_a_script_of_vertex_finds_its_arguments_and_variables(scripts: ScriptBench, home: Path) -> None:
    (scripts.folder / "astraml.toml").write_text('[inputs]\n"gs://bucket/data" = "local"\n')
    spec = script_spec(
        {"lr": Float(0.5, 0.5000001), "branch": Categorical(["a"]), "units|a": Int(3, 3)},
        name="again",
        trials=1,
        convention=Dialect.VERTEX,
        args=(
            "--data=gs://bucket/data/train",
            "--other",
            "gs://else/x",
            "--to=$(AIP_MODEL_DIR)",
            "$$(NO)$(WHAT)",
        ),
        env={
            "FIRST": "one",
            "SECOND": "$(FIRST) two",
            "THIRD": "$$(FIRST) $(LATER)",
            "CLOUD_ML_TRIAL_ID": "99",
        },
        names={"units|a": "units"},
        output="gs://bucket/base",
    )
    train = scripts.write(
        SHOW + "import hypertune\nhypertune.HyperTune().report_hyperparameter_tuning_metric('', 0.5)\n"
    )
    trial = scripts.run(spec, train).trials[0]
    assert trial.view().values == (0.5,)
    log = (trial.checkpoint_dir.parent / "log.txt").read_text().splitlines()
    found = json.loads("".join(line.split(" ", 2)[2] for line in log[:-1]))
    args, env = found["args"], found["env"]
    base = home / "gs" / "bucket" / "base" / "again" / "1"
    assert args[:5] == [
        f"--data={scripts.folder}/local/train",
        "--other",
        "gs://else/x",
        f"--to={base}/model/",
        "$(NO)$(WHAT)",
    ]
    assert args[5].startswith("--lr=0.5")
    assert args[6:] == ["--branch=a", "--units=3"]
    assert env["CLOUD_ML_TRIAL_ID"] == "1"
    assert env["CLOUD_ML_JOB_ID"] == "again"
    assert env["AIP_CHECKPOINT_DIR"] == f"{base}/checkpoints/"
    assert env["AIP_TENSORBOARD_LOG_DIR"] == f"{base}/logs/"
    assert (env["SECOND"], env["THIRD"]) == ("one two", "$(FIRST) $(LATER)")


def test_hypertune_without_steps_counts_and_with_them_keeps_them(tmp_path: Path) -> None:
    seen: list[tuple[dict[str, float], int | None]] = []
    file = tmp_path / "output.metrics"
    reader = HypertuneFile(file, lambda metrics, step: seen.append((dict(metrics), step)))
    lines: list[str] = []

    def write(step: int, tag: str, value: float) -> None:
        entry = {"timestamp": float(len(lines)), "trial": "1", tag: str(value), "global_step": str(step)}
        lines.append(json.dumps({**entry, "checkpoint_path": ""}) + "\n")
        file.write_text("".join(lines[-100:]))
        reader.look()

    for index in range(3):
        write(0, "none", float(index))
        write(index, "some", float(index))
    file.write_text("".join(lines)[:-20])  # met while it is written
    reader.look()
    reader.look()
    assert [(m["none"], step) for m, step in seen if "none" in m] == [(0.0, 0), (1.0, 1), (2.0, 2)]
    assert [step for m, step in seen if "some" in m] == [0, 1, 2]
    for index in range(300):
        write(index + 3, "some", 1.0)
    assert [step for m, step in seen if "some" in m] == list(range(303))


def test_a_hypertune_script_that_is_stopped_ends(scripts: ScriptBench) -> None:
    spec = script_spec(
        {"learning_rate": Float(0.1, 0.9), "momentum": Float(0.0, 0.9), "num_units": Int(8, 9)},
        maximize="accuracy",
        convention=Dialect.VERTEX,
        args=("--epochs=9000", "--pause=0.1"),
        trials=1,
    )
    job = scripts.launch(spec, HERE / "vertex_train.py")
    until(lambda: any(trial.metrics for trial in job.trials.values()))
    job.stop_trial(0)
    job.wait(120)
    assert job.trials[0].view().state is TrialState.STOPPED


@pytest.mark.parametrize(
    "line",
    [
        "validation:auc=0.75",
        "[3]\\ttrain-auc:0.9\\tvalidation-auc:0.75",
        "[3]#011train-auc:1#011validation-auc:0.75",
    ],
)
def test_a_script_in_place_of_a_built_in_algorithm_prints_its_metric(scripts: ScriptBench, line: str) -> None:
    train = scripts.write(f'print("{line}")')
    spec = script_spec(maximize="validation:auc", convention=Dialect.SAGEMAKER, trials=1)
    assert scripts.run(spec, train).trials[0].view().values == (0.75,)


def test_a_request_that_names_its_regexes_has_no_others(scripts: ScriptBench) -> None:
    train = scripts.write('print("auc=0.1\\nfinal auc 0.75\\nauc=0.2")')
    regexes = (LogMetric(name="auc", regex=r"final auc (\S+)"),)
    spec = script_spec(maximize="auc", convention=Dialect.SAGEMAKER, trials=1, log_metrics=regexes)
    assert scripts.run(spec, train).trials[0].view().values == (0.75,)
