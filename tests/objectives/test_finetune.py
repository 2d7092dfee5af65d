"""Fine-tuning a transformer: a tiny BERT learns, keeps its best model, and goes on where it was cut off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from objectives.conftest import Recorder
from plugins.transformers_tiny import BAD, GOOD, opinions, write_csv, write_lines

import astraml_lab as lab
from astraml_lab.errors import Conflict, NotFound, TrialStopped
from astraml_lab.lab import build_spec
from astraml_lab.objectives.finetune.data import Wanted, prepared
from astraml_lab.objectives.finetune.errors import FinetuneFailed
from astraml_lab.objectives.script import finetune_job
from astraml_lab.spec import JobState, TrialState, objectives_of
from astraml_lab.trial import Trial, entered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from astraml_lab.jobs import Job

pytestmark = pytest.mark.filterwarnings("default")  # what the libraries of a training warn of is in its log
QUICK: dict[str, Any] = {"batch_size": 8, "max_steps": 8, "eval_steps": 4, "logging_steps": 2, "lr": 5e-3}
LEARNS: dict[str, Any] = {"batch_size": 16, "max_steps": 30, "eval_steps": 15, "warmup_ratio": 0.1}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a folder where `bert-base` is the tiny one, with data beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert-base").symlink_to(tiny_bert)
    write_csv(tmp_path / "data.csv", opinions(80))
    yield tmp_path
    lab.lab.manager().close()


def tuned(asked: lab.Finetune, **options: Any) -> Job:
    job: Job = lab.tune(asked, wait=True, **options)
    return job


def opinion(job: Job, text: str) -> str:
    import torch

    model, tokenizer = job.best.load_model()
    with torch.no_grad():
        logits = model(**tokenizer(text, return_tensors="pt")).logits
    return str(model.config.id2label[int(logits.argmax())])


def test_the_best_model_of_a_search_is_kept_loads_predicts_and_is_saved(folder: Path) -> None:
    asked = lab.Finetune("bert-base", "data.csv", task="classification", **LEARNS)
    space = {"lr": lab.Float(3e-3, 6e-3, log=True)}
    job = tuned(asked, space=space, maximize="eval_accuracy", trials=2, parallel=1, seed=3)

    first, second = (job.trials[number].view() for number in (0, 1))
    assert (first.state, second.state) == (TrialState.COMPLETE, TrialState.COMPLETE), job.trials
    assert first.started_at is not None
    assert job.best.values is not None
    assert job.best.values[0] > 0.9
    assert opinion(job, f"it was {GOOD[0]} {GOOD[1]}") == "positive"
    assert opinion(job, f"it was {BAD[0]} {BAD[1]}") == "negative"
    assert {each.name for each in job.best.save(folder / "out").iterdir()} >= {
        "config.json",
        "model.safetensors",
    }
    with pytest.raises(Conflict, match="is there already"):
        job.best.save(folder / "out")
    assert [each.name for each in job.best.checkpoint_dir.iterdir()] == ["model"]
    log = str(job.trials[1].log)
    assert "8 of its 80 rows, drawn with seed 0, are evaluated on" in log
    assert "%|" not in log  # no progress bars
    prepared = [each for each in (job.best.folder.parents[1] / "prepared").iterdir() if each.is_dir()]
    assert len(prepared) == 1
    assert prepared[0].stat().st_mtime < (second.started_at or 0)


def test_a_run_without_a_range_has_one_trial_and_it_is_the_best() -> None:
    job = tuned(lab.Finetune("bert-base", "data.csv", **QUICK))

    assert job.state is JobState.SUCCEEDED
    assert (len(job.trials), job.spec.objectives[0].metric) == (1, "eval_loss")
    assert job.best.values == (job.best.metrics["eval_loss"],)
    curve = job.best.curve("loss")
    assert curve is not None
    assert list(curve.steps) == [2, 4, 6, 8]


def test_a_fine_tuning_ends_when_its_metric_gets_no_better_and_its_value_is_the_kept_models() -> None:
    asked = lab.Finetune(
        "bert-base",
        "data.csv",
        **{**QUICK, "max_steps": -1, "eval_steps": 1, "epochs": 3, "lr": 1e-9},
        lr_scheduler="step",
        early_stopping={"patience": 2, "min_delta": 0.5},
    )
    job = tuned(asked)

    assert "stopped early after " in str(job.best.log)
    assert "eval_loss was no better 2 evaluations in a row" in str(job.best.log)
    curve = job.best.curve("eval_loss")
    assert curve is not None
    assert len(curve.steps) <= 4
    assert job.best.values is not None
    assert job.best.values[0] == min(curve.values)


def test_a_trial_goes_on_from_its_checkpoint_and_reports_again_what_it_had(folder: Path) -> None:
    asked = lab.Finetune("bert-base", "data.csv", **{**QUICK, "max_steps": 6, "eval_steps": 2})
    code = finetune_job(asked, build_spec({}, objectives_of([], ["eval_loss"]), {}))[1]
    place = folder / "trials" / "0000" / "checkpoint"
    place.mkdir(parents=True)

    class Stops(Recorder):
        """Ends the trial at its first report beyond a step."""

        def report(self, metrics: Mapping[str, float], step: int | None) -> None:
            if (step or 0) > 4:
                raise TrialStopped("told to end")
            super().report(metrics, step)

    first, again = Stops(), Recorder()
    with pytest.raises(TrialStopped), entered(Trial(0, {}, first, checkpoint_dir=place)) as trial:
        code.run(trial)
    (place / "checkpoint-99").mkdir()  # torn: it was being written
    with entered(Trial(0, {}, again, checkpoint_dir=place)) as trial:
        code.run(trial)

    told, retold = ([each for each in channel.reports if each] for channel in (first, again))
    assert retold[: len(told)] == told
    assert any("train_runtime" in each for each in again.reports)
    assert [each.name for each in place.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("task", "row", "metric"),
    [
        ("regression", {"sentence": "good film", "score": 0.5}, "eval_rmse"),
        ("token-classification", {"tokens": ["good", "film"], "tags": ["O", "B-FILM"]}, "eval_f1"),
        ("causal-lm", {"text": "the film was good and the story was bad"}, "eval_perplexity"),
    ],
)
def test_the_other_tasks_learn_too(folder: Path, task: str, row: dict[str, Any], metric: str) -> None:
    write_lines(folder / "rows.jsonl", [row] * 24)
    job = tuned(lab.Finetune("bert-base", "rows.jsonl", task, **QUICK), minimize=metric)

    assert job.best.state is TrialState.COMPLETE, job.best.traceback
    assert math.isfinite(job.best.metrics[metric])


def test_what_only_the_data_itself_can_tell_is_one_sentence_without_a_traceback(folder: Path) -> None:
    write_lines(folder / "disk" / "train.jsonl", [{"text": "good", "label": 0.5}] * 5)
    with pytest.raises(lab.AstramlError):
        tuned(lab.Finetune("bert-base", "disk", **QUICK), name="floats")

    trial = lab.job("floats").trials[0]
    assert trial.reason == "the column label holds numbers with fractions: that is task=regression"
    assert "Traceback" not in trial.traceback + str(trial.log)
    with pytest.raises(NotFound, match="trial 0 has kept no model of a fine-tuning"):
        trial.load_model()


def ready(folder: Path, task: str = "classification", **more: Any) -> Any:
    wanted = Wanted(str(folder / "bert-base"), "disk", task, {}, seed=0)
    go_on = more.pop("go_on", lambda: None)
    return prepared(wanted, folder / "prepared", find=lambda: str(folder / "disk"), token=None, go_on=go_on)


def test_the_folder_that_the_data_lies_in_stays_as_it_was(folder: Path) -> None:
    import datasets

    datasets.Dataset.from_list(opinions(20)).save_to_disk(str(folder / "disk"))
    before = {each.name for each in (folder / "disk").iterdir()}

    assert (len(ready(folder).train), len(ready(folder).validation)) == (18, 2)
    assert {each.name for each in (folder / "disk").iterdir()} == before


def test_a_trial_that_is_told_to_end_leaves_no_lock_on_the_data_behind(folder: Path) -> None:
    write_lines(folder / "disk" / "train.jsonl", opinions(20))

    def told() -> None:
        raise TrialStopped("told to end")

    with pytest.raises(TrialStopped) as kept:  # and with it the frame that holds the lock
        ready(folder, go_on=told)
    assert ready(folder).tokenizer is not None
    assert kept.value is not None


def test_labels_that_are_lists_are_told_in_a_sentence(folder: Path) -> None:
    write_lines(folder / "disk" / "train.jsonl", [{"text": "good film", "label": ["a", "b"]}] * 4)

    with pytest.raises(FinetuneFailed, match="one label per word is task=token-classification"):
        ready(folder)


def test_the_same_in_processes() -> None:
    job = tuned(
        lab.Finetune("bert-base", "data.csv", **QUICK),
        space={"weight_decay": lab.Float(0.0, 0.1)},
        executor="processes",
        trials=2,
        parallel=2,
    )

    assert [trial.state for trial in job.trials.values()] == [TrialState.COMPLETE] * 2, job.trials
    assert job.best.load_model()[1]("good")["input_ids"]
