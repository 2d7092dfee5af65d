"""What every server does: take requests, have children, reap them, and end with its parent."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from astraml_lab.process import system, wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

_LOOK_AROUND_MS = 1000
_FAREWELL = 3.0


@dataclass(frozen=True)
class _Ward:
    token: int
    status: int | None


class Nursery:
    """A single-threaded server, and for ever: it forks.

    It ends, and all that descends from it, when its control socket reaches its end or its parent is gone. The
    second is looked at because a fork of the kernel holds a copy of the other end.

    Args:
        control: Where requests come from.
        parent: The process to end with.
    """

    def __init__(self, control: socket.socket, parent: int) -> None:
        self.control = control
        self._parent = parent
        self._wards: dict[int, _Ward] = {}
        self._bell, self._rope = os.pipe()
        for end in (self._bell, self._rope):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self, handlers: Mapping[str, Callable[[wire.Message], None]]) -> NoReturn:
        """Take requests until the end, then leave.

        Args:
            handlers: What is done for each kind of request besides killing and probing.
        """
        everything = {**handlers, wire.KILL: self._kill, wire.PROBE: self._probe}
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        poller.register(self._bell, select.POLLIN)
        while os.getppid() == self._parent:
            ready = {descriptor for descriptor, _ in poller.poll(_LOOK_AROUND_MS)}
            self._reap()
            if self.control.fileno() in ready:
                message = wire.take(self.control)
                if message is None:
                    break
                everything[message.kind](message)
        self._end()
        os._exit(0)

    def fork(self, token: int, status: int) -> bool:
        """Have a child; returns whether this is the child, which then has nothing of the server's."""
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, too little memory: those that there are go on
            _tell(status, wire.framed(wire.REFUSED, wire.packed(error)))
            os.close(status)
            return False
        if pid:
            self.adopt(pid, token, status)
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        others = (ward.status for ward in self._wards.values() if ward.status is not None)
        for descriptor in (self._bell, self._rope, status, *others):
            os.close(descriptor)
        self.control.close()
        self._wards.clear()
        return True

    def adopt(self, pid: int, token: int, status: int | None) -> None:
        """Watch over a child of this process, and tell of it through `status`."""
        self._wards[pid] = _Ward(token, status)
        if status is not None:
            _tell(status, wire.framed(wire.STARTED, pid))

    @property
    def busy(self) -> int:
        """How many of the children somebody wants to hear of."""
        return sum(ward.status is not None for ward in self._wards.values())

    def _kill(self, message: wire.Message) -> None:
        for pid, ward in self._wards.items():
            if ward.token == message.body:
                system.kill_session(pid)

    def _probe(self, message: wire.Message) -> None:
        torch: Any = sys.modules.get("torch")
        tasks = Path("/proc/self/task")
        answer = {
            "pid": os.getpid(),
            "cuda": bool(torch and torch.cuda.is_initialized()),
            "threads": len(list(tasks.iterdir())) if tasks.exists() else 1,
            "modules": frozenset(sys.modules),
        }
        with open(message.fds[0], "wb") as file:  # noqa: PTH123  (a descriptor)
            file.write(pickle.dumps(answer))

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._bell, 512):
                pass
        # Left unreaped until its session is killed: so long nobody else can get its number.
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                self._bury(ended.si_pid)

    def _bury(self, pid: int) -> None:
        with contextlib.suppress(OSError):
            if os.getsid(pid) == pid:
                system.kill_session(pid)
        _, status = os.waitpid(pid, 0)
        ward = self._wards.pop(pid, None)
        if ward is not None and ward.status is not None:
            _tell(ward.status, wire.framed(wire.ENDED, os.waitstatus_to_exitcode(status)))
            os.close(ward.status)

    def _end(self) -> None:
        """Kill every child; theirs die with them, and come here to be buried with all of their sessions."""
        self.control.close()
        for pid in list(self._wards):
            system.kill_session(pid)
        until = time.monotonic() + _FAREWELL
        poller = select.poll()
        poller.register(self._bell, select.POLLIN)
        while time.monotonic() < until and _has_children():
            self._reap()
            poller.poll(50)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _tell(status: int, data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        os.write(status, data)
