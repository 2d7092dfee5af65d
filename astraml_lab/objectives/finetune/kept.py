"""The model that a fine-tuning keeps: where it lies, loading it, and copying it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from astraml_lab.errors import Conflict, NotFound
from astraml_lab.objectives.finetune.quiet import quiet
from astraml_lab.optional import load

MODEL = "model"
"""The folder below a trial's checkpoints that holds the best model once the trial is over."""
STATE = "trainer_state.json"


def checkpoints(folder: Path) -> list[Path]:
    """Return the whole checkpoints in a folder, the newest last; a torn one has no state yet."""
    found = [each for each in folder.glob("checkpoint-*") if each.name.partition("-")[2].isdigit()]
    return sorted((each for each in found if _state(each)), key=lambda each: int(each.name.partition("-")[2]))


def kept_model(folder: Path) -> Path | None:
    """Return the folder of the best model among a trial's checkpoints; None where there is none."""
    if (folder / MODEL / "config.json").is_file():
        return folder / MODEL
    found = checkpoints(folder)
    if not found:
        return None
    best = _state(found[-1]).get("best_model_checkpoint")
    named = folder / Path(best).name if best else found[-1]
    return named if named in found else found[-1]


def load_kept(folder: Path) -> tuple[Any, Any]:
    """Load a kept model and its tokenizer, on the CPU and in evaluation mode.

    Raises:
        MissingExtra: transformers is not installed.
    """
    transformers = load("transformers", extra="transformers")
    with quiet():
        (name, *_) = transformers.AutoConfig.from_pretrained(folder).architectures or ["AutoModel"]
        model = getattr(transformers, name).from_pretrained(folder)
        return model.eval(), transformers.AutoTokenizer.from_pretrained(folder)


def copy_kept(folder: Path, target: Path) -> Path:
    """Copy a kept model into a new or empty folder, without what only training needs.

    Raises:
        Conflict: Something is there already.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(f"{target} is there already: choose another folder, or empty it")
    training = shutil.ignore_patterns(
        STATE, "optimizer.*", "scheduler.*", "rng_state*", "scaler.*", "training_args.bin"
    )
    shutil.copytree(folder, target, ignore=training, dirs_exist_ok=True)
    return target


def not_kept(number: int, folder: Path) -> NotFound:
    """Return the refusal of a trial that has no model of a fine-tuning."""
    return NotFound(
        f"trial {number} has kept no model of a fine-tuning; what its own code saved lies in {folder}"
    )


def _state(checkpoint: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((checkpoint / STATE).read_text())
    except (OSError, ValueError):
        return {}
    return found
