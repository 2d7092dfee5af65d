"""Requests that may come twice: a key, given with each, names the job or schedule that the first one made.

One INSERT decides who is first, also between processes: (project, key) is unique. A key is kept for a day.
One whose request failed, or whose process died before it made anything, is free again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert

from astraml_lab.store.files import name_key
from astraml_lab.store.processes import runs, this_host, this_process
from astraml_lab.store.tables import generations, jobs, requests, schedules

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from astraml_lab.store.database import Database

KEPT = 86_400.0
"""Seconds for which a key is kept, from its first request."""


class Answer(StrEnum):
    """What a key says about a request."""

    NEW = "new"
    """It is the first: make the job or schedule, then `complete`, or `release` the key."""
    REPLAY = "replay"
    """What it made exists."""
    REUSED = "reused"
    """The key belongs to another request."""
    IN_PROGRESS = "in progress"
    """The first request is still making it."""
    DELETED = "deleted"
    """What it made was deleted."""


@dataclass(frozen=True)
class Claim:
    """The answer to a claim.

    Attributes:
        answer: What it says.
        id: The row, for `complete` and `release`.
        generation_id: The job that the first request made, once it has.
        schedule_id: The schedule, where it made one.
    """

    answer: Answer
    id: int
    generation_id: int | None = None
    schedule_id: int | None = None


class Requests:
    """The keys of a store; every call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, project: str, key: str, fingerprint: str, job: str) -> Claim:
        """Claim a key for a request, or learn what became of the one that has it.

        Args:
            project: The project: each has keys of its own.
            key: The key.
            fingerprint: What tells the request from others.
            job: The name that the job will have: a job that was made just before its process died is found
                by it. Empty for a schedule, which is found by its request.
        """
        with self._database.begin("claim a request's key") as connection:
            now = self._database.clock.time()
            connection.execute(delete(requests).where(requests.c.created_at <= now - KEPT))
            row = {"project": project, "key": key, **_first(fingerprint, job, now)}
            first = connection.scalar(
                insert(requests).values(row).on_conflict_do_nothing().returning(requests.c.id)
            )
            if first is not None:
                return Claim(Answer.NEW, first)
            same = (requests.c.project == project) & (requests.c.key == key)
            return _answer(connection, connection.execute(select(requests).where(same)).one(), row)

    def complete(self, claim: Claim, generation_id: int) -> None:
        """Note the job that a first request made."""
        with self._database.begin("note a request's job") as connection:
            _complete(connection, claim.id, generation_id)

    def complete_schedule(self, claim: Claim, schedule_id: int) -> None:
        """Note the schedule that a first request made."""
        with self._database.begin("note a request's schedule") as connection:
            done = update(requests).where(requests.c.id == claim.id).values(schedule_id=schedule_id)
            connection.execute(done)

    def release(self, claim: Claim) -> None:
        """Free the key of a first request that made nothing; one that made something keeps it."""
        with self._database.begin("free a request's key") as connection:
            unmade = (requests.c.generation_id.is_(None), requests.c.schedule_id.is_(None))
            connection.execute(delete(requests).where(requests.c.id == claim.id, *unmade))


def _first(fingerprint: str, job: str, now: float) -> dict[str, object]:
    pid, started_at = this_process()
    return {
        "fingerprint": fingerprint,
        "job": job,
        "host": this_host(),
        "pid": pid,
        "pid_started_at": started_at,
        "created_at": now,
    }


def _answer(connection: Connection, found: Row[tuple[object, ...]], wanted: dict[str, object]) -> Claim:
    generation_id, schedule_id = found.generation_id, found.schedule_id
    if generation_id is None and schedule_id is None:
        generation_id = _made(connection, found)
        if generation_id is not None:
            _complete(connection, found.id, generation_id)
        elif _is_dead(found):
            connection.execute(update(requests).where(requests.c.id == found.id).values(wanted))
            return Claim(Answer.NEW, found.id)
    if found.fingerprint != wanted["fingerprint"]:
        return Claim(Answer.REUSED, found.id, generation_id, schedule_id)
    if generation_id is None and schedule_id is None:
        return Claim(Answer.IN_PROGRESS, found.id)
    table, made = (generations, generation_id) if schedule_id is None else (schedules, schedule_id)
    alive = connection.scalar(select(table.c.id).where(table.c.id == made))
    answer = Answer.DELETED if alive is None else Answer.REPLAY
    return Claim(answer, found.id, generation_id, schedule_id)


def _is_dead(found: Row[tuple[object, ...]]) -> bool:
    return found.host == this_host() and not runs(found.pid, found.pid_started_at)


def _made(connection: Connection, found: Row[tuple[object, ...]]) -> int | None:
    """Return the job that was made for a request and not noted: its process died, or is about to note it."""
    return connection.scalar(
        select(generations.c.id)
        .join(jobs)
        .where(
            jobs.c.project_key == name_key(found.project),
            jobs.c.name_key == name_key(found.job),
            generations.c.created_at >= found.created_at,
        )
        .order_by(generations.c.id)
        .limit(1)
    )


def _complete(connection: Connection, row: int, generation_id: int) -> None:
    done = update(requests).where(requests.c.id == row).values(generation_id=generation_id)
    connection.execute(done)
