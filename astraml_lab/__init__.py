"""Hyperparameter tuning that lives in the notebook.

    %load_ext astraml_lab

then `%%tune` on top of a training cell; or `astraml_lab.tune(train, space=…, maximize="accuracy")`.
Every name below is imported when it is first used: the import of the package itself loads no heavy library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from astraml_lab._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from astraml_lab.errors import AstramlError, TrialPruned, TrialStopped
    from astraml_lab.jobs import Job
    from astraml_lab.lab import (
        foreground,
        import_trials,
        job,
        jobs,
        policy,
        register,
        register_input,
        register_storage,
        resume,
        sagemaker,
        schedule,
        schedules,
        set_policy,
        sql,
        submit,
        translate,
        tune,
        vertex,
    )
    from astraml_lab.objectives import Command, Finetune, Notebook
    from astraml_lab.objectives.trainers.callback import AstraCallback
    from astraml_lab.service import api
    from astraml_lab.spec import Categorical, Discrete, Float, Int, JobSpec
    from astraml_lab.trial import Trial, current_trial, report
    from astraml_lab.ui import TuneForm

PRESENTER = "astraml_lab.ui.presenter:NotebookPresenter"
"""What shows jobs; the only name that points upward (see `jobs.presenter`)."""

_HOMES = {
    "astraml_lab.errors": ("AstramlError", "TrialPruned", "TrialStopped"),
    "astraml_lab.lab": (
        "Job",
        "foreground",
        "import_trials",
        "job",
        "jobs",
        "policy",
        "register",
        "register_input",
        "register_storage",
        "resume",
        "set_policy",
        "schedule",
        "schedules",
        "sql",
        "submit",
        "translate",
        "tune",
    ),
    "astraml_lab.objectives": ("Command", "Finetune", "Notebook"),
    "astraml_lab.objectives.trainers.callback": ("AstraCallback",),
    "astraml_lab.service": ("api",),
    "astraml_lab.spec": ("Categorical", "Discrete", "Float", "Int", "JobSpec"),
    "astraml_lab.trial": ("Trial", "current_trial", "report"),
    "astraml_lab.ui": ("TuneForm",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {
    "sagemaker": "astraml_lab.lab.sagemaker",
    "secrets": "astraml_lab.secrets",
    "vertex": "astraml_lab.lab.vertex",
}
"""Modules that are reached as attributes: `astraml_lab.sagemaker.Client()`."""

__all__ = [
    "AstraCallback",
    "AstramlError",
    "Categorical",
    "Command",
    "Discrete",
    "Finetune",
    "Float",
    "Int",
    "Job",
    "JobSpec",
    "Notebook",
    "Trial",
    "TrialPruned",
    "TrialStopped",
    "TuneForm",
    "__version__",
    "api",
    "current_trial",
    "foreground",
    "import_trials",
    "job",
    "jobs",
    "policy",
    "register",
    "register_input",
    "register_storage",
    "report",
    "resume",
    "sagemaker",
    "schedule",
    "schedules",
    "secrets",
    "set_policy",
    "sql",
    "submit",
    "translate",
    "tune",
    "vertex",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    value: Any
    if name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Serve `%load_ext astraml_lab`."""
    importlib.import_module("astraml_lab.magics").load_ipython_extension(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Serve `%unload_ext astraml_lab`."""
    importlib.import_module("astraml_lab.magics").unload_ipython_extension(shell)
