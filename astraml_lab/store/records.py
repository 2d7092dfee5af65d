"""What the store gives out: frozen records, by value, that outlive any connection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from astraml_lab.spec.state import JobState


@dataclass(frozen=True)
class Lease:
    """Who may write a generation.

    Attributes:
        generation_id: What is owned.
        fence: Grows with each new owner; every write of an owner checks that it is still the newest.
        owner: Who, in words for people (a kernel's id); None when it was given back.
        pid: The owner's process on `host`.
        pid_started_at: When that process started, because process numbers are used again.
        host: The owner's machine.
        heartbeat_at: When the owner was last heard of.
    """

    generation_id: int
    fence: int
    owner: str | None
    pid: int
    pid_started_at: float
    host: str
    heartbeat_at: float

    def __str__(self) -> str:
        return f"{self.owner or 'nobody'} (process {self.pid} on {self.host})"


@dataclass(frozen=True)
class GenerationRecord:
    """One generation of a job, with the job's names; `state` is STALE if its kernel is gone."""

    id: int
    job_id: int
    project: str
    name: str
    number: int
    spec: str
    fingerprint: str
    state: JobState
    reason: str
    note: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    lease: Lease | None


class WindowLike(Protocol):
    """What can be stored as a window: anything with an attribute for each column of `tables.windows`.

    `metrics.WindowRow` has them; the floors of metrics and store do not import each other, a test compares
    the two.
    """

    @property
    def start(self) -> float:
        """When it begins, in seconds since the epoch."""

    @property
    def width(self) -> float:
        """How long it is, in seconds."""


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """A stored window of one metric of one trial."""

    trial: int
    metric: str
    width: float
    start: float
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

    def sealed(self, watermark: float) -> bool:
        """Tell whether only a late point can still change this window."""
        return self.start + self.width <= watermark


@dataclass(frozen=True)
class Control:
    """Something that another kernel asks the owner of a generation to do."""

    command: str
    argument: Any
    created_at: float


def dump(value: object) -> str:
    """Write a document as compact JSON text."""
    return _encode(value)


# `json.dumps` with options builds an encoder at each call
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
