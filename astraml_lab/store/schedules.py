"""Schedules, and what became of each of their ticks.

Several kernels may serve the same schedules. What came due is recorded in one transaction, by whoever is
first: the schedule's `since` moves on, and one row per tick says who runs it. A tick is claimed before its
job is made. Where the claiming process dies in between, the next one that looks finds the job by the tick's
name for it, or makes it; a job that exists is never made again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_not
from sqlalchemy.exc import IntegrityError

from astraml_lab.errors import Conflict, NotFound
from astraml_lab.spec.state import JobState, TickState
from astraml_lab.store import jobs as job_rows
from astraml_lab.store.files import name_key
from astraml_lab.store.processes import runs, this_host, this_process
from astraml_lab.store.records import dump
from astraml_lab.store.tables import generations, jobs, schedules, ticks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from astraml_lab.store.database import Database
    from astraml_lab.store.records import GenerationRecord

KEPT = 1000
"""So many ticks of a schedule that started something, or failed to, are kept; of the others too."""
_ENDED = tuple(state for state in JobState if state.ended)
_OPEN = tuple(state for state in TickState if state.open)
_QUIET = (TickState.SKIPPED, TickState.MISSED)


@dataclass(frozen=True)
class ScheduleRecord:
    """A schedule.

    Attributes:
        id: Its number, never used again.
        request: What each run is made of, with the rule under `schedule`.
        target: What its trials run, where that was said; as plain data.
        folder: Where relative paths start.
        enabled: False while it is paused.
        since: Ticks up to this moment are dealt with.
    """

    id: int
    project: str
    name: str
    request: Mapping[str, Any]
    target: Any
    folder: str
    enabled: bool
    since: float
    created_at: float


@dataclass(frozen=True)
class NewTick:
    """A tick that came due.

    Attributes:
        key: What no two ticks of a schedule share.
        planned_at: When it was to run.
        job: The name that its job is to have; empty for one that does not run.
        late: It makes up for a run that was missed, and waits where others would be skipped.
        reason: What there is to say.
    """

    key: str
    planned_at: float
    job: str = ""
    late: bool = False
    reason: str = ""


@dataclass(frozen=True)
class TickRecord:
    """What became of a tick.

    Attributes:
        job_state: How its job stands; None where there is none, or none any more.
        mine: This process claimed it.
        orphan: The process that claimed it is gone.
    """

    id: int
    schedule_id: int
    key: str
    planned_at: float
    recorded_at: float
    state: TickState
    reason: str
    late: bool
    job: str
    generation_id: int | None
    mine: bool
    orphan: bool
    job_state: JobState | None = None


class Schedules:
    """The schedules of a store; every call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        project: str,
        name: str,
        *,
        request: Mapping[str, Any],
        target: Any = None,
        folder: str = "",
        enabled: bool = True,
    ) -> ScheduleRecord:
        """Store a schedule that counts from now.

        Raises:
            Conflict: The project has a schedule of that name (case does not count).
        """
        with self._database.begin("store a schedule") as connection:
            now = self._database.clock.time()
            row = {
                "project": project,
                "name": name,
                "project_key": name_key(project),
                "name_key": name_key(name),
                "request": dump(request),
                "target": dump(target),
                "folder": folder,
                "enabled": int(enabled),
                "since": now,
                "created_at": now,
            }
            try:
                made = connection.execute(insert(schedules).returning(schedules), row).one()
            except IntegrityError as exc:
                raise Conflict(f"there is a schedule `{name}` in project `{project}` already") from exc
            return _schedule(made)

    def find(self, project: str | None = None) -> tuple[ScheduleRecord, ...]:
        """Return the schedules, or those of one project, by project and name."""
        query = select(schedules).order_by(schedules.c.project_key, schedules.c.name_key)
        if project is not None:
            query = query.where(schedules.c.project_key == name_key(project))
        with self._database.connect("read the schedules") as connection:
            return tuple(_schedule(row) for row in connection.execute(query))

    def get(self, schedule_id: int) -> ScheduleRecord | None:
        """Return a schedule, or None if it was removed."""
        with self._database.connect("read a schedule") as connection:
            found = connection.execute(select(schedules).where(schedules.c.id == schedule_id)).first()
        return None if found is None else _schedule(found)

    def any(self) -> bool:
        """Tell whether there is a schedule at all."""
        with self._database.connect("read the schedules") as connection:
            return bool(connection.scalar(select(exists(select(schedules.c.id)))))

    def enable(self, schedule_id: int, *, enabled: bool) -> None:
        """Pause a schedule, or have it go on: what would have run meanwhile is not missed."""
        changes: dict[str, Any] = {"enabled": int(enabled)}
        if enabled:
            changes["since"] = self._database.clock.time()
        with self._database.begin("change a schedule") as connection:
            connection.execute(update(schedules).where(schedules.c.id == schedule_id).values(changes))
            if not enabled:
                _give_up(connection, schedule_id, "the schedule was paused while it waited")

    def remove(self, schedule_id: int) -> None:
        """Remove a schedule and what was recorded of its ticks; its jobs stay."""
        with self._database.begin("remove a schedule") as connection:
            connection.execute(delete(schedules).where(schedules.c.id == schedule_id))

    # ticks

    def record(
        self, seen: ScheduleRecord, due: Sequence[NewTick], since: float, *, overlap: str
    ) -> tuple[TickRecord, ...]:
        """Record what came due, and move on to `since`; this process is to start what reads CLAIMED.

        Args:
            seen: The schedule as it was when that was worked out.
            due: The ticks, in order.
            since: Up to when they are all.
            overlap: What happens while an earlier run goes on: `forbid`, `allow`, `replace`.

        Returns:
            The rows; none where another kernel was faster, or the schedule is gone or paused.
        """
        with self._database.begin("record a schedule's ticks") as connection:
            same = (schedules.c.id == seen.id, schedules.c.since == seen.since, schedules.c.enabled == 1)
            moved = connection.execute(update(schedules).where(*same).values(since=since))
            if moved.rowcount == 0:
                return ()
            found = [self._record(connection, seen.id, tick, overlap) for tick in due]
            _forget_old(connection, seen.id)
            return tuple(each for each in found if each is not None)

    def by_hand(self, schedule_id: int, tick: NewTick) -> TickRecord:
        """Claim a run that somebody asks for, whatever else runs.

        Raises:
            NotFound: The schedule was removed.
            Conflict: There is such a run already.
        """
        with self._database.begin("record a run") as connection:
            if connection.scalar(select(schedules.c.id).where(schedules.c.id == schedule_id)) is None:
                raise NotFound("the schedule was removed")
            made = self._insert(connection, schedule_id, tick, TickState.CLAIMED, tick.reason)
        if made is None:
            raise Conflict("such a run was started this very second: wait a moment")
        return made

    def open_ticks(self) -> tuple[TickRecord, ...]:
        """Return the ticks of all schedules whose jobs are still to be started: on time before late."""
        order = (ticks.c.late, ticks.c.planned_at)
        with self._database.connect("read the ticks") as connection:
            rows = connection.execute(select(ticks).where(ticks.c.state.in_(_OPEN)).order_by(*order))
            return tuple(_tick(row) for row in rows)

    def take(self, tick: TickRecord, *, overlap: str) -> TickRecord | None:
        """Claim a tick that waits, or whose process is gone; None where it is not to be started.

        One whose job was made all the same is then STARTED.
        """
        with self._database.begin("claim a tick") as connection:
            row = connection.execute(select(ticks).where(ticks.c.id == tick.id)).first()
            if row is None or not _tick(row).state.open:
                return None
            found = _tick(row)
            if found.state is TickState.CLAIMED:
                if not found.orphan:
                    return None
                made = _made(connection, row)
                if made is not None:
                    _change(connection, found.id, state=TickState.STARTED, generation_id=made)
                    return None
            elif overlap != "allow" and self._busy(connection, found.schedule_id, waiting=False):
                return None
            _change(connection, found.id, state=TickState.CLAIMED, **_process())
            return _tick(connection.execute(select(ticks).where(ticks.c.id == tick.id)).one())

    def end(
        self, tick: TickRecord, state: TickState, reason: str = "", generation_id: int | None = None
    ) -> None:
        """Note what became of a tick that this process claimed."""
        with self._database.begin("note what became of a tick") as connection:
            _change(connection, tick.id, state=state, reason=reason, generation_id=generation_id)

    def ticks(self, schedule_id: int, limit: int = 100) -> tuple[TickRecord, ...]:
        """Return what became of a schedule's ticks, the newest first."""
        query = select(ticks).where(ticks.c.schedule_id == schedule_id)
        order = (ticks.c.planned_at.desc(), ticks.c.id.desc())
        with self._database.connect("read the ticks") as connection:
            rows = connection.execute(query.order_by(*order).limit(limit)).all()
            states = self._states(connection, [row.generation_id for row in rows if row.generation_id])
            return tuple(_tick(row, states.get(row.generation_id)) for row in rows)

    def running(self, schedule_id: int) -> tuple[GenerationRecord, ...]:
        """Return the jobs of a schedule that somebody runs."""
        with self._database.connect("read a schedule's jobs") as connection:
            return self._running(connection, schedule_id)

    def _record(
        self, connection: Connection, schedule_id: int, tick: NewTick, overlap: str
    ) -> TickRecord | None:
        state, reason = TickState.CLAIMED, tick.reason
        if not tick.job:
            state = TickState.MISSED
        elif overlap != "allow":
            going_on = self._busy(connection, schedule_id)
            if overlap == "replace" and not tick.late:
                taken = "the next run took its place while it waited"
                _give_up(connection, schedule_id, taken, ticks.c.late == 0)
            if going_on and (overlap == "replace" or tick.late):
                state = TickState.WAITING
            elif going_on:
                state, reason = TickState.SKIPPED, f"{going_on} still went on"
        return self._insert(connection, schedule_id, tick, state, reason)

    def _insert(
        self, connection: Connection, schedule_id: int, tick: NewTick, state: TickState, reason: str
    ) -> TickRecord | None:
        row = {
            "schedule_id": schedule_id,
            "key": tick.key,
            "planned_at": tick.planned_at,
            "recorded_at": self._database.clock.time(),
            "state": state,
            "reason": reason,
            "late": int(tick.late),
            "job": tick.job,
            **_process(),
        }
        made = connection.execute(insert_or_not(ticks).values(row).on_conflict_do_nothing().returning(ticks))
        found = made.first()
        return None if found is None else _tick(found)

    def _busy(self, connection: Connection, schedule_id: int, *, waiting: bool = True) -> str:
        """Name a run of the schedule that goes on or is about to; empty if there is none."""
        states = _OPEN if waiting else (TickState.CLAIMED,)
        mine = (ticks.c.schedule_id == schedule_id, ticks.c.state.in_(states))
        for row in connection.execute(select(ticks).where(*mine)):
            if not _tick(row).orphan:
                return str(row.job)
        return next((found.name for found in self._running(connection, schedule_id)), "")

    def _running(self, connection: Connection, schedule_id: int) -> tuple[GenerationRecord, ...]:
        started = select(ticks.c.generation_id).where(
            ticks.c.schedule_id == schedule_id, ticks.c.state == TickState.STARTED
        )
        where = (generations.c.id.in_(started), generations.c.state.not_in(_ENDED))
        found = job_rows.find(connection, self._database.clock.time(), *where, newest_only=False)
        return tuple(each for each in found if each.state is not JobState.STALE)

    def _states(self, connection: Connection, ids: Sequence[int]) -> dict[int | None, JobState]:
        where = generations.c.id.in_(ids)
        found = job_rows.find(connection, self._database.clock.time(), where, newest_only=False)
        return {each.id: each.state for each in found}


