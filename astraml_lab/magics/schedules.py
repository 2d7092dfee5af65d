"""`%tune schedule …`: requests that run again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import nearest

if TYPE_CHECKING:
    from astraml_lab.magics.call import Call

VERBS = ("list", "show", "run", "pause", "resume", "remove")


def schedule(call: Call) -> object:
    """List the schedules, or have one of them do something.

    Raises:
        InvalidSpec: There is no such verb, or no name.
    """
    verb, *names = call.words or ("list",)
    verb = "remove" if verb == "rm" else verb
    if verb not in VERBS:
        allowed = f"one of {', '.join(VERBS)}"
        raise InvalidSpec([Problem("VERB", verb, allowed, nearest(verb, VERBS))], subject="the line")
    if verb == "list":
        return repr(call.lab.schedules(call.project))
    if not names:
        raise InvalidSpec([Problem("NAME", "", "missing", f"%tune schedule {verb} NAME")], subject="the line")
    found = call.lab.find_schedule(names[0], call.project)
    if verb == "run":
        return call.lab.accompany_run(found.run())
    if verb == "show":
        return found.text(runs=100)
    if verb == "remove":
        found.remove()
        return f"{found.name} was removed; the jobs of its runs stay."
    return repr(found.pause() if verb == "pause" else found.resume())
