"""What a trial runs, whatever it was written as."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.objectives.baggage import Baggage
    from astraml_lab.spec import Program
    from astraml_lab.trial import Trial

NO_EXTRAS: Mapping[str, Any] = MappingProxyType({})


class Code(Protocol):
    """A cell, a function, a notebook …: run once per trial, by several threads at once.

    cloudpickle can send it to another process of the same Python, where `run` and `traceback` work as here.
    """

    @property
    def program(self) -> Program:
        """What of it can be stored as text."""

    @property
    def baggage(self) -> Baggage:
        """What of the notebook travels with it."""

    @property
    def uncompared(self) -> tuple[str, ...]:
        """What the fingerprint does not cover: `model (Sequential)`."""

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest per part (`the cell`, `function make_model`, `batch_size`) to name what changed."""

    def run(self, trial: Trial, extras: Mapping[str, Any] = NO_EXTRAS) -> Mapping[str, float] | None:
        """Run it for one trial, in the calling thread; returns the final report, if it has one.

        Args:
            trial: The trial.
            extras: More names for code that has a namespace of its own: `print` bound to the trial's log.

        Raises whatever the user's code raises.
        """

    def traceback(self, error: BaseException) -> str:
        """Format the user's part of the traceback, with the true line numbers of the cell or file."""
