"""The handle of a schedule: when it runs next, what became of its runs, and its switches."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from astraml_lab.errors import NotFound
from astraml_lab.jobs.scheduling.rule import Rule
from astraml_lab.spec import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from astraml_lab.jobs.job import Job
    from astraml_lab.jobs.manager import Manager
    from astraml_lab.jobs.scheduling.scheduler import Scheduler
    from astraml_lab.store import ScheduleRecord, TickRecord

_SHOWN = 5
_UNSERVED = "runs while a notebook's kernel that has used this lab is open, or `astraml scheduler` runs"


class Schedule:
    """A schedule, wherever it is served; the store is asked at each question.

    Attributes:
        name: Unique within the project, ignoring case.
        project: The project.
        said: What the call that returned this handle has to say; mostly nothing.
    """

    def __init__(
        self, manager: Manager, scheduler: Scheduler, record: ScheduleRecord, *, said: str = ""
    ) -> None:
        self.name = record.name
        self.project = record.project
        self.said = said
        self._id = record.id
        self._manager = manager
        self._scheduler = scheduler

    @property
    def record(self) -> ScheduleRecord:
        """The schedule as it is stored.

        Raises:
            NotFound: It was removed.
        """
        found = self._manager.store.schedules.get(self._id)
        if found is None:
            raise NotFound(f"the schedule {self.name} was removed")
        return found

    @property
    def rule(self) -> Rule:
        """When it runs."""
        return Rule.of(self.record.request["schedule"])

    @property
    def paused(self) -> bool:
        """Whether it waits for `resume`."""
        return not self.record.enabled

    @property
    def next(self) -> datetime | None:
        """When it runs next, in its own time zone; None while it is paused, and where no run comes."""
        return next(iter(self.upcoming(1)), None)

    def upcoming(self, count: int = 5) -> list[datetime]:
        """Return the next few runs, in its own time zone."""
        found, rule = self.record, self.rule
        if not found.enabled:
            return []
        zone, now = ZoneInfo(rule.timezone), self._manager.store.clock.time()
        return [datetime.fromtimestamp(tick, zone) for tick in islice(rule.upcoming(now), count)]

    def ticks(self, limit: int = 100) -> tuple[TickRecord, ...]:
        """Return what became of its runs, the newest first; also of those whose jobs were deleted."""
        return self._manager.store.schedules.ticks(self._id, limit)

    def jobs(self) -> list[Job]:
        """Return the jobs of its runs that are still there, the newest first."""
        found = (tick for tick in self.ticks() if tick.job_state is not None)
        return [self._manager.find(tick.job, self.project) for tick in found]

    def pause(self) -> Schedule:
        """Start no run until `resume`; what runs goes on."""
        self._manager.store.schedules.enable(self.record.id, enabled=False)
        return self

    def resume(self) -> Schedule:
        """Go on; what would have run meanwhile is not made up for."""
        if self.paused:
            self._manager.store.schedules.enable(self._id, enabled=True)
        return self

    def remove(self) -> None:
        """Forget it and what became of its runs; the jobs stay."""
        self._manager.store.schedules.remove(self.record.id)

    def run(self) -> Job:
        """Start a run now, in this process, whatever else runs.

        Raises:
            AstramlError: What keeps it from starting; that is recorded.
        """
        return self._scheduler.run_now(self.record)

    def __repr__(self) -> str:
        try:
            return self.text()
        except NotFound as error:
            return str(error)

    def text(self, runs: int = _SHOWN) -> str:
        """Say when it runs, who runs it, and what became of its last runs."""
        lines = [f"{self.name}: {self.describe(self.record)}", f"  {self._served()}"]
        zone = ZoneInfo(self.rule.timezone)
        lines += [f"  {tick_line(tick, zone)}" for tick in self.ticks(runs)]
        return "\n".join([*filter(None, [self.said]), *lines])

    def as_dict(self, runs: int = 100) -> dict[str, Any]:
        """Return it as plain data, with its last runs; times are seconds since the epoch."""
        found, after = self.record, self.next
        return {
            "name": found.name,
            "project": found.project,
            "schedule": dict(found.request["schedule"]),
            "paused": not found.enabled,
            "next": None if after is None else after.timestamp(),
            "runs": [_as_dict(tick) for tick in self.ticks(runs)],
        }

    def describe(self, found: ScheduleRecord) -> str:
        """Say in a line when it runs."""
        rule = Rule.of(found.request["schedule"])
        when = f"`{rule.text}` {rule.timezone}"
        if not found.enabled:
            return f"{when}, paused"
        now = self._manager.store.clock.time()
        after = rule.next(now)
        if after is None:
            return f"{when}, ended"
        moment = datetime.fromtimestamp(after, ZoneInfo(rule.timezone))
        left = format_duration(max(1.0, float(int(after - now))))
        return f"{when}, next {moment:%Y-%m-%d %H:%M %Z}, in {left}"

    def _served(self) -> str:
        why = self._scheduler.why_not(self._id)
        if why:
            return f"does not run in this kernel: {why}"
        return "served by this kernel" if self._scheduler.alive else _UNSERVED


class ScheduleList(list[Schedule]):
    """Schedules that print as a table."""

    def __repr__(self) -> str:
        if not self:
            return "No schedule yet. A request with `schedule: {cron: …}` makes one."
        rows = [("schedule", "when", "last run"), *(_row(each) for each in self)]
        return "\n".join(table(rows))


def tick_line(tick: TickRecord, zone: ZoneInfo) -> str:
    """Say what became of a run: `2026-01-31 02:00  STARTED  nightly-20260131T0200Z  SUCCEEDED`."""
    planned = datetime.fromtimestamp(tick.planned_at, zone)
    parts = [f"{planned:%Y-%m-%d %H:%M}", f"{tick.state:<7}"]
    if tick.generation_id is not None:
        parts += [tick.job, str(tick.job_state or "deleted")]
    return "  ".join([*parts, tick.reason]).rstrip()


def table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Align the columns of a table."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _as_dict(tick: TickRecord) -> dict[str, Any]:
    return {
        "key": tick.key,
        "planned_at": tick.planned_at,
        "recorded_at": tick.recorded_at,
        "state": tick.state.value,
        "reason": tick.reason,
        "job": tick.job if tick.generation_id is not None else None,
        "job_id": None if tick.generation_id is None else f"tj-{tick.generation_id}",
        "job_state": None if tick.job_state is None else tick.job_state.value,
    }


def _row(schedule: Schedule) -> tuple[str, str, str]:
    found = schedule.record
    name = found.name if found.project == "default" else f"{found.name} ({found.project})"
    last = next(iter(schedule.ticks(1)), None)
    ran = "" if last is None else tick_line(last, ZoneInfo(schedule.rule.timezone))
    return name, schedule.describe(found), ran
