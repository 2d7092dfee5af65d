"""`report` where a person runs a notebook or script by hand that is some job's objective: it only prints."""

from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING, NoReturn

from astraml_lab.errors import NotInTrial
from astraml_lab.spec import format_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import AnyDimension

NOT_IN_TRIAL = (
    "`report`, `current_trial` and `AstraCallback` work inside a trial only: run the cell with %%tune on "
    "top, or hand the function to astraml_lab.tune(...)."
)
_ONLY_PRINTS = (
    "No trial runs here, so report() only prints: a cell with %%tune on top, or astraml_lab.tune(...), runs "
    "trials."
)


def is_by_hand() -> bool:
    """Whether this is code that a person runs, and none that a trial's own code has started in its process.

    What a trial hands to a thread or a worker must not get lost without a word.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    return in_main_thread and multiprocessing.parent_process() is None


class ByHand:
    """A channel whose other end is the person who runs the code.

    Attributes:
        told: Whether this process has said that nothing is stored.
    """

    told = False

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Print the metrics."""
        if not metrics:
            return
        if not ByHand.told:
            ByHand.told = True
            print(_ONLY_PRINTS)  # noqa: T201 - its user watches
        print(report_line(metrics, step))  # noqa: T201 - likewise

    def should_stop(self) -> bool:
        """Never: nobody would say so."""
        return False

    def secret(self, name: str) -> NoReturn:  # noqa: ARG002 - the protocol's
        """Refuse."""
        raise NotInTrial(NOT_IN_TRIAL)

    def suggest(self, name: str, dimension: AnyDimension) -> NoReturn:  # noqa: ARG002 - the protocol's
        """Refuse."""
        raise NotInTrial(NOT_IN_TRIAL)


def report_line(metrics: Mapping[str, float], step: int | None) -> str:
    """Say a report that is only printed: `report step 3: accuracy 0.93`."""
    at = "" if step is None else f"step {step}: "
    return f"report {at}{', '.join(f'{name} {format_number(value)}' for name, value in metrics.items())}"
