from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from astraml_lab.clock import SystemClock
from astraml_lab.ui.publisher import PERIOD, Publisher

if TYPE_CHECKING:
    import pytest

SECONDS = 5.0


class Recorded:
    """Something published that notes when, and says how long to wait."""

    def __init__(self, pauses: list[float | None], error: Exception | None = None) -> None:
        self.pauses = pauses
        self.error = error
        self.times: list[float] = []
        self.threads: set[str] = set()
        self.done = threading.Event()

    def publish(self) -> float | None:
        self.times.append(time.monotonic())
        self.threads.add(threading.current_thread().name)
        pause = self.pauses[len(self.times) - 1] if len(self.times) <= len(self.pauses) else None
        if len(self.times) >= len(self.pauses):
            self.done.set()
        if self.error is not None:
            raise self.error
        return pause


def test_one_thread_publishes_everything_and_lets_go_of_what_is_over() -> None:
    publisher = Publisher(SystemClock())
    one, two = Recorded([0.01, None]), Recorded([0.01, 0.01, None])
    publisher.add(one)
    publisher.add(two)
    assert one.done.wait(SECONDS)
    assert two.done.wait(SECONDS)
    assert one.threads == two.threads == {"astraml-publisher"}
    assert len(one.times) == 2


def test_nobody_is_published_more_often_than_four_times_a_second() -> None:
    publisher = Publisher(SystemClock())
    eager = Recorded([0.0, 0.0, None])
    publisher.add(eager)
    assert eager.done.wait(SECONDS)
    gaps = [after - before for before, after in zip(eager.times, eager.times[1:], strict=False)]
    assert min(gaps) >= PERIOD * 0.98


def test_one_that_fails_silences_no_other(caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher(SystemClock())
    broken, fine = Recorded([None], ValueError("broken")), Recorded([0.01, None])
    publisher.add(broken)
    publisher.add(fine)
    assert fine.done.wait(SECONDS)
    assert len(broken.times) == 1
    assert "could not be updated" in caplog.text


def test_a_sleeping_one_is_woken() -> None:
    publisher = Publisher(SystemClock())
    asleep = Recorded([1_000.0, None])
    publisher.add(asleep)
    while not asleep.times:
        threading.Event().wait(0.01)
    publisher.wake(asleep)
    assert asleep.done.wait(SECONDS)
