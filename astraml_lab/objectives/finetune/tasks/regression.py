"""Regression: a text, or a pair of them, has one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from astraml_lab.objectives.finetune.columns import Role
from astraml_lab.objectives.finetune.errors import FinetuneFailed
from astraml_lab.objectives.finetune.tasks.classification import TEXTS, Classification, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.objectives.finetune.tasks.base import Encoder


class Regression(Classification):
    """A number for each text."""

    name: ClassVar[str] = "regression"
    roles: ClassVar[tuple[Role, ...]] = (
        *TEXTS,
        Role("label_column", ("label", "labels", "score", "target", "value", "rating", "y"), "a number"),
    )
    metrics: ClassVar[tuple[str, ...]] = ("-eval_rmse", "-eval_mae", "eval_r2")

    def facts(self, splits: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """Find nothing, but refuse what is no number.

        Raises:
            FinetuneFailed: The labels are no numbers.
        """
        name = columns["label_column"]
        kind = str(getattr(splits["train"].features[name], "dtype", ""))
        if not kind.startswith(("int", "uint", "float", "double", "decimal")):
            raise FinetuneFailed(f"the column {name} holds {kind or 'no numbers'}: regression learns numbers")
        return {}

    def encode(
        self,
        encoder: Encoder,
        facts: Mapping[str, Any],  # noqa: ARG002 - there are none
    ) -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
        """Return what tokenizes texts; the number stays as it is."""
        return encoded(encoder, float)

    def model_options(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - there are none
        """Return that there is one output, a number."""
        return {"num_labels": 1, "problem_type": "regression", "ignore_mismatched_sizes": True}

    def scores(self, facts: Mapping[str, Any]) -> Callable[[Any], dict[str, float]]:  # noqa: ARG002 - there are none
        """Return the root of the mean squared error, the mean error, and the share of variance explained."""

        def measure(prediction: Any) -> dict[str, float]:
            values = prediction.predictions
            values = (values[0] if isinstance(values, tuple) else values).reshape(-1)
            off, spread = values - prediction.label_ids, prediction.label_ids.std()
            squared = float((off**2).mean())
            explained = 1 - squared / float(spread**2) if spread else 0.0
            return {"rmse": squared**0.5, "mae": float(abs(off).mean()), "r2": explained}

        return measure
