"""Where things lie on disk, and folder names that are safe for any job name.

<home>/lab.db, with SQLite's own lab.db-wal and lab.db-shm
<home>/lab.db.lock        held while somebody opens the store
<home>/lab.db.reserve     room for when the disk is full
<home>/lab.db.suspect     damage was met: the next opening reads the store through
<home>/lab.db.damaged-…, lab.db.schema1   kept by whoever mended or migrated it
<home>/secrets.json       secrets by project, mode 0600 (`astraml_lab.secrets`)
<home>/runs/              logs of the command line's processes, until they move to their jobs' folders
<home>/projects/<project>/<job>/<generation>/trials/0007/{log.txt, checkpoint/, notebook.ipynb}
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from astraml_lab.errors import StoreUnavailable

_MAX_BYTES = 100  # of a folder's name; file systems allow 255
_PLAIN = re.compile(r"\w[\w.-]*(?<!\.)")
_DEVICE_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # Windows keeps these for itself


def name_key(name: str) -> str:
    """Return what two spellings of the same name have in common: case and Unicode form do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def folder_name(name: str) -> str:
    """Return a folder name for `name`; equal keys give equal folders, different keys different ones.

    A name that is no safe folder name gets its unsafe characters replaced and a `~` with a digest appended;
    `~` itself is unsafe, so no plain name looks like that.
    """
    key = name_key(name)
    if _PLAIN.fullmatch(key) and len(key.encode()) <= _MAX_BYTES and not _DEVICE_NAMES.fullmatch(key):
        return key
    readable = re.sub(r"[^a-z0-9_-]+", "-", unicodedata.normalize("NFKD", key))[:40].strip("-")
    return f"{readable}~{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def make_home(folder: Path) -> None:
    """Make the folder of a store for its owner alone: it will hold parameters, code and logs.

    One that is there is left as it is: its owner may want to share it.

    Raises:
        StoreUnavailable: The disk is full, read-only or not there.
    """
    make_folder(folder, mode=0o700)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it; one that is there is left as it is.

    Args:
        folder: The folder.
        mode: Who may enter it; those above it are made as usual.

    Raises:
        StoreUnavailable: The disk is full, read-only or not there.
    """
    try:
        folder.mkdir(mode, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreUnavailable(f"cannot make the folder {folder}: {os_advice(exc)}") from exc


def move_folder(folder: Path, to: Path) -> None:
    """Move a folder, if it is there; litter in its new place goes.

    Raises:
        StoreUnavailable: The disk is read-only or not there.
    """
    try:
        if folder.is_dir():
            shutil.rmtree(to, ignore_errors=True)
            folder.rename(to)
    except OSError as exc:
        raise StoreUnavailable(f"cannot move the folder {folder}: {os_advice(exc)}") from exc


def os_advice(exc: OSError) -> str:
    """Return what the system says, and what to do about it."""
    advice = _ADVICE.get(exc.errno or 0, "check the path, or set ASTRAML_HOME to another folder")
    return f"{exc.strerror}; {advice}"


_NO_ROOM = "free some space, nothing that was finished before is lost"
_ADVICE = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
}


@dataclass(frozen=True)
class Files:
    """The folders of one home."""

    home: Path

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.home / "lab.db"

    def job(self, project: str, name: str) -> Path:
        """Return a job's folder; nothing is made."""
        return self.home / "projects" / folder_name(project) / folder_name(name)

    def free_bytes(self) -> int:
        """Return how much room the disk has for this user.

        Raises:
            StoreUnavailable: The home is not there.
        """
        try:
            return shutil.disk_usage(self.home).free
        except OSError as exc:
            raise StoreUnavailable(f"cannot ask for the room in {self.home}: {os_advice(exc)}") from exc

    def trial(self, project: str, name: str, generation: int, trial: int) -> Path:
        """Return a trial's folder; nothing is made."""
        return self.job(project, name) / str(generation) / "trials" / f"{trial:04d}"

    def make_trial(self, project: str, name: str, generation: int, trial: int) -> Path:
        """Return a trial's folder, made if need be.

        Raises:
            StoreUnavailable: The disk is full, read-only or not there.
        """
        folder = self.trial(project, name, generation, trial)
        make_folder(folder)
        return folder

    def disk_use(self, project: str, name: str, generation: int, trial: int) -> int:
        """Return the bytes in a trial's folder; links are not followed, and what vanishes meanwhile is 0."""
        return _size(self.trial(project, name, generation, trial))


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                inside = entry.is_dir(follow_symlinks=False)
                total += _size(Path(entry.path)) if inside else entry.stat(follow_symlinks=False).st_size
    return total
