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
from astraml_lab.devices.contention import ThreadContention
from astraml_lab.devices.lease import Lease, LeaseRequest
from astraml_lab.devices.ledger import NO_LEDGER, Claim, Ledger
from astraml_lab.devices.pool import Pool
from astraml_lab.devices.probe import Device, FakeProbe, Probe, SystemProbe
from astraml_lab.devices.tuning import ProcessTuning
from astraml_lab.devices.visible import environment

__all__ = [
    "NO_LEDGER",
    "Claim",
    "Device",
    "FakeProbe",
    "Lease",
    "LeaseRequest",
    "Ledger",
    "Pool",
    "Probe",
    "ProcessTuning",
    "SystemProbe",
    "ThreadContention",
    "activate",
    "allocated_bytes",
    "cpu_threads",
    "environment",
    "is_oom",
    "is_poisoned",
    "release_memory",
]
