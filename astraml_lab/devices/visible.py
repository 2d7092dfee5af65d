"""Which GPUs a process of its own may see: what `CUDA_VISIBLE_DEVICES` must say there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.devices.lease import Lease

_DRIVER_NAMES = ("GPU-", "MIG-")


def environment(lease: Lease, threads: int) -> dict[str, str]:
    """Return what a trial's process needs in its environment on top of the kernel's own.

    It sees the GPUs of its lease and no other: there `cuda:0` is the lease's first.

    Args:
        lease: What the trial was lent.
        threads: How many threads its numeric libraries may use.
    """
    if all(uuid.startswith(_DRIVER_NAMES) for uuid in lease.uuids):
        # The driver's names hold even if the notebook changed the variable after CUDA had read it.
        visible = ",".join(lease.uuids)
    else:
        visible = narrowed(lease.devices, os.environ)
    count = str(threads)
    return {
        "CUDA_VISIBLE_DEVICES": visible,
        "MKL_NUM_THREADS": count,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
    }


def narrowed(devices: Sequence[int], environ: Mapping[str, str]) -> str:
    """Return the `CUDA_VISIBLE_DEVICES` that leaves only `devices`: numbers under the one in `environ`.

    Torch's 1 under `3,5` is `5`; what an entry looks like (a number, a GPU's or a MIG slice's name) is no
    matter.
    """
    entries = [entry.strip() for entry in environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    known = [entry for entry in entries if entry]
    # Without the variable the numbers are the physical ones.
    return ",".join(known[number] if number < len(known) else str(number) for number in devices)