def _give_up(connection: Connection, schedule_id: int, reason: str, *also: ColumnElement[bool]) -> None:
    """Give up the runs that wait for the end of an earlier one."""
    waits = (ticks.c.schedule_id == schedule_id, ticks.c.state == TickState.WAITING, *also)
    connection.execute(update(ticks).where(*waits).values(state=TickState.SKIPPED, reason=reason))


def _forget_old(connection: Connection, schedule_id: int) -> None:
    for states in (_QUIET, (TickState.STARTED, TickState.FAILED)):
        mine = (ticks.c.schedule_id == schedule_id, ticks.c.state.in_(states))
        kept = select(ticks.c.id).where(*mine).order_by(ticks.c.id.desc()).offset(KEPT).limit(1)
        oldest = connection.scalar(kept)
        if oldest is not None:
            connection.execute(delete(ticks).where(*mine, ticks.c.id <= oldest))


def _change(connection: Connection, tick_id: int, **changes: Any) -> None:
    connection.execute(update(ticks).where(ticks.c.id == tick_id).values(changes))


def _made(connection: Connection, row: Row[Any]) -> int | None:
    """Return the job that a process made before it died, without noting it."""
    project = select(schedules.c.project_key).where(schedules.c.id == row.schedule_id).scalar_subquery()
    found = (
        select(generations.c.id)
        .join(jobs)
        .where(
            jobs.c.project_key == project,
            jobs.c.name_key == name_key(row.job),
            generations.c.created_at >= row.recorded_at,
        )
    )
    return connection.scalar(found.order_by(generations.c.id).limit(1))


def _process() -> dict[str, Any]:
    pid, started_at = this_process()
    return {"host": this_host(), "pid": pid, "pid_started_at": started_at}


def _schedule(row: Row[Any]) -> ScheduleRecord:
    return ScheduleRecord(
        id=row.id,
        project=row.project,
        name=row.name,
        request=json.loads(row.request),
        target=json.loads(row.target),
        folder=row.folder,
        enabled=bool(row.enabled),
        since=row.since,
        created_at=row.created_at,
    )


def _tick(row: Row[Any], job_state: JobState | None = None) -> TickRecord:
    state = TickState(row.state)
    here = row.host == this_host()
    mine = here and (row.pid, row.pid_started_at) == this_process()
    return TickRecord(
        id=row.id,
        schedule_id=row.schedule_id,
        key=row.key,
        planned_at=row.planned_at,
        recorded_at=row.recorded_at,
        state=state,
        reason=row.reason,
        late=bool(row.late),
        job=row.job,
        generation_id=row.generation_id,
        mine=mine,
        orphan=state is TickState.CLAIMED and here and not mine and not runs(row.pid, row.pid_started_at),
        job_state=job_state,
    )
