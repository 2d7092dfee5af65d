"""What a request must fulfil beyond its shape: the job that each trial runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.credentials import is_a_secret, is_inline_secret
from astraml_lab.dialects.vertex.errors import Violation
from astraml_lab.dialects.vertex.scalars import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TASKS = ("containerSpec", "pythonPackageSpec")
MOST_VARIABLES = 100
MOST_PACKAGES = 100
MOST_GPUS = 1024
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = "looks like a credential; keep it out of the request"  # noqa: S105 - a sentence


def violations(spec: Mapping[str, Any]) -> Iterator[Violation]:
    """Find what is wrong with a CustomJobSpec that has the right shape."""
    for index, pool in enumerate(spec["workerPoolSpecs"]):
        path = f"trialJobSpec.workerPoolSpecs[{index}]"
        if index and not pool:
            continue  # a pool that is left out
        yield from _pool(pool, path, first=index == 0)
    if seconds(spec.get("scheduling", {}).get("timeout", "1s")) <= 0:
        yield Violation("trialJobSpec.scheduling.timeout", "must be above 0")


def _pool(pool: Mapping[str, Any], path: str, *, first: bool) -> Iterator[Violation]:
    if "machineSpec" not in pool:
        yield Violation(f"{path}.machineSpec", "is required")
    elif not 0 <= pool["machineSpec"].get("acceleratorCount", 0) <= MOST_GPUS:
        yield Violation(f"{path}.machineSpec.acceleratorCount", f"must lie between 0 and {MOST_GPUS}")
    task = next((name for name in TASKS if name in pool), None)
    if task is None:
        if first:
            yield Violation(path, f"one of {', '.join(TASKS)} must be set")
        return
    yield from _task(pool[task], f"{path}.{task}")


def _task(task: Mapping[str, Any], path: str) -> Iterator[Violation]:
    if len(task.get("packageUris", ())) > MOST_PACKAGES:
        yield Violation(f"{path}.packageUris", f"must hold 1 to {MOST_PACKAGES} URIs")
    for name in ("command", "args"):
        for index, word in enumerate(task.get(name, ())):
            if is_a_secret(word):
                yield Violation(f"{path}.{name}[{index}]", _SECRET)
    variables = task.get("env", ())
    if len(variables) > MOST_VARIABLES:
        yield Violation(f"{path}.env", f"must hold at most {MOST_VARIABLES} variables")
    for index, variable in enumerate(variables):
        if not _IDENTIFIER.fullmatch(variable["name"]):
            yield Violation(f"{path}.env[{index}].name", "must be a C identifier: letters, digits and `_`")
        if is_inline_secret(variable["name"], variable["value"]):
            yield Violation(f"{path}.env[{index}].value", _SECRET)
