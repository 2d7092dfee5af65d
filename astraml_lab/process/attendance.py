"""The kernel's side of one trial: answers its calls, passes on what it writes, learns how it ended."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from astraml_lab.process import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.process.templates import Template, Trial

_CHUNK = 1 << 16
_DRAIN = 0.5
"""Seconds for what is still in the pipes: a process in a session of its own may hold them for ever."""
_GOODBYE = 10.0
"""Seconds that a process has to leave after its result; longer than it takes to end DataLoader workers."""


@dataclass(frozen=True)
class Ended:
    """How a trial's process ended.

    Attributes:
        started: Whether it had begun.
        result: What its runner returned; None if it did not get that far.
        code: Its exit code as in `subprocess`; None if the template died, or nobody waited for it.
    """

    started: bool
    result: bytes | None
    code: int | None


class Attendance:
    """Serves one trial, in the thread that calls `run`.

    Args:
        trial: Closed in the end.
        template: Who kills it.
        channel: What its calls go to.
        write: Takes its output.
        begun: Called when it has begun.
    """

    def __init__(
        self,
        trial: Trial,
        template: Template,
        channel: Any,
        write: Callable[[Literal["out", "err"], str], None] | None,
        begun: Callable[[], None] | None = None,
    ) -> None:
        self._begun = begun
        self._trial = trial
        self._template = template
        self._channel = channel
        self._texts = {trial.out: _Text("out", write), trial.err: _Text("err", write)}
        self._calls = wire.Frames()
        self._news = wire.Frames()
        self._lock = threading.Lock()
        self._killed = self._closed = False
        self._started = False
        self._result: bytes | None = None
        self._code: int | None = None
        self._deadline: float | None = None

    def kill(self) -> None:
        """Have the process killed; wakes `run`. From any thread."""
        with self._lock:
            if self._closed or self._killed:
                return
            self._killed = True
            self._template.kill(self._trial.token)
            with contextlib.suppress(OSError):
                self._trial.stream.shutdown(socket.SHUT_RDWR)

    def run(self) -> Ended:
        """Serve until the process has ended.

        Raises:
            OSError: The system refused to start it.
        """
        try:
            self._serve()
            self._drain()
        finally:
            self._close()
        return Ended(self._started, self._result, self._code)

    def _serve(self) -> None:
        trial = self._trial
        handlers: Mapping[int, Callable[[], bool]] = {
            trial.stream.fileno(): self._hear,
            trial.status: self._learn,
            trial.out: lambda: self._read(trial.out),
            trial.err: lambda: self._read(trial.err),
        }
        poller = select.poll()
        for descriptor in handlers:
            poller.register(descriptor, select.POLLIN)
        while True:
            ready = poller.poll(self._patience())
            if not ready and self._deadline is not None:
                self._overstay()
            for descriptor, _ in ready:
                if handlers[descriptor]():
                    continue
                if descriptor == trial.status or (self._killed and not self._started):
                    return
                poller.unregister(descriptor)

    def _patience(self) -> float | None:
        if self._deadline is None:
            return None
        return 1000 * max(0.0, self._deadline - time.monotonic())

    def _overstay(self) -> None:
        """Kill a process that has said its result and does not leave."""
        self._deadline = None
        self._template.kill(self._trial.token)

    def _hear(self) -> bool:
        try:
            data = self._trial.stream.recv(_CHUNK)
        except OSError:
            return False
        for message in self._calls.feed(data):
            if message.kind == wire.RESULT:
                self._result = message.body
                self._deadline = time.monotonic() + _GOODBYE
            else:
                self._answer(*message.body)
        return bool(data)

    def _answer(self, number: int, method: str, arguments: tuple[Any, ...]) -> None:
        try:
            answer = wire.framed(wire.VALUE, (number, getattr(self._channel, method)(*arguments)))
        except BaseException as error:  # noqa: BLE001  (it belongs to the trial)
            answer = wire.answer_to(number, error)
        with contextlib.suppress(OSError):  # it has just died: its status says how
            self._trial.stream.sendall(answer)

    def _learn(self) -> bool:
        data = os.read(self._trial.status, _CHUNK)
        for message in self._news.feed(data):
            if message.kind == wire.STARTED:
                self._started = True
                if self._begun is not None:
                    self._begun()
            elif message.kind == wire.REFUSED:
                raise wire.unpacked(message.body)
            else:
                self._code = message.body
                return False
        return bool(data)

    def _read(self, descriptor: int) -> bool:
        data = os.read(descriptor, _CHUNK)
        self._texts[descriptor].add(data, last=not data)
        return bool(data)

    def _drain(self) -> None:
        """Take what the ended process left in its socket and pipes."""
        open_ones = {*self._texts}
        with contextlib.suppress(OSError):
            self._trial.stream.settimeout(0.0)
            while self._hear():
                pass
        until = time.monotonic() + _DRAIN
        while open_ones and (left := until - time.monotonic()) > 0:
            poller = select.poll()
            for descriptor in open_ones:
                poller.register(descriptor, select.POLLIN)
            ready = poller.poll(1000 * left)
            open_ones -= {descriptor for descriptor, _ in ready if not self._read(descriptor)}
        for descriptor in open_ones:
            self._texts[descriptor].add(b"", last=True)

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            with contextlib.suppress(OSError):  # as far as it is connected still; see `Server.close`
                self._trial.stream.shutdown(socket.SHUT_RDWR)
            self._trial.stream.close()
            for descriptor in (self._trial.out, self._trial.err, self._trial.status):
                os.close(descriptor)

    @property
    def killed(self) -> bool:
        """Whether `kill` was called in time."""
        return self._killed


class _Text:
    """One stream of output, decoded as it comes."""

    def __init__(
        self, stream: Literal["out", "err"], write: Callable[[Literal["out", "err"], str], None] | None
    ) -> None:
        self._stream = stream
        self._write = write
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def add(self, data: bytes, *, last: bool = False) -> None:
        text = self._decoder.decode(data, final=last)
        if text and self._write is not None:
            try:
                self._write(self._stream, text)
            except Exception:  # noqa: BLE001  (a broken log must not end the trial)
                self._write = None
