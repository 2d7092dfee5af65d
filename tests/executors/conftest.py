from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import pytest
from contracts.executor_contract import RecordingChannel
from plugins.patience import PATIENCE

from astraml_lab.executors import Outcome, ProcessExecutor, Task
from astraml_lab.process import Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astraml_lab.executors import Stream
    from astraml_lab.trial import Channel

    Run = Callable[[Channel], object]


class Bench:
    """An executor with a way to run one thing and wait for it."""

    def __init__(self, executor: ProcessExecutor) -> None:
        self.executor = executor
        self.ends: queue.Queue[Outcome] = queue.Queue()
        self.written: list[tuple[Stream, str]] = []

    def start(self, run: Run, env: dict[str, str] | None = None) -> RecordingChannel:
        channel = RecordingChannel()
        task = Task("trial-7", run, channel, env or {}, lambda *said: self.written.append(said))
        self.handle = self.executor.submit(task, self.ends.put)
        return channel

    def end(self, run: Run, env: dict[str, str] | None = None) -> Outcome:
        self.start(run, env)
        return self.ends.get(timeout=PATIENCE)

    def value(self, run: Run, env: dict[str, str] | None = None) -> object:
        outcome = self.end(run, env)
        assert (outcome.error, outcome.lost) == (None, ""), outcome.traceback
        return outcome.value

    def text(self, stream: Stream = "out") -> str:
        return "".join(text for each, text in self.written if each == stream)


@pytest.fixture(scope="session")
def forking() -> Iterator[Templates]:
    servers = Templates(fork=True, heavy=())
    yield servers
    assert servers.close(PATIENCE)


@pytest.fixture
def bench(forking: Templates) -> Iterator[Bench]:
    bench = Bench(ProcessExecutor(home=forking))
    yield bench
    assert bench.executor.close(PATIENCE)
