"""Whatever way a real kernel ends, no process of its trials is left; the counts are printed.

By default every way with trials that run, and SIGKILL in every state of a job; `ASTRAML_TEST_ALL=1` has all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from plugins.kernel import Kernel
from plugins.patience import Stopwatch, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 5.0
"""Seconds within which everything has to be gone."""
SETUP = """
%load_ext astraml_lab
import astraml_lab as lab, json, time

def until(claim, seconds=120):
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.01)

def ready():
    job = lab.job("kin")
    return sum("ready" in trial.metrics for trial in job.trials.values()) >= 2
"""
CELL = """%%tune --maximize score --trials {trials} --parallel 2 --prune off --name kin --executor processes
x = Float(0.0, 1.0)

"""
IDLE = "report(score=x, ready=1)"
"""Trials that have ended."""
RUNNING = """
import multiprocessing, subprocess, threading
fork = multiprocessing.get_context("fork")
subprocess.Popen(["sleep", "600"])
for _ in range(2):
    fork.Process(target=threading.Event().wait).start()
report(score=x, ready=1)
threading.Event().wait()
"""
"""Each trial has two workers and a program that it started."""
LOADING = """
import torch
data = torch.utils.data.TensorDataset(torch.arange(1e6))
loader = torch.utils.data.DataLoader(data, num_workers=2, persistent_workers=True)
for batch in loader:
    report(score=x, ready=1)
"""
"""Each trial has two workers of a DataLoader and is busy with them."""
HELD = """
import ctypes
report(score=x, ready=1)
ctypes.PyDLL(None).pause()
"""
"""Each trial is in C code that never ends and never lets go of the interpreter's lock."""
STATES = {"idle": (IDLE, 4), "running": (RUNNING, 9), "loading": (LOADING, 50), "held": (HELD, 50)}
AT_LEAST = {"idle": 2, "running": 11, "loading": 9, "held": 5}
"""The kernel, the base, the template, two trials, and what each trial has started."""


class Adopted(Kernel):
    """A kernel that another process has started, as a Jupyter server does."""

    def __init__(self) -> None:
        start = (
            "import sys\n"
            "from jupyter_client.manager import start_new_kernel\n"
            "manager, _ = start_new_kernel(kernel_name='python3', extra_arguments=['--log-level=ERROR'])\n"
            "print(manager.connection_file, manager.provisioner.process.pid, flush=True)\n"
            "sys.stdin.read()\n"
        )
        self.server = subprocess.Popen(
            [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout is not None
        self._file, pid = self.server.stdout.readline().split()
        self._pid = int(pid)
        self.client = BlockingKernelClient(connection_file=self._file)
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.unread = deque()

    @property
    def pid(self) -> int:
        return self._pid

    def close(self) -> None:
        self.client.stop_channels()
        self.server.kill()
        self.server.communicate()
        Path(self._file).unlink(missing_ok=True)


def _close_the_server(kernel: Kernel) -> None:
    assert isinstance(kernel, Adopted)
    kernel.server.kill()


ENDS: dict[str, Callable[[Kernel], object]] = {
    "shutdown": lambda kernel: kernel.manager.shutdown_kernel(),
    "restart": lambda kernel: kernel.manager.restart_kernel(),
    "restart now": lambda kernel: kernel.manager.restart_kernel(now=True),
    "SIGKILL": lambda kernel: os.kill(kernel.pid, 9),
    "SIGTERM": lambda kernel: os.kill(kernel.pid, 15),
    "os._exit()": lambda kernel: kernel.start("import os; os._exit(1)"),
    "exit()": lambda kernel: kernel.start("exit()"),
    "its server is killed": _close_the_server,
}


@pytest.fixture
def marker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A word in the environment of all that descends from the kernel."""
    word = uuid.uuid4().hex
    monkeypatch.setenv("ASTRAML_TEST_MARKER", word)
    yield word
    for process in marked(word):
        process.kill()


def marked(word: str) -> list[psutil.Process]:
    """Return the processes that carry the word, but for the server of a kernel."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ASTRAML_TEST_MARKER") == word and process.ppid() != os.getpid():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def launched(kernel: Kernel, state: str) -> None:
    """Have a job in that state in the kernel."""
    body, trials = STATES[state]
    kernel.run(SETUP)
    ran = kernel.run(CELL.format(trials=trials) + textwrap.dedent(body))
    assert ran.status == "ok", ran.text
    waited = kernel.run("until(ready)")
    assert waited.status == "ok", waited.text
    if state == "idle":
        assert "SUCCEEDED" in kernel.run("%tune wait kin").text


CORE = [("SIGKILL", "running"), ("shutdown", "running")]
REST = [
    (end, state)
    for each, end in enumerate(ENDS)
    for one, state in enumerate(STATES)
    if (end, state) not in CORE
    and (end == "SIGKILL" or one == 1 + each % 3 or "ASTRAML_TEST_ALL" in os.environ)
]


@pytest.mark.parametrize(
    ("end", "state"),
    [*CORE, *(pytest.param(*each, marks=pytest.mark.slow) for each in REST)],
)
def test_nothing_outlives_a_kernel(home: Path, marker: str, end: str, state: str) -> None:
    del home  # the kernel finds it in the environment
    kernel = Adopted() if end == "its server is killed" else Kernel(Path(os.environ["ASTRAML_HOME"]))
    try:
        own = psutil.Process(kernel.pid)
        launched(kernel, state)
        before = {own, *own.children(recursive=True), *marked(marker)}
        assert len(before) >= AT_LEAST[state]
        watch = Stopwatch()
        ENDS[end](kernel)
        until(lambda: not [process for process in before if _lives(process)])
        took = watch.seconds
    finally:
        kernel.close()
    print(f"{end}, {state}: {len(before)} processes are gone after {took:.1f} s")  # noqa: T201
    assert took < LIMIT
    assert [process for process in marked(marker) if _lives(process)] == []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


PATIENT = """
import os, pathlib, time
report(ready=1, pid=os.getpid())
while not pathlib.Path(go).exists():
    time.sleep(0.01)
report(score=x)
"""


def test_an_interrupt_touches_no_trial(kernel: Kernel, tmp_path: Path) -> None:
    go = tmp_path / "go"
    kernel.run(f"{SETUP}\ngo = {str(go)!r}")
    kernel.run(CELL.format(trials=2) + PATIENT)
    assert kernel.run("until(ready)").status == "ok"
    pids = [psutil.Process(int(pid)) for pid in answer(kernel, _OF_TRIALS.format("metrics['pid']"))]
    for cell in ("time.sleep(60)", "%tune wait kin", "time.sleep(60)"):
        sent = kernel.start(cell)
        kernel.begun(sent)
        kernel.late(0.5)  # it has to be in it
        kernel.interrupt()
        kernel.finish(sent)
    assert [process.is_running() for process in pids] == [True, True]
    go.touch()
    assert "kin SUCCEEDED · 2/2 trials" in kernel.run("%tune wait kin").text
    assert answer(kernel, _OF_TRIALS.format("view().attempt")) == [1, 1]
    assert answer(kernel, _OF_TRIALS.format("metrics['pid']")) == [process.pid for process in pids]
    assert answer(kernel, _OF_TRIALS.format("log.tail()")) == ["", ""]


_OF_TRIALS = "[trial.{} for trial in lab.job('kin').trials.values()]"


def answer(kernel: Kernel, expression: str) -> Any:
    """Return the value of an expression in a kernel."""
    ran = kernel.run(f"print(json.dumps({expression}))")
    assert ran.status == "ok", ran.text
    return json.loads(ran.text)
