"""The library's front door, and the one process-wide default behind it."""

from __future__ import annotations

import sys

from astraml_lab.jobs import Job
from astraml_lab.lab.default import manager
from astraml_lab.lab.front import (
    accompany,
    build_spec,
    foreground,
    import_trials,
    job,
    jobs,
    launch,
    notices,
    preflight,
    resume,
    tune,
)
from astraml_lab.lab.policies import policy, set_policy
from astraml_lab.lab.queries import sql
from astraml_lab.lab.requests import (
    check,
    read,
    register,
    register_input,
    register_storage,
    translate,
)
from astraml_lab.lab.scheduling import accompany_run, find_schedule, schedule, scheduler, schedules
from astraml_lab.lab.submitting import submit

__all__ = [
    "Job",
    "accompany",
    "accompany_run",
    "build_spec",
    "check",
    "find_schedule",
    "foreground",
    "import_trials",
    "job",
    "jobs",
    "launch",
    "manager",
    "notices",
    "policy",
    "preflight",
    "read",
    "register",
    "register_input",
    "register_storage",
    "resume",
    "schedule",
    "scheduler",
    "schedules",
    "set_policy",
    "sql",
    "submit",
    "translate",
    "tune",
]

# The interface has a function where the package has a floor of that name. For users the function
# wins; our own imports go by path.
vars(sys.modules["astraml_lab"])["jobs"] = jobs
