"""The second check of a request: what its fields have to be for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.sagemaker.definition_rules import check_definition
from astraml_lab.dialects.sagemaker.errors import invalid
from astraml_lab.dialects.sagemaker.plan import CONFIG, Hyperband, Part, Plan
from astraml_lab.dialects.sagemaker.ranges import check_names, read_ranges
from astraml_lab.spec import Categorical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ONE, _SEVERAL = "TrainingJobDefinition", "TrainingJobDefinitions"
_OBJECTIVE, _RANGES = "HyperParameterTuningJobObjective", "ParameterRanges"
_HYPERBAND = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"
_BUDGET_NAMES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_MOST_RESOURCE = 20_000
_MAX_JOBS = f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs"
_PARENTS = "WarmStartConfig.ParentHyperParameterTuningJobs"


def check_rules(request: Mapping[str, Any]) -> Plan:
    """Take a request apart whose shape is right.

    Raises:
        SageMakerError: A ValidationException for the first rule that is broken.
    """
    _check_which(request)
    parts = tuple(_several(request) if _SEVERAL in request else _one(request))
    for part in parts:
        check_definition(part)
    _check_agreement(parts)
    plan = Plan(request, parts)
    plan = Plan(request, parts, _hyperband(plan))
    _check_early_stopping(plan)
    _check_size(plan)
    _check_warm_start(plan)
    _check_tags(request.get("Tags", ()))
    return plan


def _check_which(request: Mapping[str, Any]) -> None:
    if (_ONE in request) == (_SEVERAL in request):
        found = "both are given" if _ONE in request else "none is given"
        raise invalid(_ONE, f"Provide exactly one of {_ONE} and {_SEVERAL}; {found}.")


def _one(request: Mapping[str, Any]) -> Iterator[Part]:
    """Read the definition whose objective and ranges the job's configuration holds."""
    config, definition = request[CONFIG], request[_ONE]
    if _OBJECTIVE not in config:
        raise invalid(f"{CONFIG}.{_OBJECTIVE}", f"{_OBJECTIVE} is required with {_ONE}.")
    for key in ("TuningObjective", "HyperParameterRanges"):
        if key in definition:
            raise invalid(f"{_ONE}.{key}", f"{key} is allowed in {_SEVERAL} only.")
    path = f"{CONFIG}.{_RANGES}"
    ranges = read_ranges(config.get(_RANGES, {}), path)
    if not ranges:
        chosen = " Autotune chooses no ranges here: write explicit ones." if "Autotune" in request else ""
        raise invalid(path, f"{_RANGES} with at least one range is required with {_ONE}.{chosen}")
    check_names(ranges, definition.get("StaticHyperParameters", {}), path)
    yield Part(definition, _ONE, config[_OBJECTIVE], f"{CONFIG}.{_OBJECTIVE}", ranges)


def _several(request: Mapping[str, Any]) -> Iterator[Part]:
    """Read definitions that hold their objectives and ranges themselves."""
    for key in (_OBJECTIVE, _RANGES):
        if key in request[CONFIG]:
            raise invalid(f"{CONFIG}.{key}", f"{key} is not allowed with {_SEVERAL}: each has its own.")
    names: set[str] = set()
    for index, definition in enumerate(request[_SEVERAL]):
        path = f"{_SEVERAL}[{index}]"
        for key in ("DefinitionName", "TuningObjective", "HyperParameterRanges"):
            if key not in definition:
                raise invalid(f"{path}.{key}", f"{key} is required in {_SEVERAL}.")
        name = definition["DefinitionName"]
        if name in names:
            raise invalid(f"{path}.DefinitionName", f"The definition name '{name}' is used more than once.")
        names.add(name)
        where = f"{path}.HyperParameterRanges"
        ranges = read_ranges(definition["HyperParameterRanges"], where)
        if not ranges:
            raise invalid(where, "HyperParameterRanges needs at least one range.")
        check_names(ranges, definition.get("StaticHyperParameters", {}), where)
        yield Part(definition, path, definition["TuningObjective"], f"{path}.TuningObjective", ranges)


