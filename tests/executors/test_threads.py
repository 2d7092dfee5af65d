from __future__ import annotations

import queue
import subprocess
import sys
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
from contracts.executor_contract import InProcessContract, Model, RecordingChannel
from plugins.patience import PATIENCE

from astraml_lab.executors import Executor, Outcome, Task, ThreadExecutor

if TYPE_CHECKING:
    from astraml_lab.trial import Channel


class TestThreadExecutor(InProcessContract):
    @pytest.fixture
    def executor(self) -> Executor:
        return ThreadExecutor()


def test_the_thread_is_a_daemon_named_after_the_trial() -> None:
    ends: queue.Queue[Outcome] = queue.Queue()

    def run(_channel: Channel) -> tuple[str, bool]:
        return threading.current_thread().name, threading.current_thread().daemon

    ThreadExecutor().submit(Task("digits-7", run, RecordingChannel()), ends.put)
    assert ends.get(timeout=PATIENCE).value == ("digits-7", True)


def test_submit_does_not_wait_and_close_says_what_still_runs() -> None:
    executor, channel = ThreadExecutor(), RecordingChannel()
    ends: queue.Queue[Outcome] = queue.Queue()
    runs = threading.Event()

    def run(_channel: Channel) -> bool:
        runs.set()
        return channel.stopping.wait(PATIENCE)

    handle = executor.submit(Task("stubborn", run, channel), ends.put)
    assert handle.alive
    assert runs.wait(PATIENCE)  # what has not begun is cancelled
    handle.cancel()
    assert not executor.close(timeout=0.01)
    assert handle.alive
    channel.stopping.set()
    assert executor.close(PATIENCE)
    assert ends.get(timeout=PATIENCE) == Outcome(value=True)


def test_nothing_is_held_of_a_task_that_ends_before_submit_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy machine: whoever started a thread may go on long after that thread has ended."""
    start = threading.Thread.start

    def start_and_wait(thread: threading.Thread) -> None:
        start(thread)
        thread.join(PATIENCE)

    monkeypatch.setattr(threading.Thread, "start", start_and_wait)
    kept: list[weakref.ref[Model]] = []
    alive: list[bool] = []

    def task() -> Task:
        given = Model()
        kept.append(weakref.ref(given))
        return Task("trial-7", lambda _channel: str(given), RecordingChannel())

    ThreadExecutor().submit(task(), lambda _outcome: alive.append(kept[0]() is not None))
    assert alive == [False]


def test_a_running_thread_does_not_keep_the_process() -> None:
    code = (
        "import threading\n"
        "from astraml_lab.executors import Task, ThreadExecutor\n"
        "ThreadExecutor().submit(Task('t', lambda _: threading.Event().wait(), None), print)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], timeout=PATIENCE, check=True, capture_output=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")
