"""`%tune schedule …`: requests that run again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import nearest

if TYPE_CHECKING:
    from astraml_lab.magics.call import Call

DEEDS = ("list", "show", "run", "pause", "resume", "remove")


def schedule(call: Call) -> object:
    """List the schedules, or have one of them do something.

    Raises:
        InvalidSpec: There is no such deed, or no name.
    """
    deed, *names = call.words or ("list",)
    deed = "remove" if deed == "rm" else deed
    if deed not in DEEDS:
        allowed = f"one of {', '.join(DEEDS)}"
        raise InvalidSpec([Problem("DEED", deed, allowed, nearest(deed, DEEDS))], subject="the line")
    if deed == "list":
        return repr(call.lab.schedules(call.project))
    if not names:
        raise InvalidSpec([Problem("NAME", "", "missing", f"%tune schedule {deed} NAME")], subject="the line")
    found = call.lab.find_schedule(names[0], call.project)
    if deed == "run":
        return call.lab.accompany_run(found.run())
    if deed == "show":
        return found.text(runs=100)
    if deed == "remove":
        found.remove()
        return f"{found.name} was removed; the jobs of its runs stay."
    return repr(found.pause() if deed == "pause" else found.resume())
