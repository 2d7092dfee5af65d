"""When a schedule runs: the rules of the document, changes of the clocks, and two other ways to find it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st

from astraml_lab.dialects.astraml.cron import Cron, read_cron
from astraml_lab.dialects.astraml.ticks import latest_ticks, next_tick, ticks

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "Africa/Casablanca",
]
CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00", "2026-10-25T01:00"],
    "America/New_York": ["2026-03-08T07:00", "2026-11-01T06:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],
    "America/St_Johns": ["2026-03-08T05:30", "2026-11-01T04:30"],
    "Pacific/Chatham": ["2026-04-04T14:00", "2026-09-26T14:00"],
}


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def local(cron: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next ticks after a local time, as the clocks there show them."""
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone)).timestamp()
    found = islice(ticks(read_cron(cron), zone, begin), count)
    return [datetime.fromtimestamp(tick, ZoneInfo(zone)).isoformat(timespec="minutes") for tick in found]


def matches(cron: Cron, at: datetime) -> bool:
    day, weekday = at.day in cron.days, at.isoweekday() % 7 in cron.weekdays
    fits = (day or weekday) if cron.either else (day and weekday)
    return fits and at.month in cron.months and at.hour in cron.hours and at.minute in cron.minutes


def minute_by_minute(cron: Cron, zone: str, after: float, until: float) -> list[float]:
    """Follow the rules literally: look at the clock at every minute, and at what a gap has skipped."""
    found = set()
    first: dict[datetime, float] = {}
    here = ZoneInfo(zone)
    begin = int(after) // 60 * 60 - 2 * 86400
    before = datetime.fromtimestamp(begin - 60, here).replace(tzinfo=None)
    for now in range(begin, int(until) + 1, 60):
        shown = datetime.fromtimestamp(now, here).replace(tzinfo=None, fold=0)
        known = first.setdefault(shown, float(now))
        if matches(cron, shown) and (cron.every_hour or known == now):
            found.add(float(now))
        skipped = before + timedelta(minutes=1)
        while not cron.every_hour and skipped < shown:
            if skipped not in first and matches(cron, skipped):
                found.add(float(now))
            first.setdefault(skipped, float(now))
            skipped += timedelta(minutes=1)
        before = shown
    return sorted(tick for tick in found if after < tick <= until)


def test_a_fixed_hour_in_the_gap_runs_once_at_the_first_minute_after_it() -> None:
    assert local("30 2 * * *", "America/New_York", "2026-03-07T22:00", 2) == [
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:30-04:00",
    ]
    assert local("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T22:00", 1) == ["2026-10-04T02:30+11:00"]
    assert local("0 12 30 12 *", "Pacific/Apia", "2011-12-29T22:00", 1) == ["2011-12-31T00:00+14:00"]


def test_several_times_in_one_gap_are_one_run() -> None:
    assert local("*/15 2 * * *", "America/New_York", "2026-03-07T22:00", 2) == [
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:00-04:00",
    ]
    assert local("0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T22:00", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
    ]


def test_a_fixed_hour_that_comes_twice_runs_at_the_first() -> None:
    assert local("30 1 * * *", "America/New_York", "2026-10-31T22:00", 2) == [
        "2026-11-01T01:30-04:00",
        "2026-11-02T01:30-05:00",
    ]
    assert local("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T22:00", 2) == [
        "2026-04-05T01:45+11:00",
        "2026-04-06T01:45+10:30",
    ]


def test_a_wildcard_hour_runs_at_every_hour_that_really_comes() -> None:
    assert local("30 * * * *", "America/New_York", "2026-11-01T00:00", 4) == [
        "2026-11-01T00:30-04:00",
        "2026-11-01T01:30-04:00",
        "2026-11-01T01:30-05:00",
        "2026-11-01T02:30-05:00",
    ]
    assert local("0 */2 * * *", "Europe/Berlin", "2026-03-28T23:00", 3) == [
        "2026-03-29T00:00+01:00",
        "2026-03-29T04:00+02:00",
        "2026-03-29T06:00+02:00",
    ]
    # half an hour comes twice; cronsim by itself loses 02:00 and the second 01:30
    assert local("*/30 * * * *", "Australia/Lord_Howe", "2026-04-05T01:00", 4) == [
        "2026-04-05T01:30+11:00",
        "2026-04-05T01:30+10:30",
        "2026-04-05T02:00+10:30",
        "2026-04-05T02:30+10:30",
    ]
    assert "2026-04-05T02:00+10:30" in local("0 */2 * * *", "Australia/Lord_Howe", "2026-04-04T22:00", 3)


