"""The text classification of the transformers documentation, pasted under `%%tune`: one line is added."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.kernel import Kernel

pytest.importorskip("datasets")
pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

WORDS = ["good", "bad", "film", "story", "long", "short", "the", "a"]
GOOD, BAD = 6, 3
"""How many trials learn, and how many do not."""

CELL = """%%tune --minimize eval_loss --trials {count} --parallel 2 --strategy grid --prune median --name imdb
learning_rate = Categorical([0.004, 0.005, 0.006, 0.008, 0.01, 0.012, 1e-7, 1e-8, 1e-9])

from datasets import load_dataset

imdb = load_dataset("json", data_files={{"train": "{folder}/train.json", "test": "{folder}/test.json"}})

from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}/bert")


def preprocess_function(examples):
    return tokenizer(examples["text"], truncation=True)


tokenized_imdb = imdb.map(preprocess_function, batched=True)

from transformers import DataCollatorWithPadding

data_collator = DataCollatorWithPadding(tokenizer=tokenizer)

import numpy as np


def compute_metrics(eval_pred):
    predictions, labels = eval_pred
    predictions = np.argmax(predictions, axis=1)
    return {{"accuracy": (predictions == labels).mean()}}


id2label = {{0: "NEGATIVE", 1: "POSITIVE"}}
label2id = {{"NEGATIVE": 0, "POSITIVE": 1}}

from transformers import AutoModelForSequenceClassification, TrainingArguments, Trainer

model = AutoModelForSequenceClassification.from_pretrained(
    "{folder}/bert", num_labels=2, id2label=id2label, label2id=label2id
)

training_args = TrainingArguments(
    output_dir="my_awesome_model",
    learning_rate=learning_rate,
    per_device_train_batch_size=16,
    per_device_eval_batch_size=16,
    num_train_epochs=4,
    weight_decay=0.01,
    eval_strategy="epoch",
    save_strategy="epoch",
    load_best_model_at_end=True,
    push_to_hub=False,
)

trainer = Trainer(
    model=model,
    args=training_args,
    train_dataset=tokenized_imdb["train"],
    eval_dataset=tokenized_imdb["test"],
    processing_class=tokenizer,
    data_collator=data_collator,
    compute_metrics=compute_metrics,
)

trainer.add_callback(lab.AstraCallback())
trainer.train()
"""
ASK = """
import json
print(json.dumps([
    {"state": t.state, "metrics": t.metrics, "traceback": t.traceback, "reason": t.reason, "log": str(t.log),
     "files": sorted(p.name for p in t.checkpoint_dir.glob("my_awesome_model/*"))}
    for t in job.trials.values()
]))
"""


def write_reviews(path: Path, count: int, seed: int) -> None:
    """Write texts that are good or bad by most of their words, so that any start learns it."""
    draw = random.Random(seed)  # noqa: S311 - texts, no secrets
    with path.open("w") as file:
        for number in range(count):
            words = [*[WORDS[number % 2]] * 5, draw.choice(WORDS[2:])]
            draw.shuffle(words)
            file.write(json.dumps({"text": " ".join(words), "label": 1 - number % 2}) + "\n")


def write_model(folder: Path) -> None:
    """Save a BERT with random weights and a vocabulary of a few words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(parents=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)


def test_a_pasted_trainer_reports_is_pruned_and_draws_no_bars(kernel: Kernel, tmp_path: Path) -> None:
    write_model(tmp_path / "bert")
    write_reviews(tmp_path / "train.json", 128, seed=0)
    write_reviews(tmp_path / "test.json", 32, seed=1)
    kernel.run(f"%load_ext astraml_lab\nimport os, astraml_lab as lab\nos.chdir({str(tmp_path)!r})")

    launched = kernel.run(CELL.format(folder=tmp_path, count=GOOD + BAD))
    assert launched.status == "ok", launched.text
    waited = kernel.run("job = lab.job('imdb').wait(300)", timeout=320)
    trials = json.loads(kernel.run(ASK).text)

    assert waited.outputs == []
    # The job's own picture may be drawn once more after its end; nothing else, and nothing of the trials
    views = [content["transient"] for kind, content in launched.outputs if kind == "display_data"]
    late = [(kind, content["transient"]) for kind, content in kernel.late(0.2)]
    assert [each for each in late if each not in [("update_display_data", view) for view in views]] == []
    assert {trial["state"] for trial in trials[:GOOD]} == {"COMPLETE"}, [
        trial["reason"] + trial["traceback"] for trial in trials
    ]
    assert {trial["state"] for trial in trials[GOOD:]} == {"PRUNED"}
    assert {"train_loss", "eval_loss", "eval_accuracy"} <= trials[0]["metrics"].keys()
    assert "train_loss" not in trials[-1]["metrics"]  # it never came to the end
    assert all("eval_accuracy" in trial["log"] for trial in trials)
    assert all("checkpoint-8" in trial["files"] for trial in trials[:GOOD])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bert", "home", "test.json", "train.json"]
