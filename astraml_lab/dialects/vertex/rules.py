"""What a request must fulfil beyond its shape: the study."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.errors import Violation
from astraml_lab.dialects.vertex.parameters import CONDITIONS, SAME, Parameter, same, walk
from astraml_lab.dialects.vertex.scalars import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_NAME = 128
LONGEST_LABEL = 64
LONGEST_METRIC = 255
MOST_OBJECTIVES = 10
MOST_VALUES = 1000
STOPPING = ("decayCurveStoppingSpec", "medianAutomatedStoppingSpec", "convexAutomatedStoppingSpec")
_LETTERS = frozenset({"Ll", "Lm", "Lo", "Mn", "Mc", "Nd"})


def violations(job: Mapping[str, Any]) -> Iterator[Violation]:
    """Find what is wrong with a job that has the right shape, apart from what its trials run."""
    study = job["studySpec"]
    yield from _job(job)
    yield from _metrics(study)
    yield from _parameters(study)
    yield from _stopping(study)
    yield from _study_stopping(study)


def objectives(study: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the metrics that are tuned: those without a safety threshold."""
    return [metric for metric in study["metrics"] if "safetyConfig" not in metric]


def _job(job: Mapping[str, Any]) -> Iterator[Violation]:
    if len(job["displayName"]) > LONGEST_NAME:
        yield Violation("displayName", f"must have 1 to {LONGEST_NAME} characters")
    for name in ("maxTrialCount", "parallelTrialCount"):
        if job[name] <= 0:
            yield Violation(name, "must be above 0")
    if job.get("maxFailedTrialCount", 0) < 0:
        yield Violation("maxFailedTrialCount", "must not be negative")
    for key, value in job.get("labels", {}).items():
        if not key or not is_label(key) or not is_label(value):
            yield Violation(
                "labels",
                f"{key!r}: a key or value has at most {LONGEST_LABEL} lower-case letters, digits, `_`, `-`",
            )


def is_label(text: str) -> bool:
    """Whether a text may be the key or the value of a label."""
    return len(text) <= LONGEST_LABEL and all(
        letter in "_-" or unicodedata.category(letter) in _LETTERS for letter in text
    )


