from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from astraml_lab.dialects import Surroundings, translate
from astraml_lab.dialects.sagemaker import read
from astraml_lab.spec import JobSpec

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))


def example(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_public_request_means_what_is_expected(path: Path) -> None:
    case = example(path)
    existing = tuple(case["preconditions"]["existing_jobs"])

    translation = read(case["request"], Surroundings(existing_jobs=existing))

    assert translation.as_dict() == case["expected"]
    assert translation.spec.origin is not None
    assert translation.spec.origin.request == case["request"]
    assert JobSpec.model_validate_json(translation.spec.model_dump_json()) == translation.spec


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_its_text_is_told_from_the_other_services(path: Path) -> None:
    case = example(path)
    existing = case["preconditions"]["existing_jobs"]

    assert translate(json.dumps(case["request"]), existing_jobs=existing).as_dict() == case["expected"]


def test_all_twelve_public_requests_are_there() -> None:
    assert len(EXAMPLES) == 12


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_leaf_of_a_request_is_accounted_for(path: Path) -> None:
    case = example(path)
    existing = tuple(case["preconditions"]["existing_jobs"])
    account = read(case["request"], Surroundings(existing_jobs=existing)).fidelity
    listed = [*account.honoured, *account.approximated, *account.accepted_not_acted]

    assert len(listed) == len(set(listed))
    for leaf in leaves(case["request"]):
        plain = "".join("[]" if part.isdigit() else part for part in leaf.replace("]", "[").split("["))
        assert any(
            spelled == known or spelled.startswith((f"{known}.", f"{known}["))
            for known in listed
            for spelled in (leaf, plain)
        ), leaf


def leaves(given: Any, path: str = "") -> list[str]:
    if isinstance(given, dict):
        return [leaf for name, value in given.items() for leaf in leaves(value, f"{path}.{name}".lstrip("."))]
    if isinstance(given, list) and given and isinstance(given[0], dict):
        return [leaf for index, value in enumerate(given) for leaf in leaves(value, f"{path}[{index}]")]
    return [path]
