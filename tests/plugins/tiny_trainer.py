"""A BERT with hardly any weights, made-up sentences, and a Trainer for them: an epoch takes a moment."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

VOCABULARY = 64
LENGTH = 12


def tiny_model(seed: int = 0, dropout: float = 0.0) -> Any:
    """Build a classifier; the same weights for the same seed, whatever other threads draw meanwhile."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    model = BertForSequenceClassification(config)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.parameters():
            weights.normal_(0.0, 0.1, generator=draw)
    return model


@functools.cache
def sentences(count: int = 64) -> list[dict[str, Any]]:
    """Make rows of token numbers; the first decides on the label."""
    import torch

    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, VOCABULARY, (count, LENGTH), generator=draw)
    return [{"input_ids": row, "labels": int(row[0] > VOCABULARY // 2)} for row in tokens]


def arguments(folder: Path | str, **changed: Any) -> Any:
    """Make training arguments: two epochs of 8 steps, logged every 4, evaluated after each."""
    from transformers import TrainingArguments

    given: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": 2,
        "per_device_train_batch_size": 8,
        "learning_rate": 1e-2,
        "logging_steps": 4,
        "eval_strategy": "epoch",
        "save_strategy": "no",
        "report_to": "none",
    }
    return TrainingArguments(**given | changed)


def trainer(args: Any, *callbacks: Any, model: Any = None, **given: Any) -> Any:
    """Make a Trainer of the tiny model and the made-up sentences."""
    from transformers import Trainer

    rows = sentences()
    return Trainer(
        tiny_model() if model is None else model,
        args,
        train_dataset=rows,
        eval_dataset=rows[:16],
        callbacks=list(callbacks),
        **given,
    )
