"""Runs what a request names: a script in a process of its own, or a function that is registered for it."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.devices.visible import narrowed
from astraml_lab.errors import InvalidSpec, NotBuiltYet, NotFound, Problem, TrialStopped
from astraml_lab.objectives.baggage import Baggage
from astraml_lab.objectives.base import NO_EXTRAS
from astraml_lab.objectives.fingerprint import digest
from astraml_lab.objectives.frames import user_traceback
from astraml_lab.objectives.script_conventions import REPORTS, Setting, launch_of
from astraml_lab.objectives.script_failure import ScriptFailed
from astraml_lab.objectives.script_function import LazyMapping, RegisteredFunction, printed_metrics
from astraml_lab.objectives.script_model import pack_model
from astraml_lab.objectives.script_process import Reporting
from astraml_lab.objectives.script_process import Script as Process
from astraml_lab.objectives.script_project import project_of
from astraml_lab.objectives.script_secrets import PREFIX, reference, resolve
from astraml_lab.objectives.script_targets import TARGETS, Target, best, runs, unmapped
from astraml_lab.objectives.script_uris import INPUTS, check, local_input, local_output, mapped
from astraml_lab.objectives.script_values import hyperparameters, is_platforms, raw_of, views_of
from astraml_lab.process import CAN_SPAWN
from astraml_lab.spec import (
    Definition,
    Dialect,
    JobSpec,
    LogMetric,
    Program,
    Script,
    compile_problem,
    training_job_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.objectives.script_targets import Runs
    from astraml_lab.trial import Trial

GRACE = 10.0
"""Seconds that a script has to end itself where no request says otherwise."""
_TITLE = "the script"
_ASSIGNED = re.compile(r"^(--?[^=\s]+=)(.*)$", re.DOTALL)


def script_definition(target: str, definition: Definition) -> Definition:
    """Return a definition that runs a script of one's own: its space and objectives, our convention."""
    script = Script(convention=Dialect.ASTRAML, target=target)
    return definition.model_copy(update={"program": Program(kind="script", source=target, script=script)})


def grace_of(spec: JobSpec) -> float:
    """Return how many seconds a trial's script has to end itself; 0 where nothing is a script."""
    program = spec.definitions[0].program
    if program is None or program.kind != "script":
        return 0.0
    return GRACE if spec.limits is None else spec.limits.grace


@dataclass(frozen=True)
class _Places:
    """The folders around a trial's: its own, its job's, and the lab's."""

    trial: Path
    job: Path
    home: Path

    @classmethod
    def of(cls, trial: Trial) -> _Places:
        folder = trial.checkpoint_dir.absolute().parent
        job = folder.parent.parent if folder.parent.name == "trials" else folder
        home = next((each.parent for each in job.parents if each.name == "projects"), job)
        return cls(folder, job, home)


