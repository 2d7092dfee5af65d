"""Where the output of a trial goes: whole lines, into its own log file and a bounded tail in memory."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

from astraml_lab.clock import SystemClock
from astraml_lab.output.logfile import Line, LogFile, Stream

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.clock import Clock

# A text without a line break is cut into lines of this length: memory stays bounded whatever is printed.
MAX_LINE = 8192


class Filter(Protocol):
    """Takes out of a stream what is not to be seen."""

    def add(self, text: str) -> str:
        """Return what of the stream is fit to be seen; the beginning of what may not be waits."""

    def end(self) -> str:
        """Return what waited."""

    def forget(self) -> None:
        """Drop what waits."""


class Watch(Protocol):
    """Knows what is not to be seen."""

    def stream(self) -> Filter:
        """Watch one stream of text."""

    def whole(self, text: str) -> str:
        """Return a text that is no part of a stream without it."""


class TrialSink:
    """The output of one trial.

    Every method may be called from any thread, and nothing here raises into the trial: what a full disk does
    not take stays in the tail, and waits for the disk or is counted in the log.

    Args:
        path: The log file. It keeps the beginning, and gets the tail when the sink is closed.
        tail_lines: How many lines stay in memory.
        max_bytes: Where the file stops growing.
        clock: Dates the lines.
    """

    def __init__(
        self, path: Path, *, tail_lines: int = 500, max_bytes: int = 20_000_000, clock: Clock | None = None
    ) -> None:
        self.path = path
        self._clock: Clock = clock or SystemClock()
        self._file = LogFile(path, max_bytes)
        self._tail: deque[Line] = deque(maxlen=tail_lines)
        self._partial: dict[Stream, str] = {}
        self._watch: Watch | None = None
        self._filters: dict[Stream, Filter] = {}
        self._version = 0
        self._closed = False
        self._pid = os.getpid()
        self._lock = threading.Lock()

    @property
    def version(self) -> int:
        """Grows with everything written: equal versions mean equal tails."""
        return self._version

    def watch(self, watch: Watch) -> None:
        """Have everything that comes from now on, on every stream, filtered."""
        with self._lock:
            if self._watch is not watch:
                self._watch = watch
                self._filters = {"out": watch.stream(), "err": watch.stream()}

    def clean(self, text: str) -> str:
        """Return a text about the trial without what is not to be seen."""
        return text if self._watch is None else self._watch.whole(text)

    def write(self, stream: Stream, text: str) -> None:
        """Take in a piece of text, whole lines or not; once the sink is closed, what a thread says late."""
        if self._pid != os.getpid():
            self._begin_again_in_fork()
        with self._lock:
            if self._filters:
                text = self._filters[stream].add(text)
                if self._closed:
                    text += self._filters[stream].end()
            self._take(stream, text)

    def tail(self, lines: int | None = None) -> tuple[Line, ...]:
        """Return the newest lines, oldest first; a progress bar counts as it stands."""
        with self._lock:
            found = (*self._tail, *self._unfinished())
        return found if lines is None else found[max(0, len(found) - lines) :]

    def flush(self) -> None:
        """Write what waits in memory to the file."""
        with self._lock:
            self._file.flush()

    def close(self) -> None:
        """Finish the log. May be called twice."""
        with self._lock:
            if self._closed:
                return
            for stream, each in self._filters.items():
                self._take(stream, each.end())
            self._closed = True
            for line in self._unfinished():
                self._add(*line)
            self._partial.clear()
            self._file.close(tuple(self._tail))

    def _take(self, stream: Stream, text: str) -> None:
        if not text:
            return
        self._version += 1
        text = self._partial.get(stream, "") + text
        if "\n" in text or len(text) > MAX_LINE:
            now = self._clock.time()
            *lines, text = text.split("\n")
            for line in lines:
                self._add(now, stream, line)
            text = _overwritten(text)
            if len(text) > MAX_LINE:
                self._add(now, stream, text)
                text = ""
        self._partial[stream] = _overwritten(text)
        if self._closed:
            self._file.close(())

    def _add(self, now: float, stream: Stream, text: str) -> None:
        text = _overwritten(text).rstrip("\r")
        for start in range(0, len(text) or 1, MAX_LINE):
            line = Line(now, stream, text[start : start + MAX_LINE])
            self._tail.append(line)
            self._file.add(line, now)

    def _unfinished(self) -> list[Line]:
        now = self._clock.time()
        shown = ((stream, text.rstrip("\r")) for stream, text in self._partial.items())
        return [Line(now, stream, text) for stream, text in shown if text]

    def _begin_again_in_fork(self) -> None:
        # A worker that the trial forked: another thread may have held the lock at that moment.
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._partial.clear()
        for each in self._filters.values():
            each.forget()
        self._file.forget_waiting()


def _overwritten(text: str) -> str:
    """Keep what a terminal would show: a carriage return at the end waits for the text that overwrites."""
    if "\r" not in text:
        return text
    shown = text.rstrip("\r")
    return shown[shown.rfind("\r") + 1 :] + ("\r" if len(shown) < len(text) else "")
