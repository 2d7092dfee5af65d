"""What the operating system knows of processes: sessions, signals in words, memory that ran out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

CAN_FORK = sys.platform.startswith("linux")
"""Whether a process that has loaded libraries may fork: on macOS system libraries forbid it."""
CAN_SPAWN = os.name == "posix"

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_WORDS = {  # by name: this module is imported on Windows too, which lacks some
    "SIGSEGV": "crashed: segmentation fault",
    "SIGABRT": "crashed: aborted",
    "SIGBUS": "crashed: bus error",
    "SIGFPE": "crashed: arithmetic error",
    "SIGILL": "crashed: illegal instruction",
}
OUT_OF_MEMORY = "was killed by the system because memory ran out"
_LIKED_BY_THE_OOM_KILLER = "500"


def die_with_parent(parent: int) -> None:
    """Have the system kill this process when `parent` dies; only Linux does, elsewhere a watcher has to.

    `parent` must be single-threaded: the system watches the thread that forked.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, so that somebody reaps them in a container."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def show_as(name: str) -> None:
    """Name this process in `top` and `ps`."""
    _prctl(_PR_SET_NAME, ctypes.create_string_buffer(name.encode()[:15]))


def die_first() -> None:
    """Tell the system to take this process, not the kernel, when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_LIKED_BY_THE_OOM_KILLER)


def _prctl(option: int, value: object) -> None:
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def flush_c_streams() -> None:
    """Write out what C code printed: leaving by `os._exit` would drop it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)


def kill_session(session: int) -> None:
    """Kill every process of a session, its leader too. The leader must not have been reaped yet."""
    for _attempt in range(3):  # one that forks meanwhile leaves a child behind
        members = [pid for pid in psutil.pids() if _session_of(pid) == session]
        members.sort(key=lambda pid: pid == os.getpid())  # last: it could not kill the others any more
        for pid in members:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if members in ([], [session]):
            break
    with contextlib.suppress(OSError):
        os.kill(session, signal.SIGKILL)  # it may not have made its session yet


def _session_of(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getsid(pid)
    return None


def how_it_ended(code: int) -> str:
    """Say how a process ended that did not say it itself; `code` is as in `subprocess`."""
    if code >= 0:
        return f"ended itself with exit code {code} (os._exit)"
    try:
        ended_by = signal.Signals(-code)
    except ValueError:
        return f"was ended by signal {-code}"
    if ended_by.name in _WORDS:
        return f"{_WORDS[ended_by.name]} ({ended_by.name})"
    verb = "killed" if ended_by.name == "SIGKILL" else "ended by a signal"
    return f"was {verb} ({ended_by.name}) from outside"


class OutOfMemoryCounter:
    """How many processes the system has killed for memory: in this container, or on the whole machine.

    Args:
        files: Where the count may be; the first that has one is read.
    """

    def __init__(self, files: Iterable[Path] | None = None) -> None:
        self._files = tuple(_memory_files() if files is None else files)

    def count(self) -> int | None:
        """Return the count, or None where the system does not tell."""
        for file in self._files:
            with contextlib.suppress(OSError, ValueError):
                for line in file.read_text().splitlines():
                    word, _, number = line.partition(" ")
                    if word == "oom_kill":
                        return int(number)
        return None


def _memory_files() -> list[Path]:
    files = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _number, controllers, path = line.split(":", 2)
            if not controllers:
                files.append(Path(f"/sys/fs/cgroup{path}") / "memory.events")
            elif "memory" in controllers.split(","):
                files.append(Path(f"/sys/fs/cgroup/memory{path}") / "memory.oom_control")
    return [*files, Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")]


def above_standard(descriptor: int) -> int:
    """Return a copy of a descriptor that has none of the numbers of the standard streams.

    The caller closes it.
    """
    import fcntl  # not on Windows

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def unnamed_file(name: str, *, large: bool = False) -> int:
    """Return a descriptor of a file that no folder lists: in memory if it is small and the system can.

    The caller closes it.
    """
    if not large and hasattr(os, "memfd_create"):
        return os.memfd_create(name, os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(prefix=f"astraml-{name}-") as file:
        return os.dup(file.fileno())
