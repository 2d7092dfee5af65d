"""The pool's dealings with the ledger: what others hold, what is ours, and what to do when nobody answers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from astraml_lab.devices import _messages as messages
from astraml_lab.errors import StoreError

if TYPE_CHECKING:
    from astraml_lab.clock import Clock
    from astraml_lab.devices.lease import Lease
    from astraml_lab.devices.ledger import Claim, Ledger

# How long one look at the claims of others is good for, and how long while no new one can be had.
LOOK_SECONDS = 0.5
TRUST_SECONDS = 60.0
# How often a claim that could not be given back is tried again.
RETRY_SECONDS = 5.0


class Claims:
    """Thread-safe. Its own lock guards a few lists and is never held while the ledger is asked.

    A ledger that cannot be reached stops nobody: leases are granted without it, and claimed when it answers.
    """

    def __init__(self, ledger: Ledger, clock: Clock, retry_seconds: float = RETRY_SECONDS) -> None:
        self._ledger = ledger
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._lock = threading.Lock()
        self._seen: tuple[Claim, ...] = ()
        self._asked_at = self._seen_at = float("-inf")
        self._unclaimed: list[Lease] = []
        self._owed: list[int] = []
        self._retrying = False
        self._outage = False

    def others(self) -> tuple[Claim, ...]:
        """Return what other kernels held half a second ago or later."""
        now = self._clock.monotonic()
        with self._lock:
            if now - self._asked_at < LOOK_SECONDS:
                return self._seen
            self._asked_at = now
        try:
            seen = self._ledger.others()
        except StoreError:
            with self._lock:
                if now - self._seen_at >= TRUST_SECONDS:
                    self._seen = ()
                return self._seen
        with self._lock:
            if now >= self._seen_at:  # else another thread has looked since
                self._seen, self._seen_at = seen, now
            return self._seen

    def take(self, lease: Lease) -> bool:
        """Claim what `lease` uses; False where another kernel was faster."""
        if not lease.devices:
            return True
        try:
            self._pay()
            ids = self._ledger.claim(lease.uuids, lease.share, lease.owner)
        except StoreError as error:
            self._do_without(lease, error)
            return True
        if ids is None:
            with self._lock:
                self._asked_at = float("-inf")
            return False
        lease.claims = ids
        self._catch_up()
        return True

    def give_back(self, lease: Lease) -> None:
        """Release what stands for `lease` in the ledger, now or as soon as that can be written."""
        with self._lock:
            lease.returned = True
            self._owed += lease.claims
            lease.claims = ()
        try:
            self._pay()
        except StoreError:
            self._pay_later()

    def _do_without(self, lease: Lease, error: StoreError) -> None:
        with self._lock:
            if not self._outage:
                lease.note = messages.unasked(lease.label, error)
            self._outage = True
            self._unclaimed.append(lease)

    def _catch_up(self) -> None:
        """Claim what was granted while the ledger could not be reached, unless another kernel has it now."""
        with self._lock:
            self._outage = False
            unclaimed, self._unclaimed = self._unclaimed, []
        while unclaimed:
            lease = unclaimed[-1]
            try:
                ids = () if lease.returned else self._ledger.claim(lease.uuids, lease.share, lease.owner)
            except StoreError:
                with self._lock:
                    self._unclaimed += unclaimed
                return
            del unclaimed[-1]
            with self._lock:
                lease.claims = ids or ()
            if lease.returned:  # while it was claimed
                self.give_back(lease)

    def _pay(self) -> None:
        """Release what is owed.

        Raises:
            StoreError: It cannot be written; all is owed still.
        """
        with self._lock:
            owed, self._owed = self._owed, []
        if not owed:
            return
        try:
            self._ledger.release(owed)
        except BaseException:
            with self._lock:
                self._owed += owed
            raise

    def _pay_later(self) -> None:
        """Try again until it works: a kernel that runs nothing more must not keep a GPU from the others."""
        with self._lock:
            if self._retrying:
                return
            self._retrying = True
        timer = threading.Timer(self._retry_seconds, self._pay_again)
        timer.daemon = True
        timer.name = "astraml-claims"
        timer.start()

    def _pay_again(self) -> None:
        with self._lock:
            self._retrying = False
        try:
            self._pay()
        except StoreError:
            self._pay_later()
