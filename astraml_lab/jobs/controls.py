"""Commands between kernels: an event as a row of the store, and back.

A row holds a command and one JSON argument. The kernel that runs the job looks for rows once a second.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from astraml_lab.jobs.events import Confirm, Enqueue, Extend, Pause, Rerun, StopJob, StopTrial, Unpause

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.jobs.events import Event
    from astraml_lab.store import Control

    Told = StopJob | StopTrial | Pause | Unpause | Extend | Confirm | Enqueue | Rerun

_STOPPED = "stopped from another kernel"
_READ: dict[str, Callable[[Any], Event]] = {
    "stop": lambda reason: StopJob(str(reason or _STOPPED)),
    "stop_trial": lambda given: StopTrial(int(given["number"]), str(given["reason"])),
    "pause": lambda _none: Pause(),
    "resume": lambda _none: Unpause(),
    "extend": lambda trials: Extend(int(trials)),
    "confirm": lambda count: Confirm(int(count)),
    "enqueue": lambda params: Enqueue(dict(params), Future()),  # nobody waits: the sender has checked them
    "rerun": lambda number: Rerun(int(number), Future()),
}
_WRITE: dict[type, tuple[str, Callable[[Any], object]]] = {
    StopJob: ("stop", lambda event: event.reason),
    StopTrial: ("stop_trial", lambda event: {"number": event.number, "reason": event.reason}),
    Pause: ("pause", lambda _event: None),
    Unpause: ("resume", lambda _event: None),
    Extend: ("extend", lambda event: event.trials),
    Confirm: ("confirm", lambda event: event.count),
    Enqueue: ("enqueue", lambda event: dict(event.params)),
    Rerun: ("rerun", lambda event: event.number),
}


def row_of(event: Told) -> tuple[str, object]:
    """Return the command and the argument that stand for an event."""
    command, argument = _WRITE[type(event)]
    return command, argument(event)


def event_of(control: Control) -> Event | None:
    """Return the event that a row stands for; `None` for one of another version, or damaged."""
    read = _READ.get(control.command)
    try:
        return None if read is None else read(control.argument)
    except (KeyError, TypeError, ValueError):
        return None
