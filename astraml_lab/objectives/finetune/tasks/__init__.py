"""What a fine-tuning can learn, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.objectives.finetune.tasks.causal import CausalLanguageModelling
from astraml_lab.objectives.finetune.tasks.classification import Classification
from astraml_lab.objectives.finetune.tasks.regression import Regression
from astraml_lab.objectives.finetune.tasks.tokens import TokenClassification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.objectives.finetune.tasks.base import Task

DEFAULT = Classification.name
_ALL: tuple[Task, ...] = (Classification(), TokenClassification(), Regression(), CausalLanguageModelling())
TASKS: Mapping[str, Task] = {task.name: task for task in _ALL}
"""The tasks by name, the likeliest first."""
LOSS = "eval_loss"
"""What every task reports when it evaluates."""


def metric_goals(task: Task) -> dict[str, bool]:
    """Return what a task reports when it evaluates, and whether larger is better."""
    return {LOSS: False, **{each.lstrip("-"): not each.startswith("-") for each in task.metrics}}
