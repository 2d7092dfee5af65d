"""What a kernel tells the others about its GPUs: rows of the store that they share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from astraml_lab.devices import Claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astraml_lab.store import Store


class StoreLedger:
    """The pool's `Ledger` over a store; thread-safe.

    Kernels with stores of their own do not see each other.

    Args:
        store: The store that the kernels share.
        owner: What other kernels call this one: `kernel 4711`.
    """

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._owner = owner
        # What is written and what is known to be ours change together.
        self._turn = threading.Lock()
        self._ours: set[int] = set()

    def claim(self, devices: Sequence[str], share: float, owner: str) -> tuple[int, ...] | None:
        """Claim a share of each of `devices` for the job `owner`; None where another kernel has too much.

        Raises:
            StoreUnavailable: The store cannot be written at present.
        """
        with self._turn:
            ids = self._store.claim_device(devices, share, f"{self._owner} ({_what(owner)})")
            self._ours.update(ids or ())
        return ids

    def release(self, ids: Sequence[int]) -> None:
        """Give claims back.

        Raises:
            StoreUnavailable: The store cannot be written at present.
        """
        with self._turn:
            self._store.release_device(ids)
            self._ours.difference_update(ids)

    def others(self) -> tuple[Claim, ...]:
        """Return what living kernels of this machine hold, other than through this ledger.

        Raises:
            StoreUnavailable: The store cannot be read at present.
        """
        with self._turn:
            found = self._store.device_claims()
            return tuple(
                Claim(each.device, each.share, each.owner)
                for each in found
                if each.alive and each.id not in self._ours
            )


def _what(owner: str) -> str:
    return f"job {owner}" if "#" in owner else owner  # a job's id ends in its generation
