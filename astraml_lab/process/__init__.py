"""Processes for trials, forked from a server that has loaded the heavy libraries and the job's data.

The kernel starts a *base*, which imports torch and the like but never touches a GPU; for each job the base
forks a *template*, which loads the job's data once; for each trial the template forks a fresh process. All of
them are single-threaded until the last fork, and every one ends when the kernel does, whatever way that is.
"""

from __future__ import annotations

from astraml_lab.process.attendance import Attendance, Ended
from astraml_lab.process.channel import PipeChannel
from astraml_lab.process.child import Label
from astraml_lab.process.parcel import explain, pack
from astraml_lab.process.program import Program
from astraml_lab.process.system import (
    CAN_SPAWN,
    OUT_OF_MEMORY,
    OutOfMemoryCounter,
    how_it_ended,
    unnamed_file,
)
from astraml_lab.process.templates import HEAVY, Probe, Template, Templates

__all__ = [
    "CAN_SPAWN",
    "HEAVY",
    "OUT_OF_MEMORY",
    "Attendance",
    "Ended",
    "Label",
    "OutOfMemoryCounter",
    "PipeChannel",
    "Probe",
    "Program",
    "Template",
    "Templates",
    "explain",
    "how_it_ended",
    "pack",
    "unnamed_file",
]
