"""Text classification: a text, or a pair of them, has one label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from astraml_lab.objectives.finetune.columns import Role
from astraml_lab.objectives.finetune.errors import FinetuneFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.objectives.finetune.tasks.base import Encoder

TEXTS = (
    Role(
        "text_column",
        (
            "text",
            "sentence",
            "sentence1",
            "premise",
            "question",
            "content",
            "review",
            "document",
            "tweet",
            "body",
        ),
        "a text",
    ),
    Role("pair_column", ("sentence2", "hypothesis", "text2", "text_pair"), "a second text", optional=True),
)
_MOST_LABELS = 10_000


class Classification:
    """One of several labels for each text."""

    name: ClassVar[str] = "classification"
    roles: ClassVar[tuple[Role, ...]] = (
        *TEXTS,
        Role("label_column", ("label", "labels", "class", "category", "target", "sentiment", "y"), "a label"),
    )
    metrics: ClassVar[tuple[str, ...]] = ("eval_accuracy", "eval_f1")
    auto: ClassVar[str] = "AutoModelForSequenceClassification"
    loss_only: ClassVar[bool] = False

    def facts(self, splits: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """Find the labels, in order.

        Raises:
            FinetuneFailed: Some rows have none, or they are none.
        """
        from datasets import Value

        name = columns["label_column"]
        kind = splits["train"].features[name]
        named = getattr(kind, "names", None)
        if named:
            return {"labels": list(named), "values": list(range(len(named)))}
        if not isinstance(kind, Value):
            raise FinetuneFailed(
                f"the column {name} holds lists: one label per word is task=token-classification"
            )
        found = {value for data in splits.values() for value in data.unique(name)}
        return {"labels": [str(each) for each in _ordered(found, name)], "values": _ordered(found, name)}

    def encode(
        self, encoder: Encoder, facts: Mapping[str, Any]
    ) -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
        """Return what tokenizes texts and numbers their labels."""
        numbers = {value: index for index, value in enumerate(facts["values"])}
        return encoded(encoder, lambda value: numbers[value])

    def model_options(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the labels' names."""
        labels = facts["labels"]
        return {
            "num_labels": len(labels),
            "id2label": dict(enumerate(labels)),
            "label2id": {label: index for index, label in enumerate(labels)},
            "ignore_mismatched_sizes": True,
        }

    def collator(self, tokenizer: Any) -> Any:
        """Return what pads to the longest text of a batch."""
        from transformers import DataCollatorWithPadding

        return DataCollatorWithPadding(tokenizer)

    def scores(self, facts: Mapping[str, Any]) -> Callable[[Any], dict[str, float]]:
        """Return the accuracy and the mean F1 of the labels."""
        count = len(facts["labels"])

        def measure(prediction: Any) -> dict[str, float]:
            logits = prediction.predictions
            logits = logits[0] if isinstance(logits, tuple) else logits
            return right_and_f1(logits.argmax(-1), prediction.label_ids, range(count))

        return measure


def encoded(
    encoder: Encoder, label_of: Callable[[Any], Any]
) -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
    """Return what tokenizes a text or a pair, and translates its label."""

    def encode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        texts = encoder.texts(batch, "text_column", "pair_column")
        made = dict(encoder.tokenizer(*texts, truncation=True, max_length=encoder.longest))
        made["labels"] = [label_of(value) for value in batch[encoder.columns["label_column"]]]
        return made

    return encode


def right_and_f1(predicted: Any, true: Any, labels: range) -> dict[str, float]:
    """Return the share of right answers, and the mean F1 of the labels that are given or right anywhere."""
    scores = []
    for label in labels:
        hits = int(((predicted == label) & (true == label)).sum())
        named = int((predicted == label).sum() + (true == label).sum())
        if named:
            scores.append(2 * hits / named)
    right = float((predicted == true).mean()) if len(true) else 0.0
    return {"accuracy": right, "f1": sum(scores) / len(scores) if scores else 0.0}


def _ordered(found: set[Any], name: str) -> list[Any]:
    if None in found:
        raise FinetuneFailed(
            f"some rows have no label in the column {name}: leave them out, or say label_column=…"
        )
    if any(isinstance(each, float) and not each.is_integer() for each in found):
        raise FinetuneFailed(f"the column {name} holds numbers with fractions: that is task=regression")
    if len(found) > _MOST_LABELS:
        raise FinetuneFailed(f"the column {name} has {len(found)} different labels: say label_column=…")
    if len(found) < 2:  # noqa: PLR2004 - of one label nothing is learned
        raise FinetuneFailed(f"the column {name} has one label only: there is nothing to tell apart")
    return sorted(found, key=lambda each: (isinstance(each, str), each))
