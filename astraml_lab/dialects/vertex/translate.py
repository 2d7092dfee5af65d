"""A HyperparameterTuningJob -> a `JobSpec` of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from astraml_lab.dialects.translation import Surroundings, Translation
from astraml_lab.dialects.vertex import rules, task_rules
from astraml_lab.dialects.vertex.errors import VertexError, Violation, refuse
from astraml_lab.dialects.vertex.fidelity import MOST_TRIALS, account, gpus
from astraml_lab.dialects.vertex.outcome import (
    DEFAULT_TIMEOUT,
    SAMPLERS,
    SCALES,
    direction,
    outcome,
    restarts,
)
from astraml_lab.dialects.vertex.parameters import Parameter, names, walk
from astraml_lab.dialects.vertex.reader import parse
from astraml_lab.dialects.vertex.scalars import epoch, seconds
from astraml_lab.errors import InvalidSpec
from astraml_lab.spec import (
    AnyDimension,
    Categorical,
    Constraint,
    Definition,
    Dialect,
    Discrete,
    Float,
    Goal,
    Int,
    JobSpec,
    Limits,
    Objective,
    Origin,
    Program,
    Pruning,
    Script,
    Select,
    Space,
    StoppingKind,
    StoppingRule,
    Strategy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXACT = 2**53
_MOST_PARALLEL = 4096


def check(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request in canonical form, if nothing in it is wrong.

    Raises:
        VertexError: INVALID_ARGUMENT: first for the shape, and if that is right for the rules.
    """
    job = parse(request)
    refuse([*rules.violations(job), *task_rules.violations(job["trialJobSpec"])])
    return job


def read(request: Mapping[str, Any], around: Surroundings) -> Translation:
    """Read a HyperparameterTuningJob (v1) as proto3 JSON.

    Raises:
        VertexError: Vertex AI would refuse it; `field` says where.
    """
    request, parent = _unwrapped(request, around.parent)
    job = check(request)
    fidelity = account(job)
    found = walk(job["studySpec"]["parameters"])
    origin = Origin(
        dialect=Dialect.VERTEX, request=dict(request), version="v1", parent=parent, fidelity=fidelity
    )
    try:
        spec = JobSpec(
            name=_name(job["displayName"]),
            tag=job.get("labels", {}),
            definitions=(_definition(job, found),),
            subject_to=_constraints(job["studySpec"]),
            gpus=gpus(job),
            on_nan="last_finite",
            on_timeout="keep_last",
            origin=origin,
            **_search(job["studySpec"]),
            **_ends(job),
        )
    except (ValidationError, InvalidSpec) as error:
        raise VertexError(str(error), violations=[Violation("studySpec", str(error))]) from None
    return Translation(spec, outcome(job, fidelity))


def _unwrapped(request: Mapping[str, Any], parent: str) -> tuple[Mapping[str, Any], str]:
    """Return the job and the parent of a request that may be a whole call of `create`."""
    for name in ("hyperparameterTuningJob", "hyperparameter_tuning_job"):
        job = request.get(name)
        if isinstance(job, dict) and request.keys() <= {name, "parent"}:
            return job, str(request.get("parent", parent))
    return request, parent


def _name(display: str) -> str:
    """Return a name for the job that our own rules admit; Vertex's may hold any character."""
    printable = "".join(letter if letter.isprintable() else " " for letter in display)
    return printable.strip() or "vertex"


def _search(study: Mapping[str, Any]) -> dict[str, Any]:
    best = study.get("measurementSelectionType") == "BEST_MEASUREMENT"
    return {
        "strategy": Strategy(SAMPLERS.get(study.get("algorithm", ""), "tpe")),
        "prune": Pruning.OFF,
        "stopping": _stopping(study),
        "select": Select.BEST if best else Select.LAST,
    }


