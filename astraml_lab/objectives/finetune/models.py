"""The model that a fine-tuning starts from: a folder here, a short name, or a hub's id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORT_NAMES: Mapping[str, str] = {
    "albert-base": "albert/albert-base-v2",
    "bert-base": "google-bert/bert-base-uncased",
    "bert-base-cased": "google-bert/bert-base-cased",
    "bert-base-multilingual": "google-bert/bert-base-multilingual-cased",
    "bert-base-uncased": "google-bert/bert-base-uncased",
    "bert-large": "google-bert/bert-large-uncased",
    "deberta-base": "microsoft/deberta-v3-base",
    "distilbert-base": "distilbert/distilbert-base-uncased",
    "distilgpt2": "distilbert/distilgpt2",
    "electra-base": "google/electra-base-discriminator",
    "gpt2": "openai-community/gpt2",
    "modernbert-base": "answerdotai/ModernBERT-base",
    "roberta-base": "FacebookAI/roberta-base",
    "roberta-large": "FacebookAI/roberta-large",
    "xlm-roberta-base": "FacebookAI/xlm-roberta-base",
}
"""The names of the AstraML document's kind, and the hub's ids that they stand for."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Source:
    """Where a model comes from.

    Attributes:
        name: As it was asked for.
        place: A folder's path, or a hub's id.
        local: Whether it is a folder.
    """

    name: str
    place: str
    local: bool

    def __str__(self) -> str:
        return self.place if self.place == self.name else f"{self.name} ({self.place})"


def source_of(name: str, folder: Path, models: Mapping[str, str]) -> Source:
    """Find the model of a name: what the project maps it to, a folder, a short name, or a hub's id.

    Args:
        name: As it was asked for.
        folder: What relative paths start from.
        models: The project's own names, with a path or a hub's id each.

    Raises:
        InvalidSpec: It is a folder without a model in it.
        NotFound: It is none of these.
    """
    place = models.get(name, name)
    path = (folder / Path(place).expanduser()).absolute()
    if path.is_dir():
        if (path / "config.json").is_file():
            return Source(name, str(path), local=True)
        said = "the folder holds no model: there is no config.json, which `save_pretrained` writes"
        raise InvalidSpec([Problem("model", shown(str(path)), said)], subject="the fine-tuning")
    hub = SHORT_NAMES.get(place, place)
    if _HUB_ID.fullmatch(hub):
        return Source(name, hub, local=False)
    raise NotFound(f"{name} is no model to fine-tune: {allowed(name)}")


def allowed(name: str) -> str:
    """Say what a model's name may be."""
    hint = nearest(name, SHORT_NAMES)
    short = f"a short name such as bert-base{f' ({hint})' if hint else ''}"
    return f"neither a folder here with a config.json, nor {short}, nor a hub's id, owner/name"
