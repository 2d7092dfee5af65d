"""What processes say to each other: pickled frames, with descriptors where a server is asked for it."""

from __future__ import annotations

import array
import pickle
import socket
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH = struct.Struct("<I")
_CHUNK = 1 << 16
_MOST_FDS = 8

# The requests that a server takes. Its answers come through the descriptors that travel with them.
TEMPLATE = "template"  # (token,) + control socket, brief, payload, status
TRIAL = "trial"  # (token,) + brief, channel, stdout, stderr, status
KILL = "kill"  # (token,)
PROBE = "probe"  # () + a pipe for the answer

# What a child and its server write to a status pipe.
STARTED = "started"  # pid
ENDED = "ended"  # exit code, negative for a signal
REFUSED = "refused"  # the error with which the system refused a child

# What a trial says to the kernel.
CALL = "call"  # its number, method of the channel, arguments
RESULT = "result"  # what the runner returned, as bytes

# What the kernel answers to a call, with the number of the call.
VALUE = "value"
RAISED = "raised"


class Message(NamedTuple):
    """A frame as it was sent."""

    kind: str
    body: Any
    fds: tuple[int, ...] = ()


def framed(kind: str, body: object = None) -> bytes:
    """Return the bytes of a frame."""
    data = pickle.dumps((kind, body), protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Cuts a stream of bytes into the frames that it holds."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the frames that `data` completes."""
        buffer = self._buffer
        buffer += data
        found, start = [], 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            found.append(Message(*pickle.loads(memoryview(buffer)[start + _LENGTH.size : end])))  # noqa: S301  (ours)
            start = end
        del buffer[:start]
        return found


def ask(control: socket.socket, kind: str, body: object = None, fds: Sequence[int] = ()) -> None:
    """Send a request to a server, whole.

    Raises:
        OSError: The server is gone.
    """
    data = framed(kind, body)
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sent = control.sendmsg([data], ancillary)
    if sent < len(data):
        control.sendall(data[sent:])


def take(control: socket.socket) -> Message | None:
    """Receive one request, whole; None when the other side is gone. The descriptors belong to the caller."""
    room = socket.CMSG_SPACE(_MOST_FDS * array.array("i").itemsize)
    try:
        head, ancillary, _flags, _address = control.recvmsg(_LENGTH.size, room)
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        head += _exactly(control, _LENGTH.size - len(head)) if head else b""
        if not head:
            return None
        frame = pickle.loads(_exactly(control, _LENGTH.unpack(head)[0]))  # noqa: S301  (ours)
    except (ConnectionError, EOFError):
        return None
    return Message(frame[0], frame[1], tuple(fds))


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = stream.recv(min(count - len(data), _CHUNK))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def exchange(stream: socket.socket, data: bytes, frames: Frames, number: int) -> tuple[str, Any]:
    """Send the call `number` and wait for its answer: the kind and what it holds.

    Answers to earlier calls are dropped: a signal's handler may have raised while one was waited for.

    Raises:
        EOFError: The other side is gone.
        OSError: Likewise.
    """
    stream.sendall(data)
    while True:
        received = stream.recv(_CHUNK)
        if not received:
            raise EOFError
        for answer in frames.feed(received):
            if answer.body[0] == number:
                return answer.kind, answer.body[1]


def packed(error: BaseException) -> tuple[type[BaseException], tuple[Any, ...], dict[str, Any]]:
    """Take an exception apart. Its own pickling would call constructors with what they did not ask for."""
    # An OSError keeps its file out of `args`; its reduction has it.
    args = error.__reduce__()[1] if isinstance(error, OSError) else error.args
    return type(error), args, dict(vars(error))  # type: ignore[return-value]  # a reduction is a tuple or a name


def unpacked(parts: tuple[type[BaseException], tuple[Any, ...], dict[str, Any]]) -> BaseException:
    """Put an exception together again: same type, same text."""
    kind, args, state = parts
    error = kind.__new__(kind, *args)
    if not isinstance(error, OSError):
        error.args = args
    vars(error).update(state)
    return error


def answer_to(number: int, error: BaseException) -> bytes:
    """Return the frame that raises `error` from the call; as a `RuntimeError` if it cannot travel."""
    try:
        return framed(RAISED, (number, packed(error)))
    except Exception:  # noqa: BLE001  (whatever somebody's exception holds)
        return framed(RAISED, (number, packed(RuntimeError(f"{type(error).__name__}: {error}"))))
