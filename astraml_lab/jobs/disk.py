"""Whether there is room for one more trial: a job that pauses in time loses nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARGIN = 64 * 2**20
"""Bytes that must be free before a trial starts: room for logs, metrics and the search's own rows."""
_PART = 50
"""On a small disk, one part in so many is enough."""


def shortage(home: Path) -> str:
    """Say in one sentence that a disk is nearly full, or return an empty text."""
    try:
        usage = shutil.disk_usage(home)
    except OSError as error:
        return f"the disk of {home} cannot be reached: {error.strerror}; the job goes on when it can"
    if usage.free >= min(MARGIN, usage.total // _PART):
        return ""
    return (
        f"the disk of {home} is full but for {usage.free / 2**20:.1f} MB: free some space "
        "(%tune delete JOB removes a job with its files, --keep-checkpoints best:3 keeps few), "
        "and the job goes on by itself; nothing is lost"
    )
