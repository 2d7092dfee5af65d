"""A request's job as code: for each trial, what its definition runs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from glob import escape
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects import StandIn
from astraml_lab.dialects.credentials import is_a_secret
from astraml_lab.errors import AstramlError, InvalidSpec, NotBuiltYet, NotFound, Problem
from astraml_lab.objectives.baggage import Baggage
from astraml_lab.objectives.base import NO_EXTRAS
from astraml_lab.objectives.finetune import KIND, finetune_definition, finetune_of
from astraml_lab.objectives.finetune.models import allowed, source_of
from astraml_lab.objectives.frames import user_traceback
from astraml_lab.objectives.script_failure import ScriptFailed
from astraml_lab.objectives.script_part import Job, Part
from astraml_lab.objectives.script_project import project_of
from astraml_lab.objectives.script_targets import (
    TARGETS,
    Command,
    Registry,
    Runs,
    Target,
    best,
    runs,
    unmapped,
)
from astraml_lab.objectives.script_uris import INPUTS
from astraml_lab.objectives.storage import STORAGES
from astraml_lab.process import CAN_SPAWN
from astraml_lab.spec import Definition, Dialect, JobSpec, Limits, Program, Script, own_params, part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astraml_lab.objectives.finetune import Finetune
    from astraml_lab.objectives.finetune.models import Source
    from astraml_lab.trial import Trial

GRACE = 10.0
"""Seconds that a script has to end itself where no request says otherwise."""


def script_definition(target: str, definition: Definition, command: Sequence[str] = ()) -> Definition:
    """Return a definition that runs a script of one's own: its space and objectives, our convention."""
    script = Script(convention=Dialect.ASTRAML, target=target, command=tuple(command))
    return definition.model_copy(update={"program": Program(kind="script", source=target, script=script)})


def script_job(target: str | PathLike[str] | Command, spec: JobSpec) -> tuple[JobSpec, ScriptCode]:
    """Make a job of a script, a module or a command of one's own.

    Raises:
        InvalidSpec: There is no such script or module.
        NotBuiltYet: Scripts do not run on this system.
    """
    words = target.words if isinstance(target, Command) else ()
    name = fspath(target) if not isinstance(target, Command) else shlex.join(words)
    if any(map(is_a_secret, words)):
        said = "holds a key or a password, and is stored with the job: have the script read it from a file"
        raise InvalidSpec([Problem("the command", "", said)])
    own = spec.model_copy(update={"definitions": (script_definition(name, spec.definitions[0], words),)})
    return own, ScriptCode(own, target=target)


def finetune_job(asked: Finetune, spec: JobSpec) -> tuple[JobSpec, ScriptCode]:
    """Make a job of a fine-tuning.

    Raises:
        InvalidSpec: With every mistake that can be seen before anything is loaded.
        NotFound: The model is none.
        MissingExtra: transformers is not installed.
    """
    definition = finetune_definition(asked, spec.definitions[0])
    own = spec.model_copy(update={"definitions": (definition,)})
    return own, ScriptCode(own)


def grace_of(spec: JobSpec) -> float:
    """Return how many seconds a trial's script has to end itself; 0 where nothing is a script."""
    program = spec.definitions[0].program
    if program is None or program.kind not in {"script", "notebook"}:
        return 0.0
    said = spec.origin is not None or spec.limits.grace != Limits().grace
    return spec.limits.grace if said else GRACE


class ScriptCode:
    """What a request runs, for each of its trials. Thread-safe.

    Args:
        spec: The job; its definitions' programs say what the scripts are.
        target: What runs, where the registry and the project's file are not to be asked; a mapping says it by
            pattern, and asks them for the rest.
        folder: Where the project is (default: the working directory).

    Attributes:
        definitions: The job's, each with what it runs here as the source of its program.

    Raises:
        NotFound: Nothing here stands for what the request names; the message says how that is registered.
        InvalidSpec: What stands for it does not fit, with every mistake.
        NotBuiltYet: Scripts do not run on this system.
    """

    def __init__(self, spec: JobSpec, *, target: Target = None, folder: Path | None = None) -> None:
        where = (folder or Path.cwd()).absolute()
        project = project_of(where)
        registries: tuple[Registry, ...] = (TARGETS, project.targets)
        if isinstance(target, Mapping):
            registries, target = (_registry(target, where), *registries), None
        mappings = (INPUTS, project.inputs)
        storages = (STORAGES, project.storages)
        grace = grace_of(spec)
        job = Job(spec.name or "", spec.project, grace, project.folder, mappings, storages, project.models)
        self._parts: dict[str, Part] = {}
        for definition in spec.definitions:
            self._parts[definition.name] = _part(spec, definition, target, registries, (where, job))
        functions = [part.function.code for part in self._parts.values() if part.function is not None]
        if len(functions) < len(self._parts) and not CAN_SPAWN:
            raise NotBuiltYet("scripts need Linux or macOS: register a function in place of the script")
        self.definitions = tuple(
            definition.model_copy(update={"program": _program(self._parts[definition.name])})
            for definition in spec.definitions
        )
        self.program = _program(next(iter(self._parts.values())))
        names = {name: value for code in functions for name, value in code.baggage.names.items()}
        self.baggage = Baggage(names, home="the script", threads='executor="threads"')
        self.uncompared = tuple(dict.fromkeys(each for code in functions for each in code.uncompared))

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest of the request's part, and of each file or function that is known to run."""
        if len(self._parts) == 1:
            return next(iter(self._parts.values())).fingerprint()
        return {
            f"{word} of {name}": value
            for name, part in self._parts.items()
            for word, value in part.fingerprint().items()
        }

    def run(self, trial: Trial, extras: Mapping[str, Any] = NO_EXTRAS) -> Mapping[str, float] | None:  # noqa: ARG002 - it has its own names
        """Run it once.

        Raises:
            ScriptFailed: The script failed.
            InputMissing: An input is not here.
            NotFound: A secret is not.
            TrialEnd: The trial was told to end, and the script was ended.
        """
        own = part_of(self.definitions, trial.params)
        return self._parts[own.name].run(trial, own_params(self.definitions, trial.params))

    def traceback(self, error: BaseException) -> str:
        """Return what a script wrote last to its standard error; a function's traceback; our own sentence."""
        if isinstance(error, ScriptFailed):
            return error.text
        return str(error) if isinstance(error, AstramlError) else user_traceback(error)


