"""Devices: what there is (probe), who has it (pool), and how a trial uses it (activate, tuning)."""

from __future__ import annotations

from astraml_lab.devices.activate import (
    activate,
    allocated_bytes,
    cpu_threads,
    is_oom,
    is_poisoned,
    release_memory,
)
from astraml_lab.devices.pool import Lease, LeaseRequest, Pool
from astraml_lab.devices.probe import Device, FakeProbe, Probe, SystemProbe
from astraml_lab.devices.tuning import ProcessTuning

__all__ = [
    "Device",
    "FakeProbe",
    "Lease",
    "LeaseRequest",
    "Pool",
    "Probe",
    "ProcessTuning",
    "SystemProbe",
    "activate",
    "allocated_bytes",
    "cpu_threads",
    "is_oom",
    "is_poisoned",
    "release_memory",
]
