"""Which GPUs there are, by torch's numbers, and how much of each is taken."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from astraml_lab.optional import installed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GIB = 1 << 30


@dataclass(frozen=True)
class Device:
    """A device at one moment.

    Attributes:
        index: Torch's number; None for the CPU.
        name: As the driver calls it.
        kind: What it is to torch.
        total_bytes: Its memory.
        free_bytes: What nobody uses.
        used_by_others_bytes: What other processes hold; this process's own tensors do not count.
        utilization: 0 to 1, where the driver tells.
        uuid: What the driver calls it, the same in every process; its number there if it has no other name.
    """

    index: int | None
    name: str
    kind: Literal["cuda", "cpu"]
    total_bytes: int
    free_bytes: int
    used_by_others_bytes: int = 0
    utilization: float | None = None
    uuid: str = ""

    @property
    def label(self) -> str:
        """`cuda:0` or `cpu`."""
        return self.kind if self.index is None else f"{self.kind}:{self.index}"


class Probe(Protocol):
    """Looks at the machine. May be called from any thread."""

    def list(self) -> tuple[Device, ...]:
        """Return the GPUs that torch can use, by torch's numbers; none is a normal answer."""


class FakeProbe:
    """GPUs that a test makes up."""

    def __init__(self, gpus: int = 0, *, total_bytes: int = 80 * GIB) -> None:
        self._devices = [
            Device(index, f"Fake GPU {index}", "cuda", total_bytes, total_bytes, uuid=f"GPU-fake-{index}")
            for index in range(gpus)
        ]

    def list(self) -> tuple[Device, ...]:
        """Return the GPUs as they were set."""
        return tuple(self._devices)

    def occupy(self, index: int, used_bytes: int) -> None:
        """Let other processes hold `used_bytes` of a GPU."""
        device = self._devices[index]
        free = device.total_bytes - used_bytes
        self._devices[index] = replace(device, used_by_others_bytes=used_bytes, free_bytes=free)


class SystemProbe:
    """The machine's NVIDIA GPUs, through NVML: a look makes no CUDA context."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nvml: Any = None
        self._driver_sought = False

    def list(self) -> tuple[Device, ...]:
        """Return the GPUs that torch can use; torch is imported only where the driver finds a GPU."""
        with self._lock:
            if not self._driver_sought:
                self._nvml, self._driver_sought = _open_nvml(), True
            nvml = self._nvml
            if nvml is None or nvml.nvmlDeviceGetCount() == 0 or not _torch_uses_cuda():
                return ()
            handles = [nvml.nvmlDeviceGetHandleByIndex(at) for at in range(nvml.nvmlDeviceGetCount())]
            uuids = [_uuid(nvml, at, handle) for at, handle in enumerate(handles)]
            names = [_text(nvml.nvmlDeviceGetName(handle)) for handle in handles]
            visible = _torch_order(uuids, names)
            return tuple(
                _device(nvml, number, handles[at], names[at], uuids[at]) for number, at in enumerate(visible)
            )


def visible_order(uuids: Sequence[str], environ: Mapping[str, str]) -> list[int]:
    """Return the driver's numbers of the GPUs that `CUDA_VISIBLE_DEVICES` leaves, in CUDA's order.

    As in CUDA, what follows an unknown entry is invisible.
    """
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return list(range(len(uuids)))
    order: list[int] = []
    for entry in (entry.strip() for entry in visible.split(",")):
        if entry.isdigit():
            found = [int(entry)] if int(entry) < len(uuids) else []
        else:
            found = [at for at, uuid in enumerate(uuids) if entry and uuid.startswith(entry)]
        if len(found) != 1:
            return order
        if found[0] in order:
            return []
        order.append(found[0])
    return order


def _torch_order(uuids: Sequence[str], names: Sequence[str]) -> list[int]:
    """Number the GPUs as torch does.

    CUDA puts the fastest first and the driver goes by bus, so with different GPUs only CUDA itself knows.
    """
    torch: Any = sys.modules["torch"]
    mixed = len(set(names)) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
    if not (mixed or torch.cuda.is_initialized()):
        return visible_order(uuids, os.environ)
    seen = [str(torch.cuda.get_device_properties(number).uuid) for number in range(torch.cuda.device_count())]
    by_uuid = {uuid.removeprefix("GPU-"): at for at, uuid in enumerate(uuids)}
    return [by_uuid[uuid] for uuid in seen if uuid in by_uuid]


def _torch_uses_cuda() -> bool:
    if not installed("torch"):
        return False
    import torch

    return torch.version.cuda is not None


def _open_nvml() -> Any:
    """Open the driver's library, for the life of the process; None where there is none."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _uuid(nvml: Any, at: int, handle: Any) -> str:
    try:
        return _text(nvml.nvmlDeviceGetUUID(handle))
    except nvml.NVMLError:
        return str(at)


def _device(nvml: Any, number: int, handle: Any, name: str, uuid: str) -> Device:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    try:
        utilization = nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
    except nvml.NVMLError:
        utilization = None
    return Device(
        index=number,
        name=name,
        kind="cuda",
        total_bytes=memory.total,
        free_bytes=memory.free,
        used_by_others_bytes=max(0, memory.used - _own_bytes(nvml, number, handle)),
        utilization=utilization,
        uuid=uuid,
    )


def _own_bytes(nvml: Any, number: int, handle: Any) -> int:
    """Return what this process holds on a GPU, its CUDA context included where the driver tells."""
    torch: Any = sys.modules.get("torch")
    reserved = int(torch.cuda.memory_reserved(number)) if torch and torch.cuda.is_initialized() else 0
    try:
        processes = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
    except nvml.NVMLError:
        processes = []
    # In a container the driver knows this process by another number: there the allocator's word must do.
    own = [process.usedGpuMemory or 0 for process in processes if process.pid == os.getpid()]
    return max(reserved, *own, 0)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
