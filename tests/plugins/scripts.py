"""Jobs whose trials run scripts, as a request of a service would have them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.lab import build_spec
from astraml_lab.objectives import ScriptCode
from astraml_lab.spec import Dialect, Float, JobSpec, Program, Script, objectives_of

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.jobs import Bench

    from astraml_lab.jobs import Job


def script_spec(
    space: dict[str, Any] | None = None,
    *,
    maximize: str | None = "score",
    minimize: str | None = None,
    **given: Any,
) -> JobSpec:
    """Build a job that runs a script; what is no option of a job says what the script is."""
    asked = {name: given.pop(name) for name in list(given) if name in Script.model_fields}
    script = Script(**{"convention": Dialect.ASTRAML, "target": "demo:1", **asked})
    objectives = objectives_of([maximize] if maximize else [], [minimize] if minimize else [])
    spec = build_spec(
        {"x": Float(0.0, 1.0)} if space is None else space, objectives, {"seed": 0, "trials": 2, **given}
    )
    program = Program(kind="script", source=script.target, script=script)
    definition = spec.definitions[0].model_copy(update={"program": program})
    return spec.model_copy(update={"definitions": (definition,)})


class ScriptBench:
    """Runs scripts as jobs on a bench, and writes them into a folder of their own."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.folder = folder

    def write(self, text: str, name: str = "train.py") -> Path:
        """Write a script."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def launch(self, spec: JobSpec, target: Any) -> Job:
        """Launch a job that runs a target."""
        code = ScriptCode(spec, target=target, folder=self.folder)
        return self.bench.manager.launch(spec, code, attended=True)

    def run(self, spec: JobSpec, target: Any) -> Job:
        """Launch it and wait for its end."""
        job = self.launch(spec, target).wait(120)
        assert job.state.ended, job
        return job


@pytest.fixture
def scripts(bench: Bench, tmp_path: Path) -> ScriptBench:
    """A bench for scripts."""
    folder = tmp_path / "project"
    folder.mkdir()
    return ScriptBench(bench, folder)
