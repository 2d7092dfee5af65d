"""Jobs by name, and where a name that is not there may be."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound
from astraml_lab.spec import nearest, shown
from astraml_lab.store import name_key

if TYPE_CHECKING:
    from astraml_lab.store import GenerationRecord, Store


def find(store: Store, name: str | None, project: str, generation: int | None) -> GenerationRecord:
    """Return a generation of a job, the newest if none is named; without a name the project's newest job.

    Raises:
        NotFound: There is none; the message names the nearest.
    """
    found = store.newest_job(project) if name is None else store.load_job(project, name, generation)
    if found is not None:
        return found
    if name is None:
        raise NotFound(f"project {project} has no job yet")
    if generation is not None and store.load_job(project, name):
        raise NotFound(f"job {name!r} has no generation {generation}")
    raise NotFound(f"no job {name!r} in project {project}: {_hint(store, name, project)}")


def free_name(store: Store, name: str, project: str) -> str:
    """Return a name that no job has yet: this one, or with a number behind it."""
    taken = {name_key(found.name) for found in store.list_jobs(project)}
    numbered = (f"{name}-{count}" for count in itertools.count(2))
    return next(each for each in itertools.chain([name], numbered) if name_key(each) not in taken)


def _hint(store: Store, name: str, project: str) -> str:
    everywhere = store.list_jobs()
    homes = [record.project for record in everywhere if name_key(record.name) == name_key(name)]
    if homes:
        return f"project {homes[0]} has one (--project {shown(homes[0])})"
    known = [record.name for record in everywhere if name_key(record.project) == name_key(project)]
    some = f"there are {', '.join(known[:10])}" if known else "there is none yet"
    return nearest(name, known) or some
