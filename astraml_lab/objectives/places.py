"""Where an attempt runs, and what has to be set up and cleaned up around it there."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from astraml_lab.devices import activate, allocated_bytes, release_memory
from astraml_lab.objectives.seeding import seed_process
from astraml_lab.output import capture, sink_print

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.devices import Lease
    from astraml_lab.output import TrialSink
    from astraml_lab.trial import Attempt

_LEAK = 16 * 2**20
"""Bytes that a trial may leave on its GPU unremarked: the allocator's own small blocks."""


class Place(Protocol):
    """A thread of the kernel, or a process of its own."""

    @property
    def devices(self) -> tuple[int, ...]:
        """The leased GPUs, as torch numbers them there; empty on a CPU."""

    def around(self, work: Callable[[Mapping[str, Any]], Attempt], seed: int) -> Attempt:
        """Call `work` with the extra names of the code's namespace, and clean up after it."""

    def complain(self, text: str) -> None:
        """Write a traceback to the trial's log."""


@dataclass(frozen=True)
class ThreadPlace:
    """A thread of the kernel: shared generators are left alone, output is told apart by context."""

    lease: Lease
    sink: TrialSink

    @property
    def devices(self) -> tuple[int, ...]:
        """The leased GPUs by the kernel's own numbers."""
        return self.lease.devices

    def around(self, work: Callable[[Mapping[str, Any]], Attempt], seed: int) -> Attempt:  # noqa: ARG002 - torch's global seed belongs to all threads
        """Capture the output, activate the device, and measure what is left on it."""
        before = allocated_bytes(self.devices)
        with contextlib.closing(self.sink), capture(self.sink):
            with activate(self.lease):
                how = work({"print": sink_print(self.sink)})
            leaked = 0 if how.poisoned else self._released() - before
            if leaked <= _LEAK:
                return how
            note = (
                f"left {leaked / 2**20:.0f} MiB on {self.lease.label}: something still refers to its tensors"
            )
            return replace(how, notes=(*how.notes, note))

    def complain(self, text: str) -> None:
        """Write to the trial's log."""
        self.sink.write("err", text)

    def _released(self) -> int:
        """Empty the device's cache; return what live tensors still hold."""
        try:
            return release_memory(self.devices)
        except RuntimeError:  # CUDA is in no state to answer; the trial's own end matters more
            return 0


@dataclass(frozen=True)
class ProcessPlace:
    """A process of its own: it sees its leased GPUs only, and every generator in it belongs to the trial.

    Attributes:
        gpus: How many GPUs it sees.
        threads: Intra-op threads.
    """

    gpus: int
    threads: int

    @property
    def devices(self) -> tuple[int, ...]:
        """All that it sees, from 0."""
        return tuple(range(self.gpus))

    def around(self, work: Callable[[Mapping[str, Any]], Attempt], seed: int) -> Attempt:
        """Seed everything; the process ends afterwards and takes its memory with it."""
        seed_process(seed, self.threads)
        how = work({})
        # a broken CUDA context ends with this process: the next trial has a clean one
        return replace(how, poisoned=False)

    def complain(self, text: str) -> None:
        """Write to this process's stderr, which is the trial's log."""
        sys.stderr.write(text)
