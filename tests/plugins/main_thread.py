"""What the main thread of a page does, by Chromium's own trace: how much, and how much at once."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UPDATE = 0.25
"""Seconds from one update of the kernel to the next."""


@dataclass(frozen=True)
class Work:
    """Milliseconds for which the main thread works; what it waits for others is not among them."""

    mean: float
    """Per update."""
    most: float
    """In the busiest time from one update to the next."""
    longest: float
    """Of the longest single task: nothing answers to the mouse meanwhile."""


def watched(browser: Browser, page: Page, seconds: float) -> Work:
    """Watch what the page does for a while."""
    browser.start_tracing(page=page, categories=["toplevel"])
    page.wait_for_timeout(1_000 * seconds)
    return work_of(json.loads(browser.stop_tracing())["traceEvents"], seconds)


def work_of(events: list[dict[str, Any]], seconds: float) -> Work:
    """Return the work of the busiest main thread of a trace."""
    mains = {
        (each["pid"], each["tid"])
        for each in events
        if each.get("name") == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for each in events:
        thread = (each["pid"], each["tid"])
        if thread in mains and each.get("ph") == "X" and each["name"] == "ThreadControllerImpl::RunTask":
            tasks[thread].append((each["ts"] / 1e6, each.get("tdur", each["dur"]) / 1e3))
    done = sorted(max(tasks.values(), key=lambda some: sum(cost for _, cost in some), default=[]))
    total = sum(cost for _, cost in done)
    longest = max((cost for _, cost in done), default=0.0)
    return Work(total * UPDATE / seconds, most_within(done, UPDATE), longest)


def most_within(tasks: list[tuple[float, float]], seconds: float) -> float:
    """Return the largest sum of tasks that begin within so many seconds."""
    most = held = 0.0
    first = 0
    for at, cost in tasks:
        held += cost
        while tasks[first][0] <= at - seconds:
            held -= tasks[first][1]
            first += 1
        most = max(most, held)
    return most
