"""Causal language modelling: the next token of running text."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from astraml_lab.objectives.finetune.columns import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.objectives.finetune.tasks.base import Encoder


class CausalLanguageModelling:
    """The texts one after the other, cut into blocks of `max_length` tokens."""

    name: ClassVar[str] = "causal-lm"
    roles: ClassVar[tuple[Role, ...]] = (
        Role("text_column", ("text", "content", "document", "body", "sentence"), "a text"),
    )
    metrics: ClassVar[tuple[str, ...]] = ("-eval_perplexity",)
    auto: ClassVar[str] = "AutoModelForCausalLM"
    loss_only: ClassVar[bool] = True

    def facts(self, splits: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002 - text has none
        """Find nothing: text is its own label."""
        return {}

    def encode(
        self,
        encoder: Encoder,
        facts: Mapping[str, Any],  # noqa: ARG002 - there are none
    ) -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
        """Return what tokenizes texts and cuts them into blocks; a last shorter block is kept."""
        end = [encoder.tokenizer.eos_token_id] if encoder.tokenizer.eos_token_id is not None else []

        def encode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
            (texts,) = encoder.texts(batch, "text_column")
            rows = encoder.tokenizer(texts, add_special_tokens=False)["input_ids"]
            line = list(chain.from_iterable([*row, *end] for row in rows))
            blocks = [line[at : at + encoder.longest] for at in range(0, len(line), encoder.longest)]
            return {"input_ids": blocks, "attention_mask": [[1] * len(each) for each in blocks]}

        return encode

    def model_options(self, facts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - there are none
        """Return nothing: the model's head is its own."""
        return {}

    def collator(self, tokenizer: Any) -> Any:
        """Return what pads blocks, and takes them as their own labels."""
        from transformers import DataCollatorForLanguageModeling

        return DataCollatorForLanguageModeling(tokenizer, mlm=False)

    def scores(self, facts: Mapping[str, Any]) -> Callable[[Any], dict[str, float]] | None:  # noqa: ARG002 - there are none
        """Return nothing: the perplexity comes from the loss."""
        return None
