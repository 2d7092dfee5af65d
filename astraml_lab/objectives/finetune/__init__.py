"""Fine-tuning a transformer: a model, a data set and settings in place of code."""

from __future__ import annotations

from astraml_lab.objectives.finetune.kept import copy_kept, kept_model, load_kept, not_kept
from astraml_lab.objectives.finetune.request import KIND, Finetune, finetune_definition, finetune_of
from astraml_lab.objectives.finetune.target import MODULES, FineTuning

__all__ = [
    "KIND",
    "MODULES",
    "FineTuning",
    "Finetune",
    "copy_kept",
    "finetune_definition",
    "finetune_of",
    "kept_model",
    "load_kept",
    "not_kept",
]
