"""A manager over a store of its own, with fake devices: what the tests of the upper floors run jobs with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from plugins.patience import PATIENCE

from astraml_lab.clock import SystemClock
from astraml_lab.devices import FakeProbe, Pool, ProcessTuning
from astraml_lab.executors import ThreadExecutor
from astraml_lab.jobs import Job, Manager, Wiring
from astraml_lab.jobs.device_ledger import StoreLedger
from astraml_lab.lab import build_spec
from astraml_lab.objectives import FunctionCode
from astraml_lab.spec import Float, objectives_of
from astraml_lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from astraml_lab.spec import JobSpec


class Bench:
    """Launches functions as jobs."""

    def __init__(self, home: Path, gpus: int = 0) -> None:
        self.probe = FakeProbe(gpus)
        clock = SystemClock()
        self.store = Store(home)
        self.pool = Pool(self.probe, clock, ledger=StoreLedger(self.store, "a test"))
        self.executor = ThreadExecutor()
        self.wiring = Wiring(self.pool, ProcessTuning(), self.executor, clock)
        self.manager = Manager(self.store, self.wiring, owner="a test")

    def launch(
        self, function: Callable[..., Any], space: dict[str, Any] | None = None, **options: Any
    ) -> Job:
        """Launch like `tune()` does, by default to maximize `score` over one Float `x`."""
        spec, code = self.prepare(function, space, **options)
        return self.manager.launch(spec, code, attended=options.get("attended", True))

    def run(self, function: Callable[..., Any], space: dict[str, Any] | None = None, **options: Any) -> Job:
        """Launch and wait for the end."""
        job = self.launch(function, space, **options).wait(120)
        assert job.state.ended, job
        return job

    def prepare(
        self, function: Callable[..., Any], space: dict[str, Any] | None = None, **options: Any
    ) -> tuple[JobSpec, FunctionCode]:
        """Build the specification and the code without launching."""
        space = {"x": Float(0.0, 1.0)} if space is None else space
        maximize = options.pop("maximize", "score")
        minimize = options.pop("minimize", ())
        options.pop("attended", None)
        given = {"seed": 0, "trials": 4, **options}
        spec = build_spec(space, objectives_of(maximize, minimize), given)
        return spec, FunctionCode(function, spec.space, spec.objectives)

    def close(self) -> None:
        """End everything."""
        self.manager.close(PATIENCE)
        self.executor.close(5)  # tests leave threads behind
        assert self.wiring.templates.close(PATIENCE)


@pytest.fixture
def bench(home: Path) -> Iterator[Bench]:
    """A bench without GPUs."""
    made = Bench(home)
    yield made
    made.close()


@pytest.fixture
def gpu_bench(home: Path) -> Iterator[Bench]:
    """A bench with two fake GPUs."""
    made = Bench(home, gpus=2)
    yield made
    made.close()
