"""What the store gives out: frozen records, by value, that outlive any connection."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
        pid_started_at: What tells that process from others of its number: see `processes.this_process`.
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


@dataclass(frozen=True)
class Control:
    """Something that another kernel asks the owner of a generation to do."""

    command: str
    argument: Any
    created_at: float


@dataclass(frozen=True)
class DeviceClaim:
    """A share of a device that a process of one machine uses.

    Attributes:
        id: What gives it back.
        device: What the driver calls the device.
        share: How much of it, 1 for the whole.
        owner: Who, in words for people.
        pid: The owner's process.
        alive: Whether that process still runs; what it left behind is in nobody's way.
    """

    id: int
    device: str
    share: float
    owner: str
    pid: int
    alive: bool


def checksum(*cells: object) -> int:
    """Return a number that tells whether a row still says what was written: a flipped bit looks like data."""
    # `%` is the fastest way to a text: this is on the way of every finished trial
    return zlib.crc32(("%s\x1f" * len(cells) % cells).encode())


def dump(value: object) -> str:
    """Write a document as compact JSON text."""
    return _encode(value)


# `json.dumps` with options builds an encoder at each call
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
