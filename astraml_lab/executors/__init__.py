"""Executors: where trials run."""

from __future__ import annotations

from astraml_lab.executors.base import Executor, Handle, Outcome, Stream, Task
from astraml_lab.executors.inline import InlineExecutor
from astraml_lab.executors.processes import ProcessExecutor
from astraml_lab.executors.threads import ThreadExecutor

__all__ = [
    "Executor",
    "Handle",
    "InlineExecutor",
    "Outcome",
    "ProcessExecutor",
    "Stream",
    "Task",
    "ThreadExecutor",
]
