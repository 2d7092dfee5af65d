"""A notebook as the objective: each trial is an execution by papermill, in a kernel of its own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeGuard

from astraml_lab.errors import InvalidSpec, NotBuiltYet, Problem
from astraml_lab.objectives.baggage import Baggage
from astraml_lab.objectives.base import NO_EXTRAS
from astraml_lab.objectives.fingerprint import digest
from astraml_lab.objectives.frames import user_traceback
from astraml_lab.objectives.notebook_source import NotebookSource, read_notebook, whole
from astraml_lab.objectives.script import GRACE
from astraml_lab.objectives.script_conventions import REPORTS, Setting, launch_of
from astraml_lab.objectives.script_failure import FAILURE, ScriptFailed, notebook_failure
from astraml_lab.objectives.script_part import visible
from astraml_lab.objectives.script_places import Places
from astraml_lab.objectives.script_process import Reporting
from astraml_lab.objectives.script_process import Script as Process
from astraml_lab.process import CAN_SPAWN, OutOfMemoryCounter
from astraml_lab.secrets import without_secrets
from astraml_lab.spec import Dialect, Discrete, JobSpec, Program, Script, shown

if TYPE_CHECKING:
    from astraml_lab.spec import Definition, Space
    from astraml_lab.trial import Trial

EXECUTED = "notebook.ipynb"
"""The executed notebook in a trial's folder."""
SUFFIX = ".ipynb"
_RUN = Path(__file__).with_name("notebook_run.py")
_NOT_THE_KERNELS = frozenset({"JPY_SESSION_NAME", "JPY_PARENT_PID", "MPLBACKEND"})
"""Variables of this kernel that are wrong in another, or that it sets itself."""


@dataclass(frozen=True)
class Notebook:
    """A notebook that runs as a trial.

    Attributes:
        path: Its file; relative to the working directory.
        kernel: The name of its Jupyter kernel (default: the one that it names itself).
        parameters: Values of its parameters that do not vary.
    """

    path: str | PathLike[str]
    kernel: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def is_notebook(target: object) -> TypeGuard[str | PathLike[str]]:
    """Whether it is the path of a notebook."""
    return isinstance(target, str | PathLike) and str(target).strip().endswith(SUFFIX)


def notebook_definition(notebook: Notebook, definition: Definition) -> Definition:
    """Return a definition that runs a notebook: its space and objectives."""
    return definition.model_copy(update={"program": _program(notebook)[0]})


def notebook_job(target: str | PathLike[str] | Notebook, spec: JobSpec) -> tuple[JobSpec, NotebookCode]:
    """Make a job of a notebook.

    Raises:
        InvalidSpec: There is no such notebook, or it does not fit the space, with every mistake.
        NotBuiltYet: Notebooks do not run as trials on this system.
    """
    code = NotebookCode(target, spec)
    own = spec.definitions[0].model_copy(update={"program": code.program})
    return spec.model_copy(update={"definitions": (own,)}), code


def notebook_again(spec: JobSpec) -> NotebookCode:
    """Find the code of a stored job again: the notebook, as it is now.

    Raises:
        InvalidSpec: It is not there any more, or does not fit.
    """
    return NotebookCode(notebook_of(spec.definitions[0].program), spec)


def notebook_of(program: Program | None) -> Notebook:
    """Return the notebook that a stored program runs."""
    if program is None or program.script is None:
        raise TypeError("the job runs no notebook")
    return Notebook(program.source, program.kernel, program.script.fixed)


