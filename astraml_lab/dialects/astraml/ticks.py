"""When a cron schedule runs: its ticks, in a time zone with its daylight saving.

A fixed hour that a change of the clocks skips runs once, at the first minute after the gap; one that comes
twice runs at the first. A wildcard hour (`*`, `*/n`) runs whenever the clock on the wall shows such a time:
never within a gap, and twice where the hour comes twice. cronsim finds the days and times of a calendar
without changes; where the clocks change is decided here (its own rules look at the minute too, and lose runs
where the clocks move by half an hour).

Times are seconds since the epoch, UTC; ticks are whole minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from astraml_lab.dialects.astraml.cron import Cron

_DAY = 86_400.0
_FIRST_LOOK = 3_600.0
_LAST = datetime(9900, 1, 1, tzinfo=UTC).timestamp()
"""No tick comes later: near its last year the calendar has no room for time zones."""


def next_tick(cron: Cron, zone: str, after: float) -> float | None:
    """Return the first tick after a moment, or None where no other one comes."""
    return next(ticks(cron, zone, after), None)


def ticks(cron: Cron, zone: str, after: float) -> Iterator[float]:
    """Yield the ticks after a moment, in order.

    Args:
        cron: When it runs.
        zone: The IANA name of the time zone that it is read in.
        after: A moment; a tick at that very moment is not yielded.
    """
    if after >= _LAST:
        return iter(())
    found = _wall(cron, ZoneInfo(zone), after) if cron.every_hour else _once(cron, ZoneInfo(zone), after)
    return takewhile(lambda tick: tick < _LAST, found)


def latest_ticks(cron: Cron, zone: str, after: float, until: float, limit: int) -> list[float]:
    """Return the last ticks after one moment and until another, at most `limit`, in order.

    What lies far back costs nothing: a schedule may have been left alone for years.
    """
    span = _FIRST_LOOK
    while True:
        begin = max(after, until - span)
        found = list(takewhile(lambda tick: tick <= until, ticks(cron, zone, begin)))
        if len(found) >= limit or begin <= after:
            return found[-limit:]
        span *= 4


def _calendar(cron: Cron, start: datetime) -> Iterator[datetime]:
    """Yield the matching times of a calendar without changes of the clocks, after `start`."""
    from cronsim import CronSim  # only who has a schedule needs it

    found: Iterator[datetime] = CronSim(cron.plain, start)
    return found


def _once(cron: Cron, zone: ZoneInfo, after: float) -> Iterator[float]:
    """Yield ticks of a fixed hour: each once."""
    last = after
    try:
        for local in _calendar(cron, _local(after, zone).replace(tzinfo=None)):
            tick = _first(local, zone)
            if tick > last:  # several that fall into one gap are one
                yield tick
                last = tick
    except OverflowError:
        return


def _wall(cron: Cron, zone: ZoneInfo, after: float) -> Iterator[float]:
    """Yield ticks of a wildcard hour: between two changes of the clocks, the calendar's."""
    now, begin = after, True
    while True:
        offset = _offset(now, zone)
        local = datetime.fromtimestamp(now, UTC).replace(tzinfo=None) + timedelta(seconds=offset)
        # at a change, its own first moment may be a tick
        start = local if begin else local - timedelta(seconds=1)
        for each in _calendar(cron, start):
            tick = each.replace(tzinfo=UTC).timestamp() - offset
            change = _change(now, tick, zone)
            if change is not None:
                now, begin = change, False
                break
            yield tick
            now = tick
            if tick >= _LAST:
                return
        else:
            return


def _first(local: datetime, zone: ZoneInfo) -> float:
    """Return the first moment at which clocks show a time, or the end of the gap that skips it."""
    moment = local.replace(tzinfo=zone).timestamp()
    if _local(moment, zone).replace(tzinfo=None, fold=0) == local:
        return moment
    other = local.replace(tzinfo=zone, fold=1).timestamp()
    change = _change(min(moment, other), max(moment, other), zone)
    return moment if change is None else change


def _change(begin: float, end: float, zone: ZoneInfo) -> float | None:
    """Return the first second after `begin`, at most `end`, at which the offset is another than at `begin`.

    Two changes within a day that undo each other are not found; no zone has them.
    """
    offset = _offset(begin, zone)
    low = begin
    while low < end:
        high = min(low + _DAY, end)
        if _offset(high, zone) != offset:
            return _bisect(low, high, zone)
        low = high
    return None


def _bisect(low: float, high: float, zone: ZoneInfo) -> float:
    offset = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return float(int(high))


def _offset(moment: float, zone: ZoneInfo) -> float:
    found = _local(moment, zone).utcoffset()
    return 0.0 if found is None else found.total_seconds()


def _local(moment: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment, zone)
