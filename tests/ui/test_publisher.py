from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from plugins.patience import PATIENCE

from astraml_lab.clock import FakeClock
from astraml_lab.ui.publisher import Publisher
from astraml_lab.ui.schedule import FIRST_RETRY, LAST_RETRY, PERIOD, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Item:
    """Something that a schedule looks after."""


class Recorded:
    """Something published that does one thing after the other, and can be waited for."""

    def __init__(self, *steps: float | Exception | Callable[[], None] | None) -> None:
        self.steps = steps
        self.calls = 0
        self.threads: set[str] = set()
        self.changed = threading.Condition()

    def publish(self) -> float | None:
        with self.changed:
            step = self.steps[self.calls] if self.calls < len(self.steps) else None
            self.calls += 1
            self.threads.add(threading.current_thread().name)
            self.changed.notify_all()
        if isinstance(step, Exception):
            raise step
        if callable(step):
            step()
            return None
        return step

    def wait_for(self, calls: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.calls >= calls, PATIENCE)


def run(schedule: Schedule[Item], item: Item, clock: FakeClock, *, pause: float | None = None) -> bool:
    """Do what the publisher's thread does; whether the item's turn had come."""
    now = clock.monotonic()
    if item not in schedule.due(now) or not schedule.begin(item, now):
        return False
    schedule.succeeded(item, pause)
    return True


@given(st.lists(st.tuples(st.floats(0, 0.4), st.booleans(), st.sampled_from([None, 0.0, 0.25, 2.0]))))
def test_however_often_it_is_asked_for_nothing_starts_more_than_four_times_a_second(
    moments: list[tuple[float, bool, float | None]],
) -> None:
    clock, schedule, item = FakeClock(0.0), Schedule[Item](), Item()
    starts = []
    for passed, wake, pause in moments:
        clock.advance(passed)
        if wake:
            schedule.ask(item, clock.monotonic())
        if run(schedule, item, clock, pause=pause):
            starts.append(clock.monotonic())
    gaps = [after - before for before, after in pairwise(starts)]
    assert all(gap >= PERIOD for gap in gaps)


def test_what_is_let_go_and_asked_for_at_once_keeps_its_rate() -> None:
    clock, schedule, item = FakeClock(0.0), Schedule[Item](), Item()
    schedule.ask(item, 0.0)
    assert run(schedule, item, clock)
    assert schedule.next_at() == float("inf")
    schedule.ask(item, 0.0)
    assert schedule.next_at() == PERIOD


def test_what_is_discarded_while_it_is_looked_after_does_not_come_back() -> None:
    schedule, item = Schedule[Item](), Item()
    schedule.ask(item, 0.0)
    assert schedule.begin(item, 0.0)
    schedule.discard(item)
    schedule.succeeded(item, PERIOD)
    schedule.failed(item)
    assert schedule.next_at() == float("inf")
    assert not schedule.begin(item, 1.0)


def test_failures_are_tried_again_with_a_growing_pause_that_a_success_ends() -> None:
    schedule, item = Schedule[Item](), Item()
    now, pauses, firsts = 0.0, [], []
    schedule.ask(item, now)
    for _ in range(8):
        schedule.begin(item, now)
        firsts.append(schedule.failed(item))
        pauses.append(schedule.next_at() - now)
        now = schedule.next_at()
    assert pauses == [1, 2, 4, 8, 16, 30, 30, LAST_RETRY]
    assert firsts == [True] + [False] * 7
    schedule.begin(item, now)
    schedule.ask(item, now)
    assert schedule.next_at() == now + FIRST_RETRY
    schedule.succeeded(item, None)
    schedule.begin(item, now + FIRST_RETRY)
    assert schedule.failed(item)


def test_one_thread_publishes_everything_and_lets_go_of_what_is_over() -> None:
    publisher = Publisher(FakeClock())
    one, two = Recorded(None), Recorded(None)
    publisher.add(one)
    publisher.add(two)
    assert one.wait_for(1)
    assert two.wait_for(1)
    assert one.threads == two.threads == {"astraml-publisher"}


def test_a_failure_is_logged_once_silences_no_other_and_is_recovered_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    publisher = Publisher(clock)
    broken = Recorded(ValueError("broken"), ValueError("still"), PERIOD, PERIOD)
    publisher.add(broken)
    for calls in range(1, 4):
        assert broken.wait_for(calls)
        other = Recorded(None)
        clock.advance(LAST_RETRY)
        publisher.add(other)
        assert other.wait_for(1)
    assert broken.wait_for(4)
    assert caplog.text.count("could not be updated") == 1


def test_a_sleeping_one_is_woken() -> None:
    clock = FakeClock()
    publisher = Publisher(clock)
    asleep = Recorded(1_000.0, None)
    publisher.add(asleep)
    assert asleep.wait_for(1)
    clock.advance(PERIOD)
    publisher.wake(asleep)
    assert asleep.wait_for(2)


def test_one_that_is_let_go_while_it_publishes_is_not_published_again() -> None:
    clock = FakeClock()
    publisher = Publisher(clock)
    leaving = Recorded(lambda: publisher.discard(leaving))
    publisher.add(leaving)
    assert leaving.wait_for(1)
    for _ in range(3):
        other = Recorded(None)
        clock.advance(LAST_RETRY)
        publisher.add(other)
        assert other.wait_for(1)
    assert leaving.calls == 1
