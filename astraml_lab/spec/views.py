"""What a reader sees of a job: frozen snapshots, by value.

The dashboard, the magics, the command line and other kernels get these and nothing live.
Times are seconds since the epoch, UTC; durations are seconds; memory is bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astraml_lab.spec.constraints import none_keeps_to
from astraml_lab.spec.space import Space
from astraml_lab.spec.state import FailureKind, JobState, TrialState
from astraml_lab.spec.words import format_number

if TYPE_CHECKING:
    import numpy as np

    from astraml_lab.spec.constraints import Constraint
    from astraml_lab.spec.dimensions import ParamValue
    from astraml_lab.spec.imported import Origin
    from astraml_lab.spec.job import Objective

__all__ = [
    "Confirmed",
    "CurveView",
    "DeviceView",
    "FailureKind",
    "JobView",
    "TrialView",
    "WindowRow",
    "WindowView",
    "confirming_note",
]

_CONFIRMS = re.compile(r"confirms trial (\d+): ")


def confirming_note(number: int) -> str:
    """Return the first note of a trial that confirms another: what tells it from those of the search."""
    return f"confirms trial {number}: the same parameters with another seed, never pruned"


@dataclass(frozen=True, slots=True)
class TrialView:
    """One trial at one moment."""

    number: int
    state: TrialState
    params: dict[str, ParamValue]
    kind: FailureKind | None = None
    reason: str = ""
    """Why it ended as it did: one plain sentence with its numbers."""
    values: tuple[float, ...] | None = None
    """One per objective, in the order of the definition; `None` until the trial is COMPLETE, or PRUNED by the
    rule of a vendor to whom that is a result."""
    metrics: dict[str, float] = field(default_factory=dict)
    """The last report of every metric."""
    step: int | None = None
    """The last step of the first objective."""
    device: str = ""
    seed: int = 0
    attempt: int = 1
    definition: str = "default"
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    traceback: str = ""
    """The user's own traceback, with the cell's line numbers."""
    notes: tuple[str, ...] = ()
    """Warnings about the trial: a repeated step, memory that it left behind."""
    disk_bytes: int = 0
    """What its folder holds, log and checkpoints, as measured when it ended."""

    @property
    def confirms(self) -> int | None:
        """The trial that it is a further run of, by `--confirm`; `None` for the search's own.

        Its first note holds it: older versions read such a trial as any other.
        """
        found = _CONFIRMS.match(self.notes[0]) if self.notes else None
        return None if found is None else int(found[1])

    @property
    def counts(self) -> bool:
        """Whether it uses up one of `--trials`."""
        return self.state.counts and self.confirms is None

    def runtime(self, now: float) -> float:
        """Return how long it has run, in seconds."""
        return 0.0 if self.started_at is None else (self.ended_at or now) - self.started_at


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device that a job may use."""

    label: str
    """`cuda:0` or `cpu`."""
    name: str = ""
    used_bytes: int = 0
    total_bytes: int = 0
    utilization: float | None = None
    """0 to 1, where the driver tells."""
    trials: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the runs of one trial and of those that confirm it say together."""

    alone: float
    """Its own value."""
    mean: float
    """Of all runs, its own among them."""
    error: float
    """The standard error of the mean: half the distance where there are two runs."""
    runs: int

    def __str__(self) -> str:
        return (
            f"mean of {self.runs} runs, ± {format_number(self.error, 2)}; {format_number(self.alone)} alone"
        )


@dataclass(frozen=True, slots=True, repr=False)
class JobView:
    """One job at one moment."""

    id: str
    """`project/name#generation`."""
    name: str
    project: str
    generation: int
    state: JobState
    objectives: tuple[Objective, ...]
    trials: int
    """The budget."""
    counts: dict[TrialState, int]
    infeasible: int = 0
    """How many of the FAILED were only impossible points."""
    param_names: tuple[str, ...] = ()
    space: Space = Space({})  # noqa: RUF009 - frozen
    """The dimensions; parameters that the code asks for as it goes are not among them."""
    metric_names: tuple[str, ...] = ()
    reason: str = ""
    """Why it ended or waits: one plain sentence."""
    note: str = ""
    """What a user should know about this run: seeds, clamped options, slow sampler."""
    best: tuple[int, ...] = ()
    """The best trial's number; with several objectives the numbers on the Pareto front."""
    best_value: float | None = None
    """The best trial's value, or the mean of its runs; `None` with several objectives."""
    hypervolume: float | None = None
    """With two or three objectives: how much the front dominates of the box from the best to the worst value
    of each, 0 to 1. The reference point is the worst of all trials that keep to the constraints, and
    moves with them; `None` as long as there is no box."""
    confirmed: Confirmed | None = None
    """The runs of the best trial, where it ran more than once."""
    confirming: int = 0
    """How many of the ended trials confirm others, and use up no budget."""
    subject_to: tuple[Constraint, ...] = ()
    """The constraints that the best keeps to."""
    violating: tuple[int, ...] = ()
    """Trials with values that violate a constraint: none of them is ever the best."""
    running: tuple[int, ...] = ()
    parallel: int = 1
    devices: tuple[DeviceView, ...] = ()
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    held: float = 0.0
    """Seconds of its pauses, the one that lasts left out, as far as `started_at` does not leave them out."""
    held_at: float | None = None
    """When the pause began that lasts."""
    eta: float | None = None
    """Seconds until the budget is used up, as far as the finished trials tell."""
    window: float = 30.0
    owner: str = ""
    """Which kernel runs it: `host:pid`, empty where none does."""
    disk_bytes: int = 0
    """What the folders of its trials hold."""
    tags: dict[str, str] = field(default_factory=dict)
    origin: Origin | None = None
    """The request of a service that it was made of."""

    def runtime(self, now: float) -> float:
        """Return the seconds that it has run for: time stands still during a pause."""
        if self.started_at is None:
            return 0.0
        until = next(at for at in (self.ended_at, self.held_at, now) if at is not None)
        return max(0.0, until - self.started_at - self.held)

    @property
    def finished(self) -> int:
        """How many trials have used up the budget."""
        return sum(count for state, count in self.counts.items() if state.counts) - self.confirming

    @property
    def none_keeps(self) -> str:
        """That no trial keeps to the constraints, in words; empty where one does or none has ended."""
        if self.best or not self.violating:
            return ""
        return none_keeps_to(self.subject_to)

    @property
    def without_best(self) -> str:
        """Why there is no best trial, in words."""
        why = f"no best trial: {self.none_keeps}" if self.none_keeps else "no COMPLETE trial yet"
        return f"{self.name} has {why} ({self.state})"

    @property
    def failed(self) -> int:
        """How many trials FAILED for another reason than an impossible point."""
        return self.counts.get(TrialState.FAILED, 0) - self.infeasible

    def __repr__(self) -> str:
        return f"<{self.id} {self.state} {self.finished}/{self.trials} trials>"


