"""The kernel's side of the servers: starts them, asks them, notices that one is gone."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import select
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.process import parcel, system, wire
from astraml_lab.process.server import Setting, command, single_threaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEAVY = ("numpy", "torch", "transformers", "sklearn", "pandas", "threadpoolctl")
"""Loaded ahead, with those of their parts that the kernel has loaded, if it has loaded them at all."""
_WITH_TORCH = ("torch._dynamo", "torch.optim")
"""What the first optimizer of a process imports in a second or two."""
_PATIENCE = 5.0
_LAST_PATIENCE = 1.0
"""Seconds for a killed template to be gone."""


@dataclass(frozen=True)
class Probe:
    """What a server says about itself.

    Attributes:
        pid: Its process.
        cuda: Whether CUDA was initialised in it, which must never be.
        threads: How many it has, which must be one.
        modules: What it has imported.
    """

    pid: int
    cuda: bool
    threads: int
    modules: frozenset[str]


@dataclass(frozen=True)
class Trial:
    """The kernel's ends of what leads to a trial's process. They belong to the caller.

    Attributes:
        token: Names it to its template.
        stream: Its calls.
        out: What it writes to stdout.
        err: What it writes to stderr.
        status: What the template says about it; ends with the template.
    """

    token: int
    stream: socket.socket
    out: int
    err: int
    status: int


class Server:
    """One server, seen from the kernel. Thread-safe."""

    _tokens = itertools.count(1)

    def __init__(self, control: socket.socket) -> None:
        self.token = next(self._tokens)
        self._control = control
        self._maker = os.getpid()
        self._lock = threading.Lock()

    def ask(self, kind: str, body: object, descriptors: Sequence[int] = ()) -> None:
        """Send a request.

        Raises:
            OSError: The server is gone, or was closed.
        """
        with self._lock:
            wire.ask(self._control, kind, body, descriptors)

    @property
    def gone(self) -> bool:
        """Whether it has ended, as far as is known."""
        with self._lock:
            if self._control.fileno() < 0:
                return True
            poller = select.poll()
            poller.register(self._control, 0)
            return bool(poller.poll(0))

    def probe(self, timeout: float = 60.0) -> Probe:
        """Ask it about itself.

        Raises:
            OSError: It is gone, or does not answer in time.
        """
        reader, writer = os.pipe()
        try:
            self.ask(wire.PROBE, None, [writer])
        finally:
            os.close(writer)
            file = open(reader, "rb")  # noqa: PTH123, SIM115  (a descriptor)
        with file:
            poller = select.poll()
            poller.register(file, select.POLLIN)
            if not poller.poll(1000 * timeout):
                raise TimeoutError("the server does not answer")
            data = file.read()
        if not data:
            raise ConnectionError("the server is gone")
        return Probe(**pickle.loads(data))  # noqa: S301  (our own server)

    def kill(self, token: int) -> None:
        """Have a child of it killed with all that it started; nothing happens if it has ended."""
        with contextlib.suppress(OSError):
            self.ask(wire.KILL, token)

    def close(self) -> None:
        """Let it end with all that descends from it."""
        with self._lock:
            if os.getpid() == self._maker:
                # To close it would not do: a fork of the kernel, a data loader's worker, may hold a copy.
                with contextlib.suppress(OSError):
                    self._control.shutdown(socket.SHUT_RDWR)
            self._control.close()


class Template(Server):
    """A job's server.

    Attributes:
        base: Whom it was forked from; none where nothing forks.
    """

    def __init__(self, control: socket.socket, status: int) -> None:
        super().__init__(control)
        self._status = status
        self.base: Server | None = None

    def start(self, brief: int) -> Trial:
        """Have a trial forked.

        Raises:
            OSError: The template is gone, or the system has no more of something.
        """
        with contextlib.ExitStack() as undo:
            ours, theirs = socket.socketpair()
            undo.callback(theirs.close)
            keep = contextlib.ExitStack()
            keep.callback(ours.close)
            readers, writers = [], []
            with keep:
                for _ in range(3):
                    reader, writer = os.pipe()
                    keep.callback(os.close, reader)
                    undo.callback(os.close, writer)
                    readers.append(reader)
                    writers.append(writer)
                token = next(self._tokens)
                out, err, status = writers
                self.ask(wire.TRIAL, token, [brief, theirs.fileno(), out, err, status])
                keep.pop_all()
        return Trial(token, ours, *readers)

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended with every process of its trials. To be called once, after `close`.

        It is killed if it does not end in time: what it loads for its job may take for ever.
        """
        try:
            if _ends(self._status, timeout):
                return True
            if self.base is not None:
                self.base.kill(self.token)
            return _ends(self._status, _LAST_PATIENCE)
        finally:
            os.close(self._status)


