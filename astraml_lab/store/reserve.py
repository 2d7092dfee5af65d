"""A little room kept back beside the store, so that a full disk can still be looked at and cleared up.

SQLite needs a few pages of disk even to read, and deleting a job writes before it frees anything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BYTES = 2**19
_PART = 16
"""Of a small disk, at most one part in so many."""
_PLENTY = 4
"""Room is only kept back where there is so many times as much."""


def keep(database: Path) -> None:
    """Keep room back, if there is plenty; what cannot be had is no matter."""
    with contextlib.suppress(OSError):
        usage = shutil.disk_usage(database.parent)
        size = min(BYTES, usage.total // _PART)
        if usage.free >= _PLENTY * size and not _reserve(database).exists():
            # no zeros: some file systems would store them in no room at all
            _reserve(database).write_bytes(os.urandom(size))


def make_room(database: Path) -> None:
    """Give the room away where the disk has hardly any other."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(database.parent).free < BYTES:
            _reserve(database).unlink(missing_ok=True)


def _reserve(database: Path) -> Path:
    return database.with_name(f"{database.name}.reserve")