def stand_ins(spec: JobSpec, target: Target = None) -> dict[str, StandIn]:
    """Say what runs here at present for each image, algorithm, module or model that a request names.

    Args:
        spec: The request's job.
        target: What is said to run in their place, as `ScriptCode` takes it.
    """
    where = Path.cwd()
    said: dict[str, StandIn] = {}
    for definition in spec.definitions:
        script = None if definition.program is None else definition.program.script
        if script is None:
            continue
        try:
            said[script.target] = StandIn(f"here {_called(script, where, target)} runs")
        except (NotFound, InvalidSpec) as error:
            model = _model(spec, script, where)
            if model is not None:
                said[script.target] = StandIn(f"here {model} is fine-tuned")
                continue
            words = str(error).replace(f"runs {script.target}:", "runs it yet:")
            said[script.target] = StandIn(words, there=False)
    return said


def _model(spec: JobSpec, script: Script, where: Path) -> Source | None:
    """Return the model that a request fine-tunes, if it does that."""
    if not _may_finetune(spec, script):
        return None
    project = project_of(where)
    try:
        return source_of(script.target, project.folder, project.models)
    except (NotFound, InvalidSpec):
        return None


def _called(script: Script, where: Path, target: Target) -> str:
    found = find_runs(script, target, where, (TARGETS, project_of(where).targets))
    return f"the function {found.text}" if found.function is not None else found.text


def script_again(spec: JobSpec) -> ScriptCode:
    """Find the code of a stored job again: as it is registered now, else what it ran then.

    Raises:
        NotFound: Neither is here.
        InvalidSpec: What is here does not fit any more.
    """
    try:
        return ScriptCode(spec)
    except NotFound:
        ran = dict(_ran(spec))
        if not ran:
            raise
        return ScriptCode(spec, target=ran)


def _ran(spec: JobSpec) -> Iterator[tuple[str, Target]]:
    """Yield what ran for each name of a stored job; a function has left its name alone."""
    for definition in spec.definitions:
        program = definition.program
        script = None if program is None else program.script
        if program is None or script is None or (spec.origin is not None and program.source == script.target):
            continue
        command = script.command and program.source == shlex.join(script.command)
        yield escape(script.target), Command(*script.command) if command else program.source


def find_runs(script: Script, target: Target, where: Path, registries: Sequence[Registry]) -> Runs:
    """Find what runs for a script of a request.

    Raises:
        NotFound: Nothing here does; the message says how it is registered.
        InvalidSpec: What is given or registered does not fit.
    """
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


def _part(
    spec: JobSpec,
    definition: Definition,
    target: Target,
    registries: Sequence[Registry],
    around: tuple[Path, Job],
) -> Part:
    """Find what a definition runs: what stands for its name, else the fine-tuning of its model.

    Raises:
        NotFound: Nothing here does, nor is it a model; the message says how it is registered.
        InvalidSpec: What is given or registered does not fit.
    """
    program = definition.program
    script = None if program is None else program.script
    if program is None or script is None:
        raise TypeError("the job runs no script")
    where, job = around
    tuned = Runs(script.target, where, finetunes=True)
    if program.kind == KIND and target is None:
        return Part(definition, script, tuned, job)
    try:
        found = find_runs(script, target, where, registries)
    except NotFound as error:
        if not _may_finetune(spec, script):
            raise
        try:
            return Part(definition, script, tuned, job)
        except NotFound:
            also = f"{error}. Nor is it a model to fine-tune: {allowed(script.target)}"
            raise NotFound(also) from None
    return Part(definition, script, found, job)


def _may_finetune(spec: JobSpec, script: Script) -> bool:
    """Whether it is a request that names a model, as AstraML's do."""
    return spec.origin is not None and script.convention is Dialect.ASTRAML


def _program(part: Part) -> Program:
    if part.runs.finetunes:
        return Program(kind=KIND, source=finetune_of(part.script).line, script=part.script)
    text = part.script.target if part.function is not None else part.runs.text
    return Program(kind="script", source=text, script=part.script)


def _registry(targets: Mapping[str, Target], where: Path) -> Registry:
    made = Registry()
    for pattern, target in targets.items():
        made.register(pattern, target, where)
    return made
