"""The devices of this kernel, lent to trials: whole or in parts, first come first served over the jobs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from astraml_lab.devices import _messages as messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.clock import Clock
    from astraml_lab.devices.probe import Device, Probe

# Other processes may hold this part of a GPU and it still counts as free: a desktop, an idle CUDA context.
TOLERANCE = 0.1
# How long one look at the GPUs is good for.
_LOOK_SECONDS = 0.5
_CPU = -1
_ROUNDING = 1e-9


@dataclass(frozen=True)
class LeaseRequest:
    """What one trial of a job needs.

    Attributes:
        owner: The job, as messages should call it.
        gpus: A whole number, or a part of one GPU; 0 runs on the CPU.
        devices: Torch's numbers that the job may use; None for all.
        reserve: How many GPUs stay free for the user's own cells.
        parallel: How many trials the job runs at once: its CPU slots where there is no GPU.
    """

    owner: str
    gpus: float = 1.0
    devices: tuple[int, ...] | None = None
    reserve: int = 0
    parallel: int = 1

    @property
    def count(self) -> int:
        """How many GPUs it takes a share of."""
        return max(1, int(self.gpus))

    @property
    def share(self) -> float:
        """How much of each."""
        return min(self.gpus, 1.0)


class Lease:
    """Devices lent to one trial; a context manager that gives them back."""

    def __init__(self, pool: Pool, owner: str, devices: tuple[int, ...], share: float) -> None:
        self.owner = owner
        self.devices = devices
        self.share = share
        self.closed = False
        self._pool = pool

    @property
    def label(self) -> str:
        """`cuda:0`, `cuda:0,1` or `cpu`."""
        return "cuda:" + ",".join(map(str, self.devices)) if self.devices else "cpu"

    def release(self) -> None:
        """Give the devices back. May be called again; does nothing once the slot is closed."""
        self._pool._give_back(self)  # noqa: SLF001  (the pool is the other half of this class)

    def close_slot(self) -> None:
        """Keep the devices for good: something that cannot be ended still uses them."""
        self._pool._close(self)  # noqa: SLF001  (likewise)

    def reopen(self) -> None:
        """Undo `close_slot` and give the devices back: what used them has ended after all."""
        self._pool._reopen(self)  # noqa: SLF001  (likewise)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()


class Pool:
    """Lends devices; one per process.

    Thread-safe, and nothing here waits. A `try_lease` that returns None leaves the owner in a queue: until it
    is served, or `cancel` is called, no later owner gets a device that it could use. A job that stops asking
    must cancel. Subscribers are called, without any lock, when a try may have become worth while; what other
    processes free is announced by nobody, so try again every few seconds as well.

    Args:
        probe: Looks at the GPUs.
        clock: Says when a look has grown old.
        cpu_slots: How many trials run at once where there is no GPU, unless a job asks for more.
    """

    def __init__(self, probe: Probe, clock: Clock, cpu_slots: int = 1) -> None:
        self._probe = probe
        self._clock = clock
        self._cpu_slots = cpu_slots
        self._lock = threading.Lock()
        self._leases: list[Lease] = []
        self._waiting: dict[str, LeaseRequest] = {}
        self._subscribers: list[Callable[[], None]] = []
        self._seen: tuple[Device, ...] = ()
        self._seen_at = float("-inf")

    def devices(self) -> tuple[Device, ...]:
        """Return the GPUs as they were at most half a second ago; none on a machine without."""
        now = self._clock.monotonic()
        if now - self._seen_at >= _LOOK_SECONDS:
            self._seen, self._seen_at = self._probe.list(), now
        return self._seen

    def try_lease(self, request: LeaseRequest) -> Lease | None:
        """Lend what one trial needs, or put the owner into the queue and return None."""
        gpus = self.devices()
        with self._lock:
            hopeless = self._refusal(request, gpus) is not None
            found = None if hopeless else self._place(request, gpus)
            if found is None and not hopeless:
                self._waiting[request.owner] = request
                return None
            queued = self._waiting.pop(request.owner, None) is not None
            lease = None if found is None else Lease(self, request.owner, found, request.share)
            if lease is not None:
                self._leases.append(lease)
        if queued:
            # Who waited behind it may have what is left.
            self._notify()
        return lease

    def refuse_reason(self, request: LeaseRequest) -> str | None:
        """Say why `request` can never be served, however long it waits; None if it can.

        Worth asking again whenever `try_lease` returned None: slots may have been closed meanwhile.
        """
        gpus = self.devices()
        with self._lock:
            return self._refusal(request, gpus)

    def slots(self, request: LeaseRequest) -> int:
        """Return how many such trials fit at once if nobody else wants anything."""
        usable = _usable(request, self.devices())
        if not request.gpus or not self.devices():
            return self._cpu_slots
        per_device = int(1 / request.share + _ROUNDING)
        return len(usable) * per_device // request.count

    def why_waiting(self, owner: str) -> str:
        """Say in one sentence what `owner` waits for; empty if it waits for nothing."""
        gpus = self.devices()
        with self._lock:
            request = self._waiting.get(owner)
            if request is None:
                return ""
            wanted = self._claim(request, gpus)
            ahead = [other.owner for other in self._ahead_of(owner) if wanted & self._claim(other, gpus)]
            if ahead:
                return messages.behind(ahead)
            if wanted == {_CPU}:
                return messages.cpu_taken([lease.owner for lease in self._on(_CPU)], owner)
            return messages.gpus_taken(
                request.gpus,
                owner,
                [(gpu, [lease.owner for lease in self._on(gpu.index)]) for gpu in _usable(request, gpus)],
            )

    def cancel(self, owner: str) -> None:
        """Take `owner` out of the queue; what it has leased stays leased."""
        with self._lock:
            queued = self._waiting.pop(owner, None) is not None
        if queued:
            self._notify()

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Have `callback` called, in the thread that caused it, when a try may have become worth while."""
        with self._lock:
            self._subscribers.append(callback)

    def unsubscribe(self, callback: Callable[[], None]) -> None:
        """Undo `subscribe`; unknown callbacks are ignored."""
        with self._lock:
            self._subscribers = [known for known in self._subscribers if known != callback]

    def _give_back(self, lease: Lease) -> None:
        with self._lock:
            if lease.closed or lease not in self._leases:
                return
            self._leases.remove(lease)
        self._notify()

    def _close(self, lease: Lease) -> None:
        with self._lock:
            if lease.closed or lease not in self._leases:
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

    def _place(self, request: LeaseRequest, gpus: tuple[Device, ...]) -> tuple[int, ...] | None:
        taken = {at for other in self._ahead_of(request.owner) for at in self._claim(other, gpus)}
        if self._claim(request, gpus) == {_CPU}:
            room = len(self._on(_CPU)) < max(self._cpu_slots, request.parallel)
            return () if room and _CPU not in taken else None
        open_gpus = [
            gpu for gpu in _usable(request, gpus) if gpu.index not in taken and self._fits(request.share, gpu)
        ]
        # Parts go where there are parts already, so that whole GPUs stay whole.
        open_gpus.sort(key=lambda gpu: -self._used(gpu.index))
        if len(open_gpus) < request.count:
            return None
        return tuple(sorted(gpu.index for gpu in open_gpus[: request.count] if gpu.index is not None))

    def _fits(self, share: float, gpu: Device) -> bool:
        left = 1.0 - self._used(gpu.index) - share
        # Only what *other* processes hold counts: the notebook's own tensors do not block its trials.
        return left > -_ROUNDING and gpu.used_by_others_bytes <= (left + TOLERANCE) * gpu.total_bytes

    def _refusal(self, request: LeaseRequest, gpus: tuple[Device, ...]) -> str | None:
        if request.gpus < 0 or (request.gpus > 1 and request.gpus != int(request.gpus)):
            return messages.no_such_share(request.gpus)
        if self._claim(request, gpus) == {_CPU}:
            closed = sum(lease.closed for lease in self._on(_CPU))
            return (
                messages.all_closed("CPU slot") if closed >= max(self._cpu_slots, request.parallel) else None
            )
        unknown = sorted(set(request.devices or ()) - {gpu.index for gpu in gpus})
        if unknown:
            return messages.no_such_gpu(unknown, len(gpus))
        usable = _usable(request, gpus)
        if len(usable) < request.count:
            return messages.too_few(request.gpus, len(usable), request.reserve)
        lasting = [
            gpu for gpu in usable if self._used(gpu.index, closed=True) + request.share <= 1 + _ROUNDING
        ]
        return messages.all_closed("GPU") if len(lasting) < request.count else None

    def _ahead_of(self, owner: str) -> list[LeaseRequest]:
        ahead: list[LeaseRequest] = []
        for waiting in self._waiting.values():
            if waiting.owner == owner:
                break
            ahead.append(waiting)
        return ahead

    def _claim(self, request: LeaseRequest, gpus: tuple[Device, ...]) -> set[int]:
        if not gpus or not request.gpus:
            return {_CPU}
        return {gpu.index for gpu in _usable(request, gpus) if gpu.index is not None}

    def _on(self, index: int | None) -> list[Lease]:
        return [lease for lease in self._leases if index in (lease.devices or (_CPU,))]

    def _used(self, index: int | None, *, closed: bool = False) -> float:
        return sum(lease.share for lease in self._on(index) if lease.closed or not closed)


def _usable(request: LeaseRequest, gpus: tuple[Device, ...]) -> tuple[Device, ...]:
    """Return the GPUs that a request may use: the user's own are the first, where cells run by default."""
    allowed = [gpu for gpu in gpus if request.devices is None or gpu.index in request.devices]
    left_out = len(gpus) - len(allowed)
    return tuple(allowed[max(0, request.reserve - left_out) :])