def _metrics(study: Mapping[str, Any]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, metric in enumerate(study["metrics"]):
        path, name = f"studySpec.metrics[{index}]", metric["metricId"]
        if _has_space(name) or len(name) > LONGEST_METRIC:
            yield Violation(
                f"{path}.metricId", f"must have no whitespace and at most {LONGEST_METRIC} characters"
            )
        if name in seen:
            yield Violation(f"{path}.metricId", f"{name!r} is given twice; metric ids must be unique")
        seen.add(name)
        share = metric.get("safetyConfig", {}).get("desiredMinSafeTrialsFraction", 0.0)
        if not 0 <= share <= 1:
            yield Violation(f"{path}.safetyConfig.desiredMinSafeTrialsFraction", "must lie between 0 and 1")
    tuned = objectives(study)
    if not tuned:
        yield Violation("studySpec.metrics", "at least one metric must have no safetyConfig: the objective")
    if len(tuned) > MOST_OBJECTIVES:
        yield Violation("studySpec.metrics", f"at most {MOST_OBJECTIVES} objectives")


def _has_space(text: str) -> bool:
    return any(letter.isspace() for letter in text)


def _parameters(study: Mapping[str, Any]) -> Iterator[Violation]:
    found = walk(study["parameters"])
    for parameter in found:
        yield from _parameter(parameter)
        if parameter.parent is not None:
            yield from _condition(parameter, parameter.parent)
    yield from _ids(found)
    if study.get("algorithm") == "GRID_SEARCH" and any(each.kind == "double" for each in found):
        yield Violation(
            "studySpec.algorithm", "GRID_SEARCH needs INTEGER, CATEGORICAL or DISCRETE parameters, not DOUBLE"
        )


def _parameter(parameter: Parameter) -> Iterator[Violation]:
    if _has_space(parameter.id):
        yield Violation(f"{parameter.path}.parameterId", "must have no whitespace")
    if not parameter.kind:
        yield Violation(
            parameter.path,
            "one of doubleValueSpec, integerValueSpec, categoricalValueSpec, discreteValueSpec must be set",
        )
        return
    flaw = _flaw(parameter)
    if flaw is not None:
        yield flaw
        return
    yield from _scale(parameter)
    default = parameter.domain.get("defaultValue")
    if default is not None and not admits(parameter, default):
        path = f"{parameter.path}.{parameter.kind}ValueSpec.defaultValue"
        yield Violation(path, f"{default!r} is no value of the parameter")


def _flaw(parameter: Parameter) -> Violation | None:
    """Return what is wrong with the values that a parameter may have."""
    domain, path = parameter.domain, f"{parameter.path}.{parameter.kind}ValueSpec"
    if parameter.kind in {"double", "integer"}:
        if domain["maxValue"] < domain["minValue"]:
            return Violation(f"{path}.maxValue", f"must not be below minValue, {domain['minValue']}")
        return None
    values = domain["values"]
    if parameter.kind == "categorical" and len(set(values)) < len(values):
        return Violation(f"{path}.values", "must be distinct")
    if parameter.kind == "discrete":
        if len(values) > MOST_VALUES:
            return Violation(f"{path}.values", f"must hold 1 to {MOST_VALUES:,} numbers")
        if any(second - first < SAME for first, second in pairwise(values)):
            return Violation(f"{path}.values", f"must strictly increase, at least {SAME} apart")
    return None


def _scale(parameter: Parameter) -> Iterator[Violation]:
    path = f"{parameter.path}.scaleType"
    if parameter.kind == "categorical":
        if parameter.spec.get("scaleType", "SCALE_TYPE_UNSPECIFIED") != "SCALE_TYPE_UNSPECIFIED":
            yield Violation(path, "must not be set for a CATEGORICAL parameter")
    elif parameter.scale != "UNIT_LINEAR_SCALE" and parameter.low <= 0:
        yield Violation(path, f"{parameter.scale} needs values above 0; the smallest is {parameter.low:g}")


def admits(parameter: Parameter, value: float | str) -> bool:
    """Whether `value` is one that the parameter may have."""
    if parameter.kind in {"double", "integer"}:
        return bool(parameter.domain["minValue"] <= value <= parameter.domain["maxValue"])
    return any(same(value, each) for each in parameter.domain["values"])


def _condition(parameter: Parameter, parent: Parameter) -> Iterator[Violation]:
    path = parameter.path.removesuffix(".parameterSpec")
    if not parameter.condition:
        yield Violation(path, f"one of {', '.join(CONDITIONS)} must be set")
        return
    path = f"{path}.{parameter.condition}"
    if CONDITIONS[parameter.condition] != parent.kind:
        kind = parent.kind.upper() or "unknown"
        yield Violation(path, f"does not fit the parent {parent.id!r}, which is {kind}")
    elif _flaw(parent) is None:
        bad = [value for value in parameter.branch if not admits(parent, value)]
        if bad:
            yield Violation(f"{path}.values", f"{bad[0]!r} is no value of the parent {parent.id!r}")


def _ids(found: list[Parameter]) -> Iterator[Violation]:
    top = {each.id for each in found if each.parent is None}
    seen: dict[str, list[Parameter]] = {}
    for each in found:
        earlier = seen.setdefault(each.id, [])
        path = f"{each.path}.parameterId"
        if each.parent is None and any(one.parent is None for one in earlier):
            yield Violation(path, f"{each.id!r} is given twice; parameter ids must be unique")
        elif each.parent is not None and each.id in top:
            yield Violation(path, f"{each.id!r} is the id of a top-level parameter too")
        elif each.parent is not None and not all(each.excludes(one) for one in earlier):
            yield Violation(path, f"{each.id!r} is given twice; that needs parent values without overlap")
        earlier.append(each)


def _stopping(study: Mapping[str, Any]) -> Iterator[Violation]:
    given = next((name for name in STOPPING if name in study), None)
    if given is None:
        return
    path = f"studySpec.{given}"
    if len(objectives(study)) > 1:
        yield Violation(path, "early stopping needs a study with exactly one objective")
    if given != "convexAutomatedStoppingSpec":
        return
    spec = study[given]
    for name in ("maxStepCount", "minStepCount", "minMeasurementCount"):
        if spec.get(name, 0) < 0:
            yield Violation(f"{path}.{name}", "must not be negative")
    if 0 < spec.get("maxStepCount", 0) < spec.get("minStepCount", 0):
        yield Violation(f"{path}.minStepCount", "must not be above maxStepCount")
    rate = spec.get("learningRateParameterName")
    if rate and rate not in {each.id for each in walk(study["parameters"])}:
        yield Violation(f"{path}.learningRateParameterName", f"{rate!r} is no parameter of the study")


def _study_stopping(study: Mapping[str, Any]) -> Iterator[Violation]:
    config, path = study.get("studyStoppingConfig", {}), "studySpec.studyStoppingConfig"
    for name in ("minimumRuntimeConstraint", "maximumRuntimeConstraint"):
        if name in config:
            yield from _time(config[name], f"{path}.{name}", least=name.startswith("minimum"))
    if config.get("minNumTrials", 0) < 0:
        yield Violation(f"{path}.minNumTrials", "must not be negative")
    for name in ("maxNumTrials", "maxNumTrialsNoProgress"):
        if config.get(name, 1) <= 0:
            yield Violation(f"{path}.{name}", "must be above 0")
    if seconds(config.get("maxDurationNoProgress", "1s")) <= 0:
        yield Violation(f"{path}.maxDurationNoProgress", "must be above 0")
    if len(objectives(study)) > 1:
        for name in ("maxNumTrialsNoProgress", "maxDurationNoProgress"):
            if name in config:
                yield Violation(f"{path}.{name}", "needs a study with exactly one objective")


def _time(constraint: Mapping[str, Any], path: str, *, least: bool) -> Iterator[Violation]:
    if not constraint:
        yield Violation(path, "one of maxDuration, endTime must be set")
    length = seconds(constraint.get("maxDuration", "1s"))
    if length < 0 or (length == 0 and not least):
        yield Violation(f"{path}.maxDuration", "must be above 0")
