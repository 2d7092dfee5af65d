"""The seam between a fine-tuning and what it learns: one small module per task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.objectives.finetune.columns import Role

PADDING = -100
"""The label of what does not count: torch's own."""


@dataclass(frozen=True)
class Encoder:
    """What turns rows into what a model reads.

    Attributes:
        tokenizer: The model's.
        longest: Tokens of a row at most.
        columns: The columns by the option that names them.
    """

    tokenizer: Any
    longest: int
    columns: Mapping[str, str] = field(default_factory=dict)

    def texts(self, batch: Mapping[str, list[Any]], *options: str) -> list[list[str]]:
        """Return the columns of these options that the data has, as text; what is missing is empty."""
        found = [self.columns[option] for option in options if option in self.columns]
        return [["" if value is None else str(value) for value in batch[name]] for name in found]


class Task(Protocol):
    """What a fine-tuning learns. Has no state: everything it finds out about the data is in `facts`.

    Attributes:
        name: What a request calls it.
        roles: The columns that it reads.
        metrics: What it reports when it evaluates, besides `eval_loss`; `-` stands before what is better
            when it is smaller.
        auto: The class of transformers that loads its model.
        loss_only: Whether its predictions are too large to be kept for metrics.
    """

    name: ClassVar[str]
    roles: ClassVar[tuple[Role, ...]]
    metrics: ClassVar[tuple[str, ...]]
    auto: ClassVar[str]
    loss_only: ClassVar[bool]

    def facts(self, splits: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """Find out what JSON can hold about the data: the labels.

        Raises:
            FinetuneFailed: The data is not what the task learns from.
        """

    def encode(
        self, encoder: Encoder, facts: Mapping[str, Any]
    ) -> Callable[[dict[str, list[Any]]], dict[str, list[Any]]]:
        """Return what turns a batch of rows into the model's inputs and labels."""

    def model_options(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return what its model's configuration gets."""

    def collator(self, tokenizer: Any) -> Any:
        """Return what makes a batch of encoded rows."""

    def scores(self, facts: Mapping[str, Any]) -> Callable[[Any], dict[str, float]] | None:
        """Return what measures predictions."""
