"""The file of secrets in the lab's home: for its owner's eyes alone, and replaced as a whole."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import AstramlError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "secrets.json"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_POSIX = os.name == "posix"
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""No link is followed, and nothing that is no file is waited for."""


class SecretsRefused(AstramlError):
    """Where secrets are kept is not safe, or cannot be read; the message says what to run."""


class SecretFile:
    """Entries by project and name. Every call reads the file anew: another process may have changed it.

    Args:
        home: The folder that it lies in.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / NAME

    def read(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return what it holds; nothing where there is no file.

        Raises:
            SecretsRefused: Others may read it, it belongs to another, or it is damaged.
        """
        text = self._text()
        if not text:
            return {}
        data: Any = None
        with contextlib.suppress(ValueError):  # and let go of it: the error holds the whole text
            data = json.loads(text)
        projects = data.get("projects") if isinstance(data, dict) else None
        entries = list(projects.values()) if isinstance(projects, dict) else [None]
        if not all(isinstance(each, dict) and all(map(_is_entry, each.values())) for each in entries):
            raise SecretsRefused(f"{self.path} is damaged: remove it, and set its secrets again")
        found: dict[str, dict[str, dict[str, Any]]] = data["projects"]
        return found

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, dict[str, dict[str, Any]]]]:
        """Hand out what it holds, and write it when the block ends well; one process at a time.

        Raises:
            SecretsRefused: It cannot be read or written.
        """
        try:
            self.path.parent.mkdir(0o700, parents=True, exist_ok=True)  # of the store, perhaps the first time
            with _alone(self.path.with_suffix(".lock")):
                entries = self.read()
                yield entries
                self._write({project: names for project, names in entries.items() if names})
        except OSError as error:
            raise SecretsRefused(f"{self.path} cannot be written: {error.strerror}") from None

    def _text(self) -> str:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _AS_IT_IS)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SecretsRefused(
                f"{self.path} cannot be read ({error.strerror}): it must be a file of yours, and no link"
            ) from None
        with os.fdopen(descriptor, encoding="utf-8", errors="surrogateescape") as file:
            if _POSIX:
                self._check(os.fstat(descriptor))
            return file.read()

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise SecretsRefused(f"{self.path} is no file: remove it")
        if status.st_uid != os.geteuid():
            raise SecretsRefused(
                f"{self.path} belongs to another user (uid {status.st_uid}), who could read and change it: "
                f"remove it, or `sudo chown {os.geteuid()} {self.path}`"
            )
        if status.st_mode & _OTHERS:
            mode = stat.S_IMODE(status.st_mode)
            raise SecretsRefused(
                f"{self.path} has mode {mode:04o}, so others can read it: run `chmod 600 {self.path}`"
            )

    def _write(self, entries: dict[str, dict[str, dict[str, Any]]]) -> None:
        data = json.dumps({"projects": entries}, indent=1, sort_keys=True).encode()
        descriptor, name = tempfile.mkstemp(prefix=".secrets-", dir=self.path.parent)  # made with mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and (isinstance(entry.get("value"), str) or entry.get("keyring") is True)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep other processes out; where the system has no such locks, the last of two writers wins."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
