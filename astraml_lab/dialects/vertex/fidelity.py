"""What becomes of each field of a request: acted on, approximated, or kept without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.vertex.parameters import walk
from astraml_lab.dialects.vertex.shapes import ROOT, Field, messages
from astraml_lab.spec import Fidelity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WHY = {
    "plain": "kept and returned; it has no meaning on this machine",
    "vizier": "kept and returned; Vertex AI does not support it for a HyperparameterTuningJob either",
    "security": "kept and returned, but NOT enforced: this machine gives no such protection",
}
MOST_TRIALS = 1_000_000
"""So many a job of ours may have."""
_POOLS = "trialJobSpec.workerPoolSpecs[1:]"
_COUNT = "trialJobSpec.workerPoolSpecs[].machineSpec.acceleratorCount"
_APPROXIMATIONS = {
    "decayCurveStoppingSpec": (
        "Vertex's model is unpublished: a power law is fitted to the best values so far (5 points or more), "
        "and a trial stops when its chance to beat the best is below 5 %"
    ),
    "convexAutomatedStoppingSpec": (
        "Vertex's model is unpublished: the last slope is drawn on to maxStepCount and compared with the best"
    ),
}


def account(job: Mapping[str, Any]) -> Fidelity:
    """Account for every field that a request gives, each path once, list indices as `[]`."""
    honoured: dict[str, None] = {}
    recorded: dict[str, str] = {}
    for path, field in _given(ROOT, job, ""):
        if field.recorded:
            recorded[path] = _WHY[field.recorded]
        else:
            honoured[path] = None
    pools = job["trialJobSpec"]["workerPoolSpecs"]
    if len(pools) > 1:
        recorded[_POOLS] = "only the first worker pool runs here"
    if _COUNT in honoured and not gpus(job):
        del honoured[_COUNT]
        recorded[_COUNT] = "without an acceleratorType no accelerator is asked for"
    approximated = _approximated(job["studySpec"])
    if job["maxTrialCount"] > MOST_TRIALS:
        approximated["maxTrialCount"] = f"at most {MOST_TRIALS:,} trials run here"
    return Fidelity(
        honoured=tuple(path for path in honoured if not _covered(path, approximated)),
        approximated=approximated,
        accepted_not_acted=recorded,
        warnings=tuple(_warnings(job, recorded, approximated)),
        security=tuple(_security_warnings(recorded)),
    )


def gpus(job: Mapping[str, Any]) -> int:
    """Return how many GPUs a trial asks for."""
    machine = job["trialJobSpec"]["workerPoolSpecs"][0].get("machineSpec", {})
    if machine.get("acceleratorType", "ACCELERATOR_TYPE_UNSPECIFIED") == "ACCELERATOR_TYPE_UNSPECIFIED":
        return 0
    return int(machine.get("acceleratorCount", 0)) or 1  # to proto3, 0 is a count that is not given


def _given(kind: str, message: Mapping[str, Any], path: str) -> Iterator[tuple[str, Field]]:
    for name, value in message.items():
        field = messages()[kind][name]
        there = f"{path}.{name}" if path else name
        if field.recorded or field.type not in messages():
            yield there, field
            continue
        items = value if field.repeated else [value]
        inside = f"{there}[]" if field.repeated else there
        for item in items[:1] if name == "workerPoolSpecs" else items:
            if item:
                yield from _given(field.type, item, inside)
            else:
                yield inside, field


def _covered(path: str, wholes: Mapping[str, Any]) -> bool:
    return any(path == whole or path.startswith(f"{whole}.") for whole in wholes)


def _approximated(study: Mapping[str, Any]) -> dict[str, str]:
    found = {f"studySpec.{name}": how for name, how in _APPROXIMATIONS.items() if name in study}
    curved = [
        each.id
        for each in walk(study["parameters"])
        if each.kind == "discrete" and each.scale != "UNIT_LINEAR_SCALE"
    ]
    if curved:
        found["studySpec.parameters[].scaleType"] = (
            "the search sees the order of a DISCRETE parameter's values, not their distances: "
            + ", ".join(dict.fromkeys(curved))
        )
    return found


def _warnings(
    job: Mapping[str, Any], recorded: Mapping[str, str], approximated: Mapping[str, str]
) -> Iterator[str]:
    yield from _security_warnings(recorded)
    for path, how in approximated.items():
        yield f"`{path}` is an approximation: {how}."
    for path, why in recorded.items():
        if why == _WHY["vizier"] or path in {_POOLS, _COUNT}:
            yield f"`{path}` has no effect: {why}."
    if job["trialJobSpec"]["workerPoolSpecs"][0].get("replicaCount", 1) > 1:
        path = "trialJobSpec.workerPoolSpecs[].replicaCount"
        yield f"`{path}` has no effect: each trial runs once, on this machine."


def _security_warnings(recorded: Mapping[str, str]) -> Iterator[str]:
    """Promises that are not kept here: silence would be a false one."""
    for path, why in recorded.items():
        if why == _WHY["security"]:
            yield f"`{path}` is not enforced: {_PROMISES.get(path, 'this machine gives no such protection')}."


_PROMISES = {
    "encryptionSpec": "nothing is encrypted on this machine with a key of yours",
    "trialJobSpec.network": "trials use this machine's network",
}
