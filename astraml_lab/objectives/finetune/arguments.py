"""From the settings of a trial to transformers' `TrainingArguments`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.finetune.errors import FinetuneFailed, first_line
from astraml_lab.objectives.finetune.fields import DATA, DEFAULTS, OURS, OWN_SCHEDULERS, argument_fields
from astraml_lab.objectives.finetune.tasks import LOSS, metric_goals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.objectives.finetune.tasks.base import Task
    from astraml_lab.trial import Trial

_LOGGED_EVERY = 10
"""Steps; transformers' own 500 would leave most windows of metrics empty."""


@dataclass(frozen=True)
class Best:
    """What makes one checkpoint better than another.

    Attributes:
        metric: What is compared.
        larger: Whether larger is better.
    """

    metric: str
    larger: bool


def best_of(values: Mapping[str, Any], task: Task, objective: str, *, maximize: bool) -> Best:
    """Say what is compared: the metric that the settings name, else the objective, else the loss."""
    goals = metric_goals(task)
    for name in (values.get("early_stopping.metric"), objective):
        if name == objective and name in goals:
            return Best(str(name), maximize)
        if name in goals:
            return Best(str(name), goals[str(name)])
    return Best(LOSS, larger=False)


def patience_of(values: Mapping[str, Any]) -> int | None:
    """Return after how many evaluations without progress a trial ends; None where it never does."""
    if "early_stopping" in values and values["early_stopping"] is None:
        return None
    patience = values.get("early_stopping.patience", DEFAULTS["early_stopping.patience"])
    return None if patience is None else max(1, int(patience))


def training_arguments(values: Mapping[str, Any], trial: Trial, task: Task, best: Best) -> Any:
    """Make the arguments of a trial.

    Raises:
        FinetuneFailed: transformers does not take them.
    """
    from transformers import TrainingArguments

    try:
        return TrainingArguments(**_arguments(values, trial, task, best))
    except (TypeError, ValueError, ImportError) as error:
        raise FinetuneFailed(f"transformers does not take these settings: {first_line(error)}") from None


def _arguments(values: Mapping[str, Any], trial: Trial, task: Task, best: Best) -> dict[str, Any]:
    own = {name: value for name, value in values.items() if name in argument_fields()}
    own = {name: value for name, value in own.items() if name not in DATA and value is not None}
    when = own.get("eval_strategy", "steps" if "eval_steps" in own else "epoch")
    size = int(values["batch_size"])
    gpu = bool(trial.devices)
    made: dict[str, Any] = {
        "per_device_eval_batch_size": size,
        "logging_steps": _LOGGED_EVERY,
        "seed": trial.seed % 2**32,
        "bf16": gpu and "fp16" not in own and _has_bf16(),
        "dataloader_pin_memory": gpu,
        **_warmup(values),
        **own,
        "per_device_train_batch_size": size,
        "learning_rate": float(values["lr"]),
        "num_train_epochs": float(values["epochs"]),
        "lr_scheduler_type": "constant"
        if values["lr_scheduler"] in OWN_SCHEDULERS
        else values["lr_scheduler"],
        "output_dir": str(trial.checkpoint_dir),
        "eval_strategy": when,
        "save_strategy": when,
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": best.metric,
        "greater_is_better": best.larger,
        "prediction_loss_only": task.loss_only,
        "label_names": ["labels"],
        "use_cpu": not gpu,
        "disable_tqdm": True,
        "report_to": "none",
    }
    if when == "steps":
        made["save_steps"] = made.get("eval_steps", made["logging_steps"])
    return made


def _scheduler(name: str) -> str:
    """Return a schedule's name in transformers; AstraML's own are made by the trainer, of `constant`."""
    return "constant" if name in OWN_SCHEDULERS else name


def _warmup(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of all steps that warms up: in newer versions a fraction as `warmup_steps`."""
    ratio = values.get("warmup_ratio")
    if ratio is None:
        return {}
    return {"warmup_ratio" if "warmup_ratio" in argument_fields() else "warmup_steps": float(ratio)}


def _has_bf16() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def with_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the defaults of AstraML 2.1; an inactive or empty one counts as not said."""
    said = {name: value for name, value in values.items() if value is not None or name not in OURS}
    if "early_stopping" in values and values["early_stopping"] is None:
        said["early_stopping"] = None
    return {**DEFAULTS, **said}
