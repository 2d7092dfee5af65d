"""Token classification: each word of a list has a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from astraml_lab.objectives.finetune.columns import Role
from astraml_lab.objectives.finetune.errors import FinetuneFailed
from astraml_lab.objectives.finetune.tasks.base import PADDING
from astraml_lab.objectives.finetune.tasks.classification import right_and_f1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.objectives.finetune.tasks.base import Encoder

_OUTSIDE = "O"
"""How a word that names nothing is labelled."""


class TokenClassification:
    """A label for each word; pieces of a word after its first do not count."""

    name: ClassVar[str] = "token-classification"
    roles: ClassVar[tuple[Role, ...]] = (
        Role("text_column", ("tokens", "words", "text"), "a list of words"),
        Role("label_column", ("ner_tags", "tags", "labels", "pos_tags", "label"), "a list of labels"),
    )
    metrics: ClassVar[tuple[str, ...]] = ("eval_accuracy", "eval_f1")
    auto: ClassVar[str] = "AutoModelForTokenClassification"
    loss_only: ClassVar[bool] = False

    def facts(self, splits: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """Find the labels of all words.

        Raises:
            FinetuneFailed: The columns hold no lists of the same length.
        """
        words, tags = columns["text_column"], columns["label_column"]
        first = splits["train"][0]
        if not isinstance(first[words], list) or not isinstance(first[tags], list):
            raise FinetuneFailed(f"the columns {words} and {tags} hold no lists: JSON lines or Parquet can")
        inner = getattr(splits["train"].features[tags], "feature", None)
        named = getattr(inner, "names", None)
        if named:
            return {"labels": list(named), "values": list(range(len(named)))}
        found = {tag for data in splits.values() for row in data[tags] for tag in row}
        values = sorted(found, key=lambda each: (each != _OUTSIDE, isinstance(each, str), each))
        return {"labels": [str(each) for each in values], "values": values}

    def encode(
        self, encoder: Encoder, facts: Mapping[str, Any]
    ) -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
        """Return what tokenizes lists of words and puts each label at its word's first piece."""
        numbers = {value: index for index, value in enumerate(facts["values"])}
        words, tags = encoder.columns["text_column"], encoder.columns["label_column"]

        def encode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
            made = encoder.tokenizer(
                batch[words], is_split_into_words=True, truncation=True, max_length=encoder.longest
            )
            rows = []
            for index, row in enumerate(batch[tags]):
                places = made.word_ids(batch_index=index)
                before = [None, *places[:-1]]
                rows.append(
                    [
                        PADDING if place is None or place == last else numbers[row[place]]
                        for place, last in zip(places, before, strict=True)
                    ]
                )
            return {**made, "labels": rows}

        return encode

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
        """Return what pads words and labels to the longest row of a batch."""
        from transformers import DataCollatorForTokenClassification

        return DataCollatorForTokenClassification(tokenizer)

    def scores(self, facts: Mapping[str, Any]) -> Callable[[Any], dict[str, float]]:
        """Return the accuracy over all words, and the mean F1 over the labels that name something."""
        named = range(int(facts["labels"][:1] == [_OUTSIDE]), len(facts["labels"]))

        def measure(prediction: Any) -> dict[str, float]:
            counts = prediction.label_ids != PADDING
            return right_and_f1(
                prediction.predictions.argmax(-1)[counts], prediction.label_ids[counts], named
            )

        return measure
