"""The parts of the process that all jobs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.executors import Executor
from astraml_lab.spec import ExecutorKind

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.devices import Pool, ProcessTuning


def ProcessExecutor(shared: Sequence[object]) -> Executor:
    from astraml_lab.executors.processes import ProcessExecutor as P

    return P(shared)


def ThreadContention() -> Any:
    return None


@dataclass(frozen=True)
class Wiring:
    """What a runner is wired with.

    Attributes:
        pool: The devices; one per process.
        tuning: Process-wide settings while jobs run.
        threads: Runs the trials of all jobs that run in threads.
        clock: Measures and dates.
        processes: Makes the executor of one job that runs in processes, from the objects that its trials share.
        contention: Makes a job's watch over threads that hold each other up.
    """

    pool: Pool
    tuning: ProcessTuning
    threads: Executor
    clock: Clock
    processes: Callable[[Sequence[object]], Executor] = ProcessExecutor
    contention: Callable[[], Any] = ThreadContention

    def executor(self, kind: ExecutorKind, shared: Sequence[object]) -> Executor:
        """Return what runs a job's trials; `let_go` of it when the job is over."""
        return self.processes(shared) if kind is ExecutorKind.PROCESSES else self.threads

    def let_go(self, executor: Executor) -> None:
        """End an executor that was made for one job."""
        if executor is not self.threads:
            executor.close()
