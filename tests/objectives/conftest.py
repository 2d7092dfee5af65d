from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from astraml_lab.errors import NotFound
from astraml_lab.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from astraml_lab.spec import AnyDimension, ParamValue


class Recorder:
    """A channel that writes down what a trial reports."""

    def __init__(self) -> None:
        self.reports: list[dict[str, float]] = []

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:  # noqa: ARG002 - the protocol's
        self.reports.append(dict(metrics))

    def should_stop(self) -> bool:
        return False

    def secret(self, name: str) -> str:
        raise NotFound(f"no secret {name} here")

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        raise AssertionError(f"nobody suggests {name} {dimension} here")


class MakeTrial(Protocol):
    def __call__(self, number: int = 0, **params: Any) -> tuple[Trial, Recorder]: ...


@pytest.fixture
def make_trial(tmp_path: Path) -> MakeTrial:
    def make(number: int = 0, **params: Any) -> tuple[Trial, Recorder]:
        recorder = Recorder()
        return Trial(number, params, recorder, checkpoint_dir=tmp_path), recorder

    return make


@pytest.fixture
def box() -> list[Any]:
    """Hold what a cell puts into it: its own names are gone when it ends."""
    return []
