from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astraml_lab.errors import NotFound
from astraml_lab.magics.examples import EXAMPLES, Example
from astraml_lab.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from magics.conftest import Notebook

    from astraml_lab.spec import AnyDimension, ParamValue


class Recorder:
    def __init__(self) -> None:
        self.names: set[str] = set()

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:  # noqa: ARG002 - the protocol's
        self.names |= set(metrics)

    def should_stop(self) -> bool:
        return False

    def secret(self, name: str) -> str:
        raise NotFound(f"no secret {name} here")

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        raise AssertionError(f"nobody suggests {name} {dimension} here")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs_as_it_is(notebook: Notebook, example: Example, tmp_path: Path) -> None:
    notebook.run(example.source)
    ((spec, code),) = notebook.lab.launched
    low = {
        "lr": 0.1,
        "momentum": 0.5,
        "kind": "linear",
        "slope": 0.5,
        "shift": 1,
        "samples": 100,
        "bias": 0.0,
    }
    params = {name: low.get(name) for name in spec.space.names()}
    recorder = Recorder()
    code.run(Trial(0, params, recorder, checkpoint_dir=tmp_path))
    assert {objective.metric for objective in spec.objectives} <= recorder.names
