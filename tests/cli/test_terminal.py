"""At a terminal: a picture that moves, Ctrl-C that asks, and a window that is closed."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pexpect
import pytest

import astraml_lab as lab
from astraml_lab.cli.interrupts import Interrupts, ask
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENTRY = "from astraml_lab.cli import main; main()"
INTERRUPT = "\x03"
QUESTION = r"go on watching \[d/s\]"
SUBMIT = ("submit", "--project", "p-demo", "--name", "steps", "--model", "mine", "--dataset", ".")
SEARCH = ("--gpus", "0", "--tune", "lr=0.1:0.9", "--metric", "score", "--direction", "maximize")
SCRIPT = """
import os, time
for step in range(12000):
    print(f"score={step}", flush=True)
    if os.path.exists(os.environ["GO"]):
        break
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a script that goes on until this file is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    return tmp_path / "go"


@pytest.fixture
def terminal() -> Iterator[Callable[..., pexpect.spawn[str]]]:
    """Run the command line in terminals that are closed in the end."""
    opened = []

    def open_one(*words: str) -> pexpect.spawn[str]:
        env = {**os.environ, "TERM": "xterm-256color"}
        made = pexpect.spawn(
            sys.executable,
            ["-c", ENTRY, *words],
            env=env,
            dimensions=(30, 120),
            encoding="utf-8",
            timeout=120,
        )
        opened.append(made)
        return made

    yield open_one
    for each in opened:
        each.close(force=True)


def status(shown: pexpect.spawn[str]) -> int | None:
    shown.expect(pexpect.EOF)
    shown.wait()  # `close` would kill what has not quite ended
    found: int | None = shown.exitstatus
    return found


def test_a_job_is_drawn_and_goes_on_in_the_background_when_that_is_asked(
    terminal: Callable[..., pexpect.spawn[str]], go: Path
) -> None:
    shown = terminal(*SUBMIT, *SEARCH, "--max-trials", "2", "--target", "train.py")
    shown.expect("0/2 trials")
    shown.expect(r"trial 0.*score \d.*lr=0\.")
    shown.send(INTERRUPT)
    shown.expect(QUESTION)
    shown.send("\r")  # watching goes on
    shown.expect(r"trial 0.*score \d")
    shown.send(INTERRUPT)
    shown.expect(QUESTION)
    shown.send("d\r")
    shown.expect("steps goes on in the background")
    assert status(shown) == 130

    job = lab.job("steps", project="p-demo")
    assert job.state is JobState.RUNNING
    watched = terminal("wait", "steps")
    watched.expect("Ctrl-C ends the watching")
    go.touch()
    watched.expect("succeeded  2/2 trials")
    assert status(watched) == 0
    assert job.wait(1).state is JobState.SUCCEEDED


def test_a_second_interrupt_stops_the_job(terminal: Callable[..., pexpect.spawn[str]]) -> None:
    shown = terminal(*SUBMIT, *SEARCH, "--target", "train.py")
    shown.expect(r"trial 0.*score \d")
    shown.send(INTERRUPT)
    shown.expect(QUESTION)
    shown.send(INTERRUPT)
    shown.expect("Stopping steps")
    shown.expect("steps CANCELLED.*interrupted at the command line")
    assert status(shown) == 130


def test_an_interrupt_that_comes_while_the_question_is_written_answers_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if "[d/s]" in text:
                signal.raise_signal(signal.SIGINT)
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setattr(sys, "stdin", io.StringIO("d\n"))
    before, interrupts = signal.getsignal(signal.SIGINT), Interrupts()
    with interrupts.noted():
        assert ask("steps") == "s"
        interrupts.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_closed_terminal_ends_nothing_and_delete_asks(
    terminal: Callable[..., pexpect.spawn[str]], go: Path
) -> None:
    shown = terminal(*SUBMIT, "--gpus", "0", "--target", "train.py")  # a single run, without an objective
    shown.expect(r"trial 0.*no report yet")
    shown.ptyproc.fileobj.close()  # SIGHUP comes of it
    job = lab.job("steps", project="p-demo")
    pause = threading.Event()
    while shown.isalive():
        pause.wait(0.1)
    assert job.state is JobState.RUNNING
    go.touch()
    assert str(job.wait(120)).startswith("steps SUCCEEDED")

    asked = terminal("delete", "steps")
    asked.expect(r"Delete steps SUCCEEDED.*\[y/N\]")
    asked.send("n\r")
    assert status(asked) == 1
    assert [view.name for view in lab.jobs()] == ["steps"]
    asked = terminal("delete", "steps")
    asked.expect(r"\[y/N\]")
    asked.send("y\r")
    assert status(asked) == 0
    assert lab.jobs() == []
