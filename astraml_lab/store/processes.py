"""Which process a row belongs to, whether that process still runs, and which files it has open."""

from __future__ import annotations

import os
import socket
from functools import cache
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

_SAME_START = 2.0  # the start time of a process moves a little when the clock is set


@cache
def this_host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def this_process() -> tuple[int, float]:
    """Return this process's number and its start time: numbers are used again."""
    return os.getpid(), _started_at(os.getpid())


def runs(pid: int, started_at: float) -> bool:
    """Tell whether the process of this machine that had this number at that time still runs."""
    return abs(_started_at(pid) - started_at) < _SAME_START


def has_open(pid: int, path: Path) -> bool:
    """Tell whether a process of this machine has a file open, as far as this user may know."""
    name = os.path.realpath(path)
    try:
        return any(file.path == name for file in psutil.Process(pid).open_files())
    except psutil.Error:  # another user's, or gone meanwhile
        return False


def _started_at(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return float("-inf")
        return process.create_time()
    except psutil.Error:
        return float("-inf")
