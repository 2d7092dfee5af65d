"""Which process a row belongs to, whether that process still runs, and which files it has open."""

from __future__ import annotations

import os
import socket
import zlib
from functools import cache
from pathlib import Path

import psutil

_SAME_START = 2.0  # the start time of a process moves a little when the clock is set
_MARK = 1 << 33
"""Start marks begin here: more than any time in seconds, or any number of ticks since the machine started."""
_PROC = Path("/proc")


@cache
def this_host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def this_process() -> tuple[int, float]:
    """Return this process's number and what tells it from others: numbers are used again."""
    return os.getpid(), _mark(os.getpid()) or _started_at(os.getpid())


def runs(pid: int, started_at: float) -> bool:
    """Tell whether the process of this machine that had this number then, see `this_process`, still runs."""
    began = _started_at(pid)
    if started_at >= _MARK:
        return began > float("-inf") and _mark(pid) == started_at
    return abs(began - started_at) < _SAME_START


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


def _mark(pid: int) -> float:
    """Return a number that no other process of this or an earlier start of the machine has; 0 if unknown.

    A time would change with the clock, which is set under a living kernel: after a laptop or a virtual
    machine has slept, or when a machine finds out the time late. Ticks since the machine started do not.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_bytes()
        ticks = int((_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # no Linux, or no such process
        return 0.0
    # 20 bits of the machine's start, 33 of the process's: what a float can hold
    return float((zlib.crc32(boot) % 0xFFFFF + 1) * _MARK + ticks)
