"""Scripts written for SageMaker and Vertex AI, as their documentation shows them, run unmodified."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.scripts import script_spec

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
)

if TYPE_CHECKING:
    from plugins.scripts import ScriptBench

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
