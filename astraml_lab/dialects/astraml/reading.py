"""From a request of AstraML, version 2.1, to a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.cron import schedule_mistakes
from astraml_lab.dialects.astraml.effective import Effective, is_tuned, resolve
from astraml_lab.dialects.astraml.policy import read_policy
from astraml_lab.dialects.astraml.problem import Mistake, pointer, raise_all
from astraml_lab.dialects.astraml.ranges import (
    dimension_of,
    grid_size,
    is_searched,
    leaf_pointer,
    range_mistakes,
    rendered,
)
from astraml_lab.dialects.astraml.secrets import inline_secrets, unknown_secrets
from astraml_lab.dialects.astraml.shape import is_secret, shape_mistakes
from astraml_lab.dialects.astraml.versions import Version, version_of
from astraml_lab.dialects.translation import Surroundings, Translation
from astraml_lab.spec import (
    Channel,
    Definition,
    Dialect,
    Fidelity,
    Goal,
    JobSpec,
    LogMetric,
    Objective,
    Origin,
    Program,
    Pruning,
    Script,
    SecretRef,
    Space,
    StoppingKind,
    StoppingRule,
    Strategy,
)
from astraml_lab.spec.job import finite
from astraml_lab.spec.regexes import compile_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import AnyDimension

STRATEGIES = {
    "bayesian": Strategy.TPE,
    "random": Strategy.RANDOM,
    "grid": Strategy.GRID,
    "hyperband": Strategy.HYPERBAND,
}
_NO_VERSION = 'the request names no version: read as 2.1; say it with "apiVersion": "2.1"'
_LOOSE_HYPERBAND = "Hyperband is Optuna's, with a reduction of 3: an approximation of the service's"


def read(request: Mapping[str, Any], around: Surroundings) -> Translation:
    """Read a request.

    Raises:
        ProblemError: With every mistake of the first kind that is wrong: secrets, version, form and ranges,
            references, schedule, policy.
    """
    raise_all(inline_secrets(request))
    version = version_of(request, around.api_version)
    form = {**request, "apiVersion": version.name} if version.migrated_from else dict(request)
    raise_all(_form_mistakes(form))
    raise_all(unknown_secrets(form, around.secrets))
    raise_all(schedule_mistakes(form["schedule"]) if "schedule" in form else ())
    policy = read_policy(around.policy)
    effective = resolve(form, policy)
    raise_all(effective.mistakes)
    space = {n: dimension_of(n, v) for n, v in effective.hyperparams.items() if is_searched(v)}
    raise_all([*_grid_mistakes(space, effective), *_strategy_mistakes(effective.of("tuning"))])
    spec = _job(form, effective, space, Origin(
        dialect=Dialect.ASTRAML,
        request=dict(request),
        version=version.name,
        fidelity=_fidelity(form, version),
        provenance=dict(effective.provenance),
        policy_version=policy.version,
        migrated_from=version.migrated_from,
    ))  # fmt: skip
    return Translation(spec, _outcome(form, effective, space, version))


def _strategy_mistakes(tuning: Mapping[str, Any]) -> Iterator[Mistake]:
    if tuning.get("strategy") == "hyperband" and tuning.get("pruning") == "median":
        message = "strategy hyperband stops trials by its own rule; leave pruning out"
        yield Mistake("/tuning/pruning", message, code="schema-violation")


def _form_mistakes(request: Mapping[str, Any]) -> list[Mistake]:
    """Find what is wrong with the form, and, as far as the form lets it be seen, with the ranges."""
    found = shape_mistakes(request)
    wrong = {mistake.pointer for mistake in found}
    hyperparams = request.get("hyperparams", {})
    if isinstance(hyperparams, dict):
        # looked up, not searched for: a hostile request has as many mistakes as fields
        fields = {"/".join(place.split("/")[:3]) for place in wrong}
        good = {n: v for n, v in hyperparams.items() if pointer("hyperparams", n) not in fields}
        found += range_mistakes(good)
        found += _name_mistakes(hyperparams)
        if not wrong:
            found += _tuning_mistakes(request)
    if not wrong:
        found += [*_schedule_order(request), *_regex_mistakes(request)]
    return found


def _name_mistakes(hyperparams: Mapping[str, Any]) -> Iterator[Mistake]:
    for name in hyperparams:
        if name.startswith("early_stopping."):
            message = 'write it nested: {"early_stopping": {…}}'
            yield Mistake(pointer("hyperparams", name), message)


def _tuning_mistakes(request: Mapping[str, Any]) -> Iterator[Mistake]:
    if is_tuned(request) and "tuning" not in request:
        message = 'required where there is a range: {"metric": "eval_loss", "direction": "minimize"}'
        yield Mistake("/tuning/objective", message)
    elif "tuning" in request and not is_tuned(request):
        yield Mistake("/tuning", "nothing to tune: no hyperparameter is a range", code="invalid-range")


def _regex_mistakes(request: Mapping[str, Any]) -> Iterator[Mistake]:
    for index, definition in enumerate(request.get("metrics", {}).get("definitions", ())):
        problem = compile_problem(definition["regex"])
        if problem:
            place = pointer("metrics", "definitions", index, "regex")
            yield Mistake(place, f"is no regular expression: {problem}")


def _schedule_order(request: Mapping[str, Any]) -> Iterator[Mistake]:
    from datetime import datetime

    schedule = request.get("schedule", {})
    if "start" in schedule and "end" in schedule:
        start, end = (datetime.fromisoformat(schedule[name]) for name in ("start", "end"))
        if start >= end:
            yield Mistake("/schedule/end", "is not after the start")


def _grid_mistakes(space: Mapping[str, AnyDimension], effective: Effective) -> Iterator[Mistake]:
    tuning = effective.of("tuning")
    if tuning.get("strategy") != "grid":
        return
    endless = [name for name, dimension in space.items() if not finite(dimension)]
    for name in endless:
        message = "a grid needs choices, whole numbers or a step"
        yield Mistake(leaf_pointer(name), message, code="invalid-range")
    size = 0 if endless else grid_size(space)
    if size > tuning["max_trials"]:
        message = f"the grid has {size} points, more than max_trials {tuning['max_trials']}"
        yield Mistake("/tuning/max_trials", message, code="invalid-range")


def _job(
    request: Mapping[str, Any], effective: Effective, space: Mapping[str, AnyDimension], origin: Origin
) -> JobSpec:
    tuning = effective.of("tuning")
    definition = Definition(
        space=Space(dict(space)),
        objectives=_objectives(request),
        program=Program(kind="script", source=request["model"], script=_script(request, effective)),
    )
    return JobSpec(
        name=request.get("name"),
        project=request["project_id"],
        tag=dict(request.get("tags", {})),
        definitions=(definition,),
        trials=int(tuning.get("max_trials", 1)),
        parallel=int(tuning.get("max_parallel", 1)),
        gpus=float(effective.values["resources.gpus"]),
        max_runtime=tuning.get("max_runtime_s"),
        trial_timeout=tuning.get("trial_timeout_s"),
        seed=None if tuning.get("seed") is None else int(tuning["seed"]),
        strategy=STRATEGIES[tuning["strategy"]] if space else Strategy.RANDOM,
        prune=_pruning(tuning),
        stopping=_hyperband(effective),
        window=effective.values["metrics.window_s"],
        origin=origin,
    )


def _pruning(tuning: Mapping[str, Any]) -> Pruning:
    if tuning.get("pruning") == "median":
        return Pruning.MEDIAN
    # the strategy brings its own rule, and goes with no other word
    return Pruning.AUTO if tuning.get("strategy") == "hyperband" else Pruning.OFF


def _objectives(request: Mapping[str, Any]) -> tuple[Objective, ...]:
    if "tuning" not in request:
        return ()
    objective = request["tuning"]["objective"]
    return (Objective(metric=objective["metric"], goal=Goal(objective["direction"])),)


def _script(request: Mapping[str, Any], effective: Effective) -> Script:
    fixed = {
        name: SecretRef(**value) if is_secret(value) else value
        for name, value in effective.hyperparams.items()
        if not is_searched(value)
    }
    env = {name: SecretRef(**v) if is_secret(v) else v for name, v in request.get("env", {}).items()}
    definitions = request.get("metrics", {}).get("definitions", ())
    return Script(
        convention=Dialect.ASTRAML,
        target=request["model"],
        env=env,
        fixed=fixed,
        channels={"dataset": Channel(uri=request["dataset"])},
        log_metrics=tuple(LogMetric(**each) for each in definitions),
        objective=request["tuning"]["objective"]["metric"] if "tuning" in request else "",
    )


def _hyperband(effective: Effective) -> StoppingRule | None:
    tuning = effective.of("tuning")
    if "hyperband" not in {tuning.get("strategy"), tuning.get("pruning")}:
        return None
    epochs = effective.values["epochs"]
    if is_searched(epochs):
        dimension = rendered("epochs", dimension_of("epochs", epochs))
        most = dimension["high"] if "high" in dimension else max(dimension["choices"])
    else:
        most = epochs
    return StoppingRule(kind=StoppingKind.HYPERBAND, max_resource=int(most))


def _fidelity(request: Mapping[str, Any], version: Version) -> Fidelity:
    honoured = [place for place, _ in _places(request)]
    tuning = request.get("tuning", {})
    loose = [pointer("tuning", name) for name in ("strategy", "pruning") if tuning.get(name) == "hyperband"]
    warnings = [] if version.said else [_NO_VERSION]
    return Fidelity(
        honoured=tuple(sorted(set(honoured) - set(loose))),
        approximated=dict.fromkeys(loose, _LOOSE_HYPERBAND),
        warnings=tuple(warnings),
    )


def _places(request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every field that a request says, by pointer; hyperparameters, tags and the like one by one."""
    for name, value in request.items():
        if isinstance(value, dict):
            yield from ((pointer(name, inner), each) for inner, each in value.items())
        else:
            yield pointer(name), value


