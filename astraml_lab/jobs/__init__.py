"""Jobs: the one place where space, search, devices, executors, metrics and store are wired together."""

from __future__ import annotations

from astraml_lab.jobs.attendance import attended, in_kernel
from astraml_lab.jobs.describing import describe_job
from astraml_lab.jobs.foreground_cell import risk
from astraml_lab.jobs.handles import TrialHandle
from astraml_lab.jobs.job import Job
from astraml_lab.jobs.listing import JobList, views_of
from astraml_lab.jobs.manager import Manager
from astraml_lab.jobs.preflight import Preflight, preflight
from astraml_lab.jobs.presenter import Presenter, presenter
from astraml_lab.jobs.reader import JobReader
from astraml_lab.jobs.wiring import Wiring

__all__ = [
    "Job",
    "JobList",
    "JobReader",
    "Manager",
    "Preflight",
    "Presenter",
    "TrialHandle",
    "Wiring",
    "attended",
    "describe_job",
    "in_kernel",
    "preflight",
    "presenter",
    "risk",
    "views_of",
]
