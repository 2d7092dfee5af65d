"""However a kernel ends, nothing that it started for trials outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING

import psutil
import pytest
from plugins.patience import until, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., subprocess.Popen[str]]

KERNEL = """
import os, queue, signal, subprocess, sys, time
from astraml_lab.executors import ProcessExecutor, Task
from astraml_lab.process import Templates

begun = queue.Queue()

class Channel:
    def report(self, metrics, step):
        begun.put(None)

def run(channel):
    subprocess.Popen(["sleep", "600"])
    channel.report({{}}, None)
    while {busy}:
        pass
    time.sleep(600)

executor = ProcessExecutor(home=Templates(fork={fork}))
for number in range(2):
    executor.submit(Task(f"t{{number}}", run, Channel()), print)
begun.get(), begun.get()
print("begun", flush=True)
{then}
"""


@pytest.fixture
def marker() -> Iterator[str]:
    name = uuid.uuid4().hex
    yield name
    for process in marked(name):
        process.kill()


def marked(marker: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ASTRAML_TEST_MARKER") == marker:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@pytest.fixture
def start(marker: str) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def run(
            then: str = "time.sleep(600)", *, fork: bool = True, busy: bool = False
        ) -> subprocess.Popen[str]:
            started = subprocess.Popen(
                [sys.executable, "-c", KERNEL.format(fork=fork, busy=busy, then=then)],
                env={**os.environ, "ASTRAML_TEST_MARKER": marker},
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            kernel = stack.enter_context(started)
            stack.callback(kernel.kill)
            assert kernel.stdout is not None
            assert kernel.stdout.readline() == "begun\n"
            return kernel

        yield run


def all_there(marker: str) -> set[int]:
    """Return the kernel, its servers, two trials and what each has started.

    A program that has only just been started has no environment for a moment, and so no marker.
    """
    until(lambda: [process.name() for process in marked(marker)].count("sleep") == 2)
    return {process.pid for process in marked(marker)}


def soon_gone(marker: str) -> None:
    with within(20):
        until(lambda: not marked(marker))


@pytest.mark.parametrize("busy", [False, True], ids=["sleeping", "busy"])
@pytest.mark.parametrize("fork", [True, False], ids=["forked", "spawned"])
def test_nothing_outlives_a_kernel_that_is_killed(
    start: Start, marker: str, *, fork: bool, busy: bool
) -> None:
    kernel = start(fork=fork, busy=busy)
    assert len(all_there(marker)) >= 6
    kernel.kill()
    kernel.communicate()
    soon_gone(marker)


@pytest.mark.parametrize(
    "then",
    ["", "sys.exit(1)", "os._exit(1)", "os.kill(os.getpid(), 15)", "os.kill(os.getpid(), 6)"],
    ids=["end", "exit", "_exit", "SIGTERM", "SIGABRT"],
)
def test_nothing_outlives_a_kernel_that_ends_by_itself(start: Start, marker: str, then: str) -> None:
    kernel = start(then)
    kernel.communicate()
    soon_gone(marker)


def test_nothing_outlives_a_kernel_whose_fork_goes_on(start: Start, marker: str) -> None:
    """As a DataLoader's worker in the kernel does, which holds copies of the sockets to the servers."""
    kernel = start("if not os.fork():\n    print('forked', flush=True)\ntime.sleep(600)")
    assert kernel.stdout is not None
    assert kernel.stdout.readline() == "forked\n"
    kernel.kill()
    kernel.wait()
    kernel.stdout.close()  # the fork has it still: there will be no end to read
    with within(20):
        until(lambda: len(marked(marker)) == 1)  # the fork itself


def test_the_interrupt_key_does_not_reach_a_trial(start: Start, marker: str) -> None:
    handler = "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
    kernel = start(handler + "print('ready', flush=True)\ntime.sleep(600)")
    assert kernel.stdout is not None
    assert kernel.stdout.readline() == "ready\n"
    before = all_there(marker)
    os.killpg(kernel.pid, signal.SIGINT)
    assert kernel.stdout.readline() == "interrupted\n"
    time.sleep(0.2)
    assert {process.pid for process in marked(marker)} == before
    kernel.kill()
    kernel.communicate()
    soon_gone(marker)
