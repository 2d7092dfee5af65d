"""The parts of the process that all jobs share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from astraml_lab.devices import ThreadContention
from astraml_lab.executors import ProcessExecutor
from astraml_lab.objectives.finetune import KIND, MODULES
from astraml_lab.objectives.imports import imported
from astraml_lab.process import HEAVY, Templates
from astraml_lab.spec import ExecutorKind

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.devices import Pool, ProcessTuning
    from astraml_lab.executors import Executor
    from astraml_lab.objectives import Code
    from astraml_lab.spec import Space


_NEEDED = ("astraml_lab.objectives.attempt",)
"""What the processes of trials import ahead, besides the heavy libraries that the kernel has loaded."""


@dataclass(frozen=True)
class Wiring:
    """What a runner is wired with.

    Attributes:
        pool: The devices; one per process.
        tuning: Process-wide settings while jobs run.
        threads: Runs the trials of all jobs that run in threads.
        clock: Measures and dates.
        templates: The servers that trials in processes are forked from; they start with the first such job.
    """

    pool: Pool
    tuning: ProcessTuning
    threads: Executor
    clock: Clock
    templates: Templates = field(default_factory=Templates)

    def contention(self) -> ThreadContention:
        """Make a job's watch over threads that hold each other up."""
        return ThreadContention(self.clock)

    def executor(self, kind: ExecutorKind, code: Code, space: Space) -> Executor:
        """Return what runs a job's trials; `let_go` of it when the job is over."""
        if kind is not ExecutorKind.PROCESSES:
            return self.threads
        # A cell may be the first to import torch: in every trial that would take seconds.
        heavy = [name for name in imported(code.program.source) if name.partition(".")[0] in HEAVY]
        if code.program.kind == KIND:
            heavy = [*MODULES]
        made = ProcessExecutor((code, space), modules=(*_NEEDED, *heavy), home=self.templates)
        made.prepare()
        return made

    def let_go(self, executor: Executor) -> None:
        """End an executor that was made for one job."""
        if executor is not self.threads:
            executor.close()