@dataclass(frozen=True, slots=True)
class CurveView:
    """A metric of a trial by step: at most 1,000 points, its minimum and maximum among them."""

    trial: int
    metric: str
    steps: np.ndarray
    """float64, shape (points,)."""
    values: np.ndarray
    """float64, shape (points,)."""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class WindowRow:
    """What a metric of a trial did in one window of time: what is stored, merged, sent and drawn.

    The values and times are None while no finite value was folded; `first` and `last` go by (ts, seq),
    whatever the order of arrival.
    """

    start: float
    width: float
    count: int
    total: float
    minimum: float | None
    maximum: float | None
    last: float | None
    first_ts: float | None
    first_seq: int
    first_step: int | None
    last_ts: float | None
    last_seq: int
    last_step: int | None
    nonfinite: int
    revision: int

    @property
    def mean(self) -> float | None:
        """The mean of the finite values; None if there were none."""
        return self.total / self.count if self.count else None

    def sealed(self, watermark: float) -> bool:
        """Tell whether only a late point can still change this window."""
        return self.start + self.width <= watermark


@dataclass(frozen=True, slots=True)
class WindowView:
    """A metric of a trial in windows of time aligned to UTC; arrays of shape (windows,), float64."""

    trial: int
    metric: str
    width: float
    starts: np.ndarray
    means: np.ndarray
    minima: np.ndarray
    maxima: np.ndarray
    lasts: np.ndarray
    counts: np.ndarray
