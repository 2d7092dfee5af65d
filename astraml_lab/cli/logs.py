"""`astraml logs`: what trials printed, of one or of all by time; `-f` follows until the job has ended."""

from __future__ import annotations

import heapq
import os
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from astraml_lab.cli import answers
from astraml_lab.cli.naming import JSON, NEWEST, PROJECT, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from astraml_lab.jobs import Job
    from astraml_lab.output import Line

_OFTEN = 0.3
"""Seconds between two looks."""
_BLOCK = 1 << 18
_MOST = 1 << 22
"""Bytes of a log that are read at once."""


def logs(
    name: NEWEST = None,
    trial: Annotated[int | None, typer.Argument(min=0, help="Only this trial.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of each trial.")] = 100,
    project: PROJECT = None,
    as_json: JSON = False,
) -> None:
    """Show what trials printed; with --json a line of JSON for each."""
    job = find(name, project)
    shown = _Logs(job, trial, lines)
    plain = job.view().trials == 1 or trial is not None

    def put() -> None:
        for number, line in shown.fresh():
            if as_json:
                row = {"trial": number, "time": line.time, "stream": line.stream, "text": line.text}
                typer.echo(answers.as_json(row, indent=None))
            else:
                typer.echo(line.text if plain else f"trial {number} | {line.text}")

    pause = threading.Event()
    while follow and not shown.over:
        put()
        pause.wait(_OFTEN)
    if follow:
        job.wait(0)  # has the trials read anew: one may have begun and ended since they were
    put()


class _Logs:
    """The logs of a job's trials, as far as they have been read."""

    def __init__(self, job: Job, trial: int | None, lines: int) -> None:
        self._job = job
        self._only = None if trial is None else job.trials[trial].number
        self._tails: dict[int, _Tail] = {}
        for number in self._numbers:
            self._tails[number] = _Tail(self._path(number), lines)

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        from astraml_lab.spec import JobState

        state = self._job.state
        over = state.ended or state is JobState.STALE
        return over or (self._only is not None and self._job.trials[self._only].state.ended)

    def fresh(self) -> Iterator[tuple[int, Line]]:
        """Yield the lines since the last call, by time."""
        for number in self._numbers:
            if number not in self._tails:
                self._tails[number] = _Tail(self._path(number), None)
        batches = ([(number, line) for line in tail.fresh()] for number, tail in self._tails.items())
        yield from heapq.merge(*batches, key=lambda each: each[1].time)

    @property
    def _numbers(self) -> Iterable[int]:
        return self._job.trials if self._only is None else [self._only]

    def _path(self, number: int) -> Path:
        return self._job.trials[number].log.path


class _Tail:
    """A log file that grows.

    Args:
        path: The file; it need not be there yet.
        lines: Where to begin: so many lines before its end; None: at its beginning.
    """

    def __init__(self, path: Path, lines: int | None) -> None:
        self._path = path
        self._offset = 0 if lines is None else _before_end(path, lines)

    def fresh(self) -> Iterator[Line]:
        """Yield the whole lines that have come since the last call."""
        from astraml_lab.output import parse_line

        while data := self._read():
            for text in data.decode("utf-8", "replace").split("\n"):
                line = parse_line(text)
                if line is not None:
                    yield line

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_MOST)
        except FileNotFoundError:
            return b""
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole


def _before_end(path: Path, lines: int) -> int:
    """Return where the last lines of a file begin."""
    try:
        with path.open("rb") as file:
            begin = file.seek(0, os.SEEK_END)
            data = b""
            while begin and data.count(b"\n") <= lines:
                end, begin = begin, max(0, begin - _BLOCK)
                file.seek(begin)
                data = file.read(end - begin) + data
    except FileNotFoundError:
        return 0
    ends = [place for place, byte in enumerate(data) if byte == ord("\n")]
    return begin if len(ends) <= lines else begin + ends[-lines - 1] + 1
