"""Watching a job until it has ended, drawn in place on a terminal, in lines elsewhere; and Ctrl-C."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
import time
from typing import TYPE_CHECKING, TextIO

import typer

from astraml_lab.cli import interrupts
from astraml_lab.cli.answers import in_a_shell
from astraml_lab.cli.interrupts import Interrupted, Interrupts
from astraml_lab.cli.patience import Failures, patiently
from astraml_lab.errors import JobFailed
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.jobs import Job
    from astraml_lab.jobs.presenter import Presenter

TIMED_OUT = 124
"""The exit status of a wait that took too long; timeout(1) has the same."""
_SECONDS_TO_STOP = 30.0


def line(command: str, job: Job) -> str:
    """Return what to type at the shell for a job: `astraml stop digits`."""
    project = "" if job.project == "default" else f" --project {shlex.quote(job.project)}"
    return f"astraml {command} {shlex.quote(job.name)}{project}"


class _InAShell(io.TextIOBase):
    """Writes on, with what there is to type as a shell has it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str, /) -> int:
        """Write a text."""
        self._out.write(in_a_shell(text))
        return len(text)

    def flush(self) -> None:
        """Flush what it writes to."""
        self._out.flush()

    def isatty(self) -> bool:
        """Whether that is a terminal."""
        return self._out.isatty()


class Watch:
    """Shows how a job goes until it has ended, and what became of it.

    Args:
        job: The job.
        owned: Whether this command started it: Ctrl-C is about the job then, else only about the watching.
        quiet: The standard output is for a program: what is shown goes to the standard error.
        timeout: Seconds after which the watching ends.
        bound: The job runs in this process: Ctrl-C stops it, without a question.
    """

    def __init__(
        self, job: Job, *, owned: bool, quiet: bool = False, timeout: float | None = None, bound: bool = False
    ) -> None:
        self._job = job
        self._owned = owned
        self._quiet = quiet
        self._until = None if timeout is None else time.monotonic() + timeout
        self._interrupts = Interrupts()
        self._out = sys.stderr if quiet else sys.stdout
        self._asks = owned and not bound and interrupts.at_terminal()
        self._draws = self._out.isatty() and interrupts.in_foreground()

    def run(self) -> int:
        """Watch; return the exit status of the command.

        Raises:
            JobFailed: The job FAILED, or its process is gone, and this is shown to a person.
            JobCancelled: Likewise, it was stopped.
        """
        with contextlib.redirect_stdout(_InAShell(self._out)), self._interrupts.noted():
            over = self._is_over()  # before it is shown: a job that ends meanwhile may be shown as it ran
            self._presenter.show(self._job, live=False)
            while not self._is_over():
                try:
                    self._wait()
                except Interrupted:
                    status = self._interrupted()
                    if status is not None:
                        return status
                if self._seconds_left == 0 and not self._is_over():
                    typer.echo(f"{self._job.name} goes on: `{line('wait', self._job)}` waits again.")
                    return TIMED_OUT
            return self._end(over=over)

    def _wait(self) -> None:
        failures = Failures()
        with self._glance() as look:

            def glance(job: Job) -> None:
                self._interrupts.check()
                look(job)
                failures.over()  # the store answers

            patiently(
                lambda: self._job.wait(self._seconds_left, glance=glance), told=self._say, failures=failures
            )

    @contextlib.contextmanager
    def _glance(self) -> Iterator[Callable[[Job], None]]:
        if not self._draws:
            from astraml_lab.lab.front import progress_glance

            yield progress_glance(self._job.spec.window, gives_up=self._owned)
            return
        from rich.console import Console

        from astraml_lab.cli.picture import Picture

        footer = "asks whether it goes on in the background" if self._asks else "ends the watching"
        with Picture(Console(file=self._out), f"  Ctrl-C {footer}") as picture:
            yield picture.draw

    def _interrupted(self) -> int | None:
        """Act on Ctrl-C; return the exit status, or None to go on."""
        job = self._job
        if not self._owned:
            again, end = line("wait", job), line("stop", job)
            self._say(f"{job.name} goes on: `{again}` waits again, `{end}` ends it.")
            return interrupts.STATUS
        answer = interrupts.ask(job.name) if self._asks else "s"
        if answer == "d":
            self._say(in_background(job))
            return interrupts.STATUS
        if answer != "s":
            return None
        self._stop()
        return interrupts.STATUS

    def _stop(self) -> None:
        self._say(f"Stopping {self._job.name}: running trials end at their next report.")
        patiently(lambda: self._job.stop("interrupted at the command line"), told=self._say)
        with contextlib.suppress(Interrupted):
            self._job.wait(_SECONDS_TO_STOP, glance=lambda _: self._interrupts.check())
        typer.echo(repr(self._job))

    def _end(self, *, over: bool) -> int:
        if not over:
            self._presenter.progress(self._job)
        if not self._quiet and self._job.state is JobState.STALE:
            raise JobFailed(f"{self._job.name} is STALE: nobody runs it")  # why was just shown
        if not self._quiet:
            self._job.raise_if_bad()
        return 0 if self._job.state is JobState.SUCCEEDED else 1

    def _is_over(self) -> bool:
        state = self._job.state
        over = state.ended or state is JobState.STALE
        if over:
            self._job.wait(0)  # what was read of it a moment ago is not its end
        return over

    @property
    def _seconds_left(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    @property
    def _presenter(self) -> Presenter:
        from astraml_lab.jobs.presenter import presenter  # brings ipywidgets

        return presenter()

    def _say(self, sentence: str) -> None:
        typer.echo(sentence, err=True)


def in_background(job: Job) -> str:
    """Say that a job goes on without the shell, and what to type about it."""
    follow, end = line("logs -f", job), line("stop", job)
    return f"{job.name} goes on in the background.\n  {line('wait', job)}\n  {follow}\n  {end}"
