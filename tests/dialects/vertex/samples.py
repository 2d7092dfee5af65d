"""A small valid request, and ways to change one thing in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from astraml_lab.dialects import Surroundings, Translation
from astraml_lab.dialects.vertex import VertexError, read

EXAMPLES = {
    path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "requests").iterdir())
}
POOL = "trialJobSpec.workerPoolSpecs[0]"
ABSENT = object()


def a_request(**changes: Any) -> dict[str, Any]:
    """Return a request; `studySpec__algorithm="GRID_SEARCH"` sets a field, `ABSENT` takes it out."""
    base: dict[str, Any] = {
        "displayName": "sweep",
        "studySpec": {
            "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
            "parameters": [double("lr", 1e-5, 0.1, scaleType="UNIT_LOG_SCALE")],
        },
        "maxTrialCount": 6,
        "parallelTrialCount": 2,
        "trialJobSpec": {"workerPoolSpecs": [a_pool()]},
    }
    for path, value in changes.items():
        put(base, path.replace("__", "."), value)
    return base


def put(request: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set the field at `a.b.0.c`."""
    at: Any = request
    *way, last = path.split(".")
    for name in way:
        at = at[int(name)] if name.isdecimal() else at.setdefault(name, {})
    if value is ABSENT:
        del at[last]
    else:
        at[int(last) if last.isdecimal() else last] = value
    return request


def a_pool(**fields: Any) -> dict[str, Any]:
    return {
        "machineSpec": {"machineType": "n1-standard-4"},
        "replicaCount": 1,
        "containerSpec": {"imageUri": "local/train"},
        **fields,
    }


def double(name: str, low: float, high: float, **fields: Any) -> dict[str, Any]:
    return {"parameterId": name, "doubleValueSpec": {"minValue": low, "maxValue": high}, **fields}


def integer(name: str, low: Any, high: Any, **fields: Any) -> dict[str, Any]:
    return {"parameterId": name, "integerValueSpec": {"minValue": low, "maxValue": high}, **fields}


def categorical(name: str, *values: str, **fields: Any) -> dict[str, Any]:
    return {"parameterId": name, "categoricalValueSpec": {"values": list(values)}, **fields}


def discrete(name: str, *values: float, **fields: Any) -> dict[str, Any]:
    return {"parameterId": name, "discreteValueSpec": {"values": list(values)}, **fields}


def under(condition: str, values: list[Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {condition: {"values": values}, "parameterSpec": spec}


def with_parameters(*parameters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return a_request(studySpec__parameters=list(parameters), **changes)


def translated(request: dict[str, Any]) -> Translation:
    return read(request, Surroundings())


def refusal(request: dict[str, Any]) -> VertexError:
    with pytest.raises(VertexError) as caught:
        read(request, Surroundings())
    return caught.value
