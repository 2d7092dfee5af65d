"""From any job to a request of version 2.1, with a list of what it cannot say."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.ranges import LEAST, POSITIVE, BadRange, dimension_of, is_searched
from astraml_lab.dialects.astraml.reading import STRATEGIES
from astraml_lab.dialects.astraml.secrets import inline_secrets
from astraml_lab.dialects.astraml.shape import EXTRA_NAME, PROJECT, WINDOWS, leaf_mistakes, shape_mistakes
from astraml_lab.dialects.astraml.versions import NEWEST
from astraml_lab.dialects.translation import Export, not_said
from astraml_lab.spec import (
    Categorical,
    Dialect,
    Discrete,
    ExecutorKind,
    Int,
    JobSpec,
    Limits,
    Pruning,
    Scale,
    SecretRef,
    StoppingKind,
    Strategy,
    changed_options,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.spec import AnyDimension, Definition, Script

_SAID = frozenset(
    {
        *("name", "project", "tag", "trials", "parallel", "gpus", "strategy", "prune", "max_runtime"),
        *("trial_timeout", "seed", "window"),
    }
)
"""Options that the request says."""
_NAMES = {ours: theirs for theirs, ours in STRATEGIES.items()} | {Strategy.AUTO: "bayesian"}
_NO_DATASET = "local://none"
_GPUS, _TRIALS, _PARALLEL, _NAME, _MODEL = 64, 10_000, 100, 128, 256


def write(spec: JobSpec, *, dataset: str = "", model: str = "") -> Export:
    """Write a job as a request in which every field stands, and say what the request cannot.

    Args:
        spec: The job.
        dataset: The dataset of a job that names none: a cell, a function.
        model: The model of such a job.
    """
    left_out: list[str] = []
    definition = spec.definitions[0]
    script = definition.program.script if definition.program is not None else None
    request: dict[str, Any] = {
        "apiVersion": NEWEST,
        "project_id": _project(spec.project, left_out),
        "dataset": dataset or _dataset(script, left_out),
        "model": model or _model(spec, script, left_out),
    }
    if spec.name:
        request["name"] = spec.name[:_NAME]
        if len(spec.name) > _NAME:
            left_out.append(f"name: its first {_NAME} characters are in the request.")
    request["hyperparams"] = _hyperparams(definition, script, left_out)
    request["resources"] = {"gpus": _gpus(spec.gpus, left_out)}
    if _is_tuned(request["hyperparams"]):
        request["tuning"] = _tuning(spec, left_out)
    request["metrics"] = _metrics(spec, script, left_out)
    request |= _around(spec, script)
    left_out += [*_other_definitions(spec), *_rest(spec)]
    _drop_what_is_wrong(request, left_out)
    return Export(request, tuple(dict.fromkeys(left_out)))


def _project(project: str, left_out: list[str]) -> str:
    if PROJECT.fullmatch(project):
        return project
    plain = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")[:60].strip("-")
    plain = plain if PROJECT.fullmatch(plain) else f"p-{plain}".strip("-") if plain else "default"
    left_out.append(f"project {project!r}: it is {plain!r} in the request.")
    return plain


def _dataset(script: Script | None, left_out: list[str]) -> str:
    channels = script.channels if script is not None else {}
    named = channels.get("dataset") or next(iter(channels.values()), None)
    if len(channels) > 1:
        left_out.append("The inputs: a request has one dataset; the first is in it.")
    if named is None:
        left_out.append("The data: the job's code gets it itself; the request needs a dataset to be named.")
        return _NO_DATASET
    return named.uri[:2048]


def _model(spec: JobSpec, script: Script | None, left_out: list[str]) -> str:
    if script is not None:
        return script.target[:_MODEL]
    left_out.append("The code: a request names a model; register the code under that name to run it.")
    return (spec.name or "cell")[:_MODEL]


def _hyperparams(definition: Definition, script: Script | None, left_out: list[str]) -> dict[str, Any]:
    names = script.names if script is not None else {}
    fixed = dict(script.fixed) if script is not None else {}
    ours = script is not None and script.convention is Dialect.ASTRAML
    leaves = {name: value if ours else _as_number(name, value) for name, value in fixed.items()}
    for name, dimension in definition.space.dimensions.items():
        if dimension.when:
            left_out.append(f"{name}: the request has no conditions; there it always plays a part.")
        leaves[names.get(name, name)] = _range_of(name, dimension, left_out)
    found: dict[str, Any] = {}
    for name, value in leaves.items():
        plain = value.model_dump() if isinstance(value, SecretRef) else value
        why = _why_not(name, plain)
        if why:
            left_out.append(f"{name}: {why}.")
        elif name.startswith("early_stopping."):
            found.setdefault("early_stopping", {})[name.removeprefix("early_stopping.")] = plain
        else:
            found[name] = plain
    return found


def _as_number(name: str, value: Any) -> Any:
    """Return a number that another service has as a string, where the request needs one."""
    if not isinstance(value, str) or (name not in LEAST and name != POSITIVE):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _range_of(name: str, dimension: AnyDimension, left_out: list[str]) -> Any:
    if isinstance(dimension, Categorical | Discrete):
        if isinstance(dimension, Discrete):
            left_out.append(f"{name}: its values are choices in the request, without their order.")
        values = dimension.choices if isinstance(dimension, Categorical) else dimension.values
        return {"choices": list(values)}
    step = dimension.step if not isinstance(dimension, Int) or dimension.step != 1 else None
    if dimension.low == dimension.high and step is None:
        return dimension.low
    found: dict[str, Any] = {"min": dimension.low, "max": dimension.high, "type": dimension.type}
    if step is None:
        return {**found, "scale": dimension.scale.value}
    if dimension.low == dimension.high:  # a request's ends differ; the step allows the first alone
        found["max"] += step // 2 if isinstance(dimension, Int) else step / 2
    return {**found, "step": step}


def _why_not(name: str, value: Any) -> str:
    """Say why a hyperparameter cannot stand in a request; empty if it can."""
    head, _, inner = name.partition(".")
    if not EXTRA_NAME.fullmatch(name):
        return "the request cannot have a name like this"
    if head == "early_stopping" and inner not in {"patience", "metric", "min_delta"} and inner:
        return "the request cannot have a name like this"
    if isinstance(value, dict) and value.get("scale") == Scale.VERTEX_REVERSE_LOG:
        return "its scale is Vertex AI's alone"
    mistakes = leaf_mistakes(name, value)
    if mistakes:
        return mistakes[0].message
    try:
        if is_searched(value):
            dimension_of(name, value)
    except BadRange as error:
        return str(error)
    return ""


def _gpus(gpus: float | None, left_out: list[str]) -> int:
    if gpus is None:
        return 1
    whole = min(int(gpus) if gpus == int(gpus) else 1, _GPUS)
    if whole != gpus:
        left_out.append(f"gpus {gpus}: a request has whole ones, {_GPUS} at most; it says {whole}.")
    return whole


def _is_tuned(hyperparams: Mapping[str, Any]) -> bool:
    stopping = hyperparams.get("early_stopping")
    inner = stopping.values() if isinstance(stopping, dict) else ()
    return any(is_searched(value) for value in (*hyperparams.values(), *inner))


def _tuning(spec: JobSpec, left_out: list[str]) -> dict[str, Any]:
    first = spec.objectives[0]
    if spec.pareto:
        left_out.append(f"The objectives after {first.metric}: a request has one.")
    return {
        "objective": {"metric": first.metric, "direction": first.goal.value},
        "strategy": _strategy(spec, left_out),
        "max_trials": _at_most(spec.trials, _TRIALS, "trials", left_out),
        "max_parallel": _at_most(spec.parallel or 1, _PARALLEL, "parallel", left_out),
        "max_runtime_s": None
        if spec.max_runtime is None
        else _seconds("max_runtime", spec.max_runtime, left_out),
        **_trial_timeout(spec, left_out),
        "seed": spec.seed,
        "pruning": _pruning(spec, left_out),
    }


def _strategy(spec: JobSpec, left_out: list[str]) -> str:
    if spec.strategy not in _NAMES:
        left_out.append(f"strategy {spec.strategy}: it is bayesian in the request.")
    return _NAMES.get(spec.strategy, "bayesian")


def _at_most(value: int, most: int, name: str, left_out: list[str]) -> int:
    if value > most:
        left_out.append(f"{name} {value}: a request has {most} at most.")
    return min(value, most)


def _seconds(name: str, value: float, left_out: list[str]) -> int:
    whole = max(1, round(value))
    if whole != value:
        left_out.append(f"{name} {value} s: it is {whole} s in the request.")
    return whole


def _trial_timeout(spec: JobSpec, left_out: list[str]) -> dict[str, int]:
    if spec.trial_timeout is None:
        left_out.append("trial_timeout: a request always has one; it says its default, a day.")
        return {}
    return {"trial_timeout_s": _seconds("trial_timeout", spec.trial_timeout, left_out)}


def _pruning(spec: JobSpec, left_out: list[str]) -> str:
    rule = spec.stopping
    if spec.strategy is Strategy.HYPERBAND:
        return "none"  # the strategy stops trials by itself
    if rule is not None and rule.kind is not StoppingKind.HYPERBAND:
        left_out.append(f"The stopping rule {rule.kind}: the request has its own median.")
        return "median" if rule.kind is StoppingKind.AVERAGES else "none"
    if rule is not None or spec.prune is Pruning.HYPERBAND:
        return "hyperband"
    if spec.prune is Pruning.MEDIAN:
        return "median"
    if spec.prune is not Pruning.OFF:
        left_out.append(f"prune {spec.prune}: it is median in the request.")
        return "median"
    return "none"


def _metrics(spec: JobSpec, script: Script | None, left_out: list[str]) -> dict[str, Any]:
    window = int(spec.window)
    if window not in WINDOWS:
        left_out.append(f"window {window} s: it is 30 s in the request.")
        window = 30
    found: dict[str, Any] = {"window_s": window}
    if script is not None and script.log_metrics:
        found["definitions"] = [metric.model_dump() for metric in script.log_metrics]
    return found


def _around(spec: JobSpec, script: Script | None) -> dict[str, Any]:
    env = script.env if script is not None else {}
    found: dict[str, Any] = {}
    if env:
        found["env"] = {n: v.model_dump() if isinstance(v, SecretRef) else v for n, v in env.items()}
    if spec.tag:
        found["tags"] = dict(spec.tag)
    if (
        spec.origin is not None
        and spec.origin.dialect is Dialect.ASTRAML
        and "schedule" in spec.origin.request
    ):
        found["schedule"] = copy.deepcopy(spec.origin.request["schedule"])
    return found


def _other_definitions(spec: JobSpec) -> list[str]:
    return [f"The definition {other.name}: a request has one." for other in spec.definitions[1:]]


def _rest(spec: JobSpec) -> list[str]:
    """Name the options that no request has."""
    options = changed_options(spec)
    if spec.executor is not ExecutorKind.RAY:
        options.pop("executor", None)  # where it runs is the service's business
    found = [not_said(name, value) for name, value in options.items() if name not in _SAID]
    if spec.limits != Limits():
        found.append("The rules by which the job ends: a request has none of them.")
    return found


def _drop_what_is_wrong(request: dict[str, Any], left_out: list[str]) -> None:
    """Take out what could not be read again: a tag that is too long, a variable that looks like a secret."""
    for mistake in (*inline_secrets(request), *shape_mistakes(request)):
        section, _, rest = mistake.pointer.removeprefix("/").partition("/")
        holder, name = request.get(section), _unescaped(rest.partition("/")[0])
        if section in {"env", "tags", "hyperparams"} and isinstance(holder, dict) and name in holder:
            del holder[name]
            left_out.append(f"{section} {name}: {mistake.message}.")
        elif section == "metrics" and name == "definitions":
            request["metrics"].pop("definitions", None)
            left_out.append(f"The metrics that are read from the log: {mistake.message}.")


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
