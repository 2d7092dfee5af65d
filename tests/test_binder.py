from __future__ import annotations

import os
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OF_CUDA = ("nvidia-", "cuda-", "triton")
"""What torch's wheel for GPUs brings along, in versions of its own choice."""


def pinned() -> set[str]:
    lines = (ROOT / "binder/requirements.txt").read_text().splitlines()
    return {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line and line[0] != "#"}


def needed(lines: list[str], extras: frozenset[str] = frozenset()) -> list[Requirement]:
    """Return the requirements that hold here, with those extras."""
    found = [Requirement(line) for line in lines]
    return [
        each
        for each in found
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in (*extras, ""))
    ]


def test_the_exact_versions_name_all_that_the_project_and_its_extras_need() -> None:
    extras = PROJECT["optional-dependencies"]
    waiting = needed([*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)])
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        each = waiting.pop()
        key = (canonicalize_name(each.name), frozenset(each.extras))
        if key in seen or key[0] == "astraml-lab" or key[0].startswith(OF_CUDA):
            continue
        seen.add(key)
        try:
            waiting += needed(requires(each.name) or [], key[1])
        except PackageNotFoundError:  # its pin is asked for all the same
            continue

    assert {name for name, _ in seen} - pinned() == set()


def test_binder_runs_its_last_step_and_the_oldest_python_that_is_supported() -> None:
    assert os.access(ROOT / "binder/postBuild", os.X_OK)
    python = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert PROJECT["requires-python"] == f">={python}"
