"""What a rule for giving up trials has to answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from astraml_lab.spec import TrialState

if TYPE_CHECKING:
    from astraml_lab.metrics.running import Ending, Running


FINISHED = frozenset({TrialState.COMPLETE, TrialState.PRUNED, TrialState.STOPPED})
"""A trial came to its end, or was cut short on the way to it."""


class Judge(ABC):
    """Decides on reports and learns from trials that are over.

    Attributes:
        goes_by: The states in which a trial may end that others are measured by.
    """

    goes_by: ClassVar[frozenset[TrialState]] = frozenset({TrialState.COMPLETE})

    @abstractmethod
    def decide(self, number: int, trial: Running, value: float) -> Ending | None:
        """Decide on a trial that has just reported `value` at its last step; costs microseconds."""

    @abstractmethod
    def learn(self, number: int, trial: Running, *, complete: bool) -> None:
        """Take in a trial that is over, `complete` or not, in a state that this judge goes by."""

    def recall(self, number: int, trial: Running, *, complete: bool) -> None:
        """Take in a trial that was over before this judge was made: it was asked for no decision on it."""
        self.learn(number, trial, complete=complete)

    def forget(self, number: int, trial: Running) -> None:  # noqa: B027 - most rules have nothing to forget
        """Drop what a trial showed while it ran: it begins again."""
