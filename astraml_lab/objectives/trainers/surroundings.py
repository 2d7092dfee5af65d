"""What a trial lends to the Hugging Face Trainers in it: a device, a folder, a state of their own."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Of one trial.

    Attributes:
        devices: The leased GPUs as torch numbers; empty on a CPU.
        folder: Takes what Trainers write under a relative path.
        states: What accelerate shares between all its objects, by class: here, between those of the trial.
    """

    devices: tuple[int, ...]
    folder: Path
    states: dict[type, dict[str, Any]] = field(default_factory=dict)

    def state(self, kind: type) -> dict[str, Any]:
        """Return the trial's own shared state of one of accelerate's classes; empty at first."""
        return self.states.setdefault(kind, {})

    def device(self) -> Any:
        """The GPU that a Trainer must be kept to; None where it can see no other.

        A process of its own sees its leased GPUs only, and so does a kernel that has just those.
        """
        import torch

        if not self.devices or set(self.devices) == set(range(torch.cuda.device_count())):
            return None
        return torch.device("cuda", self.devices[0]) if torch.cuda.is_available() else None


current: ContextVar[Surroundings | None] = ContextVar("astraml_trainers", default=None)
