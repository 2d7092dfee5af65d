"""What a runner is told, by whatever thread: one queue, one kind of message each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from astraml_lab.executors import Outcome
    from astraml_lab.spec import AnyDimension, ParamValue


@dataclass(frozen=True)
class TrialEnded:
    """An executor is done with a trial."""

    number: int
    attempt: int
    outcome: Outcome


@dataclass(frozen=True)
class Begun:
    """The code of a first trial runs: devices were free, and its process is there."""


@dataclass(frozen=True)
class Leave:
    """The kernel ends: let go of the job as it stands, for another kernel to take over."""


@dataclass(frozen=True)
class StopJob:
    """End the job: no new trial, the running ones end at their next report."""

    reason: str


@dataclass(frozen=True)
class StopTrial:
    """End one trial at its next report."""

    number: int
    reason: str


@dataclass(frozen=True)
class Suggest:
    """A trial's code asks for a value that the space does not hold."""

    number: int
    name: str
    dimension: AnyDimension
    answer: Future[ParamValue]


@dataclass(frozen=True)
class Enqueue:
    """Try these values next."""

    params: Mapping[str, ParamValue]
    answer: Future[int]
    """The number of their trial."""
    owed: bool = False
    """Whether the job does not end before: one that had ended goes on for this."""


@dataclass(frozen=True)
class Rerun:
    """Try an earlier trial's parameters next, as a further trial."""

    number: int
    answer: Future[int]
    """The number of the new trial."""
    owed: bool = True


@dataclass(frozen=True)
class Extend:
    """Raise the budget."""

    trials: int


@dataclass(frozen=True)
class Confirm:
    """Have so many of the best run once more before the job ends."""

    count: int


@dataclass(frozen=True)
class Pause:
    """Start no new trial until further notice."""


@dataclass(frozen=True)
class Unpause:
    """Go on."""


@dataclass(frozen=True)
class LeaseFreed:
    """A device was given back somewhere: try again."""


Event = (
    TrialEnded
    | Begun
    | Leave
    | StopJob
    | StopTrial
    | Suggest
    | Enqueue
    | Rerun
    | Extend
    | Confirm
    | Pause
    | Unpause
    | LeaseFreed
)