def test_a_day_of_the_month_or_of_the_week_is_enough_where_both_are_restricted() -> None:
    assert [each[:10] for each in local("0 0 13 * 5", "UTC", "2026-02-01T00:00", 5)] == [
        "2026-02-06",
        "2026-02-13",
        "2026-02-20",
        "2026-02-27",
        "2026-03-06",
    ]
    # a star with a step is a restriction, but an open field: both must fit
    assert [each[:10] for each in local("0 0 */10 * 1", "UTC", "2026-01-02T00:00", 2)] == [
        "2026-05-11",
        "2026-06-01",
    ]


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN", "7-7", "0,7"])
def test_sunday_is_0_and_7(sunday: str) -> None:
    assert local(f"0 9 * * {sunday}", "UTC", "2026-01-01T00:00", 1) == ["2026-01-04T09:00+00:00"]


def test_ranges_and_names_run_up_to_sunday() -> None:
    found = local("0 0 * jan-feb fri-sun", "UTC", "2026-02-26T00:00", 4)
    assert [each[:10] for each in found] == ["2026-02-27", "2026-02-28", "2027-01-01", "2027-01-02"]


def test_ends_of_months_and_leap_years() -> None:
    assert [each[:10] for each in local("0 0 31 * *", "UTC", "2026-01-31T00:00", 3)] == [
        "2026-03-31",
        "2026-05-31",
        "2026-07-31",
    ]
    assert [each[:10] for each in local("0 0 29 2 *", "Europe/Berlin", "2095-01-01T00:00", 2)] == [
        "2096-02-29",
        "2104-02-29",  # 2100 is no leap year
    ]


def test_far_in_the_future_ticks_end_without_a_crash() -> None:
    assert next_tick(read_cron("0 0 1 1 *"), "UTC", moment("9899-06-01T00:00")) is None
    assert next_tick(read_cron("* * * * *"), "Pacific/Apia", moment("9999-12-31T00:00")) is None
    assert local("0 * 29 2 *", "America/New_York", "2999-01-01T00:00", 1) == ["3004-02-29T00:00-05:00"]


def test_the_latest_of_many_years_are_found_at_once() -> None:
    begin, end = moment("2016-01-01T00:00"), moment("2026-01-01T00:00:30")
    found = latest_ticks(read_cron("* * * * *"), "Europe/Berlin", begin, end, 3)
    assert found == [end - 150, end - 90, end - 30]
    assert latest_ticks(read_cron("0 0 1 1 *"), "UTC", begin, end, 3) == [
        moment("2024-01-01T00:00"),
        moment("2025-01-01T00:00"),
        moment("2026-01-01T00:00"),
    ]
    assert latest_ticks(read_cron("0 0 1 1 *"), "UTC", end, end, 3) == []


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "30", "*/15", "5-50/7", "0,59", "59"]),
    st.sampled_from(["*", "*/2", "2", "1-3", "0", "23", "2,3", "*/5"]),
    st.sampled_from(["*", "*", "1", "*/2", "25-31", "8,29"]),
    st.sampled_from(["*", "*", "mar,apr", "sep-nov"]),
    st.sampled_from(["*", "*", "0", "7", "sat,sun", "fri-sun", "*/2"]),
).map(" ".join)


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[str, float]:
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(CHANGES.get(zone, ["2026-03-29T01:00", "2026-06-30T23:00"])))
    return zone, moment(near) + draw(st.integers(-40 * 60, 10 * 60)) * 60 + draw(st.sampled_from([0, 30]))


@settings(max_examples=60)
@given(FIELDS, near_a_change())
@example("0 */2 * * *", ("Australia/Lord_Howe", moment("2026-04-04T09:00")))
@example("*/15 2 * * *", ("America/New_York", moment("2026-03-08T01:00")))
def test_near_a_change_of_the_clocks_ticks_are_those_of_looking_at_every_minute(
    text: str, where: tuple[str, float]
) -> None:
    zone, after = where
    cron, until = read_cron(text), after + 48 * 3600
    found = list(takewhile(lambda tick: tick <= until, ticks(cron, zone, after)))
    assert found == minute_by_minute(cron, zone, after, until)


@settings(max_examples=200)
@given(
    FIELDS.filter(lambda text: "fri-sun" not in text),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    st.integers(0, 2_000_000_000),
)
def test_where_the_rules_are_the_same_ticks_are_those_of_cronsim(text: str, zone: str, after: int) -> None:
    words = text.split()
    if words[0].startswith("*") != words[1].startswith("*"):
        text = f"{words[1] if words[1].startswith('*') else '7'} {' '.join(words[1:])}"
    theirs = CronSim(text, datetime.fromtimestamp(after, ZoneInfo(zone)))
    expected = list(dict.fromkeys(each.timestamp() for each in islice(theirs, 20)))
    expected = [each for each in expected if each > after]
    assert list(islice(ticks(read_cron(text), zone, after), len(expected))) == expected
