"""A tiny BERT with random weights, a tiny vocabulary, and texts that even it can tell apart."""

from __future__ import annotations

import csv
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = ["good", "great", "fine", "lovely"]
BAD = ["bad", "awful", "poor", "ugly"]
_OTHER = ["the", "film", "was", "a", "very", "story", "and", "it"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, *_OTHER]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a tiny BERT under the usual short name, for the whole session."""
    return make_bert(tmp_path_factory)


def make_bert(folders: pytest.TempPathFactory) -> Path:
    """Save a BERT of two small layers, as a hub's id would give it, in a folder `bert-base`."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = folders.mktemp("models") / "bert-base"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = BertTokenizer(str(folder / "vocab.txt"))
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def opinions(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Make rows of a text and what it thinks."""
    draw = random.Random(seed)  # noqa: S311 - texts, no secrets
    rows = []
    for number in range(count):
        words = GOOD if number % 2 else BAD
        text = " ".join([*draw.choices(_OTHER, k=4), draw.choice(words), draw.choice(words)])
        rows.append({"text": text, "label": "positive" if number % 2 else "negative"})
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Run moto's S3 server; returns its endpoint."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
