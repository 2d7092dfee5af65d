"""What the pool says when there is no device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astraml_lab.devices.probe import Device

_GB = 1e9


def behind(owners: Sequence[str]) -> str:
    """Others wait for the same."""
    return f"waits its turn behind {_names(owners)}"


def cpu_taken(holders: Sequence[str], owner: str) -> str:
    """All CPU slots are used."""
    return f"waits for a CPU slot: {_holders(holders, owner)}"


def gpus_taken(gpus: float, owner: str, candidates: Sequence[tuple[Device, Sequence[str]]]) -> str:
    """The GPUs that would do, and what is wrong with each."""
    details = [text for gpu, holders in candidates if (text := _detail(gpu, holders, owner))]
    return f"waits for {_amount(gpus)}: {'; '.join(details) or 'none is free'}"


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


def all_closed(what: str) -> str:
    """Nothing is left to wait for."""
    return f"every {what} is held by a trial that cannot be ended: restart the kernel"


def _detail(gpu: Device, holders: Sequence[str], owner: str) -> str:
    parts = [_holders(holders, owner)] if holders else []
    if gpu.used_by_others_bytes > gpu.total_bytes * 0.01:
        held, total = gpu.used_by_others_bytes / _GB, gpu.total_bytes / _GB
        parts.append(f"other processes hold {held:.1f} of {total:.1f} GB")
    return f"{gpu.label} ({', '.join(parts)})" if parts else ""


def _holders(holders: Iterable[str], owner: str) -> str:
    return "used by " + _names(["this job" if holder == owner else holder for holder in holders])


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _amount(gpus: float) -> str:
    return f"{gpus:g} GPU" if gpus <= 1 else f"{gpus:g} GPUs"
