"""Running the requests of tuning services: each is read against the store, and runs as a job of ours.

`lab.translate` reads a request against nothing but what it is told; `submit` against the lab's own store.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astraml_lab import dialects
from astraml_lab.dialects import Surroundings, Translation
from astraml_lab.dialects.plain import plain
from astraml_lab.errors import Conflict
from astraml_lab.jobs import attended
from astraml_lab.jobs.finding import free_name
from astraml_lab.jobs.naming import tune_line
from astraml_lab.jobs.stored import read_spec
from astraml_lab.lab.default import manager
from astraml_lab.lab.front import preflight
from astraml_lab.lab.repeats import once
from astraml_lab.objectives import INPUTS, STORAGES, TARGETS, ScriptCode, stand_ins
from astraml_lab.secrets import Secrets
from astraml_lab.spec import Dialect, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from astraml_lab.jobs import Job, Preflight
    from astraml_lab.objectives.script_targets import Target
    from astraml_lab.spec import Definition, JobSpec
    from astraml_lab.store import GenerationRecord, Store

_RACES = 100
"""Tries to have a name that others take at the same moment."""
_ENDED = {
    JobState.SUCCEEDED: "Completed",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Stopped",
    JobState.STALE: "Failed",
}
_SERVICES_PROJECT = "default"
"""Where the jobs of services are that know no projects; a name is taken that one of its jobs has."""


@functools.wraps(dialects.translate)
def translate(request: object, dialect: Dialect | str | None = None, **extras: Any) -> Translation:
    """Read a request; shown, the translation says what runs here and what became of each field."""
    return replace(dialects.translate(request, dialect, **extras), stands=stand_ins)


def begin(
    request: object,
    dialect: Dialect | str | None = None,
    *,
    target: Target = None,
    parent: str = Surroundings.parent,
    api_version: str | None = None,
    idempotency_key: str | None = None,
) -> Job:
    """Start the job of a request, and return at once; what there is to say is in its `said`. See `submit`."""
    data = plain(request, dialect)

    def make(name: str | None = None) -> Job:
        translation = read(data, dialect, parent=parent, api_version=api_version)
        spec = translation.spec
        job = start(spec if name is None else spec.model_copy(update={"name": name}), target=target)
        warnings = [f"Warning: {each}" for each in dict.fromkeys(translation.fidelity.warnings)]
        job.said = "\n".join([*([job.said] if job.said else []), *warnings])
        return job

    return make() if idempotency_key is None else once(data, idempotency_key, make).job


def read(
    request: object,
    dialect: Dialect | str | None = None,
    *,
    target: Target = None,
    parent: str = Surroundings.parent,
    api_version: str | None = None,
) -> Translation:
    """Read a request against the lab's store: its jobs, policies and secrets; `target` is for its report.

    Raises:
        RequestRefused: In the service's own words.
    """
    data = plain(request, dialect)
    project = data.get("project_id")
    store = manager().store
    around = Surroundings(
        existing_jobs=known_jobs(store, _SERVICES_PROJECT),
        policy=store.policies.get(project) if isinstance(project, str) else None,
        api_version=api_version,
        secrets=Secrets(store.files.home).known(project, _named(data)) if isinstance(project, str) else None,
        parent=parent,
    )
    stands = functools.partial(stand_ins, target=target)
    return replace(dialects.read(data, dialect, around), stands=stands)


def _named(value: Any) -> Iterator[str]:
    """Yield the names of all secrets that a request refers to, well-formed or not."""
    if isinstance(value, dict) and isinstance(value.get("secret"), str):
        yield value["secret"]
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _named(each)


def check(translation: Translation, *, target: Target = None) -> Preflight:
    """Sample five configurations of a request's job and run the first until it has reported every objective.

    Raises:
        NotFound: Nothing here stands for what the request names.
        InvalidSpec: An objective was never reported, or the devices cannot be had.
    """
    return preflight(translation.spec, ScriptCode(translation.spec, target=target))


def code_of(spec: JobSpec, *, target: Target = None, folder: Path | None = None) -> ScriptCode:
    """Return what the job of a request runs.

    Raises:
        NotFound: Nothing here stands for what the request names.
        InvalidSpec: What stands for it does not fit, with every mistake.
    """
    return ScriptCode(spec, target=target, folder=folder)


def start(spec: JobSpec, *, target: Target = None, folder: Path | None = None) -> Job:
    """Start the job of a request under a name that nobody has; returns at once.

    Vertex AI's display names are not unique: the job of a second one is called `name-2`.

    Args:
        spec: The job.
        target: What its trials run.
        folder: Where relative paths start (default: the working directory).

    Raises:
        NotFound: Nothing here stands for what the request names.
        RequestRefused: ResourceInUse: the name of a SageMaker request is used.
        Conflict: The name is used.
    """
    dialect = None if spec.origin is None else spec.origin.dialect
    for _ in range(_RACES):
        named = spec
        if dialect is Dialect.VERTEX:
            free = free_name(manager().store, str(spec.name), spec.project)
            named = spec.model_copy(update={"name": free})
        code = code_of(named, target=target, folder=folder)
        try:
            return manager().launch(named, code, attended=attended(), fresh=True)
        except Conflict:
            taken = manager().store.load_job(named.project, str(named.name))
            if taken is not None and dialect is Dialect.SAGEMAKER:
                from astraml_lab.dialects.sagemaker.surroundings_check import in_use

                raise in_use(taken.name) from None
            if taken is None:
                raise
            if dialect is not Dialect.VERTEX:
                raise Conflict(_name_is_used(taken)) from None
    raise Conflict(f"others were faster with every name like {spec.name}: send the request again")


def _name_is_used(taken: GenerationRecord) -> str:
    """Say that a name is used, and what can be done about it."""
    said = f"project `{taken.project}` has a job `{taken.name}` already, which is {taken.state}"
    other = "give this request another `name` (`--name` in a shell)"
    if taken.state.ended or taken.state is JobState.STALE:
        more = "--trials N" if taken.state is JobState.SUCCEEDED else ""
        resume = tune_line("resume", taken.name, taken.project, more)
        delete = tune_line("delete", taken.name, taken.project)
        return f"{said}: `{resume}` goes on with it, `{delete}` frees its name, or {other}"
    watch = tune_line("wait", taken.name, taken.project)
    stop = tune_line("stop", taken.name, taken.project)
    return f"{said}: `{watch}` watches it, `{stop}` ends it, or {other}"


def known_jobs(store: Store, project: str | None = None) -> tuple[Mapping[str, Any], ...]:
    """Return what a request may have to know of the jobs that exist; see `Surroundings.existing_jobs`."""
    return tuple(_known(store, record) for record in store.list_jobs(project))


def _known(store: Store, record: GenerationRecord) -> Mapping[str, Any]:
    spec = read_spec(record)[0]
    definition = spec.definitions[0]
    known: dict[str, Any] = {
        "name": record.name,
        "project": record.project,
        "status": _ENDED.get(record.state, "InProgress"),
        "names": sorted({*definition.space.names(), *_fixed(definition)}),
        "types": {name: each.type for name, each in definition.space.dimensions.items()},
        "training_jobs": len(store.trial_marks(record.id)),
    }
    if spec.objectives:
        known["objective"] = {"metric": spec.objectives[0].metric, "direction": spec.objectives[0].goal.value}
    return {**known, **_sagemakers(spec)}


def _fixed(definition: Definition) -> dict[str, Any]:
    script = definition.program and definition.program.script
    return dict(script.fixed) if script else {}


def _sagemakers(spec: JobSpec) -> dict[str, Any]:
    """Return what SageMaker compares of a parent, of a job that was a request of its own."""
    if spec.origin is None or spec.origin.dialect is not Dialect.SAGEMAKER:
        return {}
    given = spec.origin.request.get("TrainingJobDefinition")
    if not given:
        return {}
    algorithm = given["AlgorithmSpecification"]
    ranges = spec.origin.request["HyperParameterTuningJobConfig"].get("ParameterRanges", {})
    known = {
        "training_image": algorithm.get("TrainingImage"),
        "algorithm_name": algorithm.get("AlgorithmName"),
        "input_data": given.get("InputDataConfig", []),
        "static": given.get("StaticHyperParameters", {}),
        "values": {each["Name"]: each["Values"] for each in ranges.get("CategoricalParameterRanges", [])},
    }
    return {name: value for name, value in known.items() if value is not None}


def register(pattern: str, target: Target) -> None:
    """Say what runs here in place of an image, algorithm, module or model that requests name.

    Args:
        pattern: Its name, perhaps with wildcards: `"xgboost:*"`; the last part of an image's path will do.
        target: A function as `tune` takes it, the path of a script, the name of a module, or a `Command`.

    Raises:
        InvalidSpec: The target is none of these.
    """
    TARGETS.register(pattern, target)


def register_input(uri: str, folder: str) -> None:
    """Say which local folder holds the data of a URI: `register_input("s3://bucket/prefix", "data/")`.

    Raises:
        InvalidSpec: The URI or the folder cannot be had.
    """
    INPUTS.register(uri, folder)


def register_storage(uri: str, **options: Any) -> None:
    """Say how the storage behind a URI prefix is reached; keys by the names of secrets of a job's project.

        lab.register_storage("s3://bucket", endpoint_url="http://127.0.0.1:9000",
                             key={"secret": "s3-key"}, secret={"secret": "s3-secret"})

    Args:
        uri: The prefix.
        options: What fsspec's file system of the scheme takes.

    Raises:
        InvalidSpec: The URI cannot be had, or an option holds a secret itself.
    """
    STORAGES.register(uri, options)
