"""A lease made real: the current GPU of a thread, its memory afterwards, and what errors mean for it."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from astraml_lab.optional import installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.devices.lease import Lease

_OOM_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
# After these CUDA answers every further call in the process with an error.
_POISON_SIGNS = (
    "device-side assert",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "unspecified launch failure",
    "uncorrectable ECC error",
)
_CHAIN_LIMIT = 20


@contextmanager
def activate(lease: Lease) -> Iterator[None]:
    """Make the first GPU of `lease` the current one of the calling thread: there `"cuda"` means it."""
    if not lease.devices or not installed("torch"):
        yield
        return
    import torch

    if not torch.cuda.is_available():  # made-up GPUs in a test
        yield
        return
    with torch.cuda.device(lease.devices[0]):
        yield


def cpu_threads(parallel: int, cores: int | None = None) -> int:
    """Return how many intra-op threads each of `parallel` trials gets.

    More would make a training slower, up to many times: the threads of all trials fight for the cores.
    """
    return max(1, (cores or available_cores()) // max(1, parallel))


def available_cores() -> int:
    """Return the cores that this process may run on, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def allocated_bytes(devices: tuple[int, ...]) -> int:
    """Return what live tensors of this process hold on `devices`; 0 while torch has not touched a GPU."""
    torch = _torch_on_gpu()
    return sum(int(torch.cuda.memory_allocated(device)) for device in devices) if torch else 0


def release_memory(devices: tuple[int, ...]) -> int:
    """Give back what an ended trial left on `devices`, and return what live tensors still hold there.

    That number less `allocated_bytes` from before the trial is what the trial leaked.
    """
    torch = _torch_on_gpu()
    if not devices or not torch:
        return 0
    gc.collect()
    for device in devices:
        with torch.cuda.device(device):
            torch.cuda.empty_cache()
    return allocated_bytes(devices)


def is_oom(error: BaseException) -> bool:
    """Whether `error`, or what caused it, says that memory ran out: a GPU's or the machine's."""
    return any(_is_oom(link) for link in _chain(error))


def is_poisoned(error: BaseException) -> bool:
    """Whether CUDA is of no more use in this process: nothing but a new kernel helps."""
    return any(
        isinstance(link, RuntimeError) and any(sign in str(link) for sign in _POISON_SIGNS)
        for link in _chain(error)
    )


def _is_oom(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    torch: Any = sys.modules.get("torch")
    if isinstance(error, getattr(torch, "OutOfMemoryError", ())):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OOM_SIGNS)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what caused it, as far as its traceback would show."""
    link: BaseException | None = error
    for _ in range(_CHAIN_LIMIT):
        if link is None:
            return
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _torch_on_gpu() -> Any:
    torch: Any = sys.modules.get("torch")
    # `getattr`: another trial's thread may be in the middle of importing it
    is_initialized = getattr(getattr(torch, "cuda", None), "is_initialized", None)
    return torch if is_initialized and is_initialized() else None
