"""A small disk that a test fills to the brim: a real one, or injected errors where none can be mounted."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTES = 3
INJECTED = "ASTRAML_TEST_INJECTED_DISK"
"""Set, the errors are injected also where a disk could be mounted."""
SETUP = """
import pathlib, sys
sys.path.insert(0, {tests!r})
from plugins.full_disk import inject
inject(pathlib.Path({path!r}))
"""


class SmallDisk:
    """A disk of its own at `path`; full while a file of somebody else takes all the room.

    Attributes:
        how: What makes it full, for people.
        setup: What another process that uses it has to run first.
    """

    how = f"a tmpfs of {MEGABYTES} MB, filled to the last byte"
    setup = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "somebody-elses.bin"

    def fill(self) -> None:
        """Take all the room."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        """Give it back."""
        self._ballast.unlink(missing_ok=True)

    def refuse(self, error: Exception) -> None:
        """Stand for a write that a full disk refuses with `error`; a real one did that already."""


class InjectedDisk(SmallDisk):
    """A folder in which whoever ran `inject` finds no room while the file of somebody else is there."""

    how = "injected errors, as nothing can be mounted here"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.setup = SETUP.format(tests=str(Path(__file__).parents[1]), path=str(path))

    def fill(self) -> None:
        """Say that there is no room."""
        self._ballast.touch()

    def refuse(self, error: Exception) -> None:
        """Raise what a full disk would have raised."""
        if self._ballast.exists():
            raise error


def inject(path: Path, patch: pytest.MonkeyPatch | None = None) -> None:
    """Have this process find no room in `path` at times: SQLite, the log files, and who asks for the room."""
    ballast, usage, write = path / "somebody-elses.bin", shutil.disk_usage, os.write

    def execute(_connection: object, _cursor: object, statement: str, *_ignored: object) -> None:
        # what frees room finds some, as it does in what a store keeps back
        if ballast.exists() and statement.lstrip().startswith(("INSERT", "UPDATE")):
            raise sqlite3.OperationalError("database or disk is full")

    def disk_usage(folder: Any) -> Any:
        found = usage(folder)
        return found._replace(free=0) if ballast.exists() else found

    def os_write(fd: int, data: bytes) -> int:
        if ballast.exists() and Path(f"/proc/self/fd/{fd}").readlink().is_relative_to(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    event.listen(Engine, "before_cursor_execute", execute)
    patch = patch or pytest.MonkeyPatch()
    patch.setattr(shutil, "disk_usage", disk_usage)
    patch.setattr(os, "write", os_write)


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """A disk that nobody else uses, with ASTRAML_HOME on it."""
    path = tmp_path / "small"
    path.mkdir()
    monkeypatch.setenv("ASTRAML_HOME", str(path / "home"))
    mounted = INJECTED not in os.environ and _mounts(path)
    disk = SmallDisk(path) if mounted else InjectedDisk(path)
    print(f"a full disk is {disk.how}")  # noqa: T201 - what the test has shown depends on it
    if not mounted:
        inject(path, monkeypatch)
    yield disk
    disk.free()
    if mounted:
        # lazily: a test that failed may have left something open there
        subprocess.run([*_root(), "umount", "--lazy", str(path)], check=True)


def _mounts(path: Path) -> bool:
    options = f"size={MEGABYTES}m,mode=777"
    command = [*_root(), "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]
