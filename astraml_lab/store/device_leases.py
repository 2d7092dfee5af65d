"""Which process of this machine uses how much of which device: rows that several kernels share.

A claim lives as long as its process; one of a dead process is removed by whoever looks next. There is no
heartbeat: other machines have devices of their own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select

from astraml_lab.store.processes import runs, this_host, this_process
from astraml_lab.store.records import DeviceClaim
from astraml_lab.store.tables import device_leases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

WHOLE = 1.0
"""What the claims of a device may add up to."""
_ROUNDING = 1e-9  # ten tenths are a whole
_INSERT = insert(device_leases).returning(device_leases.c.id)
_FIND = select(device_leases).where(device_leases.c.host == bindparam("on_host")).order_by(device_leases.c.id)


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
    held = find(connection, this_host())
    release(connection, [each.id for each in held if not each.alive])
    used = defaultdict[str, float](float)
    for each in held:
        used[each.device] += each.share if each.alive else 0.0
    for device in devices:
        used[device] += share
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
    return tuple(connection.scalars(_INSERT, {**row, "device": device}).one() for device in devices)


def release(connection: Connection, ids: Sequence[int]) -> None:
    """Give claims back; those that are gone already are no matter."""
    if ids:
        connection.execute(delete(device_leases).where(device_leases.c.id.in_(ids)))


def find(connection: Connection, host: str) -> tuple[DeviceClaim, ...]:
    """Return the claims of a machine, oldest first; those of another machine count as alive."""
    rows = connection.execute(_FIND, {"on_host": host}).all()
    # many trials of one kernel claim: ask once for each process
    processes = {(row.pid, row.pid_started_at) for row in rows}
    alive = {each: host != this_host() or runs(*each) for each in processes}
    return tuple(
        DeviceClaim(row.id, row.device, row.share, row.owner, row.pid, alive[row.pid, row.pid_started_at])
        for row in rows
    )