def _outcome(
    request: Mapping[str, Any], effective: Effective, space: Mapping[str, AnyDimension], version: Version
) -> dict[str, Any]:
    tuning = effective.of("tuning")
    shown = ("strategy", "max_trials", "max_parallel", "seed")
    return {
        "kind": "tuning" if space else "run",
        "search_space": [rendered(name, space[name]) for name in sorted(space)],
        "fixed": {n: v for n, v in effective.hyperparams.items() if not is_searched(v)},
        "gpus": effective.values["resources.gpus"],
        "provenance": dict(effective.provenance),
        "apiVersion": version.name,
        "tuning": {
            "objective": dict(request["tuning"]["objective"]),
            **{name: tuning[name] for name in shown},
        }
        if space
        else None,
        "limits": {name: tuning.get(name) for name in ("max_runtime_s", "trial_timeout_s")},
        "pruning": "hyperband" if tuning.get("strategy") == "hyperband" else tuning.get("pruning", "none"),
        "effective_batch": _effective_batch(effective),
    }


def _effective_batch(effective: Effective) -> int | dict[str, int]:
    """Return batch_size x gradient_accumulation_steps x GPUs: shown, never changed; with ranges, its ends."""
    low = high = max(int(effective.values["resources.gpus"]), 1)
    for name in ("batch_size", "gradient_accumulation_steps"):
        value = effective.values[name]
        if not is_searched(value):
            ends = (value, value)
        else:
            found = rendered(name, dimension_of(name, value))
            choices = found.get("choices", (found.get("low"), found.get("high")))
            ends = (min(choices), max(choices))
        low, high = low * int(ends[0]), high * int(ends[1])
    return low if low == high else {"min": low, "max": high}
