"""Inputs and outputs of requests as folders here: by mapping, else by a download."""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import AstramlError, InvalidSpec, Problem
from astraml_lab.spec import shown

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

_REMOTE = {"s3": "s3fs", "gs": "gcsfs", "https": "aiohttp"}
"""What fsspec needs for a scheme; no other is fetched: `file://` and chained ones stay closed."""
_ALIASES = {"gcs": "gs", "s3a": "s3", "s3n": "s3"}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_FOLDERS = {"/gcs/": "gs://"}
"""Where services mount buckets."""

_PATIENCE = 0.2
"""Seconds between looks at whether a trial that waits for another's download is to end."""

_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""By path as text: only with a key of C's own are two threads sure to get the same lock."""


class InputMissing(AstramlError):
    """An input of a script is not there; the message says how it is mapped."""


class Inputs:
    """Local folders by URI prefix; thread-safe as far as a dict is."""

    def __init__(self) -> None:
        self._folders: dict[tuple[str, ...], Path] = {}

    def register(self, prefix: str, folder: str | os.PathLike[str], base: Path | None = None) -> None:
        """Have a prefix stand for a folder or file.

        Raises:
            InvalidSpec: The prefix is no URI, or leads out of its bucket.
        """
        parts = parts_of(prefix)
        if parts is None:
            problem = Problem("the prefix", shown(prefix), "a URI such as s3://bucket/prefix")
            raise InvalidSpec([problem], subject="the input")
        self._folders[parts] = ((base or Path.cwd()) / Path(folder).expanduser()).absolute()

    def forget(self, prefix: str) -> None:
        """Take a prefix away."""
        self._folders.pop(parts_of(prefix) or (), None)

    def find(self, uri: str) -> tuple[int, Path] | None:
        """Return how long the longest prefix of a URI is, and the path that it means.

        Raises:
            InvalidSpec: The URI leads out of its bucket.
        """
        parts = parts_of(uri)
        if parts is None:
            return None
        fits = [prefix for prefix in list(self._folders) if parts[: len(prefix)] == prefix]
        if not fits:
            return None
        prefix = max(fits, key=len)
        return len(prefix), self._folders[prefix].joinpath(*parts[len(prefix) :])


INPUTS = Inputs()
"""What `lab.register_input` fills."""


def mapped(uri: str, mappings: Iterable[Inputs]) -> Path | None:
    """Return the path that a URI is mapped to; of equal prefixes, that of the first mapping.

    Raises:
        InvalidSpec: The URI leads out of its bucket.
    """
    fits = [found for each in mappings if (found := each.find(uri)) is not None]
    found = max(fits, key=lambda each: each[0], default=None)
    return None if found is None else found[1]


def check(uri: str) -> Problem | None:
    """Return what is wrong with a URI of a request, whether anything is there or not."""
    try:
        parts_of(uri)
    except InvalidSpec as error:
        return error.problems[0]
    return None


def local_input(  # noqa: PLR0913 - those that may be left out have names
    uri: str,
    mappings: Iterable[Inputs],
    *,
    folder: Path,
    cache: Path,
    verbatim: bool = False,
    go_on: Callable[[], None] = lambda: None,
    options: Callable[[str], Mapping[str, Any]] = lambda _: {},
) -> str:
    """Return where an input is here.

    Args:
        uri: As the request has it.
        mappings: Folders by prefix.
        folder: What relative paths start from.
        cache: Where downloads go, once for a job.
        verbatim: A name that is no path stays as it is: a hub's data set.
        go_on: Called between files; raises where the trial ends.
        options: Says how the storage of a URI is reached; see `storage_options`.

    Raises:
        InputMissing: It is mapped to nothing, and cannot be fetched.
        InvalidSpec: It leads out of its bucket.
    """
    found = mapped(uri, mappings)
    if found is not None:
        if not found.exists():
            raise InputMissing(f"{uri} is mapped to {found}, which does not exist")
        return str(found)
    if "://" not in uri:
        path = (folder / Path(uri).expanduser()).absolute()
        if path.exists():
            return str(path)
        if verbatim:
            return uri
        raise InputMissing(f"the input {uri} does not exist here")
    return str(_fetched(uri, cache, go_on, options))


