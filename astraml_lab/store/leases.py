"""Ownership of a generation, with fencing: two kernels never write the same job.

An owner is alive while its process is (on this machine) or while its heartbeat is young (on another). A new
owner gets a higher fence; what the old one still tries to write is refused by that number.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from astraml_lab.errors import Conflict, LeaseLost, NotFound
from astraml_lab.store.processes import runs, this_host, this_process
from astraml_lab.store.records import Lease
from astraml_lab.store.tables import generations, leases

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEARTBEAT_SECONDS = 60.0


def read(connection: Connection, generation_id: int) -> Lease | None:
    """Return the newest lease of a generation, alive or not."""
    row = connection.execute(select(leases).where(leases.c.generation_id == generation_id)).one_or_none()
    return Lease(*row) if row else None


def is_alive(lease: Lease | None, now: float) -> bool:
    """Whether somebody holds this lease who could still write."""
    if lease is None or lease.owner is None:
        return False
    if lease.host == this_host():
        return runs(lease.pid, lease.pid_started_at)
    return now - lease.heartbeat_at < HEARTBEAT_SECONDS


def refuse_other(held: Lease | None, owner: str | None, now: float) -> None:
    """Refuse to touch what somebody alive holds, unless that is `owner` in this process.

    Raises:
        Conflict: Somebody else does; the message says who.
    """
    if (
        held
        and is_alive(held, now)
        and (held.owner, held.pid, held.host) != (owner, os.getpid(), this_host())
    ):
        raise Conflict(f"it runs in {held}; stop it there first, or watch it from here")


def acquire(connection: Connection, generation_id: int, owner: str, now: float) -> Lease:
    """Take a generation for this process; the same owner in the same process may take it again.

    Raises:
        Conflict: Somebody alive has it; the message says who.
        NotFound: There is no such generation.
    """
    held = read(connection, generation_id)
    refuse_other(held, owner, now)
    pid, started_at = this_process()
    fence = held.fence + 1 if held else 1
    lease = Lease(generation_id, fence, owner, pid, started_at, this_host(), now)
    if held:
        connection.execute(
            update(leases).where(leases.c.generation_id == generation_id).values(vars(lease)),
        )
    elif connection.scalar(select(generations.c.id).where(generations.c.id == generation_id)) is None:
        raise NotFound(f"generation {generation_id} does not exist any more")
    else:
        connection.execute(insert(leases).values(vars(lease)))
    return lease


def renew(connection: Connection, lease: Lease, now: float) -> None:
    """Tell other machines that the owner lives.

    Raises:
        LeaseLost: Somebody else owns the generation now, or it was deleted.
    """
    _change(connection, lease, heartbeat_at=now)


def release(connection: Connection, lease: Lease) -> None:
    """Give a lease back; one that was lost already is no matter."""
    mine = (leases.c.generation_id == lease.generation_id) & (leases.c.fence == lease.fence)
    connection.execute(update(leases).where(mine).values(owner=None))


def check(connection: Connection, lease: Lease) -> None:
    """Refuse to go on unless the lease is the newest; the write lock that `connection` has keeps it so.

    Raises:
        LeaseLost: Somebody else owns the generation now, or it was deleted.
    """
    mine = (leases.c.generation_id == lease.generation_id) & (leases.c.fence == lease.fence)
    if connection.scalar(select(leases.c.fence).where(mine, leases.c.owner.is_not(None))) is None:
        raise lost(lease)


def lost(lease: Lease) -> LeaseLost:
    """Return the error of an owner that is none any more."""
    return LeaseLost(
        f"`{lease.owner}` does not own generation {lease.generation_id} any more: another kernel took the "
        "job over, or it was deleted; run `%tune show` to watch it from here"
    )


def _change(connection: Connection, lease: Lease, **values: object) -> None:
    mine = (leases.c.generation_id == lease.generation_id) & (leases.c.fence == lease.fence)
    changed = connection.execute(update(leases).where(mine, leases.c.owner.is_not(None)).values(**values))
    if changed.rowcount != 1:
        raise lost(lease)
