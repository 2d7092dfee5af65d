"""What running code may say to its job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import AnyDimension, ParamValue


class Channel(Protocol):
    """The way from a trial's code to its job.

    Called from the trial's own threads, several at once if its code starts some: implementations lock.
    """

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Record the metrics and decide at once.

        Raises:
            TrialPruned: The pruner gave the trial up.
            TrialStopped: Somebody or some limit ended it.
        """

    def should_stop(self) -> bool:
        """Whether the next `report` would end the trial."""

    def secret(self, name: str) -> str:
        """Return the value of a secret of the job's project; from then on the trial's log does not show it.

        Raises:
            NotFound: The project has none of this name.
        """

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        """Return a value for a dimension that the space does not hold (define-by-run)."""
