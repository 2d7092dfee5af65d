"""Coarser tiers: 30 s windows merge into 5 minutes, and those into 1 hour.

Counts, totals and non-finite counts add, extremes combine, first and last go by (ts, seq): merging is exact,
in any order and any grouping, so a spike of one step is still in the hour a year later. Means are never
averaged and percentiles, which do not merge, are not offered.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from astraml_lab.metrics.windows import WINDOW_RETENTION, WINDOW_SECONDS
from astraml_lab.spec.views import WindowRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DAY = 86_400.0

RETENTION: Mapping[float, float] = {30.0: WINDOW_RETENTION, 300.0: 30 * DAY, 3600.0: 400 * DAY}
"""Seconds that each tier is kept, by its width; a job's own window width takes the place of 30 s."""


def tiers(width: float = WINDOW_SECONDS) -> tuple[float, ...]:
    """List the widths of a job's tiers, finest first."""
    return (float(width), *(coarser for coarser in RETENTION if coarser > max(width, WINDOW_SECONDS)))


def retention(width: float) -> float:
    """Tell how many seconds the rows of a tier are kept."""
    return RETENTION.get(width, WINDOW_RETENTION)


def roll_up(rows: Iterable[WindowRow], width: float, *, watermark: float = inf) -> list[WindowRow]:
    """Merge windows into wider ones, by time.

    A changed row makes its whole wider window out of date: pass all rows of that window again. The wider
    revision is the sum of the narrow ones, so it rises with each of them.

    Args:
        rows: Windows of one metric of one trial, each start at most once.
        width: Seconds; a multiple of the rows' width.
        watermark: Rows that are not sealed by it are left for later.

    Raises:
        ValueError: If a row does not fit into a whole window of `width`.
    """
    groups: dict[float, list[WindowRow]] = {}
    for row in rows:
        if width % row.width:
            raise ValueError(f"windows of {row.width:g} s do not add up to windows of {width:g} s")
        if row.sealed(watermark):
            groups.setdefault(row.start // width * width, []).append(row)
    return [_merge(start, width, groups[start]) for start in sorted(groups)]


def tier_for(
    range_seconds: float, budget: int, *, age: float | None = None, width: float = WINDOW_SECONDS
) -> float:
    """Choose the finest tier that still holds a range and draws it within a budget of windows.

    Args:
        range_seconds: The length of the range.
        budget: The number of windows that the reader wants at most.
        age: How long ago the range begins; by default it ends now.
        width: The job's own window width.

    Returns:
        A tier's width; the coarsest if none fits.
    """
    begins = range_seconds if age is None else age
    widths = tiers(width)
    fitting = (tier for tier in widths if begins <= retention(tier) and range_seconds <= budget * tier)
    return next(fitting, widths[-1])


def _merge(start: float, width: float, rows: Sequence[WindowRow]) -> WindowRow:
    filled = [row for row in rows if row.count] or rows[:1]
    first = min(filled, key=lambda row: (row.first_ts or 0.0, row.first_seq))
    last = max(filled, key=lambda row: (row.last_ts or 0.0, row.last_seq))
    return WindowRow(
        start=start,
        width=float(width),
        count=sum(row.count for row in rows),
        total=sum((row.total for row in rows), start=0.0),
        minimum=min((row.minimum for row in rows if row.minimum is not None), default=None),
        maximum=max((row.maximum for row in rows if row.maximum is not None), default=None),
        last=last.last,
        first_ts=first.first_ts,
        first_seq=first.first_seq,
        first_step=first.first_step,
        last_ts=last.last_ts,
        last_seq=last.last_seq,
        last_step=last.last_step,
        nonfinite=sum(row.nonfinite for row in rows),
        revision=sum(row.revision for row in rows),
    )