class ScriptCode:
    """What a request runs, for each of its trials. Thread-safe.

    Args:
        spec: The job; its first definition's program says what the script is.
        target: What runs, where the registry and the project's file are not to be asked.
        folder: Where the project is (default: the working directory).

    Raises:
        NotFound: Nothing here stands for what the request names; the message says how that is registered.
        InvalidSpec: What stands for it does not fit, with every mistake.
        NotBuiltYet: Scripts do not run on this system.
    """

    uncompared: tuple[str, ...] = ()

    def __init__(self, spec: JobSpec, *, target: Target = None, folder: Path | None = None) -> None:
        definition = spec.definitions[0]
        if definition.program is None or definition.program.script is None:
            raise TypeError("the job runs no script")
        self._script = script = definition.program.script
        self._space = definition.space
        self._job, self._project = spec.name or "", spec.project
        self._metric = definition.objectives[0].metric if definition.objectives else ""
        self.grace = grace_of(spec)
        where = (folder or Path.cwd()).absolute()
        project = project_of(where)
        self._where = project.folder
        self._mappings = (INPUTS, project.inputs)
        self._runs = found = _found(script, target, where, (TARGETS, project.targets))
        self._log_metrics = script.log_metrics or _plain_metrics(definition, script)
        _refuse(script)
        self._function = None
        if found.function is not None:
            tuned = [script.names.get(name, name) for name in definition.space.names()]
            fixed = [name for name, value in script.fixed.items() if reference(value) is None]
            fixed = [name for name in fixed if not is_platforms(name) and name not in tuned]
            self._function = RegisteredFunction(
                found.function, list(dict.fromkeys(tuned)), fixed, definition.objectives
            )
        elif not CAN_SPAWN:
            raise NotBuiltYet("scripts need Linux or macOS: register a function in place of the script")
        text = script.target if found.function is not None else found.text
        self.program = Program(kind="script", source=text, script=script)
        inner = None if self._function is None else self._function.code
        self.baggage = inner.baggage if inner else Baggage({}, home=_TITLE)
        if inner is not None:
            self.uncompared = inner.uncompared

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest of the request's part, and of each file or function that is known to run."""
        parts = {"what the script is given": digest(self._script.model_dump_json())}
        if self._function is not None:
            return {**parts, **self._function.code.fingerprint()}
        for file in self._runs.files:
            parts[f"the script {file.name}"] = digest(file.read_bytes().decode("utf-8", "replace"))
        return parts if self._runs.files else {**parts, _TITLE: digest(self._runs.text)}

    def run(self, trial: Trial, extras: Mapping[str, Any] = NO_EXTRAS) -> Mapping[str, float] | None:  # noqa: ARG002 - it has its own names
        """Run it once.

        Raises:
            ScriptFailed: The script failed.
            InputMissing: An input is not here.
            NotFound: A secret is not.
            TrialEnd: The trial was told to end, and the script was ended.
        """
        places = _Places.of(trial)
        values = hyperparameters(self._script, self._space, trial.params)
        env, secrets, hidden = self._resolved(values)
        names = {self._script.objective: self._metric} if self._script.objective else {}
        reporting = Reporting(trial, names)
        if self._function is not None:
            return self._call(trial, places, values, env, hidden, reporting)
        inputs = {name: self._input(name, places, trial) for name in self._script.channels}
        setting = Setting(
            script=self._script,
            values=values,
            inputs=inputs,
            env=env,
            secrets=secrets,
            metric=self._script.objective or self._metric,
            job=self._job or places.job.parent.name,
            project=self._project,
            number=trial.number,
            training_job=training_job_name(self._job or places.job.parent.name, trial.number, trial.seed),
            seed=trial.seed,
            devices=len(trial.devices),
            folder=places.trial,
            checkpoints=trial.checkpoint_dir,
            output=local_output(self._script.output, places.home) if self._script.output else None,
            localized=self._localized,
        )
        self._start(trial, setting, hidden, reporting)
        return None

    def traceback(self, error: BaseException) -> str:
        """Return the end of what the script wrote to its standard error; of a function, its traceback."""
        return error.text if isinstance(error, ScriptFailed) else user_traceback(error)

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))

    def _start(self, trial: Trial, setting: Setting, hidden: Mapping[str, str], reporting: Reporting) -> None:
        launch = launch_of(setting)
        name = Path(self._runs.text).name if os.sep in self._runs.text else self._runs.text
        process = Process(name, reporting, log_metrics=self._log_metrics, secrets=hidden, grace=self.grace)
        with contextlib.ExitStack() as after:
            if launch.model is not None and launch.output is not None:
                after.callback(pack_model, launch.model, launch.output, compress=self._script.compress)
            try:
                process.run(
                    [*self._runs.start, *launch.args],
                    env={**_kernels(), "PYTHONUNBUFFERED": "1", **launch.env, **_devices(trial)},
                    folder=self._runs.folder,
                    reports=setting.folder / REPORTS,
                    hypertune=launch.hypertune,
                    failure=launch.failure,
                )
            except ScriptFailed:
                after.pop_all()  # one that was told to end has left what it had, as its service keeps it
                raise

    def _call(
        self,
        trial: Trial,
        places: _Places,
        values: Mapping[str, Any],
        env: Mapping[str, str],
        hidden: Mapping[str, str],
        reporting: Reporting,
    ) -> Mapping[str, float] | None:
        if self._function is None:
            return None
        raw = raw_of(self._script, values, self._script.objective or self._metric)
        trial.raw, trial.env = raw, env
        trial.inputs = LazyMapping(list(self._script.channels), lambda name: self._input(name, places, trial))
        inactive = dict.fromkeys(self._script.names.get(name, name) for name in self._space.names())
        views = {**inactive, **views_of(self._script, raw, values)}
        with printed_metrics(self._script.log_metrics, reporting, hidden):
            return self._function.run(trial, views)

    def _resolved(self, values: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Return the variables, the secret hyperparameters, and every secret by its own name."""
        hidden: dict[str, str] = {}

        def value(given: Any) -> str:
            secret = reference(given)
            if secret is None:
                return str(given)
            return hidden.setdefault(secret.secret, resolve(self._project, secret.secret))

        env = {name: value(given) for name, given in self._script.env.items()}
        secrets = {name: value(given) for name, given in values.items() if reference(given) is not None}
        return env, secrets, hidden

    def _input(self, name: str, places: _Places, trial: Trial) -> str:
        def go_on() -> None:
            if trial.should_stop():
                raise TrialStopped("told to end while its inputs were fetched")

        return local_input(
            self._script.channels[name].uri,
            self._mappings,
            folder=self._where,
            cache=places.job / "inputs",
            verbatim=self._script.convention is Dialect.ASTRAML,
            go_on=go_on,
        )

    def _localized(self, text: str) -> str:
        """Return what a URI in an argument is mapped to, `--data=gs://…` too; else the text itself."""
        match = _ASSIGNED.match(text)
        head, value = (match[1], match[2]) if match else ("", text)
        found = mapped(value, self._mappings) if check(value) is None else None
        return text if found is None else f"{head}{found}"


def script_again(spec: JobSpec) -> ScriptCode:
    """Find the code of a stored job again: as it is registered now, else what it ran then.

    Raises:
        NotFound: Neither is here.
        InvalidSpec: What is here does not fit any more.
    """
    try:
        return ScriptCode(spec)
    except NotFound:
        program = spec.definitions[0].program
        if program is None or program.script is None or program.source == program.script.target:
            raise
        return ScriptCode(spec, target=program.source)


def _found(script: Script, target: Target, where: Path, registries: tuple[Any, ...]) -> Runs:
    if target is not None:
        return runs(target, where, script)
    found = best(script.target, registries)
    if found is not None:
        return runs(*found, script)
    if script.module:
        try:
            return runs(script.target, where, script)
        except InvalidSpec:
            raise unmapped(script.target, registries) from None
    raise unmapped(script.target, registries)


def _refuse(script: Script) -> None:
    """Refuse what could only fail in every trial."""
    problems = [problem for each in script.channels.values() if (problem := check(each.uri)) is not None]
    problems += [problem for each in (script.output,) if (problem := check(each)) is not None]
    for each in script.log_metrics:
        said = compile_problem(each.regex)
        if said:
            problems.append(Problem(f"the regex of {each.name}", each.regex, said))
    if problems:
        raise InvalidSpec(problems, subject="what the request runs")


def _plain_metrics(definition: Definition, script: Script) -> tuple[LogMetric, ...]:
    """Return how a script of one's own may print its objectives: `accuracy=0.9`, `accuracy: 0.9`."""
    if script.convention is not Dialect.ASTRAML:
        return ()
    return tuple(_printed(each.metric) for each in definition.objectives)


def _printed(name: str) -> LogMetric:
    number = r"([-+]?(?:[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|nan|inf))"
    regex = rf"(?:^|[^\w.-]){re.escape(name)}\s*[=:]\s*{number}"
    return LogMetric.model_construct(name=name, regex=regex)  # of ours: the limit of requests is not for it


def _kernels() -> dict[str, str]:
    """Return the kernel's variables without its secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def _devices(trial: Trial) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": narrowed(trial.devices, os.environ)}
