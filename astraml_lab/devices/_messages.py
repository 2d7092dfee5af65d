"""What the pool says when there is no device."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astraml_lab.devices.ledger import Claim
    from astraml_lab.devices.probe import Device

_GB = 1e9
_WHOLE = 0.999


@dataclass(frozen=True)
class Candidate:
    """A GPU that would do, and what is in the way.

    Attributes:
        gpu: The GPU.
        holders: Jobs of this kernel that use it.
        claims: What other kernels hold of it.
        expected: The part of its memory that those other kernels, and trials in processes, may fill.
    """

    gpu: Device
    holders: Sequence[str]
    claims: Sequence[Claim]
    expected: float


def behind(owners: Sequence[str]) -> str:
    """Others wait for the same."""
    return f"waits its turn behind {_names(owners)}"


def cpu_taken(holders: Sequence[str], owner: str) -> str:
    """All CPU slots are used."""
    return f"waits for a CPU slot: {_holders(holders, owner)}"


def gpus_taken(gpus: float, owner: str, candidates: Sequence[Candidate]) -> str:
    """The GPUs that would do, and what is wrong with each."""
    texts = [text for each in candidates for text in _texts(each, owner)]
    if len(candidates) == 1 and len(texts) == len(_claims(candidates[0], "")) > 0:
        label = candidates[0].gpu.label
        return f"waits for {label}: {', '.join(_claims(candidates[0], 'it'))}"
    return f"waits for {_amount(gpus)}: {'; '.join(texts) or 'none is free'}"


def unasked(label: str, error: Exception) -> str:
    """The ledger could not be reached."""
    return f"took {label} without asking the other kernels, which may use it too: {error}"


def no_such_share(gpus: float) -> str:
    """Neither a whole number nor a part."""
    return f"{gpus:g} GPUs cannot be had: ask for a whole number, or for a part of one such as 0.5"


def no_such_gpu(unknown: Sequence[int], count: int) -> str:
    """A number that torch does not know."""
    there = "there is only GPU 0" if count == 1 else f"there are GPUs 0 to {count - 1}"
    return f"there is no GPU {', '.join(map(str, unknown))}: {there}"


def too_few(gpus: float, usable: int, reserve: int) -> str:
    """More than the machine has."""
    kept = f" ({reserve} reserved for your own cells)" if reserve else ""
    return f"{_amount(gpus)} per trial asked, {usable} there{kept}"


def cpu_closed() -> str:
    """Nothing is left to wait for, unless the trials are processes."""
    held = "every CPU slot is held by a trial that cannot be ended"
    return f"{held}: restart the kernel, or use --executor processes"


def gpus_closed() -> str:
    """Nothing is left to wait for."""
    return "every GPU is held by a trial that cannot be ended: restart the kernel"


def cuda_broken() -> str:
    """A trial in a thread has seen an error after which CUDA answers nothing but errors."""
    return "CUDA is broken in this kernel: restart it, or use --executor processes"


def _texts(each: Candidate, owner: str) -> list[str]:
    gpu = each.gpu
    parts = [_holders(each.holders, owner)] if each.holders else []
    if gpu.used_by_others_bytes > gpu.total_bytes * (each.expected + 0.01):
        held, total = gpu.used_by_others_bytes / _GB, gpu.total_bytes / _GB
        parts.append(f"other processes hold {held:.1f} of {total:.1f} GB")
    here = [f"{gpu.label} ({', '.join(parts)})"] if parts else []
    return here + _claims(each, gpu.label)


def _claims(each: Candidate, what: str) -> list[str]:
    """Say of each other kernel how much it holds of `what`."""
    shares = defaultdict[str, float](float)
    for claim in each.claims:
        shares[claim.owner] += claim.share
    return [
        f"{owner} holds {what}" if share > _WHOLE else f"{owner} holds {share:.2g} of {what}"
        for owner, share in shares.items()
    ]


def _holders(holders: Iterable[str], owner: str) -> str:
    return "used by " + _names(["this job" if holder == owner else holder for holder in holders])


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _amount(gpus: float) -> str:
    return f"{gpus:g} GPU" if gpus <= 1 else f"{gpus:g} GPUs"
