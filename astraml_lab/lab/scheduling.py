"""Schedules: requests that run again and again, while a kernel or `astraml scheduler` is there."""

from __future__ import annotations

import atexit
import functools
import os
import threading
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.clock import SystemClock
from astraml_lab.dialects.astraml.fingerprint import fingerprint
from astraml_lab.dialects.detect import detect, named
from astraml_lab.dialects.plain import plain
from astraml_lab.errors import InvalidSpec, NotFound, Problem, StoreError
from astraml_lab.jobs import attended, in_kernel
from astraml_lab.jobs.scheduling import Schedule, ScheduleList, Scheduler
from astraml_lab.lab.default import manager, on_use
from astraml_lab.lab.front import accompany
from astraml_lab.lab.repeats import schedule_once
from astraml_lab.lab.requests import code_of, read, start
from astraml_lab.objectives import Command
from astraml_lab.spec import Dialect, nearest, shown
from astraml_lab.store import name_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.jobs import Job, Manager
    from astraml_lab.jobs.scheduling import Run
    from astraml_lab.objectives.script_targets import Target
    from astraml_lab.spec import ScheduledRun
    from astraml_lab.store import ScheduleRecord

_LOOK = 60.0
"""Seconds between two looks for the first schedule, of a kernel that serves none."""
_WORDS = ("cron", "timezone", "missed_runs", "overlap")
_clock = SystemClock()
_lock = threading.Lock()
_schedulers: dict[int, Scheduler] = {}
_looked: dict[int, float] = {}


def is_scheduled(request: Mapping[str, Any], dialect: Dialect | str | None = None) -> bool:
    """Tell whether a request is to run on a schedule."""
    if "schedule" not in request:
        return False
    return (detect(request) if dialect is None else named(dialect)) is Dialect.ASTRAML


def schedule(  # noqa: PLR0913 - each is a field of the request
    request: object,
    *,
    cron: str | None = None,
    timezone: str | None = None,
    missed_runs: str | None = None,
    overlap: str | None = None,
    name: str | None = None,
    target: Target = None,
    api_version: str | None = None,
    idempotency_key: str | None = None,
) -> Schedule:
    """Run an AstraML request again and again; each run is a job of its own.

    It runs while a notebook's kernel that has used this lab is open, or `astraml scheduler` runs. The same
    request again is the same schedule.

    Args:
        request: A mapping, JSON or YAML text, or the path of a file. What it says under `schedule` counts
            where the arguments here say nothing.
        cron: Minute, hour, day of month, month, day of week: `"0 2 * * *"` is each day at 02:00.
        timezone: An IANA name (default: UTC).
        missed_runs: What becomes of runs that nobody was there for: `skip`, `run_once` (the default: one run
            for all of them) or `run_all` (the latest 24).
        overlap: What happens while an earlier run goes on: `forbid` (the default: the run is skipped),
            `allow` or `replace` (the earlier one is stopped).
        name: The schedule's name (default: the request's, or one like its model).
        target: What its trials run: the path of a script, the name of a module, or a `Command`; by default
            what is registered for the request's model when it runs.
        api_version: The version that a request without one is of.
        idempotency_key: Within a day this key is of this request alone; another one with it is refused.

    Raises:
        RequestRefused: In the service's own words.
        InvalidSpec: There is no schedule in it, or the target cannot be kept.
        NotFound: Nothing here stands for what the request names.
        Conflict: The project has a schedule of that name for another request.
    """
    data = dict(plain(request, Dialect.ASTRAML))
    given = dict(zip(_WORDS, (cron, timezone, missed_runs, overlap), strict=True))
    words = {word: value for word, value in given.items() if value is not None}
    rule = data.get("schedule", {} if words else None)
    if rule is None:
        problem = Problem(
            "schedule", "", 'missing: cron="0 2 * * *", or `schedule: {cron: …}` in the request'
        )
        raise InvalidSpec([problem], subject="the request")
    if words:
        data["schedule"] = {**rule, **words} if isinstance(rule, Mapping) else rule
    data |= {} if name is None else {"name": name}
    make = functools.partial(_make, data, target, api_version)
    record, repeated = make() if idempotency_key is None else schedule_once(data, idempotency_key, make)
    said = f"{record.name} is scheduled already, as the same request" if repeated else ""
    return Schedule(manager(), serve(manager()), record, said=said)


def schedules(project: str | None = None) -> ScheduleList:
    """Return the schedules, or those of one project, by name; a notebook shows them as a table."""
    found = manager().store.schedules.find(project)
    return ScheduleList(Schedule(manager(), scheduler(), each) for each in found)


