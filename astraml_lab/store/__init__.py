"""What is kept on disk: jobs, leases, trials, metrics and the search's journal, behind one facade."""

from __future__ import annotations

from astraml_lab.store import trials
from astraml_lab.store.files import Files, folder_name, name_key
from astraml_lab.store.interrupts import InterruptsHeldBack
from astraml_lab.store.journal import Journal
from astraml_lab.store.records import (
    Control,
    DeviceClaim,
    GenerationRecord,
    Lease,
)
from astraml_lab.store.requests import Answer, Claim
from astraml_lab.store.schedules import NewTick, ScheduleRecord, TickRecord
from astraml_lab.store.store import Store
from astraml_lab.store.writer import Writer

__all__ = [
    "Answer",
    "Claim",
    "Control",
    "DeviceClaim",
    "Files",
    "GenerationRecord",
    "InterruptsHeldBack",
    "Journal",
    "Lease",
    "NewTick",
    "ScheduleRecord",
    "Store",
    "TickRecord",
    "Writer",
    "folder_name",
    "name_key",
    "trials",
]