class SpawnedTemplate(Template):
    """A job's server where nothing may fork: a child of the kernel itself."""

    def __init__(self, control: socket.socket, process: subprocess.Popen[bytes]) -> None:
        super().__init__(control, -1)
        self._process = process

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended, and with it every process of its trials."""
        return _reaped(self._process, timeout)


class Templates:
    """The base server of this process, and what is forked from it. Thread-safe; starts nothing until asked.

    Args:
        fork: Whether to fork at all; else each trial gets an interpreter that was started ahead of it.
        heavy: The packages to load ahead where the kernel has loaded them.
    """

    def __init__(self, *, fork: bool = system.CAN_FORK, heavy: Sequence[str] = HEAVY) -> None:
        self._forks = fork
        self._heavy = frozenset(heavy)
        self._lock = threading.Lock()
        self._base: tuple[Server, subprocess.Popen[bytes]] | None = None
        self._log: int | None = None
        self._process = os.getpid()

    def prepare(self) -> None:
        """Start the base, which then imports the libraries by itself; returns at once."""
        if self._forks:
            with self._lock:
                self._living_base()

    def template(self, payload: int, modules: Sequence[str] = ()) -> Template:
        """Start the server of a job; it loads `payload` by itself. Returns at once.

        Args:
            payload: A packed tuple; the descriptor stays the caller's.
            modules: To be imported before that, with those that the kernel uses; what is missing is left out.

        Raises:
            OSError: It cannot be started.
        """
        names = (*modules, *self._in_use())
        with self._lock, _setting((*names, *_companions(names))) as brief:
            if self._forks:
                return self._forked(brief, payload)
            ours, process = self._popen("spawner", brief, payload)
            return SpawnedTemplate(ours, process)

    def _forked(self, brief: int, payload: int) -> Template:
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        template = Template(ours, reader)
        try:
            for last in (False, True):
                base = self._living_base()
                try:
                    base.ask(wire.TEMPLATE, template.token, [theirs.fileno(), brief, payload, writer])
                except OSError:  # it died under our hands
                    if last:
                        raise
                else:
                    template.base = base
                    break
        except OSError:
            template.close()
            os.close(reader)
            raise
        finally:
            theirs.close()
            os.close(writer)
        return template

    def base(self) -> Server:
        """Return the base, started if need be.

        Raises:
            OSError: It cannot be started.
        """
        with self._lock:
            return self._living_base()

    def last_words(self) -> str:
        """Return the last line that a server has printed: why it could not start, or what a library said."""
        with self._lock:
            if self._log is None:
                return ""
            size = os.fstat(self._log).st_size
            tail = os.pread(self._log, 4096, max(0, size - 4096)).decode(errors="backslashreplace")
            return (tail.strip().splitlines() or [""])[-1]

    def close(self, timeout: float = 5.0) -> bool:
        """End the base and all templates.

        Returns:
            Whether they have ended. May be called again, and used again afterwards.
        """
        with self._lock:
            ended = self._let_go(timeout)
            if ended and self._log is not None:
                os.close(self._log)
                self._log = None
            return ended

    def _living_base(self) -> Server:
        if self._process != os.getpid():
            raise OSError("these servers belong to the process that this one was forked from")
        if self._base is not None and self._base[0].gone:
            self._let_go(_PATIENCE)
        if self._base is None:
            names = self._in_use()
            with _setting((*names, *_companions(names))) as setting:
                control, process = self._popen("base", setting)
            self._base = (Server(control), process)
        return self._base[0]

    def _in_use(self) -> list[str]:
        """Return the heavy modules that the kernel has loaded, parents first."""
        return [name for name in list(sys.modules) if name.partition(".")[0] in self._heavy]

    def _let_go(self, timeout: float) -> bool:
        if self._base is None:
            return True
        server, process = self._base
        server.close()
        if not _reaped(process, timeout):
            return False
        self._base = None
        return True

    def _popen(self, role: str, *descriptors: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        if self._log is None:
            self._log = system.unnamed_file("servers")
        ours, theirs = socket.socketpair()
        passed: list[int] = []
        try:
            # A kernel that has closed its standard streams gives out their numbers.
            passed += map(system.above_standard, (theirs.fileno(), *descriptors))
            process = subprocess.Popen(  # noqa: S603  (our own code)
                command(role, *passed),
                pass_fds=passed,
                start_new_session=True,  # the interrupt key of the kernel does not reach it
                env=single_threaded(),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            for each in passed:
                os.close(each)
        return ours, process


@contextlib.contextmanager
def _setting(modules: Sequence[str]) -> Iterator[int]:
    try:
        folder = os.getcwd()  # noqa: PTH109  (as text)
    except OSError:
        folder = "/"
    ahead = tuple(dict.fromkeys(modules))
    setting = Setting(tuple(sys.path), tuple(sys.argv), folder, dict(os.environ), ahead)
    descriptor = system.unnamed_file("setting")
    try:
        parcel.pack(descriptor, None, label=setting)
        yield descriptor
    finally:
        os.close(descriptor)


def _companions(names: Sequence[str]) -> tuple[str, ...]:
    return _WITH_TORCH if any(name.partition(".")[0] == "torch" for name in names) else ()


def _ends(status: int, timeout: float) -> bool:
    """Wait until nobody holds the other end of a pipe any more."""
    until = time.monotonic() + timeout
    poller = select.poll()
    poller.register(status, select.POLLIN)
    while poller.poll(1000 * max(0.0, until - time.monotonic())):
        if not os.read(status, 1 << 16):
            return True
    return False


def _reaped(process: subprocess.Popen[Any], timeout: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout)
    return process.returncode is not None
