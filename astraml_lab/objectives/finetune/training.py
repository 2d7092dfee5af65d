"""One trial of a fine-tuning: transformers' `Trainer`, with the trial's settings and the job's data."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.finetune.arguments import patience_of, training_arguments
from astraml_lab.objectives.finetune.data import unreachable
from astraml_lab.objectives.finetune.errors import FinetuneFailed
from astraml_lab.objectives.finetune.kept import MODEL, checkpoints
from astraml_lab.objectives.finetune.quiet import quiet
from astraml_lab.objectives.trainers.generator import own_draws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from astraml_lab.objectives.finetune.arguments import Best
    from astraml_lab.objectives.finetune.data import Prepared
    from astraml_lab.objectives.finetune.models import Source
    from astraml_lab.objectives.finetune.tasks.base import Task
    from astraml_lab.trial import Trial

_FALL = 0.1
"""What `step` multiplies the learning rate by, after each third of the training."""
_LEFT = 0.01
"""What of the learning rate `exponential` leaves at the end."""


@dataclass(frozen=True)
class Plan:
    """A trial's training.

    Attributes:
        source: The model it starts from.
        task: What it learns.
        best: Which checkpoint is kept.
        values: The settings.
        token: The hub's.
    """

    source: Source
    task: Task
    best: Best
    values: Mapping[str, Any]
    token: str | None


def train(trial: Trial, plan: Plan, data: Callable[[], Prepared]) -> None:
    """Train, report, and leave the best model and its tokenizer among the trial's checkpoints.

    A trial that has left a checkpoint before goes on from there, and reports again what it had reported.

    Raises:
        FinetuneFailed: The model or the settings do not fit.
        TrialEnd: The trial was told to end.
    """
    with quiet():
        rows = data()
        print(f"fine-tuning {plan.source}: {rows.said}")  # noqa: T201 - to the trial's log
        trainer = _trainer(trial, plan, rows)
        before = _resumed(trial)
        trainer.train(resume_from_checkpoint=None if before is None else str(before))
        _tell_end(trainer, plan)
        _keep(trainer, trial)
        _report_kept(trainer, trial, plan.best)


def _trainer(trial: Trial, plan: Plan, rows: Prepared) -> Any:
    from transformers import EarlyStoppingCallback, PrinterCallback

    from astraml_lab.objectives.trainers.callback import AstraCallback

    arguments = training_arguments(plan.values, trial, plan.task, plan.best)
    callbacks: list[Any] = [AstraCallback()]
    patience = patience_of(plan.values)
    if patience is not None:
        least = float(plan.values.get("early_stopping.min_delta") or 0)
        callbacks.append(EarlyStoppingCallback(patience, least))
    trainer = _trainer_class()(
        model=_model(trial, plan, rows),
        args=arguments,
        train_dataset=rows.train,
        eval_dataset=rows.validation,
        processing_class=rows.tokenizer,
        data_collator=plan.task.collator(rows.tokenizer),
        compute_metrics=plan.task.scores(rows.facts),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.decay = plan.values["lr_scheduler"]
    return trainer


def _model(trial: Trial, plan: Plan, rows: Prepared) -> Any:
    import torch
    import transformers

    kind = getattr(transformers, plan.task.auto)
    try:
        with own_draws(trial.seed):
            model = kind.from_pretrained(
                plan.source.place,
                dtype=torch.float32,
                token=plan.token,
                **plan.task.model_options(rows.facts),
            )
    except (OSError, ImportError) as error:
        raise FinetuneFailed(unreachable(str(plan.source), error)) from None
    except ValueError as error:
        raise FinetuneFailed(f"{plan.source} is no model for {plan.task.name}: {error}") from None
    if model.config.pad_token_id is None:
        model.config.pad_token_id = rows.tokenizer.pad_token_id
    return model


def _trainer_class() -> Any:
    from torch.optim.lr_scheduler import LambdaLR
    from transformers import Trainer

    base: Any = Trainer

    class FinetuneTrainer(base):  # type: ignore[misc]  # transformers is half typed
        """Knows AstraML's schedules, and says the perplexity where the loss is all there is."""

        decay = ""

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            fall = _decay(self.decay, num_training_steps)
            if fall is not None and self.lr_scheduler is None:
                self.lr_scheduler: Any = LambdaLR(optimizer or self.optimizer, fall)
            return super().create_scheduler(num_training_steps, optimizer)

        def evaluation_loop(self, *given: Any, **named: Any) -> Any:
            output = super().evaluation_loop(*given, **named)
            metrics = output.metrics or {}
            loss = metrics.get("eval_loss")
            if self.args.prediction_loss_only and loss is not None:
                metrics["eval_perplexity"] = math.exp(loss) if loss < _OVERFLOW else math.inf
            return output

    return FinetuneTrainer


_OVERFLOW = 700.0


def _decay(name: str, steps: int) -> Callable[[int], float] | None:
    """Return what a schedule that transformers does not have multiplies the learning rate by."""
    if name == "step":
        return lambda step: _FALL ** (3 * step // max(steps, 1))
    if name == "exponential":
        return lambda step: _LEFT ** (step / max(steps, 1))
    return None


def _resumed(trial: Trial) -> Path | None:
    """Return the checkpoint to go on from, after the reports up to it were made again."""
    from transformers import TrainerState

    from astraml_lab.objectives.trainers.callback import points_of

    whole = checkpoints(trial.checkpoint_dir)
    for torn in set(trial.checkpoint_dir.glob("checkpoint-*")).difference(whole):
        shutil.rmtree(torn, ignore_errors=True)
    if not whole:
        return None
    state = TrainerState.load_from_json(str(whole[-1] / "trainer_state.json"))
    print(f"going on from step {state.global_step}")  # noqa: T201 - to the trial's log
    for logged in state.log_history:
        trial.report(points_of(logged), step=int(logged["step"]))
    return whole[-1]


def _tell_end(trainer: Any, plan: Plan) -> None:
    state = trainer.state
    done, asked = state.epoch or 0.0, float(plan.values["epochs"])
    if state.global_step < state.max_steps:
        patience = patience_of(plan.values)
        print(  # noqa: T201 - to the trial's log
            f"stopped early after {done:g} of {asked:g} epochs: {plan.best.metric} was no better "
            f"{patience} evaluations in a row"
        )


def _keep(trainer: Any, trial: Trial) -> None:
    """Save the best model, which the trainer has loaded, in place of the checkpoints."""
    kept = trial.checkpoint_dir / MODEL
    unfinished = kept.with_suffix(".unfinished")  # what a dying kernel tears does not count as kept
    trainer.save_model(str(unfinished))
    (unfinished / "training_args.bin").unlink(missing_ok=True)
    shutil.rmtree(kept, ignore_errors=True)
    unfinished.replace(kept)
    for checkpoint in checkpoints(trial.checkpoint_dir):
        shutil.rmtree(checkpoint, ignore_errors=True)


def _report_kept(trainer: Any, trial: Trial, best: Best) -> None:
    """Report the kept model's values last, so that the trial's value is that of the model it has left."""
    from astraml_lab.objectives.trainers.callback import points_of

    evaluated = [each for each in trainer.state.log_history if best.metric in each]
    kept = [each for each in evaluated if each["step"] == trainer.state.best_global_step]
    if not kept:
        return
    step = int(kept[-1]["step"])
    print(f"kept the model of step {step}: {best.metric} {kept[-1][best.metric]:.4g}")  # noqa: T201 - likewise
    if kept[-1] is not evaluated[-1]:
        trial.report(points_of(kept[-1]), step=trainer.state.global_step + 1)