def local_output(uri: str, workspace: Path) -> Path | None:
    """Return the folder that stands for an output URI; None for what is no URI.

    Raises:
        InvalidSpec: It leads out of its bucket.
    """
    parts = parts_of(uri)
    return None if parts is None else workspace.joinpath(*parts)


def parts_of(uri: str) -> tuple[str, ...] | None:
    """Split a URI into scheme, bucket and names; None for what is none.

    Raises:
        InvalidSpec: It leads out of its bucket.
    """
    for mount, scheme in _FOLDERS.items():
        if uri.startswith(mount):
            uri = scheme + uri.removeprefix(mount)
    scheme, found, rest = uri.partition("://")
    if not found:
        return None
    names = rest.split("/")
    if not _SCHEME.fullmatch(scheme):
        raise InvalidSpec(
            [Problem("the URI", shown(uri), "it has no scheme: s3://…, gs://…")], subject="the request"
        )
    if "\0" in rest:
        problem = Problem("the URI", shown(uri), "no file has a NUL in its name: write it without one")
        raise InvalidSpec([problem], subject="the request")
    if any(name in {".", ".."} or "\\" in name for name in names):
        problem = Problem("the URI", shown(uri), "it leads out of its bucket: write it without `..`")
        raise InvalidSpec([problem], subject="the request")
    scheme = scheme.lower()
    return (_ALIASES.get(scheme, scheme), *(name for name in names if name))


def _fetched(
    uri: str, cache: Path, go_on: Callable[[], None], options: Callable[[str], Mapping[str, Any]]
) -> Path:
    parts = parts_of(uri) or ()
    clean = f"{parts[0]}://{'/'.join(parts[1:])}"
    target = cache / hashlib.sha256(clean.encode()).hexdigest()[:16]
    lock = _locks[str(target)]
    while not lock.acquire(timeout=_PATIENCE):
        go_on()
    try:
        if not target.exists():
            _fetch(clean, target, go_on, options(clean))
    finally:
        lock.release()
    return target


def _fetch(uri: str, target: Path, go_on: Callable[[], None], options: Mapping[str, Any]) -> None:
    scheme = uri.partition("://")[0]
    how = f'map it in astraml.toml, [inputs] "{uri}" = "data/", or by lab.register_input({uri!r}, "data/")'
    if scheme not in _REMOTE:
        raise InputMissing(f"{uri} cannot be fetched: {how}")
    import fsspec

    try:
        # kept in no cache: its options may hold keys
        system, root = fsspec.url_to_fs(uri, skip_instance_cache=True, **options)
    except ImportError:
        raise InputMissing(f"{uri} is not here: {how}; or `pip install {_REMOTE[scheme]}`") from None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        try:
            _download(system, root.rstrip("/"), Path(unfinished) / "all", go_on)
        except Exception as error:  # noqa: BLE001 - each service's client has errors of its own
            raise InputMissing(
                f"{uri} could not be fetched ({type(error).__name__}: {error}): {how}; its keys and endpoint "
                f'go into astraml.toml, [storage."{uri}"]'
            ) from None
        try:
            (Path(unfinished) / "all").replace(target)
        except OSError:  # another process of the job was faster
            if not target.exists():
                raise


def _download(system: Any, root: str, target: Path, go_on: Callable[[], None]) -> None:
    target.mkdir()
    files = [name for name in system.find(root) if not name.endswith("/")]
    if not files:
        raise FileNotFoundError("nothing is there")
    for name in files:
        go_on()
        inside = name.removeprefix(root).strip("/") or name.rpartition("/")[2]
        names = inside.split("/")
        if any(each in {"", ".", ".."} for each in names):
            raise ValueError(f"the object {name} has a name that leads out of its folder")
        path = target.joinpath(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(name, str(path))