def _check_agreement(parts: tuple[Part, ...]) -> None:
    for part in parts:
        if part.objective["Type"] != parts[0].objective["Type"]:
            raise invalid(
                f"{part.objective_path}.Type",
                f"The objectives of all {_SEVERAL} must have the same Type: "
                f"{parts[0].objective['Type']} or {part.objective['Type']}.",
            )


def _hyperband(plan: Plan) -> Hyperband | None:
    if plan.strategy != "Hyperband":
        return None
    given = plan.config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    most = given.get("MaxResource") or _budget(plan)
    if most is None:
        raise invalid(
            f"{_HYPERBAND}.MaxResource",
            "MaxResource parameter is not provided and could not be inferred from provided static "
            "hyperparameters of TrainingJobDefinition.",
        )
    if most > _MOST_RESOURCE:
        raise invalid(
            f"{_HYPERBAND}.MaxResource", f"MaxResource, {most}, is more than the limit of {_MOST_RESOURCE}."
        )
    least = given.get("MinResource", 1)
    if least > most:
        raise invalid(
            f"{_HYPERBAND}.MinResource",
            f"MinResource, {least}, must not be greater than MaxResource, {most}.",
        )
    return Hyperband(least, most)


def _budget(plan: Plan) -> int | None:
    """Return the largest budget that the static hyperparameters tell of."""
    for part in plan.parts:
        for name in _BUDGET_NAMES:
            text = part.static.get(name)
            if text is not None:
                digits = text.strip('"')  # the Python SDK encodes static values as JSON
                return int(digits) if digits.isascii() and digits.isdigit() and int(digits) > 0 else None
    return None


def _check_early_stopping(plan: Plan) -> None:
    field = f"{CONFIG}.TrainingJobEarlyStoppingType"
    if plan.early_stopping and plan.strategy == "Hyperband":
        raise invalid(field, "TrainingJobEarlyStoppingType must be Off with the Hyperband strategy.")
    if plan.early_stopping and len(plan.parts) > 1:
        raise invalid(field, "TrainingJobEarlyStoppingType must be Off with more than one definition.")


def _check_size(plan: Plan) -> None:
    asked = plan.limits.get("MaxNumberOfTrainingJobs")
    if plan.strategy == "Grid":
        for part in plan.parts:
            other = next((each for each in part.ranges if not isinstance(each.dimension, Categorical)), None)
            if other is not None:
                raise invalid(
                    other.path.rpartition(".")[0],
                    "The Grid strategy supports categorical parameter ranges only; "
                    f"'{other.name}' is of another type.",
                )
        if asked is not None and asked != plan.size:
            raise invalid(
                _MAX_JOBS,
                f"MaxNumberOfTrainingJobs, {asked}, must equal the number of categorical combinations "
                f"of the Grid strategy, {plan.size}, or be left out.",
            )
    elif asked is not None and plan.size < asked:
        raise invalid(
            _MAX_JOBS,
            f"You don't have enough combinations of hyperparameter ranges. There are {plan.size}, and "
            f"MaxNumberOfTrainingJobs is {asked}: add combinations or decrease MaxNumberOfTrainingJobs.",
        )


def _check_warm_start(plan: Plan) -> None:
    if plan.warm_start is None:
        return
    if len(plan.parts) > 1:
        raise invalid("WarmStartConfig", "Warm start is allowed with one training job definition only.")
    seen: set[str] = set()
    for index, parent in enumerate(plan.warm_start["ParentHyperParameterTuningJobs"]):
        path = f"{_PARENTS}[{index}].HyperParameterTuningJobName"
        if "HyperParameterTuningJobName" not in parent:
            raise invalid(path, "HyperParameterTuningJobName is required for each parent.")
        name = parent["HyperParameterTuningJobName"]
        if name.casefold() in seen:
            raise invalid(path, f"The parent tuning job '{name}' is listed more than once.")
        seen.add(name.casefold())


def _check_tags(tags: Any) -> None:
    seen: set[str] = set()
    for index, tag in enumerate(tags):
        key = tag["Key"]
        if key in seen:
            raise invalid(f"Tags[{index}].Key", f"The tag key '{key}' is used more than once.")
        if key.casefold().startswith("aws:"):
            raise invalid(f"Tags[{index}].Key", f"The tag key '{key}' starts with the reserved prefix aws:.")
        seen.add(key)