def _ends(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ends a trial, and what ends the job."""
    scheduling = job["trialJobSpec"].get("scheduling", {})
    config = job["studySpec"].get("studyStoppingConfig", {})
    least, most = (config.get(f"{word}imumRuntimeConstraint", {}) for word in ("min", "max"))
    trials = min(job["maxTrialCount"], MOST_TRIALS)
    fewer = min(trials, config.get("maxNumTrials", trials))
    minimum = bool(least) or bool(config.get("minNumTrials"))
    budget = trials if minimum else fewer
    return {
        "trials": budget,
        "parallel": min(job["parallelTrialCount"], budget, _MOST_PARALLEL),
        "max_failures": job.get("maxFailedTrialCount") or None,
        "trial_timeout": seconds(scheduling["timeout"]) if "timeout" in scheduling else DEFAULT_TIMEOUT,
        "retries": None if restarts(scheduling) else 0,  # none given: once, if the trial's process died
        "max_runtime": seconds(most["maxDuration"]) if "maxDuration" in most else None,
        "max_no_improvement": config.get("maxNumTrialsNoProgress"),
        "limits": Limits(
            cut=config.get("shouldStopAsap", False),
            max_seconds_without_progress=_seconds(config, "maxDurationNoProgress"),
            end_at=epoch(most["endTime"]) if "endTime" in most else None,
            min_runtime=_seconds(least, "maxDuration"),
            not_before=epoch(least["endTime"]) if "endTime" in least else None,
            min_complete=config.get("minNumTrials", 0),
            max_trials=fewer if minimum and fewer < trials else None,
        ),
    }


def _seconds(message: Mapping[str, Any], name: str) -> float | None:
    return seconds(message[name]) if name in message else None


def _stopping(study: Mapping[str, Any]) -> StoppingRule | None:
    for field, kind in (
        ("medianAutomatedStoppingSpec", StoppingKind.AVERAGES),
        ("decayCurveStoppingSpec", StoppingKind.DECAY_CURVE),
    ):
        if field in study:
            by_time = study[field].get("useElapsedDuration", False)
            return StoppingRule(kind=kind, best_so_far=kind is StoppingKind.AVERAGES, by_time=by_time)
    convex = study.get("convexAutomatedStoppingSpec")
    if convex is None:
        return None
    return StoppingRule(
        kind=StoppingKind.CONVEX,
        by_time=convex.get("useElapsedDuration", False),
        min_resource=convex.get("minStepCount") or None,  # none: a tenth of the maximum
        max_resource=convex.get("maxStepCount") or None,
        min_measurements=convex.get("minMeasurementCount") or 5,
    )


def _definition(job: Mapping[str, Any], found: Sequence[Parameter]) -> Definition:
    called = dict(zip(map(id, found), names(found), strict=True))
    ids = {called[id(each)]: each.id for each in found if called[id(each)] != each.id}
    return Definition(
        space=Space({called[id(each)]: _dimension(each, called) for each in found}),
        objectives=tuple(
            Objective(metric=each["metricId"], goal=Goal(direction(each)))
            for each in rules.objectives(job["studySpec"])
        ),
        program=_program(job["trialJobSpec"], ids),
    )


def _constraints(study: Mapping[str, Any]) -> tuple[Constraint, ...]:
    return tuple(
        Constraint(
            metric=each["metricId"],
            at_least=direction(each) == "maximize",
            threshold=each["safetyConfig"].get("safetyThreshold", 0.0),
        )
        for each in study["metrics"]
        if "safetyConfig" in each
    )


def _dimension(parameter: Parameter, called: Mapping[int, str]) -> AnyDimension:
    when = _when(parameter, called)
    domain = parameter.domain
    if parameter.kind == "categorical":
        return Categorical(domain["values"], when=when)
    if parameter.kind == "discrete":
        return Discrete([_whole(value) for value in domain["values"]], when=when)
    scale = SCALES[parameter.scale]
    if parameter.kind == "integer":
        return Int(domain["minValue"], domain["maxValue"], scale=scale, when=when)
    return Float(domain["minValue"], domain["maxValue"], scale=scale, when=when)


def _when(parameter: Parameter, called: Mapping[int, str]) -> dict[str, Any] | None:
    parent = parameter.parent
    if parent is None:
        return None
    exact = parent.kind == "discrete"
    values = [_whole(float(value)) if exact else value for value in parameter.needs()]
    return {called[id(parent)]: values}


def _whole(value: float) -> float:
    """Return 32 for 32.0: a script is handed `--batch_size=32`."""
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _program(spec: Mapping[str, Any], ids: dict[str, str]) -> Program:
    pool = spec["workerPoolSpecs"][0]
    task = pool.get("containerSpec") or pool["pythonPackageSpec"]
    target = task.get("imageUri") or task["pythonModule"]
    script = Script(
        convention=Dialect.VERTEX,
        target=target,
        module="pythonModule" in task,
        command=task.get("command", ()),
        args=task.get("args", ()),
        env={each["name"]: each["value"] for each in task.get("env", ())},
        names=ids,
        output=spec.get("baseOutputDirectory", {}).get("outputUriPrefix", ""),
    )
    return Program(kind="script", source=target, script=script)
