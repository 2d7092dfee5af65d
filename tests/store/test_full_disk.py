from __future__ import annotations

import os
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from astraml_lab.errors import StoreUnavailable
from astraml_lab.spec.state import TrialState
from astraml_lab.spec.views import TrialView
from astraml_lab.store import Store, Writer, trials
from astraml_lab.store.engine import LOG_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from astraml_lab.store import Journal, Lease

MEGABYTE = 2**20
ADVICE = "free some space, nothing that was finished before is lost"


class SmallDisk:
    """A disk of 2 MB, filled to the brim and freed again: a real one where it can be mounted."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.home = folder
        command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
        can_mount = shutil.which("mount") is not None
        self.mounted = can_mount and subprocess.run(command, capture_output=True, check=False).returncode == 0

    def __str__(self) -> str:
        return (
            "a tmpfs of 2 MB"
            if self.mounted
            else "no mount is permitted: SQLite was told where its file ends"
        )

    def fill(self, store: Store) -> None:
        if not self.mounted:
            self._limit(store, 1)
            return
        with (self.home / "filler").open("wb", buffering=0) as file:
            for size in (65536, 4096, 512, 1):
                self._write_all(file.fileno(), bytes(size))

    def _write_all(self, file: int, block: bytes) -> None:
        try:
            while os.write(file, block):
                pass
        except OSError:
            return

    def free(self, store: Store) -> None:
        if self.mounted:
            (self.home / "filler").unlink()
        else:
            self._limit(store, 1_000_000)

    def _limit(self, store: Store, pages: int) -> None:
        with store.begin() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.home)], check=True)


@pytest.fixture
def disk(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk")
    record_property("disk", str(disk))
    print(disk)  # noqa: T201  which one it was is part of the result
    yield disk
    disk.unmount()


def view(number: int) -> TrialView:
    return TrialView(number, TrialState.COMPLETE, {"lr": 0.5}, values=(number / 7,), traceback="x" * 4000)


def finish(journal: Journal, lease: Lease, number: int) -> None:
    def save(connection: object) -> None:
        trials.save(connection, lease.generation_id, view(number))  # type: ignore[arg-type]  # it is one

    journal.commit(save, entries=[["end", number]])


def finish_until_full(journal: Journal, lease: Lease, number: int) -> tuple[int, str]:
    """Finish trials until the disk is full; return the first that is not finished, and what was said."""
    while True:
        try:
            finish(journal, lease, number)
        except StoreUnavailable as error:
            return number, str(error)
        number += 1


def test_a_full_disk_loses_nothing_and_all_goes_on_when_there_is_room(disk: SmallDisk) -> None:
    troubles: list[str | None] = []
    told = threading.Event()

    def on_trouble(sentence: str | None) -> None:
        troubles.append(sentence)
        told.set()

    with Store(disk.home) as store:
        writer = Writer(store, on_trouble, interval=0.01, retry=(0.02, 0.05))
        job, lease = store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-1")
        journal = store.journal(lease)
        for number in range(20):
            finish(journal, lease, number)
        disk.fill(store)
        number, said = finish_until_full(journal, lease, 20)
        assert said.startswith("cannot commit a trial: ")
        assert said.endswith(ADVICE)
        writer.put_curve(job.id, 0, "loss", range(5_000), range(5_000))
        assert told.wait(120)
        with pytest.raises(StoreUnavailable, match=ADVICE), store.begin("write") as connection:
            connection.execute(text("UPDATE trials SET traceback = traceback || traceback"))
        assert len(store.load_trials(job.id)) == number, "what was committed is there to read"
        disk.free(store)
        for late in range(number, number + 20):
            finish(journal, lease, late)
        assert writer.flush()
        assert len(troubles) == 2
        assert ADVICE in str(troubles[0])
        assert troubles[1] is None
        assert writer.close()
    with Store(disk.home) as store:
        assert store.repaired == ""
        assert store.load_trials(job.id) == tuple(view(each) for each in range(number + 20))
        journal = store.journal(store.acquire(job.id, "kernel-1"))
        assert journal.read(0) == [["end", each] for each in range(number + 20)]
        assert store.load_curves(job.id)[0].steps.size == 5_000
        assert store.files.free_bytes() > 0
    logged = disk.home / "lab.db-wal"
    assert not logged.exists() or logged.stat().st_size <= LOG_BYTES


def test_opening_a_store_on_a_full_disk_works_or_says_what_to_do(disk: SmallDisk) -> None:
    with Store(disk.home) as store:
        _, lease = store.create_job("default", "digits", spec="{}", fingerprint="{}", owner="kernel-1")
        finish(store.journal(lease), lease, 0)
    with Store(disk.home) as store:
        disk.fill(store)
        store.close()
        try:
            with Store(disk.home) as other:
                assert len(other.load_trials(1)) == 1
        except StoreUnavailable as error:
            said = str(error)
        else:
            said = ADVICE
        assert ADVICE in said
        disk.free(store)
        assert len(store.load_trials(1)) == 1


def test_the_log_gives_back_what_a_long_reader_made_it_grow(store: Store, lease: Lease) -> None:
    log = store.files.home / "lab.db-wal"
    with store.connect() as reading:
        reading.execute(text("SELECT count(*) FROM trials")).all()
        for number in range(6):
            with store.begin() as connection:
                trials.save(
                    connection,
                    lease.generation_id,
                    TrialView(number, TrialState.FAILED, {}, traceback="x" * MEGABYTE),
                )
        assert log.stat().st_size > LOG_BYTES
    for number in range(6, 9):
        with store.begin() as connection:
            trials.save(connection, lease.generation_id, view(number))
    assert log.stat().st_size <= LOG_BYTES
