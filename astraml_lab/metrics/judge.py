"""What a rule for giving up trials has to answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astraml_lab.metrics.running import Ending, Running


class Judge(ABC):
    """Decides on reports and learns from trials that are over."""

    @abstractmethod
    def decide(self, number: int, trial: Running, value: float) -> Ending | None:
        """Decide on a trial that has just reported `value` at its last step; costs microseconds."""

    @abstractmethod
    def learn(self, number: int, trial: Running, *, complete: bool) -> None:
        """Take in a trial that is complete, or else was pruned or stopped."""

    def forget(self, number: int) -> None:  # noqa: B027 - most rules have nothing to forget
        """Drop what is known of a trial that failed or begins again."""