class NotebookCode:
    """What a notebook's job runs, for each of its trials. Thread-safe.

    The notebook is read once: what is saved to its file afterwards reaches no trial of this job.

    Args:
        target: The notebook, or its path.
        spec: The job.

    Raises:
        InvalidSpec: There is no such notebook, or it does not fit the space, with every mistake.
        NotBuiltYet: Notebooks do not run as trials on this system.
    """

    def __init__(self, target: str | PathLike[str] | Notebook, spec: JobSpec) -> None:
        if not CAN_SPAWN:
            raise NotBuiltYet("notebooks as trials need Linux or macOS: tune a function in place of it")
        given = target if isinstance(target, Notebook) else Notebook(target)
        self._source = _checked(given, spec.space)
        self._space = spec.space
        self._metric = spec.objectives[0].metric if spec.objectives else ""
        self._job, self._project = spec.name or "", spec.project
        found = replace(given, path=str(self._source.path))
        self._kernel = given.kernel or self._source.kernel
        self.program, self._script = _program(found)
        self.baggage = Baggage({}, home="the notebook", threads='executor="threads"')
        self.uncompared: tuple[str, ...] = ()

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest of the notebook's code, and of what it is given beside a trial's values."""
        given = json.dumps([self._script.fixed, self._kernel], sort_keys=True, default=str)
        return {
            f"the notebook {self._source.path.name}": self._source.digest,
            "what the notebook is given": digest(given),
        }

    def run(self, trial: Trial, extras: Mapping[str, Any] = NO_EXTRAS) -> Mapping[str, float] | None:  # noqa: ARG002 - it has its own names
        """Execute it once; what became of it is `notebook.ipynb` in the trial's folder.

        Raises:
            ScriptFailed: A cell raised, or the kernel died.
            TrialEnd: The trial was told to end, and its kernel was ended.
        """
        folders = Places.of(trial)
        values = {**self._script.fixed, **self._values(trial.params)}
        launch = launch_of(self._setting(trial, folders, values))
        executed = folders.trial / EXECUTED
        executed.write_text(self._source.text, encoding="utf-8")
        request = {"notebook": str(executed), "kernel": self._kernel, "parameters": values}
        env = {**_environment(), **launch.env, **visible(trial)}
        # The kernel's sockets lie in a folder of its own, under a path that is short enough for them.
        with tempfile.TemporaryDirectory(prefix="astraml-") as own:
            self._execute({**request, "folder": own}, env, Reporting(trial, {}), folders.trial / REPORTS)
        return None

    def _execute(
        self, request: Mapping[str, Any], env: Mapping[str, str], reporting: Reporting, reports: Path
    ) -> None:
        """Have papermill execute the notebook, in a process whose child is the kernel."""
        errand = Path(request["folder"], "request.json")
        errand.write_text(json.dumps(request), encoding="utf-8")
        memory = OutOfMemoryCounter()
        deaths = memory.count()
        path = self._source.path
        command = [sys.executable, "-P", str(_RUN), str(errand)]
        process = Process(path.name, reporting, grace=GRACE)
        try:
            process.run(command, env=env, folder=path.parent, reports=reports)
        except ScriptFailed as error:
            lost = (memory.count() or 0) > (deaths or 0)
            said = errand.with_name(FAILURE)
            raise notebook_failure(path.name, said, error, out_of_memory=lost) from error.__cause__

    def traceback(self, error: BaseException) -> str:
        """Return the traceback of the cell that raised."""
        return error.text if isinstance(error, ScriptFailed) else user_traceback(error)

    def _values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a trial's values as the notebook reads them; an inactive parameter is `None`."""
        found = dict(params)
        for name, dimension in self._space.dimensions.items():
            if isinstance(dimension, Discrete) and self._source.declared.get(name) != "float":
                found[name] = whole(params.get(name))
        return found

    def _setting(self, trial: Trial, folders: Places, values: Mapping[str, Any]) -> Setting:
        return Setting(
            script=self._script,
            values=values,
            inputs={},
            env={},
            secrets={},
            metric=self._metric,
            job=self._job or folders.job.parent.name,
            project=self._project,
            number=trial.number,
            training_job="",
            seed=trial.seed,
            devices=len(trial.devices),
            folder=folders.trial,
            checkpoints=trial.checkpoint_dir,
            output=None,
            localized=str,
        )


def _program(notebook: Notebook) -> tuple[Program, Script]:
    path = fspath(notebook.path)
    script = Script(convention=Dialect.ASTRAML, target=path, fixed=dict(notebook.parameters))
    return Program(kind="notebook", source=path, script=script, kernel=notebook.kernel), script


def _checked(given: Notebook, space: Space) -> NotebookSource:
    path = given.path
    if not isinstance(path, str | PathLike) or not str(path).strip():
        raise InvalidSpec([Problem("the notebook", shown(path), 'its path: "train.ipynb"')])
    if not isinstance(given.parameters, Mapping):
        raise InvalidSpec([Problem("parameters", shown(given.parameters), 'values by name: {"epochs": 3}')])
    text = fspath(path).strip()
    source = read_notebook((Path.cwd() / Path(text).expanduser()).absolute(), text)
    problems = source.problems(space, given.parameters, given.kernel)
    if problems:
        raise InvalidSpec(problems)
    return source


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in without_secrets(os.environ).items() if name not in _NOT_THE_KERNELS
    }