def find_schedule(name: str, project: str | None = None) -> Schedule:
    """Return a schedule by name; case does not count.

    Raises:
        NotFound: There is none, or several projects have one; the message names the nearest.
    """
    known = schedules(project)
    found = [each for each in known if name_key(each.name) == name_key(name)]
    if len(found) > 1:
        where = ", ".join(each.project for each in found)
        raise NotFound(f"several projects have a schedule {name!r}: {where}; say --project")
    if not found:
        names = [each.name for each in known]
        hint = nearest(name, names) or f"there are {', '.join(names[:10])}"
        raise NotFound(f"no schedule {name!r}: {hint if known else 'there is none yet'}")
    return found[0]


def accompany_run(job: Job) -> Job:
    """Show a run that was just started here, and wait for it where nobody is at the keyboard.

    Raises:
        JobFailed: It was waited for and FAILED.
        JobCancelled: It was waited for and stopped.
    """
    return accompany(job, watched=attended(), waits=None)


def scheduler(tell: Callable[[str], None] | None = None) -> Scheduler:
    """Return what serves the schedules of this process's store; its thread does not run by itself.

    Args:
        tell: Is told what happens, in sentences; counts where it is the first call.
    """
    of = manager()
    with _lock:
        if id(of) not in _schedulers:
            made = _schedulers[id(of)] = Scheduler(of, _clock, _prepare, tell)
            atexit.register(made.close)
        return _schedulers[id(of)]


def serve(of: Manager) -> Scheduler:
    """Start this kernel's thread where there is something to serve and a person who keeps the kernel open."""
    found = scheduler()
    if in_kernel() and attended() and of.store.schedules.any():
        found.start()
    return found


def _look(of: Manager) -> None:
    """Look for schedules now and then, as the lab is used; a command or a script serves none."""
    now = _clock.monotonic()
    if now - _looked.get(id(of), -_LOOK) < _LOOK or not in_kernel():
        return
    _looked[id(of)] = now
    try:
        serve(of)
    except StoreError:  # who asked wants something else
        return


on_use.append(_look)


def _prepare(record: ScheduleRecord) -> Run:
    """Read a schedule's request as things are now: its project's policy, secrets, and what stands for it."""
    request = {name: value for name, value in record.request.items() if name != "schedule"}
    spec = read(request, Dialect.ASTRAML).spec
    target, folder = _found(record.target), Path(record.folder)
    code_of(spec, target=target, folder=folder)

    def go(name: str, run: ScheduledRun) -> Job:
        origin = None if spec.origin is None else spec.origin.model_copy(update={"run": run})
        return start(spec.model_copy(update={"name": name, "origin": origin}), target=target, folder=folder)

    return go


def _make(request: Mapping[str, Any], target: Target, api_version: str | None) -> tuple[ScheduleRecord, bool]:
    """Check a request and store its schedule, or find the one that the same request made."""
    data = dict(request)
    spec = read(data, Dialect.ASTRAML, api_version=api_version).spec
    if spec.origin is not None:
        data.setdefault("apiVersion", spec.origin.version)
    folder = Path.cwd()
    code_of(spec, target=target, folder=folder)
    return _stored(spec.project, data, _kept(target), str(folder))


def _stored(project: str, data: Mapping[str, Any], target: Any, folder: str) -> tuple[ScheduleRecord, bool]:
    """Store a schedule, or find the one that the same request made."""
    rows = manager().store.schedules
    known = rows.find(project)
    mark = fingerprint(data)
    for each in known:
        if (fingerprint(each.request), each.target) == (mark, target):
            return each, True
    name = data.get("name") or _free(str(data["model"]), {name_key(each.name) for each in known})
    enabled = data["schedule"].get("enabled", True)
    return rows.add(project, name, request=data, target=target, folder=folder, enabled=enabled), False


def _free(model: str, taken: set[str]) -> str:
    name = "-".join(model.rpartition("/")[2].split())[:60] or "schedule"
    names = [name, *(f"{name}-{count}" for count in range(2, len(taken) + 3))]
    return next(each for each in names if name_key(each) not in taken)


def _kept(target: Target) -> Any:
    """Return a target as plain data.

    Raises:
        InvalidSpec: It cannot be kept: it lives in this process only.
    """
    if target is None:
        return None
    if isinstance(target, Command):
        return {"command": list(target.words)}
    if isinstance(target, Mapping):
        return {"by": {pattern: _kept(each) for pattern, each in target.items()}}
    if isinstance(target, str | PathLike):
        return {"path": os.fspath(target)}
    allowed = "the path of a script, a module's name or Command(…): a function ends with its kernel"
    hint = "lab.register(…) in each kernel that runs it"
    raise InvalidSpec([Problem("target", shown(target), allowed, hint)], subject="the schedule")


def _found(kept: Any) -> Target:
    if kept is None:
        return None
    if "command" in kept:
        return Command(*kept["command"])
    if "by" in kept:
        return {pattern: _found(each) for pattern, each in kept["by"].items()}
    return kept["path"]
