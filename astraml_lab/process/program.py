"""A program that is not ours, run for a trial: its output as it comes, its end, no process left behind."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from astraml_lab.process import system

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

_KEEPER = Path(__file__).with_name("keeper.py")
_CHUNK = 1 << 16
_DRAIN = 0.5
"""Seconds for what is still in the pipes after the end."""
_GOODBYE = 10.0
_LOST = -9

Piece = tuple[Literal["out", "err"], bytes]


class Program:
    """A running program under its keeper; for one thread. A context manager: leaving it kills what runs.

    Args:
        command: The program and its arguments.
        env: Its whole environment.
        folder: Its working directory.
        niceness: How far it stands back behind the kernel.

    Attributes:
        code: Its exit code as in `subprocess`, once it has ended.
        refused: Why it could not be started; mostly empty.

    Raises:
        OSError: The system has no more of something.
    """

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], folder: Path, niceness: int = 10
    ) -> None:
        self.code: int | None = None
        self.refused = ""
        self._news = b""
        with contextlib.ExitStack() as undo:
            self._line, theirs = socket.socketpair()
            undo.callback(self._line.close)
            with contextlib.ExitStack() as ours:
                ours.callback(theirs.close)
                given = system.above_standard(theirs.fileno())
                ours.callback(os.close, given)
                self._process = subprocess.Popen(  # noqa: S603 - the person's own program
                    [sys.executable, "-I", "-S", str(_KEEPER), str(given), str(niceness), *command],
                    pass_fds=[given],
                    start_new_session=True,
                    env=dict(env),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            undo.pop_all()
        out, err = self._process.stdout, self._process.stderr
        self._streams: dict[int, Literal["out", "err"]] = {}
        if out is not None and err is not None:
            self._streams = {out.fileno(): "out", err.fileno(): "err"}
        self._poller = select.poll()
        for descriptor in (self._line.fileno(), *self._streams):
            self._poller.register(descriptor, select.POLLIN)
        self._open = set(self._streams)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def output(self, patience: float) -> Iterator[Piece]:
        """Yield what it writes as it comes, for about so many seconds; ends early when the program has."""
        until = time.monotonic() + patience
        while not self.ended:
            left = until - time.monotonic()
            if left <= 0:
                return
            yield from self._next(left)
        until = time.monotonic() + _DRAIN
        while self._open and (left := until - time.monotonic()) > 0:
            yield from self._next(left)
        self._open.clear()

    @property
    def ended(self) -> bool:
        """Whether it has ended, with all that it started."""
        return self.code is not None

    def terminate(self) -> None:
        """Ask it to end: SIGTERM, to the program itself alone, as a container's engine does."""
        self._order(b"T")

    def kill(self) -> None:
        """End it and all that it started."""
        self._order(b"K")

    def close(self) -> None:
        """Kill what still runs, and let go of everything."""
        with contextlib.suppress(OSError):  # else a fork of the kernel, which holds a copy, keeps it open
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()  # its end is the keeper's sign
        try:
            self._process.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _order(self, order: bytes) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            self._line.send(order)

    def _next(self, patience: float) -> Iterator[Piece]:
        for descriptor, _ in self._poller.poll(1000 * patience):
            if descriptor in self._streams:
                data = os.read(descriptor, _CHUNK)
                if data:
                    yield self._streams[descriptor], data
                else:
                    self._poller.unregister(descriptor)
                    self._open.discard(descriptor)
            else:
                self._hear()

    def _hear(self) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = self._line.recv(_CHUNK)
        self._news += data
        *lines, self._news = self._news.split(b"\n")
        for line in lines:
            word, _, rest = line.partition(b" ")
            if word == b"ended":
                self.code = int(rest)
            else:
                self.refused = rest.decode()
        if not data:
            self._poller.unregister(self._line.fileno())
            if self.code is None:  # somebody killed the keeper, and with it the program
                self.code = _LOST
