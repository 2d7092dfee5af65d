"""Mends a damaged store: what can be read goes into a new file, the damaged one is kept aside.

The new file is complete, under a name of its own, before the old one is touched; a process that dies on the
way leaves a state from which the next opening goes on. The door is held (`opening`), and nobody has the file
open.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil

from astraml_lab.errors import StoreError, StoreUnavailable
from astraml_lab.spec.state import JobState
from astraml_lab.store.files import name_key
from astraml_lab.store.leases import is_alive
from astraml_lab.store.pages import Pages
from astraml_lab.store.processes import has_open
from astraml_lab.store.records import Lease
from astraml_lab.store.salvage import cut_journals, salvage
from astraml_lab.store.schema import create, free_name
from astraml_lab.store.tables import SCHEMA_VERSION, metadata

if TYPE_CHECKING:
    from pathlib import Path

    from astraml_lab.store.salvage import Found

_HAVE_PARENT = ("leases", "trials", "journal", "windows", "curves", "controls")
_WORTH_A_PARENT = ("trials", "journal", "windows", "curves")
_OTHERS = ("generations", "leases", "controls", "device_leases", "schedules", "ticks")
_MADE_UP = "its description was in a damaged part of the store"


@dataclass(frozen=True)
class _MadeUp:
    """How many generations had to be made up, and how many jobs together with their names."""

    generations: int
    jobs: int


def mend(path: Path, damage: str, now: float) -> str:
    """Exchange the file for one with all of its rows that can be read; return what became of it.

    Raises:
        StoreUnavailable: Somebody uses the file.
        StoreError: A newer version wrote it.
    """
    trouble = f"the store `{path}` is damaged ({damage})"
    _refuse_open(path, trouble)
    pages = Pages(path)
    found = salvage(pages)
    _refuse_newer(path, found["meta"])
    _refuse_owned(trouble, found["leases"], now)
    cut_journals(found["journal"])
    made_up = _make_up_parents(found, now)
    aside = free_name(path, f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}").name
    half = path.with_name(f"{path.name}.mending")
    try:
        _remove(half)
        _write(half, found, {"repaired": _sentence(found, made_up, pages, aside), "aside": aside})
    except BaseException:  # a full disk, most likely: leave it the room
        _remove(half)
        raise
    half.replace(_mended(path))
    return finish(path)


def finish(path: Path) -> str:
    """Put a mended file that is complete into its place; return its sentence, empty if there is none."""
    mended = _mended(path)
    if not mended.exists():
        return ""
    with closing(sqlite3.connect(mended)) as connection:
        notes = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    for suffix in ("-wal", "-shm", ""):  # the log first: beside the new file it would be taken for its own
        old, kept = path.with_name(path.name + suffix), path.with_name(notes["aside"] + suffix)
        if old.exists() and not kept.exists():
            old.replace(kept)
    mended.replace(path)
    return str(notes["repaired"])


def _remove(half: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal", ""):
        half.with_name(half.name + suffix).unlink(missing_ok=True)


def _mended(path: Path) -> Path:
    return path.with_name(f"{path.name}.mended")


def _refuse_open(path: Path, trouble: str) -> None:
    """Refuse to exchange a file that some process has open: it would go on with the old one, unseen."""
    for pid in psutil.pids():
        if has_open(pid, path):
            who = "this process" if pid == os.getpid() else f"process {pid}"
            raise StoreUnavailable(
                f"{trouble}, and {who} has it open: restart that kernel, then open the store again"
            )


def _refuse_owned(trouble: str, leases: Found, now: float) -> None:
    """Refuse to exchange a file that the owner of a job will write to."""
    for row in leases.rows.values():
        lease = Lease(*row)
        if is_alive(lease, now):
            raise StoreUnavailable(
                f"{trouble}, and a job runs in {lease}: restart that kernel, then open the store again"
            )


def _refuse_newer(path: Path, meta: Found) -> None:
    _, version = meta.rows.get(("schema",), ("", ""))
    if version.isdecimal() and int(version) > SCHEMA_VERSION:
        raise StoreError(
            f"the store `{path}` is damaged, and a newer version wrote it (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); run: pip install -U astraml-lab"
        )


def _make_up_parents(found: dict[str, Found], now: float) -> _MadeUp:
    """Give every row its job and generation, made up where they are lost."""
    jobs, generations = found["jobs"].rows, found["generations"].rows
    _drop_twins(jobs, slice(3, 5))
    _drop_twins(found["schedules"].rows, slice(3, 5))
    _drop_twins(found["ticks"].rows, slice(1, 3))
    for key in [k for k, row in found["ticks"].rows.items() if (row[1],) not in found["schedules"].rows]:
        del found["ticks"].rows[key]
    _drop_twins(generations, slice(1, 3))
    undescribed = _make_up_generations(found, now)
    for name in _HAVE_PARENT:
        rows = found[name].rows
        for key in [key for key, row in rows.items() if (row[_PARENT[name]],) not in generations]:
            del rows[key]
    return _MadeUp(undescribed, _make_up_jobs(found, now))


def _make_up_generations(found: dict[str, Found], now: float) -> int:
    """Make up the generations that rows need; the index may still know their jobs and numbers."""
    jobs, generations = found["jobs"].rows, found["generations"].rows
    known = {key[2]: key[:2] for key in found["generations"].keys if set(map(type, key)) == {int}}
    lost = {key[0] for name in _WORTH_A_PARENT for key in found[name].rows} - {key[0] for key in generations}
    taken = {row[1:3] for row in generations.values()}
    free = max(
        [
            *(key[0] for key in jobs),
            *(row[1] for row in generations.values()),
            *(k[0] for k in known.values()),
            0,
        ]
    )
    for number, generation_id in enumerate(sorted(lost), start=free + 1):
        job = tuple(known.get(generation_id, ()))
        job = job if job and job not in taken else (number, 1)
        ended = (JobState.CANCELLED.value, _MADE_UP, "", now, None, now)
        generations[generation_id,] = (generation_id, *job, "{}", "{}", *ended)
        taken.add(job)
    return len(lost)


def _make_up_jobs(found: dict[str, Found], now: float) -> int:
    """Make up the jobs that generations need; return how many have lost their names too."""
    jobs = found["jobs"].rows
    nameless = 0
    known = {key[2]: key[:2] for key in found["jobs"].keys if tuple(map(type, key)) == (str, str, int)}
    for job_id in sorted({row[1] for row in found["generations"].rows.values()} - {key[0] for key in jobs}):
        taken = {row[3:5] for row in jobs.values()}
        project, name = known.get(job_id, ("", ""))
        if not name or (project, name) in taken:
            nameless += 1
            project, name = "default", f"recovered-{job_id}"
        while (project, name) in taken:
            name += "-again"
        jobs[job_id,] = (job_id, project, name, name_key(project), name_key(name), now)
    return nameless


_PARENT = {name: 1 if name == "controls" else 0 for name in _HAVE_PARENT}


def _drop_twins(rows: dict[Any, Any], unique: slice) -> None:
    """Keep the first of the rows that agree where no two may: the other is what a deleted page still had."""
    seen = set()
    for key, row in list(rows.items()):
        if row[unique] in seen:
            del rows[key]
        seen.add(row[unique])


def _write(path: Path, found: dict[str, Found], notes: dict[str, str]) -> None:
    """Write a new file, whole and on disk when this returns."""
    create(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file; whoever opens it next turns the log on
        connection.execute("BEGIN")
        for table in metadata.sorted_tables:
            rows = found[table.name].rows.values() if table.name != "meta" else notes.items()
            places = ", ".join("?" * len(table.columns))
            connection.executemany(f"INSERT INTO {table.name} VALUES ({places})", rows)  # noqa: S608  our own names
        connection.execute("COMMIT")


def _sentence(found: dict[str, Found], made_up: _MadeUp, pages: Pages, aside: str) -> str:
    """Say what was recovered and what was not."""
    kept = [_of(found["jobs"], "job", made_up.jobs), _of(found["trials"], "trial")]
    metrics = found["windows"].lost + found["curves"].lost
    others = sum(found[name].lost for name in _OTHERS)
    lost = [
        _count(found["journal"].lost, "journal row"),
        _count(metrics, "row of metrics", "rows of metrics"),
        _count(others, "other row"),
        _count(pages.missing, "page of the file", "pages of the file"),
        _count(pages.lost_changes, "change in its log", "changes in its log"),
    ]
    said = f"{' and '.join(kept)} were recovered"
    if any(lost):
        said += f"; lost: {', '.join(filter(None, lost))}"
    if made_up.generations:
        said += f"; {_count(made_up.generations, 'job')} without settings"
    if made_up.jobs:
        said += f"; {_count(made_up.jobs, 'job')} without a name: recovered-…"
    return f"the store was damaged: {said}; the damaged file is kept as {aside}"


def _of(found: Found, what: str, made_up: int = 0) -> str:
    kept = len(found.rows) - made_up
    return f"{kept} of {_count(max(found.total, kept), what) or f'0 {what}s'}"


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}" if number else ""
