"""Ctrl-C while a command waits: noted, and acted on where the command looks; asked about at a terminal."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = 130
"""The exit status of a command that Ctrl-C ended."""
QUESTION = "d: it goes on in the background, s: stop it, anything else: go on watching [d/s] "


class Interrupted(BaseException):
    """Ctrl-C; no KeyboardInterrupt, which in a notebook only ends the waiting."""


class Interrupts:
    """Counts SIGINTs; only the main thread makes and asks one."""

    def __init__(self) -> None:
        self._count = 0

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Have SIGINT noted, and not raised, inside."""
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def check(self) -> None:
        """Raise what was noted since the last look.

        Raises:
            Interrupted: There was a SIGINT.
        """
        if self._count:
            self._count = 0
            raise Interrupted

    def _note(self, *_: object) -> None:
        self._count += 1


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Say at Ctrl-C, until the watching has begun, how to learn whether there is a job.

    Raises:
        Exit: With the status of Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            "Interrupted while the job was being started; `astraml list` says if it is there.", err=True
        )
        raise typer.Exit(STATUS) from None


def in_foreground() -> bool:
    """Whether this process may use its terminal: a shell has not put it into the background."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # Windows has no such groups
        return False


def at_terminal() -> bool:
    """Whether somebody at a terminal can be asked."""
    return in_foreground() and sys.stdin.isatty() and sys.stderr.isatty()


def ask(name: str) -> str:
    """Ask what is to become of a job; `s` also for a second Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever sees the question may press again
        typer.echo(f"\nInterrupted; {name} still runs. {QUESTION}", err=True, nl=False)
        return sys.stdin.readline().strip().lower()[:1]
    except KeyboardInterrupt:
        typer.echo("", err=True)
        return "s"
    finally:
        signal.signal(signal.SIGINT, before)
