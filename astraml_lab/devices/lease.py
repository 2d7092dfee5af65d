"""What a trial asks for, and what it is lent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.devices.pool import Pool
    from astraml_lab.devices.probe import Device


@dataclass(frozen=True)
class LeaseRequest:
    """What one trial of a job needs.

    Attributes:
        owner: The job, as messages should call it.
        gpus: A whole number, or a part of one GPU; 0 runs on the CPU.
        devices: Torch's numbers that the job may use; None for all.
        reserve: How many GPUs stay free for the user's own cells.
        parallel: How many trials the job runs at once: its CPU slots where there is no GPU.
        apart: Whether its trials run in processes of their own. What those hold of a GPU looks like another
            program's memory, and counts as the job's own share instead.
    """

    owner: str
    gpus: float = 1.0
    devices: tuple[int, ...] | None = None
    reserve: int = 0
    parallel: int = 1
    apart: bool = False

    @property
    def count(self) -> int:
        """How many GPUs it takes a share of."""
        return max(1, int(self.gpus))

    @property
    def share(self) -> float:
        """How much of each."""
        return min(self.gpus, 1.0)


class Lease:
    """Devices lent to one trial; a context manager that gives them back.

    Attributes:
        owner: The job.
        devices: Torch's numbers; none on the CPU.
        uuids: What the driver calls them, in the same order.
        share: How much of each.
        apart: Whether a process of its own uses them.
        closed: Whether they are kept for good.
        returned: Whether it was given back.
        claims: What stands for it in the ledger; none if no ledger could be asked.
        note: What the user should know about how it was granted, or empty.
    """

    def __init__(self, pool: Pool, request: LeaseRequest, gpus: Sequence[Device]) -> None:
        self.owner = request.owner
        self.devices = tuple(gpu.index for gpu in gpus if gpu.index is not None)
        self.uuids = tuple(gpu.uuid for gpu in gpus)
        self.share = request.share
        self.apart = request.apart
        self.closed = False
        self.returned = False
        self.claims: tuple[int, ...] = ()
        self.note = ""
        self._pool = pool

    @property
    def label(self) -> str:
        """`cuda:0`, `cuda:0,1` or `cpu`."""
        return "cuda:" + ",".join(map(str, self.devices)) if self.devices else "cpu"

    def release(self) -> None:
        """Give the devices back. May be called again; does nothing once the slot is closed."""
        self._pool._give_back(self)  # noqa: SLF001  (the pool is the other half of this class)

    def close_slot(self) -> None:
        """Keep the devices for good, also before other kernels: what uses them cannot be ended."""
        self._pool._close(self)  # noqa: SLF001  (likewise)

    def reopen(self) -> None:
        """Undo `close_slot` and give the devices back: what used them has ended after all."""
        self._pool._reopen(self)  # noqa: SLF001  (likewise)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()
