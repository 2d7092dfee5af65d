"""Jobs and their generations: rows in, `GenerationRecord` out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from astraml_lab.errors import Conflict, NotFound
from astraml_lab.spec.state import JobState
from astraml_lab.store import leases as ownership
from astraml_lab.store import trials
from astraml_lab.store.files import name_key
from astraml_lab.store.records import Control, GenerationRecord, Lease, dump
from astraml_lab.store.tables import controls, generations, jobs, leases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Row, Table

CHANGEABLE = frozenset({"spec", "state", "reason", "note", "started_at", "ended_at"})


def create_job(connection: Connection, project: str, name: str, now: float) -> int:
    """Make a job without generations and return its id; the unique key decides a race.

    Raises:
        Conflict: The project has a job of that name, in whatever case.
    """
    row = {
        "project": project,
        "name": name,
        "project_key": name_key(project),
        "name_key": name_key(name),
        "created_at": now,
    }
    try:
        return _insert(connection, jobs, row)
    except IntegrityError as exc:
        raise Conflict(f"there is a job `{name}` in project `{project}` already") from exc


def create_generation(connection: Connection, job_id: int, spec: str, fingerprint: str, now: float) -> int:
    """Make the job's next generation, QUEUED, and return its id.

    Raises:
        NotFound: The job was deleted.
    """
    if connection.scalar(select(jobs.c.id).where(jobs.c.id == job_id)) is None:
        raise NotFound(f"job {job_id} does not exist any more")
    newest = select(func.max(generations.c.number)).where(generations.c.job_id == job_id)
    row = {
        "job_id": job_id,
        "number": (connection.scalar(newest) or 0) + 1,
        "spec": spec,
        "fingerprint": fingerprint,
        "state": JobState.QUEUED,
        "created_at": now,
    }
    return _insert(connection, generations, row)


def _insert(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    return int(connection.scalars(insert(table).returning(table.c.id), row).one())


def update_generation(connection: Connection, generation_id: int, changes: dict[str, Any]) -> None:
    """Change columns of a generation."""
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not a field that changes: {', '.join(sorted(unknown))}")
    if changes:
        mine = generations.c.id == generation_id
        connection.execute(update(generations).where(mine).values(changes))


def rename_job(connection: Connection, job_id: int, name: str, owner: str | None, now: float) -> None:
    """Give a job another name.

    Raises:
        Conflict: The project has a job of that name, or somebody alive owns one of this job's generations.
    """
    for generation in find(connection, now, jobs.c.id == job_id, newest_only=False):
        ownership.refuse_other(generation.lease, owner, now)
    changed = update(jobs).where(jobs.c.id == job_id).values(name=name, name_key=name_key(name))
    try:
        connection.execute(changed)
    except IntegrityError as exc:
        raise Conflict(f"there is a job `{name}` already") from exc


def delete_job(connection: Connection, job_id: int, owner: str | None, now: float) -> None:
    """Delete a job and, by the foreign keys, all that belongs to it.

    Raises:
        Conflict: Somebody alive, other than `owner` in this process, owns one of its generations.
    """
    for generation in find(connection, now, jobs.c.id == job_id, newest_only=False):
        ownership.refuse_other(generation.lease, owner, now)
    connection.execute(delete(jobs).where(jobs.c.id == job_id))


def find(
    connection: Connection, now: float, *where: ColumnElement[bool], newest_only: bool = True
) -> tuple[GenerationRecord, ...]:
    """Return generations with their job's names, newest first.

    Args:
        connection: Where to read.
        now: For the age of heartbeats.
        where: Conditions on `jobs` and `generations`.
        newest_only: Only the newest generation of each job.
    """
    query = (
        select(generations, jobs.c.project, jobs.c.name, leases)
        .join(jobs, generations.c.job_id == jobs.c.id)
        .outerjoin(leases, leases.c.generation_id == generations.c.id)
        .where(*where)
        .order_by(generations.c.created_at.desc(), generations.c.id.desc())
    )
    if newest_only:
        later = generations.alias()
        newest = select(func.max(later.c.number)).where(later.c.job_id == generations.c.job_id)
        query = query.where(generations.c.number == newest.scalar_subquery())
    return tuple(_records(connection.execute(query), now))


def _records(rows: Iterable[Row[Any]], now: float) -> Iterator[GenerationRecord]:
    for row in rows:
        cells = row._mapping  # noqa: SLF001  SQLAlchemy's documented name
        held = cells[leases.c.generation_id] is not None
        lease = Lease(*(cells[column] for column in leases.columns)) if held else None
        yield GenerationRecord(
            id=cells[generations.c.id],
            job_id=cells[generations.c.job_id],
            project=cells[jobs.c.project],
            name=cells[jobs.c.name],
            number=cells[generations.c.number],
            spec=cells[generations.c.spec],
            fingerprint=cells[generations.c.fingerprint],
            state=_state(cells[generations.c.state], lease, now),
            reason=cells[generations.c.reason],
            note=cells[generations.c.note],
            created_at=cells[generations.c.created_at],
            started_at=cells[generations.c.started_at],
            ended_at=cells[generations.c.ended_at],
            lease=lease,
        )


def _state(stored: str, lease: Lease | None, now: float) -> JobState:
    try:
        state = JobState(stored)
    except ValueError:
        return JobState.STALE  # a damaged word must not hide a job: whoever resumes it writes another
    return state if state.ended or ownership.is_alive(lease, now) else JobState.STALE


def request(connection: Connection, generation_id: int, command: str, argument: object, now: float) -> None:
    """Leave a command for the owner of a generation."""
    row = {"generation_id": generation_id, "command": command, "argument": dump(argument), "created_at": now}
    connection.execute(insert(controls).values(row))


def cancel_stale(connection: Connection, generation_id: int, reason: str, now: float) -> bool:
    """End a generation whose owner is gone as CANCELLED, and its open trials; return whether it was one."""
    found = find(connection, now, generations.c.id == generation_id, newest_only=False)
    if not found or found[0].state is not JobState.STALE:
        return False
    # a higher fence: an owner on another machine may only have been silent
    lease = ownership.acquire(connection, generation_id, "nobody", now)
    changes = {"state": JobState.CANCELLED, "reason": reason, "ended_at": now}
    update_generation(connection, generation_id, changes)
    trials.end_open(connection, generation_id, reason, now)
    ownership.release(connection, lease)
    discard(connection, generation_id)
    return True


def has_commands(connection: Connection, generation_id: int) -> bool:
    """Whether commands wait for the owner of a generation."""
    waiting = select(controls.c.id).where(controls.c.generation_id == generation_id)
    return connection.scalar(waiting.limit(1)) is not None


def take(connection: Connection, generation_id: int) -> tuple[Control, ...]:
    """Return the commands left for a generation, oldest first, and forget them."""
    mine = controls.c.generation_id == generation_id
    rows = connection.execute(select(controls).where(mine).order_by(controls.c.id)).all()
    if rows:
        discard(connection, generation_id)
    return tuple(Control(row.command, json.loads(row.argument), row.created_at) for row in rows)


def discard(connection: Connection, generation_id: int) -> None:
    """Forget the commands left for a generation."""
    connection.execute(delete(controls).where(controls.c.generation_id == generation_id))
