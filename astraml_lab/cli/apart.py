"""Starting the process that runs a job, and learning from it whether the job has begun."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from astraml_lab.cli.answers import Refused
from astraml_lab.errors import JobFailed, NotBuiltYet, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FAREWELL = 10.0
"""Seconds for a process to end whose job has ended."""


@dataclass
class Apart:
    """A job that a process of its own runs.

    Attributes:
        name: The job's name.
        project: Its project.
        generation: Its generation.
        said: What its start has to say of itself; mostly nothing.
        log: What the process writes; empty where there is no such process.
        pid: The process; None where the job was there already, and that has ended or another one runs it.
    """

    name: str
    project: str
    generation: int
    said: str
    log: str
    pid: int | None
    _process: subprocess.Popen[bytes]
    _line: socket.socket

    def farewell(self) -> None:
        """Wait a moment for the process, whose job has ended, to be gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_FAREWELL)
        self._line.close()


def start_apart(wish: Mapping[str, Any], *, leashed: bool) -> Apart:
    """Start a job in a process and session of its own; returns once the job is in the store.

    Args:
        wish: `request` and what goes with it, or `resume`; see `background`.
        leashed: Whether the process ends when this one does.

    Raises:
        Refused: The job cannot be started; nothing was.
        JobFailed: The process has failed; the message names its log.
        NotBuiltYet: This is Windows.
        KeyboardInterrupt: Before the job was there.
    """
    if os.name != "posix":
        raise NotBuiltYet("the command line runs jobs on Linux and macOS: use a notebook here")
    log = _new_log()
    ours, theirs = socket.socketpair()
    with theirs, log.open("ab") as out:
        # -P: the folder that the shell is in is nothing to import from
        words = [sys.executable, "-P", "-m", "astraml_lab.cli.background", str(theirs.fileno())]
        process = subprocess.Popen(  # noqa: S603 - our own module
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    try:
        ours.sendall((json.dumps({**wish, "leashed": leashed, "log": str(log)}) + "\n").encode())
        importlib.import_module("astraml_lab.lab")  # while the process does the same
        begun = _answer(process, ours, log)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_FAREWELL)
        ours.close()
        raise
    if not begun.pop("ours"):
        log.unlink(missing_ok=True)
        return Apart(**begun | {"log": ""}, pid=None, _process=process, _line=ours)
    return Apart(**begun, pid=process.pid, _process=process, _line=ours)


def _answer(process: subprocess.Popen[bytes], line: socket.socket, log: Path) -> dict[str, Any]:
    """Return what the process says of the job that it has begun."""
    for kind, content in _sayings(line):
        if kind == "told":
            typer.echo(f"astraml: {content}", err=True)
        elif kind == "refused":
            log.unlink(missing_ok=True)
            raise Refused(content["message"], content)
        elif kind == "broken":
            raise JobFailed(f"the process of the job failed: {content} (its log: {log})")
        else:
            begun: dict[str, Any] = content
            return begun
    code = process.wait()
    raise JobFailed(f"the process of the job ended before it could start one, with status {code}: see {log}")


def _sayings(line: socket.socket) -> Iterator[tuple[str, Any]]:
    with contextlib.suppress(ConnectionError):
        for text in line.makefile("r", encoding="utf-8"):
            yield from json.loads(text).items()


def _new_log() -> Path:
    from astraml_lab.spec import default_home
    from astraml_lab.store.files import make_folder, make_home, os_advice

    home = default_home().resolve()
    folder = home / "runs"
    make_home(home)
    make_folder(folder)
    log = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    try:
        log.touch()
    except OSError as error:
        raise StoreUnavailable(f"cannot write into the folder {folder}: {os_advice(error)}") from None
    return log
