"""Keeps one program and all that it starts: it ends with the kernel, and nothing of it stays behind.

Run as a file by a bare interpreter, so it imports nothing of ours and starts in some milliseconds. Its
arguments are the descriptor of a socket to the kernel, how far the program stands back, and its command; the
environment and the folder are the program's.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

_SUBREAPER, _DEATH_SIGNAL = 36, 1
_LOOK_AROUND_MS = 1000
_FAREWELL = 5.0
_NOT_STARTED = 127


def main() -> None:
    """Start the program and stay until it has ended."""
    parent = os.getppid()
    control, niceness, *command = sys.argv[1:]
    line = int(control)
    os.set_inheritable(line, False)  # noqa: FBT003 - its only way
    _prctl(_SUBREAPER, 1)
    bell, rope = os.pipe()
    for end in (bell, rope):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(rope, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    program = _start(command, int(niceness), line)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)  # the pipes are to end with the program
    _keep(program, parent, line, bell)


def _start(command: list[str], niceness: int, line: int) -> int:
    here = os.getpid()
    program = os.fork()
    if program:
        return program
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for name in ("SIGCHLD", "SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGXFSZ"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        _prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != here:
            os._exit(_NOT_STARTED)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - no import
            file.write("500")  # it goes before the kernel when memory runs out
        with contextlib.suppress(OSError):
            os.nice(niceness)
        os.execvp(command[0], command)  # noqa: S606 - what it is for
    except OSError as error:
        os.write(line, b"refused %s\n" % str(error).encode("utf-8", "backslashreplace"))
    finally:
        os._exit(_NOT_STARTED)


def _keep(program: int, parent: int, line: int, bell: int) -> None:
    poller = select.poll()
    poller.register(line, select.POLLIN)
    poller.register(bell, select.POLLIN)
    code = None
    while code is None and os.getppid() == parent:  # a fork of the kernel may hold the line open
        ready = {descriptor for descriptor, _ in poller.poll(_LOOK_AROUND_MS)}
        if bell in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(bell, 512)
        code = _reap(program)
        if line in ready and code is None:
            orders = os.read(line, 64)
            if not orders:
                break
            if b"T" in orders:
                os.kill(program, signal.SIGTERM)
            if b"K" in orders:
                _kill_all(program)
    _kill_all(program)
    code = _bury(program) if code is None else code
    with contextlib.suppress(OSError):
        os.write(line, b"ended %d\n" % (-signal.SIGKILL if code is None else code))


def _reap(program: int) -> int | None:
    """Reap what has ended; return the exit code of the program once it has."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == program:
                code = os.waitstatus_to_exitcode(ended[1])
    return code


def _bury(program: int) -> int | None:
    """Wait for what was killed, for some seconds: a driver may hold a process back."""
    until = time.monotonic() + _FAREWELL
    while time.monotonic() < until:
        code = _reap(program)
        if code is not None:
            return code
        time.sleep(0.01)
    return None


def _kill_all(program: int) -> None:
    """Kill the program and all that descends from it: orphans became children of this process."""
    until = time.monotonic() + _FAREWELL
    while time.monotonic() < until:  # one that forks meanwhile leaves a child behind, and to die takes a core
        found = _descendants()
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            break
        time.sleep(0.002)
    if not sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            os.killpg(program, signal.SIGKILL)


def _descendants() -> list[int]:
    """Return every living process below this one."""
    children: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - no import
            with contextlib.suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - likewise
                state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in (b"Z", b"X"):
                    children.setdefault(int(parent), []).append(int(name))
    found = children.get(os.getpid(), [])
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
