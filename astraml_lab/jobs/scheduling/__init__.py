"""Schedules: what comes due, the thread that starts it, and the handle that people ask."""

from __future__ import annotations

from astraml_lab.jobs.scheduling.handle import Schedule, ScheduleList
from astraml_lab.jobs.scheduling.rule import Rule
from astraml_lab.jobs.scheduling.scheduler import Run, Scheduler

__all__ = ["Rule", "Run", "Schedule", "ScheduleList", "Scheduler"]
