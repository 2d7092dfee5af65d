"""The log file of a trial: dated lines, bounded size, and it survives a full disk."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Stream = Literal["out", "err"]

# Bursts are written together: a write gives the GIL away, which costs a switch interval beside busy threads.
_BURST_SECONDS = 0.2
_BURST_LINES = 1024
_TAIL_BLOCK = 256 * 1024


class Line(NamedTuple):
    """One whole line that a trial wrote.

    Attributes:
        time: When the line was finished, in seconds since the epoch, UTC.
        stream: `out` or `err`.
        text: Without its line break; what a carriage return overwrote is gone.
    """

    time: float
    stream: Stream
    text: str


class LogFile:
    """Appends lines to a file of at most `max_bytes`; what does not fit is counted in it.

    While the disk is full a burst of lines waits for it; those that come on top are counted likewise. So what
    is `_missing` always comes after what is `_waiting`.

    Not thread-safe: its sink holds a lock. The file and its folders appear with the first line.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._room = max_bytes
        self._waiting: list[bytes] = []
        self._written_at = float("-inf")
        self._missing = 0
        self._fd: int | None = None
        self._closed = False

    def add(self, line: Line, now: float) -> None:
        """Take a line in; it reaches the disk at once, or with its burst."""
        due = abs(now - self._written_at) >= _BURST_SECONDS
        if due and self._missing:  # the disk may take something again
            self.flush()
        if self._missing and not self._waiting and self._room > 0:
            self._wait(_note(line, f"{self._missing:,} lines left out"))
            self._missing = 0
        if self._missing or self._room <= 0 or len(self._waiting) >= _BURST_LINES:
            self._missing += 1
        else:
            self._wait(format_line(line))
            if self._room <= 0:
                self._wait(_note(line, "the log is full; the last lines follow when the trial ends"))
            due = due or len(self._waiting) >= _BURST_LINES
        if due:
            self._written_at = now
            self.flush()

    def flush(self) -> None:
        """Write what waits; what a full disk does not take goes on waiting, and never ends the trial."""
        data = b"".join(self._waiting)
        rest = self._write(data)
        if len(rest) < len(data):
            self._waiting = [piece + b"\n" for piece in rest.split(b"\n")[:-1]]

    def close(self, tail: Sequence[Line]) -> None:
        """Add the last lines if the file lacks them, and close it; a later line opens it for a moment.

        What a disk that is full even now does not take is lost: a deleted job's folder takes nothing either.
        """
        self.flush()
        self._closed = True
        if self._missing and tail:
            kept = tail[-self._missing :]
            left_out = self._missing - len(kept)
            self._missing = 0
            if left_out:
                self._wait(_note(kept[0], f"{left_out:,} lines left out"))
            for line in kept:
                self._wait(format_line(line))
            self.flush()
        self._waiting.clear()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def forget_waiting(self) -> None:
        """Drop what waits, and what is counted: after a fork it is the parent's to write."""
        self._waiting, self._missing = [], 0

    def _wait(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        self._waiting.append(data)
        self._room -= len(data)

    def _write(self, data: bytes) -> bytes:
        """Write as much as the disk takes; return the rest."""
        with contextlib.suppress(OSError):  # full, or gone
            if data and self._fd is None:
                if not self._closed:  # else the job may have been deleted
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            while data and self._fd is not None:
                data = data[os.write(self._fd, data) :]
        return data


def format_line(line: Line) -> str:
    """Spell a line as the file holds it: `2026-11-20T12:00:00.123Z out text`."""
    second, millisecond = divmod(int(line.time * 1000), 1000)
    return f"{_second(second)}.{millisecond:03d}Z {line.stream} {line.text}\n"


def read_tail(path: Path, lines: int = 500) -> tuple[Line, ...]:
    """Return the last lines of a log file, oldest first; never reads more than it needs."""
    try:
        with path.open("rb") as file:
            begin = file.seek(0, os.SEEK_END)
            data = b""
            while begin and data.count(b"\n") <= lines:
                end, begin = begin, max(0, begin - _TAIL_BLOCK)
                file.seek(begin)
                data = file.read(end - begin) + data
    except FileNotFoundError:
        return ()
    # Unless the block begins with the file, its first line may be cut.
    found = data.decode("utf-8", "replace").split("\n")[1 if begin else 0 :]
    return tuple(line for text in found if (line := parse_line(text)) is not None)[-lines:]


@lru_cache(maxsize=16)
def _second(second: int) -> str:
    # Most lines of a burst share their second; spelling it costs as much as all the rest.
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_line(text: str) -> Line | None:
    """Read a line as `format_line` spells it; None for anything else."""
    moment, _, rest = text.partition(" ")
    stream, _, message = rest.partition(" ")
    try:
        time = datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return None
    return Line(time, cast("Stream", stream), message) if stream in ("out", "err") else None


def _note(line: Line, text: str) -> str:
    return format_line(line._replace(text=f"[{text}]"))
