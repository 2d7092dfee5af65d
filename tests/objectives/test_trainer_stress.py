"""Many Trainers at once, as jobs: in threads and in processes, against one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from plugins.tiny_trainer import arguments, tiny_model, trainer

from astraml_lab.spec import Int, JobState

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.jobs import Job

pytest.importorskip("torch")
pytest.importorskip("transformers")

THREADS = 8
ROUNDS = int(os.environ.get("TRAINER_ROUNDS", "2"))
TIMES = ("runtime", "per_second")


def train(seed: int, dropout: float = 0.0) -> None:
    import torch

    from astraml_lab import AstraCallback

    torch.set_num_threads(1)
    model = tiny_model(dropout=dropout)
    trainer(arguments("out", seed=seed), AstraCallback(), model=model).train()


def ran(bench: Bench, trials: int, **options: Any) -> Job:
    space = {"seed": Int(0, THREADS - 1)}
    given = {"strategy": "grid", "prune": "off", "maximize": (), "minimize": "eval_loss", **options}
    job = bench.launch(train, space, trials=trials, **given).wait(500)
    assert job.state is JobState.SUCCEEDED, job
    assert not [trial.traceback for trial in job.trials.values() if trial.traceback]
    return job


def results(job: Job) -> dict[Any, dict[str, list[tuple[Any, Any]]]]:
    """Return every curve but those of times, by seed."""
    found: dict[Any, dict[str, list[tuple[Any, Any]]]] = {}
    for trial in job.trials.values():
        names = [name for name in trial.metrics if not any(word in name for word in TIMES)]
        curves = {name: trial.curve(name) for name in names}
        found[trial.params["seed"]] = {
            name: list(zip(curve.steps, curve.values, strict=True)) for name, curve in curves.items() if curve
        }
    return found


@pytest.mark.slow
def test_eight_trainers_at_once_give_what_they_give_one_after_the_other(bench: Bench) -> None:
    wanted = results(ran(bench, THREADS, parallel=1))

    assert len({str(each["eval_loss"]) for each in wanted.values()}) == THREADS
    for _ in range(ROUNDS):
        assert results(ran(bench, THREADS, parallel=THREADS)) == wanted
    assert results(ran(bench, THREADS, parallel=2, executor="processes")) == wanted


@pytest.mark.slow
def test_threads_that_import_transformers_at_once_all_get_it(tmp_path: Path) -> None:
    program = tmp_path / "import_at_once.py"
    program.write_text(_IMPORT_AT_ONCE)
    ended = subprocess.run(
        [sys.executable, str(program), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "trained: [0, 1, 2, 3]", ended.stdout + ended.stderr


_IMPORT_AT_ONCE = """
import sys, threading
from pathlib import Path
from astraml_lab.objectives.trainers import isolated

folder, together = Path(sys.argv[1]), threading.Barrier(4)

def trial(number):
    together.wait()
    with isolated((), folder / str(number)):
        if number % 2:
            from transformers import BertForSequenceClassification
        import transformers
        config = transformers.BertConfig(
            vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
        )
        model = transformers.BertForSequenceClassification(config)
        rows = [{"input_ids": [1, 2, 3], "labels": 0}] * 4
        args = transformers.TrainingArguments("out", max_steps=2, save_strategy="no", report_to="none")
        made = transformers.Trainer(model, args, train_dataset=rows)
        made.train()
        from accelerate.state import PartialState
        assert PartialState().__dict__ is not vars(PartialState)["_shared_state"]._shared
        trained.append(number)

trained = []
threads = [threading.Thread(target=trial, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert sys.modules["accelerate.state"].PartialState._shared_state == {}
print("trained:", sorted(trained))  # words of several threads could come out as one
"""
