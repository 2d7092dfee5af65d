"""The devices of this kernel, lent to trials: whole or in parts, first come first served over the jobs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astraml_lab.devices import _messages as messages
from astraml_lab.devices.claims import LOOK_SECONDS, Claims
from astraml_lab.devices.lease import Lease, LeaseRequest
from astraml_lab.devices.ledger import NO_LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.devices.ledger import Claim, Ledger
    from astraml_lab.devices.probe import Device, Probe

# Other processes may hold this part of a GPU and it still counts as free: a desktop, an idle CUDA context.
TOLERANCE = 0.1
# Between a look at the claims of other kernels and a claim of our own another may be faster, so often.
_TRIES = 3
_CPU = -1
_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Look:
    """The GPUs at one moment, and what other kernels claim of them."""

    gpus: tuple[Device, ...]
    claims: tuple[Claim, ...]

    def on(self, gpu: Device) -> list[Claim]:
        return [claim for claim in self.claims if claim.device == gpu.uuid]

    def claimed(self, gpu: Device) -> float:
        return sum(claim.share for claim in self.on(gpu))


class Pool:
    """Lends devices; one per process.

    Thread-safe, and nothing here waits for a device. A `try_lease` that returns None leaves the owner in a
    queue: until it is served, or `cancel` is called, no later owner gets a device that it could use. A job
    that stops asking must cancel. Subscribers are called, without any lock, when a try may have become worth
    while; what other processes free is announced by nobody, so try again every second or so as well.

    GPUs are claimed in the ledger too: set aside under the lock, claimed without it, since that may wait for
    a disk, and put back if another kernel was faster. The queue is this kernel's: between kernels the one
    that asks at the right moment is served.

    Args:
        probe: Looks at the GPUs.
        clock: Says when a look has grown old.
        cpu_slots: How many trials run at once where there is no GPU, unless a job asks for more.
        ledger: Shared with the other kernels of the machine. CPU slots are each kernel's own.
    """

    def __init__(self, probe: Probe, clock: Clock, cpu_slots: int = 1, ledger: Ledger = NO_LEDGER) -> None:
        self._probe = probe
        self._clock = clock
        self._cpu_slots = cpu_slots
        self._claims = Claims(ledger, clock)
        self._lock = threading.Lock()
        self._leases: list[Lease] = []
        self._waiting: dict[str, LeaseRequest] = {}
        self._subscribers: list[Callable[[], None]] = []
        self._seen: tuple[Device, ...] = ()
        self._seen_at = float("-inf")
        self._cuda_is_broken = False

    def devices(self) -> tuple[Device, ...]:
        """Return the GPUs as they were at most half a second ago; none on a machine without."""
        now = self._clock.monotonic()
        if now - self._seen_at >= LOOK_SECONDS:
            self._seen, self._seen_at = self._probe.list(), now
        return self._seen

    def try_lease(self, request: LeaseRequest) -> Lease | None:
        """Lend what one trial needs, or put the owner into the queue and return None."""
        for _ in range(_TRIES):
            lease = self._reserve(request)
            if lease is None or self._confirm(lease, request):
                return lease
        return None

    def refuse_reason(self, request: LeaseRequest) -> str | None:
        """Say why `request` can never be served, however long it waits; None if it can.

        What another kernel holds is no reason: it comes back, at the latest when that kernel ends. Worth
        asking again whenever `try_lease` returned None: slots may have been closed meanwhile.
        """
        gpus = self.devices()
        with self._lock:
            return self._refusal(request, gpus)

    def slots(self, request: LeaseRequest) -> int:
        """Return how many such trials fit at once if nobody else, here or in another kernel, has anything."""
        usable = _usable(request, self.devices())
        if not request.gpus or not self.devices():
            return self._cpu_slots
        per_device = int(1 / request.share + _ROUNDING)
        return len(usable) * per_device // request.count

    def why_waiting(self, owner: str) -> str:
        """Say in one sentence what `owner` waits for; empty if it waits for nothing."""
        look = self._look()
        with self._lock:
            request = self._waiting.get(owner)
            if request is None:
                return ""
            wanted = _wanted(request, look.gpus)
            ahead = [other.owner for other in self._ahead_of(owner) if wanted & _wanted(other, look.gpus)]
            if ahead:
                return messages.behind(ahead)
            if wanted == {_CPU}:
                return messages.cpu_taken([lease.owner for lease in self._on(_CPU)], owner)
            candidates = [self._candidate(gpu, look) for gpu in _usable(request, look.gpus)]
            return messages.gpus_taken(request.gpus, owner, candidates)

    def cancel(self, owner: str) -> None:
        """Take `owner` out of the queue; what it has leased stays leased."""
        with self._lock:
            queued = self._waiting.pop(owner, None) is not None
        if queued:
            self._notify()

    def break_cuda(self) -> None:
        """Lend no more GPUs to this kernel's own threads: a trial has broken CUDA in it, for good."""
        with self._lock:
            self._cuda_is_broken = True
        self._notify()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have `callback` called, in the thread that caused it, when a try may have become worth while."""
        with self._lock:
            self._subscribers.append(callback)

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """Undo `subscribe`; unknown callbacks are ignored."""
        with self._lock:
            self._subscribers = [known for known in self._subscribers if known != callback]

    def _look(self) -> _Look:
        gpus = self.devices()
        return _Look(gpus, self._claims.others() if gpus else ())

    def _reserve(self, request: LeaseRequest) -> Lease | None:
        """Set devices aside before this kernel's other jobs, or put the owner into the queue."""
        look = self._look()
        with self._lock:
            hopeless = self._refusal(request, look.gpus) is not None
            lease = None if hopeless else self._place(request, look)
            if lease is not None:
                self._leases.append(lease)
            elif not hopeless:
                self._waiting[request.owner] = request
            left = hopeless and self._waiting.pop(request.owner, None) is not None
        if left:
            self._notify()
        return lease

    def _confirm(self, lease: Lease, request: LeaseRequest) -> bool:
        """Claim in the ledger what was set aside; False, and undone, where another kernel was faster."""
        try:
            granted = self._claims.take(lease)
        except BaseException:
            self._undo(lease, request)
            raise
        if not granted:
            self._undo(lease, request)
            return False
        with self._lock:
            queued = self._waiting.pop(lease.owner, None) is not None
        if queued:
            # Who waited behind it may have what is left.
            self._notify()
        return True

    def _undo(self, lease: Lease, request: LeaseRequest) -> None:
        with self._lock:
            self._leases.remove(lease)
            self._waiting.setdefault(lease.owner, request)

    def _give_back(self, lease: Lease) -> None:
        with self._lock:
            if lease.closed or lease.returned or lease not in self._leases:
                return
            lease.returned = True
        try:
            # The ledger first: this kernel's own next claim must not meet its last.
            self._claims.give_back(lease)
        finally:
            with self._lock:
                self._leases.remove(lease)
        self._notify()

    def _close(self, lease: Lease) -> None:
        with self._lock:
            if lease.closed or lease.returned or lease not in self._leases:
                return
            lease.closed = True
        self._notify()

    def _reopen(self, lease: Lease) -> None:
        with self._lock:
            lease.closed = False
        self._give_back(lease)

    def _notify(self) -> None:
        with self._lock:
            subscribers = list(self._subscribers)
        for callback in subscribers:
            callback()

    # Below: under the lock.

    def _place(self, request: LeaseRequest, look: _Look) -> Lease | None:
        taken = {at for other in self._ahead_of(request.owner) for at in _wanted(other, look.gpus)}
        if _wanted(request, look.gpus) == {_CPU}:
            # A thread that cannot be ended takes a thread's slot: a process has its own share of the cores.
            used = sum(not (request.apart and lease.closed) for lease in self._on(_CPU))
            room = used < max(self._cpu_slots, request.parallel)
            return Lease(self, request, ()) if room and _CPU not in taken else None
        open_gpus = [
            gpu
            for gpu in _usable(request, look.gpus)
            if gpu.index not in taken and self._fits(request.share, gpu, look)
        ]
        # Parts go where there are parts already, so that whole GPUs stay whole.
        open_gpus.sort(key=lambda gpu: -self._used(gpu.index) - look.claimed(gpu))
        if len(open_gpus) < request.count:
            return None
        return Lease(self, request, sorted(open_gpus[: request.count], key=lambda gpu: gpu.index or 0))

    def _fits(self, share: float, gpu: Device, look: _Look) -> bool:
        left = 1.0 - self._used(gpu.index) - look.claimed(gpu) - share
        # Only what *other* processes hold counts: the notebook's own tensors do not block its trials.
        room = (left + self._expected(gpu, look) + TOLERANCE) * gpu.total_bytes
        return left > -_ROUNDING and gpu.used_by_others_bytes <= room

    def _expected(self, gpu: Device, look: _Look) -> float:
        """Return which part of a GPU other processes may fill without taking it from anybody."""
        apart = sum(lease.share for lease in self._on(gpu.index) if lease.apart)
        return look.claimed(gpu) + apart

    def _candidate(self, gpu: Device, look: _Look) -> messages.Candidate:
        holders = [lease.owner for lease in self._on(gpu.index)]
        return messages.Candidate(gpu, holders, look.on(gpu), self._expected(gpu, look))

    def _refusal(self, request: LeaseRequest, gpus: tuple[Device, ...]) -> str | None:
        if request.gpus < 0 or (request.gpus > 1 and request.gpus != int(request.gpus)):
            return messages.no_such_share(request.gpus)
        if _wanted(request, gpus) == {_CPU}:
            closed = 0 if request.apart else sum(lease.closed for lease in self._on(_CPU))
            return messages.cpu_closed() if closed >= max(self._cpu_slots, request.parallel) else None
        if self._cuda_is_broken and not request.apart:
            return messages.cuda_broken()
        unknown = sorted(set(request.devices or ()) - {gpu.index for gpu in gpus})
        if unknown:
            return messages.no_such_gpu(unknown, len(gpus))
        usable = _usable(request, gpus)
        if len(usable) < request.count:
            return messages.too_few(request.gpus, len(usable), request.reserve)
        lasting = [
            gpu for gpu in usable if self._used(gpu.index, closed=True) + request.share <= 1 + _ROUNDING
        ]
        return messages.gpus_closed() if len(lasting) < request.count else None

    def _ahead_of(self, owner: str) -> list[LeaseRequest]:
        ahead: list[LeaseRequest] = []
        for waiting in self._waiting.values():
            if waiting.owner == owner:
                break
            ahead.append(waiting)
        return ahead

    def _on(self, index: int | None) -> list[Lease]:
        return [lease for lease in self._leases if index in (lease.devices or (_CPU,))]

    def _used(self, index: int | None, *, closed: bool = False) -> float:
        return sum(lease.share for lease in self._on(index) if lease.closed or not closed)


def _usable(request: LeaseRequest, gpus: tuple[Device, ...]) -> tuple[Device, ...]:
    """Return the GPUs that a request may use: the user's own are the first, where cells run by default."""
    allowed = [gpu for gpu in gpus if request.devices is None or gpu.index in request.devices]
    left_out = len(gpus) - len(allowed)
    return tuple(allowed[max(0, request.reserve - left_out) :])


def _wanted(request: LeaseRequest, gpus: tuple[Device, ...]) -> set[int]:
    """Return the devices that a request may come to use."""
    if not gpus or not request.gpus:
        return {_CPU}
    return {gpu.index for gpu in _usable(request, gpus) if gpu.index is not None}
