"""What comes due: on time, missed, made up for; start and end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from astraml_lab.jobs.scheduling import Rule

HOUR = 3600.0


def at(hour: float, day: int = 10) -> float:
    return datetime(2026, 6, day, tzinfo=UTC).timestamp() + hour * HOUR


def due(since: float, now: float, **said: Any) -> list[tuple[float, bool, bool]]:
    """Return hour, whether it runs and whether it is late, of what came due."""
    rule = Rule.of({"cron": "0 * * * *", **said})
    return [
        ((tick.planned_at - at(0)) / HOUR, bool(tick.job), tick.late) for tick in rule.due("n", since, now)
    ]


def test_a_tick_within_its_grace_runs_and_a_later_one_is_missed() -> None:
    assert due(at(1), at(2) - 0.01) == []
    assert due(at(1), at(2)) == [(2, True, False)]
    (tick,) = Rule.of({"cron": "0 * * * *"}).due("n", at(1), at(2) + 300)
    assert (tick.reason, tick.job) == ("", "n-20260610T0200Z")
    (tick,) = Rule.of({"cron": "0 * * * *"}).due("n", at(1), at(2) + 301)
    assert tick.reason == "a run was missed; this one makes up for it"
    (tick,) = Rule.of({"cron": "0 * * * *", "misfire_grace_s": 0}).due("n", at(1), at(2) + 1)
    assert "missed" in tick.reason


def test_run_once_makes_one_run_of_all_that_was_missed() -> None:
    assert due(at(1), at(7.5)) == [(7, True, False)]
    (tick,) = Rule.of({"cron": "0 * * * *"}).due("n", at(1), at(7.5))
    assert tick.reason == "6 runs were missed; this one makes up for all"
    (tick,) = Rule.of({"cron": "0 * * * *"}).due("n", at(1), at(7.05))
    assert (tick.planned_at, tick.reason) == (at(7), "5 runs were missed; this one makes up for all")


def test_skip_records_what_was_missed_and_runs_what_is_on_time() -> None:
    assert due(at(1), at(7.05), missed_runs="skip") == [(6, False, False), (7, True, False)]
    missed = Rule.of({"cron": "0 * * * *", "missed_runs": "skip"}).due("n", at(1), at(7.05))[0]
    assert missed.reason == (
        "5 runs were missed, the first at 2026-06-10T02:00:00Z: no kernel served the schedule"
    )


def test_run_all_makes_up_for_the_latest_24() -> None:
    assert due(at(1), at(4.5), missed_runs="run_all") == [(2, True, True), (3, True, True), (4, True, True)]
    many = due(at(0), at(100.5), missed_runs="run_all")
    assert many == [(hour, True, True) for hour in range(77, 101)]


def test_no_tick_comes_before_the_start_or_after_the_end() -> None:
    bounds = {"start": "2026-06-10T03:00:00Z", "end": "2026-06-10T07:00:00+02:00"}
    rule = Rule.of({"cron": "0 * * * *", **bounds})
    assert [(tick - at(0)) / HOUR for tick in rule.upcoming(at(0))] == [3, 4, 5]
    assert rule.next(at(5)) is None
    assert due(at(0), at(2.01), **bounds) == []
    assert due(at(0), at(3.01), **bounds) == [(3, True, False)]
    assert due(at(0), at(30), missed_runs="run_all", **bounds) == [(hour, True, True) for hour in (3, 4, 5)]


@given(st.lists(st.floats(1, 40_000), min_size=1, max_size=30))
def test_looked_at_however_often_each_tick_comes_due_once(pauses: list[float]) -> None:
    rule = Rule.of({"cron": "*/10 * * * *", "missed_runs": "run_all", "timezone": "Europe/Berlin"})
    since = now = at(0)
    found: list[float] = []
    for pause in pauses:
        now += pause
        ticks = [tick.planned_at for tick in rule.due("n", since, now)]
        assert len(ticks) <= 24 + 1
        found += ticks
        since = max([since, *ticks])
    assert found == sorted(set(found))
    if max(pauses) < 24 * 600:
        assert len(found) == int((now - at(0)) // 600)
