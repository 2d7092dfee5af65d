from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import pandas as pd
import pytest

from astraml_lab.errors import Conflict, InvalidSpec, NotFound
from astraml_lab.jobs import Job
from astraml_lab.jobs.importing import import_job
from astraml_lab.lab import build_spec
from astraml_lab.spec import (
    Categorical,
    FailureKind,
    Float,
    Int,
    JobState,
    Space,
    TrialState,
    objectives_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.spec import TrialView
    from astraml_lab.trial import Trial


def load(bench: Bench, source: Any, **options: Any) -> Job:
    """Import like `lab.import_trials` does."""
    params, space = options.pop("params", None), options.pop("space", {})
    objectives = objectives_of(options.pop("maximize", ()), options.pop("minimize", ()))
    spec = build_spec(space, objectives, options)
    return Job(bench.manager, import_job(bench.store, source, spec, params))


def mistakes(bench: Bench, source: Any, **options: Any) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        load(bench, source, **options)
    return [str(problem) for problem in caught.value.problems]


def views_of(job: Job) -> tuple[TrialView, ...]:
    return job.reader.trials()[1]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def tuned(trial: Trial) -> dict[str, float]:
    params: dict[str, Any] = trial.params
    if params["n"] == 2:
        raise ValueError("two, is not\nallowed")
    score = params["x"] * params["n"]
    trial.report(loss=1.0)
    for _ in range(2):
        trial.report(score=score, loss=0.1 + params["x"])
    return {"score": score, "runtime": 3.5}


SPACE: dict[str, Any] = {
    "x": Float(1e-4, 1.0, log=True),
    "n": Int(1, 4),
    "kind": Categorical(["a", "b, c"]),
    "depth": Int(1, 3, when={"kind": "a"}),
    "flag": Categorical([True, False]),
    "state": Float(0.0, 1.0),
}


@pytest.fixture
def own(bench: Bench) -> Job:
    return bench.run(tuned, SPACE, name="own", trials=12, strategy="random", max_failures=12)


def test_a_jobs_own_frame_comes_back_as_it_was(bench: Bench, own: Job) -> None:
    job = load(bench, own.df, name="again")

    assert job.state is JobState.SUCCEEDED
    assert job.spec.objectives == own.spec.objectives
    assert job.spec.space.names() == list(SPACE)
    assert job.best.number == own.best.number
    for before, after in zip(views_of(own), views_of(job), strict=True):
        active = {name: value for name, value in before.params.items() if value is not None}
        assert (after.number, after.state, after.kind) == (before.number, before.state, before.kind)
        assert (after.params, after.values, after.reason) == (active, before.values, before.reason)
        assert after.metrics == before.metrics
        assert after.runtime(0) == pytest.approx(before.runtime(0), abs=1e-5)
    pd.testing.assert_frame_equal(
        job.df.drop(columns="runtime"), own.df.drop(columns="runtime"), check_dtype=False
    )


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_jobs_own_table_survives_a_file(bench: Bench, own: Job, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"again.{suffix}"
    if suffix == "jsonl":
        own.df.reset_index().to_json(path, orient="records", lines=True, double_precision=15)
    else:
        own.df.to_csv(path, sep="\t" if suffix == "tsv" else ",")
    job = load(bench, path, maximize="score")

    assert job.name == "again"
    assert job.spec.space.names() == list(SPACE)
    assert isinstance(job.spec.space["depth"], Int)
    assert job.spec.space["flag"] == Categorical([False, True])
    for before, after in zip(views_of(own), views_of(job), strict=True):
        active = {name: value for name, value in before.params.items() if value is not None}
        assert after.params == (pytest.approx(active) if suffix == "jsonl" else active)
        assert after.state is before.state
        assert after.values == (pytest.approx(before.values) if suffix == "jsonl" else before.values)
        assert set(after.metrics) == set(before.metrics)
    assert "imported from" in job.view().reason


def test_a_given_space_brings_back_what_a_file_cannot_say(bench: Bench, tmp_path: Path) -> None:
    space: dict[str, Any] = {
        "k": Categorical([1, "1a", None]),
        "depth": Int(1, 3, when={"k": [1, None]}),
        "act": Categorical(["relu", None], when={"k": "1a"}),
    }

    def score(k: Any, depth: int | None, act: str | None) -> float:
        return len(f"{k}{depth}{act}")

    first = bench.run(score, space, name="first", trials=12, strategy="random")
    path = tmp_path / "again.csv"
    first.df.to_csv(path)
    job = load(bench, path, maximize="score", space=space)
    assert [view.params for view in views_of(job)] == [view.params for view in views_of(first)]
    assert job.spec.space == Space(space)


def test_a_row_outside_a_given_space_is_a_mistake(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path, "runs.csv", "lr,loss\n0.1,1\n5,2\n7,3\n,4\n")
    hint = "(without a space it is inferred from the values)"
    assert mistakes(bench, path, minimize="loss", space={"lr": Float(0.0, 1.0)}) == [
        f"runs.csv; 2 rows are not in the space: lr outside 0 … 1 (row 2) {hint}",
        f"runs.csv; 1 row is not in the space: without lr (row 4) {hint}",
    ]


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", 1e-3, 1.0, log=True)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    size = trial.suggest_int("size", 1, 9, step=2) if kind == "a" else 0
    for step in range(3):
        trial.report(x * step, step)
        if x > 0.3 and step == 2:
            raise optuna.TrialPruned
    if size == 3:
        raise ValueError("three")
    return x + size


@pytest.fixture
def study() -> Iterator[optuna.Study]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    made = optuna.create_study(study_name="theirs", sampler=optuna.samplers.RandomSampler(seed=1))
    made.optimize(objective, n_trials=30, catch=ValueError)
    yield made
    optuna.logging.set_verbosity(before)


@pytest.mark.parametrize("multi_index", [False, True])
def test_optunas_frame_is_read(bench: Bench, study: optuna.Study, *, multi_index: bool) -> None:
    job = load(bench, study.trials_dataframe(multi_index=multi_index), minimize="loss", name="theirs")
    _same_as(study, job)
    view = views_of(job)[0]
    assert view.started_at == study.trials[0].datetime_start.timestamp()  # type: ignore[union-attr]  # it ran
    assert "read as Optuna's table with parameters" in job.view().note


def test_optunas_frame_is_read_from_a_file(bench: Bench, study: optuna.Study, tmp_path: Path) -> None:
    study.trials_dataframe().to_csv(tmp_path / "theirs.csv")
    _same_as(study, load(bench, tmp_path / "theirs.csv", minimize="loss"))


def _same_as(study: optuna.Study, job: Job) -> None:
    states = {"COMPLETE": "COMPLETE", "PRUNED": "PRUNED", "FAIL": "FAILED"}
    assert job.spec.trials == len(study.trials)
    for theirs, ours in zip(study.trials, views_of(job), strict=True):
        assert ours.number == theirs.number
        assert ours.state.value == states[theirs.state.name]
        assert ours.params == theirs.params
        assert list(ours.values or ()) == (theirs.values if theirs.state.name == "COMPLETE" else [])
    assert job.best.number == study.best_trial.number


def test_a_study_is_taken_with_its_space_and_curves(bench: Bench, study: optuna.Study) -> None:
    job = load(bench, study)
    _same_as(study, job)
    assert job.name == "theirs"
    assert dict(job.spec.space.dimensions) == {
        "x": Float(1e-3, 1.0, log=True),
        "kind": Categorical(["a", "b"]),
        "size": Int(1, 9, step=2),
    }
    assert job.spec.objectives == objectives_of((), "value")
    assert len(job.metrics("value")) == 3 * len(study.trials)
    assert job.study.best_trial.params == study.best_trial.params
    named = load(bench, study, name="named", minimize="loss")
    assert "loss" in named.df.columns
    assert mistakes(bench, study, maximize="loss", name="other") == [
        "objectives; the study minimizes one metric each, this maximizes"
    ]


def test_several_values_of_a_study_get_names(bench: Bench) -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.add_trial(
        optuna.trial.create_trial(
            values=[1.0, 2.0],
            params={"x": 1},
            distributions={"x": optuna.distributions.IntDistribution(0, 3)},
        )
    )
    assert [each.metric for each in load(bench, study, name="a").spec.objectives] == ["values_0", "values_1"]
    (view,) = views_of(load(bench, study, name="b", maximize="acc", minimize="time"))
    assert view.metrics == {"time": 1.0, "acc": 2.0}
    frame = study.trials_dataframe()
    job = load(bench, frame, name="c", maximize="values_1", minimize="values_0")
    assert [view.values for view in views_of(job)] == [(2.0, 1.0)]


WANDB = (
    '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","batch_size","lr","optimizer","epoch",'
    '"val_acc","_step"\n'
    '"deep-sweep-3","finished","-","me","","2024-05-01T10:00:00.000Z","120","abc","64","0.0003","adam","9",'
    '"0.91","90"\n'
    '"calm-sweep-2","crashed","-","me","","2024-05-01T09:00:00.000Z","30","abc","128","0.2","sgd","2","0.4","20"\n'
    '"good-sweep-1","killed","-","me","","2024-05-01T08:00:00.000Z","60","abc","32","0.001","sgd","5","",""\n'
    '"late-sweep-4","running","-","me","","2024-05-01T11:00:00.000Z","5","abc","32","0.01","adam","","",""\n'
)


def test_a_wandb_export_is_read(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path, "sweep.csv", WANDB)
    job = load(bench, path, maximize="val_acc", params=["batch_size", "lr", "optimizer"])
    first, crashed, killed, running = views_of(job)

    assert first.params == {"batch_size": 64, "lr": 0.0003, "optimizer": "adam"}
    assert (first.values, first.metrics) == ((0.91,), {"val_acc": 0.91, "epoch": 9.0})
    assert first.runtime(0) == 120
    assert time.gmtime(first.started_at or 0)[:4] == (2024, 5, 1, 10)
    assert (crashed.state, crashed.kind) == (TrialState.FAILED, FailureKind.CRASHED)
    assert killed.state is running.state is TrialState.STOPPED
    assert "had not ended" in running.reason
    assert job.spec.space["lr"] == Float(0.0003, 0.2, log=True)
    assert job.view().reason == "imported from sweep.csv: 4 trials, 3 of them without a result"
    assert job.view().note == "read as a W&B export with parameters batch_size, lr, optimizer"
    assert load(bench, path, maximize="val_acc", name="all").spec.space.names() == [
        "batch_size",
        "lr",
        "optimizer",
        "epoch",
    ]


def test_a_plain_table_is_read_and_its_space_inferred(bench: Bench, tmp_path: Path) -> None:
    text = "lr;width;act;bias;const;note;blank;loss\n" + "".join(
        f"{10 ** -(index % 5)};{16 * (index + 1)};{'relu' if index % 2 else 'gelu'};{index % 2 == 0};3;"
        f"remark {index};;{index / 7 if index else ''}\n"
        for index in range(60)
    )
    job = load(bench, written(tmp_path, "runs.csv", text), minimize="loss")
    assert dict(job.spec.space.dimensions) == {
        "lr": Float(0.0001, 1.0, log=True),
        "width": Int(16, 960),
        "act": Categorical(["gelu", "relu"]),
        "bias": Categorical([False, True]),
        "const": Int(3, 3),
    }
    assert "left out: note (60 different texts), blank (blank)" in job.view().note
    first = views_of(job)[0]
    assert (first.state, first.kind) == (TrialState.FAILED, FailureKind.NO_METRIC)
    assert first.reason == "no loss in its row"
    assert job.best.number == 1
    assert len(job.df) == 60
    job.best_as_cell()


def test_json_lines_and_frames_keep_their_types(bench: Bench, tmp_path: Path) -> None:
    rows = [
        {"n": 1, "f": 1.0, "s": "1", "b": True, "deep": {"x": 1}, "acc": 0.5},
        {"n": 2, "f": 2, "s": "2", "b": False, "deep": [1], "acc": math.inf},
        {"n": None, "s": "3", "acc": 0.7},
    ]
    path = written(tmp_path, "runs.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n")
    for source, name in ((path, "lines"), (pd.DataFrame(rows), "frame")):
        job = load(bench, source, maximize="acc", name=name)
        first, second, third = views_of(job)
        assert first.params == {"n": 1, "f": 1.0, "s": "1", "b": True}
        assert (second.state, second.kind, second.reason) == (
            TrialState.FAILED,
            FailureKind.NAN,
            "acc is ∞",
        )
        assert third.params == {"s": "3"}
        assert "left out: deep (no numbers, texts or truths)" in job.view().note


def test_an_imported_job_is_one_like_any_other(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path, "runs.csv", "x,score\n0.1,1\n0.2,2\n3,3\n")
    job = load(bench, path, maximize="score")
    assert [found.name for found in bench.manager.jobs()] == ["runs"]
    assert repr(bench.manager.find("runs")).startswith("runs SUCCEEDED · 3/3 trials · best score 3 (trial 2)")
    assert len(job.study.trials) == 3
    assert job.study.best_value == 3

    def score(x: float) -> float:
        return x

    second = bench.run(score, name="second", trials=1, warm_start=("runs",))
    assert "starts from 2 trials of runs#1 (1 did not fit: x outside 0 … 1)" in second.view().note
    third = bench.run(score, name="runs", trials=1)
    assert third.generation == 2
    assert "keeps 2 of 3 trials of generation 1 as warm start" in third.view().note
    third.delete()
    assert bench.store.load_job("default", "runs") is None


def test_an_imported_job_does_not_go_on_and_says_what_starts_from_it(bench: Bench, tmp_path: Path) -> None:
    source = written(tmp_path, "my runs.csv", "lr,accuracy\n0.1,0.5\n0.2,0.7\n")
    job = load(bench, source, maximize="accuracy", params=["lr"])
    what = (
        "my runs was imported and has no code to run: a cell with `--name 'my runs'`, or with "
        "`--warm-start 'my runs'`, starts from its trials"
    )
    wishes = (job.resume, lambda: job.resume(9), lambda: job.rerun(0), lambda: job.enqueue({"lr": 0.15}))
    for wish in wishes:
        with pytest.raises(Conflict) as caught:
            wish()
        assert str(caught.value) == what

    space = {"lr": Float(0.0, 1.0)}
    after = bench.run(lambda lr: lr, space, maximize="accuracy", name="my runs", trials=1)
    assert (after.generation, "keeps 2 of 2 trials" in after.view().note) == (2, True)


def test_a_used_name_is_refused_and_nothing_stored(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path, "runs.csv", "x,score\n0.1,1\n")
    load(bench, path, maximize="score")
    load(bench, path, maximize="score", name="runs-2")
    with pytest.raises(Conflict) as caught:
        load(bench, path, maximize="score", name="RUNS")
    assert str(caught.value) == (
        "project default has a job RUNS already: import this under another name, such as --name RUNS-3, "
        "or delete that one"
    )
    load(bench, path, maximize="score", project="other")
    assert len(bench.store.list_jobs()) == 3


def test_all_mistakes_come_at_once(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path, "runs.csv", "lr,width,loss\n0.1,1,low\n0.2,2,0.5\n0.3,3,high\n")
    assert mistakes(bench, path, minimize=["los", "time"], params=["lrr", "width", "momentum"]) == [
        'los; runs.csv has no such column (did you mean "loss"?)',
        "time; runs.csv has no such column (there are lr, width, loss)",
        'lrr; no such column (did you mean "lr"?)',
        "momentum; no such column (there are lr, width, loss)",
    ]
    assert mistakes(bench, path, minimize="loss") == [
        'loss is "low" in row 1; must be a number (2 rows of 3 have none)'
    ]
    hint = "(--maximize or --minimize one of lr, width, loss)"
    assert mistakes(bench, path) == [f"maximize; name the metric that runs.csv was tuned for {hint}"]
    assert mistakes(bench, path, minimize="lr", params=["lr"]) == [
        "lr; cannot be both a parameter and what was tuned"
    ]
    empty = written(tmp_path, "blank.csv", "lr,loss\n0.1,\n0.2,nan\n")
    assert mistakes(bench, empty, minimize="loss") == ["loss; no row has a value"]
    alone = written(tmp_path, "alone.csv", "loss\n1\n")
    assert mistakes(bench, alone, minimize="loss") == ["params; no column is left that could be a parameter"]
    assert mistakes(bench, alone, minimize="loss", space={"x": Float(0.0, 1.0)}, params=["y"]) == [
        "y; is no dimension of the given space",
        "x; no such column (there are loss)",
    ]
    assert bench.store.list_jobs() == ()


def test_what_is_no_table_is_refused_in_one_sentence(bench: Bench, tmp_path: Path) -> None:
    def said(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (sentence,) = mistakes(bench, path, maximize="a")
        return sentence

    assert said("empty.csv", "") == "empty.csv; has no rows"
    assert said("header.csv", "a,b\n") == "header.csv; has no rows"
    assert said("empty.jsonl", "\n") == "empty.jsonl; has no rows"
    assert said("twins.csv", "a,b,a\n1,2,3\n") == "twins.csv; has several columns called a"
    assert said("long.csv", "a,b\n1,2\n1,2,3\n") == "long.csv; row 2 has 3 cells, the header 2"
    assert said("bytes.csv", b"a,b\n\xff\xfe\x00,1\n").startswith("bytes.csv; cannot be read: 'utf-8'")
    assert said("bad.jsonl", '{"a": 1}\n{"a": \n').startswith("bad.jsonl; line 2 is no JSON")
    assert said("list.jsonl", "[1]\n") == "list.jsonl; line 1 is [1], not an object with names and values"
    assert "a DataFrame or an Optuna study" in said("sheet.xlsx", b"PK")
    assert "is a dict; import takes a file" in mistakes(bench, {"a": 1}, maximize="a")[0]
    with pytest.raises(NotFound, match=r'no file .*emty.csv.*did you mean "empty.csv"'):
        load(bench, tmp_path / "emty.csv", maximize="a")


def test_parquet_is_read(bench: Bench, tmp_path: Path) -> None:
    pd.DataFrame({"lr": [0.1, 0.2], "loss": [1.0, 2.0]}).to_parquet(tmp_path / "runs.parquet")
    views = views_of(load(bench, tmp_path / "runs.parquet", minimize="loss"))
    assert [(view.params, view.values) for view in views] == [({"lr": 0.1}, (1.0,)), ({"lr": 0.2}, (2.0,))]


def test_parquet_says_what_it_needs(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    (tmp_path / "runs.parquet").write_bytes(b"PAR1")
    assert mistakes(bench, tmp_path / "runs.parquet", maximize="a") == [
        "runs.parquet; Parquet needs pyarrow (pip install pyarrow, or save it as CSV)"
    ]


def test_short_rows_byte_marks_and_indices_do_no_harm(bench: Bench, tmp_path: Path) -> None:
    path = written(tmp_path, "runs.csv", "\ufeff,lr,loss\n0,0.1,1\n1,0.2,2\n\n2,0.3\n")
    views = views_of(load(bench, path, minimize="loss"))
    assert [view.params for view in views] == [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}]
    assert views[2].kind is FailureKind.NO_METRIC


def test_ten_thousand_rows_take_no_time(bench: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            **{f"p{index}": rng.random(10_000) for index in range(6)},
            "kind": rng.choice(["a", "b", "c"], 10_000),
            "loss": rng.random(10_000),
        }
    )
    path = tmp_path / "large.csv"
    frame.to_csv(path, index=False)
    began = time.process_time()  # other processes may keep the machine busy
    job = load(bench, path, minimize="loss")
    took = time.process_time() - began
    assert job.view().finished == 10_000
    assert job.best.values == (frame["loss"].min(),)
    assert took < 3, took
