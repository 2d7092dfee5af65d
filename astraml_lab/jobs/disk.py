"""Whether there is room for one more trial: a job that pauses in time loses nothing."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from astraml_lab.errors import StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

MARGIN = 64 * 2**20
"""Bytes that must be free before a trial starts: room for logs, metrics and the search's own rows."""
_PART = 10
"""On a small disk, one part in so many is enough."""


def shortage(home: Path) -> str:
    """Say in one sentence that a disk is nearly full, or return an empty text."""
    try:
        free = _short_of(home)
    except OSError as error:
        return f"the disk of {home} cannot be reached: {error.strerror}; the job goes on when it can"
    if free is None:
        return ""
    return (
        f"the disk of {home} is full but for {free / 2**20:.1f} MB: free some space "
        "(%tune delete JOB removes a job with its files, --keep-checkpoints best:3 keeps few), "
        "and the job goes on by itself; nothing is lost"
    )


def refuse_full(home: Path) -> None:
    """Start nothing on a disk that is nearly full.

    Raises:
        StoreUnavailable: It is.
    """
    with contextlib.suppress(OSError):  # what cannot be reached is said by whoever writes to it
        free = _short_of(home)
        if free is not None:
            raise StoreUnavailable(
                f"nothing was started: the disk of {home} is full but for {free / 2**20:.1f} MB; free some "
                "space (%tune delete JOB removes a job with its files), then run this again"
            )


def _short_of(home: Path) -> int | None:
    """Return the bytes that are free, where that is too little."""
    usage = shutil.disk_usage(home)
    return None if usage.free >= min(MARGIN, usage.total // _PART) else usage.free
