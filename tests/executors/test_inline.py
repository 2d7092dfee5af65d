from __future__ import annotations

import threading

import pytest
from contracts.executor_contract import InProcessContract, RecordingChannel

from astraml_lab.executors import Executor, InlineExecutor, Outcome, Task


class TestInlineExecutor(InProcessContract):
    @pytest.fixture
    def executor(self) -> Executor:
        return InlineExecutor()


def test_the_task_has_ended_when_submit_returns() -> None:
    ends: list[Outcome] = []
    handle = InlineExecutor().submit(
        Task("trial-1", lambda _channel: threading.get_ident(), RecordingChannel()), ends.append
    )
    assert ends == [Outcome(value=threading.get_ident())]
    assert not handle.alive
