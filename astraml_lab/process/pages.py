"""Memory in large pages: a fork copies hundreds of entries of the page table then, not a hundred thousand.

For a process that has loaded torch this took fork and exit together from 21 ms to 8 ms (measured on Linux
6.18). Asked for outright: libraries allocate in pieces that are too small to get large pages by themselves.
"""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path

_LARGE = 2 << 20
_MADV_COLLAPSE = 25  # Linux 6.1; older ones refuse it, and nothing is lost


def large_ranges() -> frozenset[int]:
    """Return where this process has writable memory of its own that could be large pages."""
    found: set[int] = set()
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            where, rights, _offset, _device, inode, *name = line.split(maxsplit=5)
            if not rights.startswith("rw-p") or inode != "0" or name not in ([], ["[heap]"]):
                continue
            start, end = (int(number, 16) for number in where.split("-"))
            found.update(range(-(-start // _LARGE) * _LARGE, end // _LARGE * _LARGE, _LARGE))
    return frozenset(found)


def collapse(ranges: frozenset[int]) -> None:
    """Make large pages of them; takes some milliseconds for each that is not one yet."""
    if not ranges:
        return
    try:
        madvise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start in sorted(ranges):
        madvise(start, _LARGE, _MADV_COLLAPSE)  # one that is not in use refuses, which is as well
