"""The trial as its own code sees it: parameters, device, seed, `report`.

A trial's code talks to its job through a `Channel` alone, so the same code runs in a thread of the notebook
or, behind a pipe, in a process of its own.
"""

from __future__ import annotations

from astraml_lab.trial.channel import Channel
from astraml_lab.trial.current import current_trial, entered, report, running_trial
from astraml_lab.trial.trial import Trial, metric_name
from astraml_lab.trial.verdict import Attempt, Verdict

__all__ = [
    "Attempt",
    "Channel",
    "Trial",
    "Verdict",
    "current_trial",
    "entered",
    "metric_name",
    "report",
    "running_trial",
]
