"""The seam to other kernels: who else on this machine uses which GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Claim:
    """A share of a GPU that another kernel of this machine holds.

    Attributes:
        device: What the driver calls the GPU: two kernels may number them differently.
        share: How much of it, 1 for the whole.
        owner: Who, in words for a message: `kernel 4711 (job default/digits#1)`.
    """

    device: str
    share: float
    owner: str


class Ledger(Protocol):
    """What the kernels of one machine tell each other; thread-safe.

    Any call may wait for a disk, so callers hold no lock, and may raise `StoreError` when the ledger cannot
    be reached. What a kernel claimed is free as soon as its process is gone.
    """

    def claim(self, devices: Sequence[str], share: float, owner: str) -> tuple[int, ...] | None:
        """Claim a share of each of `devices` for a job of this kernel: of all of them, or of none.

        Of two kernels that claim at the same moment one is the first: the other gets None.
        """

    def release(self, ids: Sequence[int]) -> None:
        """Give claims back."""

    def others(self) -> tuple[Claim, ...]:
        """Return what other kernels hold now."""


class _NoLedger:
    def claim(self, _devices: Sequence[str], _share: float, _owner: str) -> tuple[int, ...] | None:
        return ()

    def release(self, _ids: Sequence[int]) -> None:
        pass

    def others(self) -> tuple[Claim, ...]:
        return ()


NO_LEDGER: Ledger = _NoLedger()
"""For a kernel that is alone on its machine: grants everything."""
