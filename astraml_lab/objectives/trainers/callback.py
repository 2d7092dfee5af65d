"""Reports what a Hugging Face Trainer logs, and ends it with its trial."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from astraml_lab.optional import load
from astraml_lab.trial import report, running_trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import TrainerCallback
else:
    TrainerCallback = load("transformers", extra="transformers").TrainerCallback

_AXES = frozenset({"epoch", "num_input_tokens_seen", "step"})
"""What a Trainer puts into every log: where the training is, no result."""
_LOOK_EVERY = 0.1
"""Seconds between two looks whether the trial is to end: in a process each asks the kernel."""


class AstraCallback(TrainerCallback):
    """Connects a Trainer with the trial that it runs in: `Trainer(..., callbacks=[AstraCallback()])`.

    Every number that the Trainer logs is reported under the Trainer's own name (`loss`, `grad_norm`,
    `learning_rate`, `eval_loss`, `eval_accuracy`, `train_runtime`, …). The step is the
    Trainer's `global_step`. An evaluation that comes again at the same step, such as one of the reloaded best
    model after the training, counts as one step later. What is no number is left out.

    A trial that is pruned, stopped or out of time leaves `train()` at once, at a log or at the end of a step:
    by `TrialPruned` or `TrialStopped`, which the trial's code need not catch.

    Raises:
        NotInTrial: At the beginning of the training, if no trial is running.
    """

    def __init__(self) -> None:
        self._looked_at = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_more: Any) -> None:  # noqa: ARG002 - the base's
        """Say now, and not after an epoch, that no trial is running."""
        if state.is_world_process_zero:
            report({})

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002 - likewise
        """Report: losses and learning rate while it trains, the metrics of each evaluation, the summary."""
        points = points_of(more.get("logs") or {})
        if points and state.is_world_process_zero:
            report(points, step=state.global_step + _times_before(state, points))

    def on_step_end(self, *_given: Any, **_more: Any) -> None:
        """End the training if the trial is to end."""
        self._look()

    def on_substep_end(self, *_given: Any, **_more: Any) -> None:
        """Look also while gradients accumulate."""
        self._look()

    def on_prediction_step(self, *_given: Any, **_more: Any) -> None:
        """Look also during a long evaluation."""
        self._look()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        trial = running_trial()
        if trial is not None and trial.should_stop():
            trial.report({})


def points_of(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics in a log of a Trainer."""
    return {name: value for name, value in logs.items() if name not in _AXES and _is_number(value)}


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _times_before(state: Any, points: Mapping[str, Any]) -> int:
    """Count the logs of this step, but for the newest, that had one of these metrics already."""
    times = 0
    for earlier in reversed(state.log_history[:-1]):
        if earlier.get("step") != state.global_step:
            break
        times += not points.keys().isdisjoint(earlier)
    return times
