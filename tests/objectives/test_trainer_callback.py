from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from plugins.tiny_trainer import arguments, trainer

from astraml_lab.errors import NotInTrial
from astraml_lab.spec import FailureKind, TrialState

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.jobs import Job
    from astraml_lab.jobs.handles import TrialHandle

pytest.importorskip("torch")
pytest.importorskip("transformers")

GOOD = 5
"""As many trials as the median needs before it prunes."""


def train(_trial: Any = None, *, callbacks: Any = (), compute_metrics: Any = None, **changed: Any) -> Any:
    from astraml_lab import AstraCallback

    made = trainer(arguments("out", **changed), AstraCallback(), *callbacks, compute_metrics=compute_metrics)
    made.train()
    return made


def launched(bench: Bench, function: Any, **options: Any) -> Job:
    return bench.launch(function, **{"trials": 1, "maximize": (), "minimize": "eval_loss", **options})


def trial_of(bench: Bench, function: Any, **options: Any) -> TrialHandle:
    trial = launched(bench, function, **options).wait(200).trials[0]
    assert trial.state.ended, trial
    return trial


def steps(trial: TrialHandle, metric: str) -> list[float]:
    curve = trial.curve(metric)
    return [] if curve is None else list(curve.steps)


def test_a_trainer_reports_what_it_logs_under_its_own_names_and_steps(bench: Bench) -> None:
    def accuracy(prediction: Any) -> dict[str, Any]:
        right = (prediction.predictions.argmax(-1) == prediction.label_ids).mean()
        return {"accuracy": right, "confusion": [[1, 2], [3, 4]], "remark": "0.5"}

    def run(trial: Any) -> None:
        train(trial, compute_metrics=accuracy)

    trial = trial_of(bench, run)

    assert trial.state is TrialState.COMPLETE, trial.traceback
    assert trial.values == (trial.metrics["eval_loss"],)
    for name in ("loss", "grad_norm", "learning_rate"):
        assert steps(trial, name) == [4, 8, 12, 16]
    for name in ("eval_loss", "eval_accuracy", "eval_runtime"):
        assert steps(trial, name) == [8, 16]
    assert steps(trial, "train_loss") == [16]
    assert {"epoch", "eval_confusion", "eval_remark"}.isdisjoint(trial.metrics)
    assert trial.view().notes == ()


def test_an_evaluation_after_the_training_counts_as_one_step_later(bench: Bench) -> None:
    def run(trial: Any) -> None:
        train(trial).evaluate()

    trial = trial_of(bench, run)

    assert steps(trial, "eval_loss") == [8, 16, 17]
    assert trial.view().notes == ()


def test_a_pruned_trial_leaves_the_training_at_once_and_no_handler_of_exceptions_keeps_it(
    bench: Bench,
) -> None:
    reached: list[int] = []

    def run(trial: Any) -> None:
        try:
            train(trial, learning_rate=3.0 if trial.number == GOOD else 1e-3)
        except Exception:  # noqa: BLE001 - what pasted code does
            reached.append(-1)
        reached.append(trial.number)

    job = launched(bench, run, trials=GOOD + 1, prune="median").wait(200)

    pruned = job.trials[GOOD]
    assert pruned.state is TrialState.PRUNED, pruned
    assert steps(pruned, "eval_loss") == [8]
    assert reached == list(range(GOOD))


def test_a_stop_is_noticed_between_two_logs(bench: Bench) -> None:
    begun = threading.Event()

    def run(trial: Any) -> None:
        from transformers import TrainerCallback

        class Slow(TrainerCallback):
            def on_step_begin(self, *_given: Any, **_more: Any) -> None:
                begun.set()
                threading.Event().wait(0.02)

        train(trial, callbacks=[Slow()], num_train_epochs=1000, logging_steps=10**6, eval_strategy="no")

    job = launched(bench, run)
    assert begun.wait(120)
    job.stop()

    trial = job.wait(120).trials[0]
    assert trial.state is TrialState.STOPPED
    assert steps(trial, "loss") == []


def test_a_time_limit_is_noticed_between_two_logs(bench: Bench) -> None:
    def run(trial: Any) -> None:
        train(trial, num_train_epochs=10**6, logging_steps=10**6, eval_strategy="no")

    trial = trial_of(bench, run, trial_timeout="2s")

    assert trial.kind is FailureKind.TIMEOUT
    assert "2 s" in trial.reason


def test_outside_a_trial_the_training_says_so_before_it_begins(tmp_path: Path) -> None:
    from astraml_lab import AstraCallback

    made = trainer(arguments(tmp_path), AstraCallback())
    with pytest.raises(NotInTrial, match="%%tune"):
        made.train()
    assert made.state.global_step == 0
