"""The channel of a trial in a process of its own: each call goes to the kernel and waits for its answer."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from astraml_lab.errors import NotInTrial
from astraml_lab.process import wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from astraml_lab.spec import AnyDimension, ParamValue


class PipeChannel:
    """Speaks for the process that made it, any thread of it, one call at a time.

    Args:
        stream: The socket to the kernel.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._frames = wire.Frames()
        self._calls = 0
        self._lock = threading.Lock()
        self._process = os.getpid()

    def report(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Have the kernel record the metrics; raises what the kernel's channel raises."""
        self._call("report", dict(metrics), step)

    def should_stop(self) -> bool:
        """Ask the kernel whether the next report would end the trial."""
        return bool(self._call("should_stop"))

    def secret(self, name: str) -> str:
        """Have the kernel look up a secret, and keep it out of the log."""
        return str(self._call("secret", name))

    def suggest(self, name: str, dimension: AnyDimension) -> ParamValue:
        """Have the kernel choose a value."""
        value: ParamValue = self._call("suggest", name, dimension)
        return value

    def finish(self, result: bytes) -> None:
        """Send the result; the last that is said. A fork that the trial made and let return says nothing."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._stream.sendall(wire.framed(wire.RESULT, result))

    def _call(self, method: str, *arguments: object) -> Any:
        if os.getpid() != self._process:
            _say_where()
        with self._lock:
            self._calls += 1
            data = wire.framed(wire.CALL, (self._calls, method, arguments))
            try:
                kind, answer = wire.exchange(self._stream, data, self._frames, self._calls)
            except (EOFError, ConnectionError):  # no other `OSError`: a user's alarm raises `TimeoutError`
                # The kernel is gone or has let go of this trial: the watcher is about to end this process.
                raise SystemExit("the kernel is gone") from None
        if kind == wire.RAISED:
            raise wire.unpacked(answer)
        return answer

    def __reduce__(self) -> tuple[type[NoChannel], tuple[()]]:
        # In a DataLoader's worker that was spawned.
        return NoChannel, ()


class NoChannel:
    """Stands for the channel in a process that the trial has started."""

    def report(self, metrics: Mapping[str, float], step: int | None) -> NoReturn:  # noqa: ARG002  (the protocol)
        """Refuse."""
        _say_where()

    def should_stop(self) -> NoReturn:
        """Refuse."""
        _say_where()

    def secret(self, name: str) -> NoReturn:  # noqa: ARG002  (likewise)
        """Refuse."""
        _say_where()

    def suggest(self, name: str, dimension: AnyDimension) -> NoReturn:  # noqa: ARG002  (the protocol)
        """Refuse."""
        _say_where()


def _say_where() -> NoReturn:
    raise NotInTrial(
        "`report` and its like work in the trial's own process, and this is one that the trial started "
        "(a DataLoader's worker?): hand the value back to the trial and report it there"
    )
