"""Which process of this machine uses how much of which device: rows that several kernels share.

A claim lives as long as its process; one of a dead process is removed by whoever looks next. There is no
heartbeat: other machines have devices of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from astraml_lab.store.processes import runs, this_host, this_process
from astraml_lab.store.records import DeviceClaim
from astraml_lab.store.tables import device_leases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

WHOLE = 1.0
"""What the claims of a device may add up to."""
_ROUNDING = 1e-9  # ten tenths are a whole


def claim(
    connection: Connection, devices: Sequence[str], share: float, owner: str, now: float
) -> tuple[int, ...] | None:
    """Claim a share of each of `devices` for this process: of all of them, or of none.

    Args:
        connection: A write transaction: the write lock makes one of two claimants the first.
        devices: What the driver calls them; one that is named twice is claimed twice.
        share: How much of each, 1 for the whole.
        owner: Who, in words for people.
        now: Seconds since the epoch.

    Returns:
        The claims, in the order of `devices`; None where a device has not that much left.
    """
    _remove(connection, [each.id for each in find(connection, this_host()) if not each.alive])
    used = _used(connection)
    for device in devices:
        used[device] = used.get(device, 0.0) + share
        if used[device] > WHOLE + _ROUNDING:
            return None
    pid, started_at = this_process()
    row = {
        "host": this_host(),
        "share": share,
        "owner": owner,
        "pid": pid,
        "pid_started_at": started_at,
        "created_at": now,
    }
    statement = insert(device_leases).returning(device_leases.c.id)
    return tuple(int(connection.scalars(statement, {**row, "device": each}).one()) for each in devices)


def release(connection: Connection, ids: Sequence[int]) -> None:
    """Give claims back; those that are gone already are no matter."""
    _remove(connection, ids)


def find(connection: Connection, host: str) -> tuple[DeviceClaim, ...]:
    """Return the claims of a machine, oldest first; those of another machine count as alive."""
    query = select(device_leases).where(device_leases.c.host == host).order_by(device_leases.c.id)
    rows = connection.execute(query).all()
    # many trials of one kernel claim: ask once for each process
    processes = {(row.pid, row.pid_started_at) for row in rows}
    alive = {each: host != this_host() or runs(*each) for each in processes}
    return tuple(
        DeviceClaim(row.id, row.device, row.share, row.owner, row.pid, alive[row.pid, row.pid_started_at])
        for row in rows
    )


def _used(connection: Connection) -> dict[str, float]:
    query = select(device_leases.c.device, func.sum(device_leases.c.share)).group_by(device_leases.c.device)
    return {row[0]: row[1] for row in connection.execute(query.where(device_leases.c.host == this_host()))}


def _remove(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        connection.execute(delete(device_leases).where(device_leases.c.id.in_(ids)))
