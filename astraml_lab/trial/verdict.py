"""How trials end, by value: what decides on them says, and what an attempt brings back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import FailureKind, TrialState


@dataclass(frozen=True)
class Verdict:
    """How a trial ends, and why in one sentence."""

    state: TrialState
    reason: str
    kind: FailureKind | None = None


@dataclass(frozen=True)
class Attempt:
    """How an attempt went, as text and numbers: no exception, frame or tensor survives in it."""

    verdict: Verdict | None = None
    """`None`: it ran to its end, or ended on a verdict that the job knows already."""
    finished: bool = False
    """Its code came to its end, told to stop or not."""
    returned: Mapping[str, float] = field(default_factory=dict)
    """The final values that its code returned, by metric."""
    traceback: str = ""
    notes: tuple[str, ...] = ()
    poisoned: bool = False
    """CUDA answers every further call of this process with an error."""
    disk_full: bool = False
    """Its code could not write a file: no fault of its parameters."""
