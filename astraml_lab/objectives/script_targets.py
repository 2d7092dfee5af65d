"""What runs here in place of the images, algorithms, modules and models that requests name."""

from __future__ import annotations

import keyword
import os
import re
import shlex
import sys
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.spec import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from astraml_lab.spec import Script

_WILD = re.compile(r"[*?]|\[[^]]*\]")


@dataclass(frozen=True, init=False)
class Command:
    """Runs a command line here: its own words, or without any what the request's container would run.

    Args:
        words: The program and its arguments.
    """

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)


Target = Any
"""A function, the path of a script, the name of a module, or a `Command`."""


@dataclass(frozen=True)
class Runs:
    """A target, found.

    Attributes:
        text: What it is called: a path, a module, a command, a function's name.
        folder: The working directory of its process.
        start: The beginning of its command line.
        function: What runs in the kernel in place of a process.
        files: Its source, as far as it is known.
        finetunes: Whether a model is fine-tuned in place of all that.
    """

    text: str
    folder: Path
    start: tuple[str, ...] = ()
    function: Callable[..., Any] | None = None
    files: tuple[Path, ...] = ()
    finetunes: bool = False


class Registry:
    """Targets by pattern; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._targets: dict[str, tuple[Target, Path]] = {}

    def register(self, pattern: str, target: Target, folder: Path | None = None) -> None:
        """Add a target, or replace that of the same pattern.

        Raises:
            InvalidSpec: It is none, or there is no such file.
        """
        where = Path.cwd() if folder is None else folder
        problem = _problem(target, where)
        if not isinstance(pattern, str) or not pattern.strip():
            problem = Problem("the pattern", shown(pattern), 'a name, or one with wildcards: "xgboost:*"')
        if problem is not None:
            raise InvalidSpec([problem], subject="the registration")
        with self._lock:
            self._targets.pop(pattern, None)  # the latest comes last
            self._targets[pattern] = target, where

    def forget(self, pattern: str) -> None:
        """Take a pattern away."""
        with self._lock:
            self._targets.pop(pattern, None)

    def find(self, name: str) -> tuple[int, Target, Path] | None:
        """Return how specific the best pattern is that a name fits, its target, and its folder."""
        with self._lock:
            found = list(self._targets.items())
        fits = [(_weight(pattern), *value) for pattern, value in found if _fits(name, pattern)]
        return max(reversed(fits), key=lambda each: each[0], default=None)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._targets))


def best(name: str, registries: Iterable[Registry]) -> tuple[Target, Path] | None:
    """Return the target of the most specific pattern; of equals, that of the first registry."""
    fits = [found for registry in registries if (found := registry.find(name)) is not None]
    found = max(fits, key=lambda each: each[0], default=None)
    return None if found is None else found[1:]


def runs(target: Target, folder: Path, script: Script | None = None) -> Runs:
    """Work out what a target runs.

    Args:
        target: As it was registered.
        folder: What paths in it start from.
        script: The request, for a command that is its container's.

    Raises:
        InvalidSpec: It is no target, or there is no such file or module.
    """
    problem = _problem(target, folder)
    if problem is not None:
        raise InvalidSpec([problem], subject="what the request runs")
    if isinstance(target, Command):
        words = target.words or (script.command if script is not None else ())
        if not words:
            given = "" if script is None else shown(script.target)
            said = "the request says no command for it: give the words, Command('python', 'train.py')"
            raise InvalidSpec([Problem("command", given, said)], subject="what the request runs")
        return Runs(shlex.join(words), folder, tuple(words))
    if callable(target):
        return Runs(str(getattr(target, "__name__", type(target).__name__)), folder, function=target)
    text = os.fspath(target)
    if not _is_path(text):
        file = module_file(text, folder)
        return Runs(text, folder, (sys.executable, "-m", text), files=(file,) if file else ())
    path = (folder / Path(text).expanduser()).absolute()
    start = (sys.executable, str(path)) if path.suffix == ".py" else (str(path),)
    return Runs(str(path), path.parent, start, files=(path,))


def unmapped(name: str, registries: Iterable[Registry] = ()) -> NotFound:
    """Return the refusal of a name that nothing here stands for, with the line that maps it."""
    last = name.rpartition("/")[2]
    pattern = f"{last.partition('@')[0].partition(':')[0]}:*" if ":" in last else last
    known = sorted({pattern for registry in registries for pattern in registry})
    listed = f"; registered are {', '.join(known)}" if known else ""
    return NotFound(
        f"nothing here runs {name}: register what does, `lab.register({pattern!r}, train)` with a function "
        f"train(trial), or with a script's path{listed}"
    )


def module_file(name: str, folder: Path) -> Path | None:
    """Return the file of a module, which is not imported; None where it has none or is not there."""
    where: list[str] | None = [str(folder), *filter(None, sys.path)]
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), where)
        if spec is None:
            return None
        where = list(spec.submodule_search_locations or ())
        if depth == len(parts) and where:  # a package runs its __main__
            spec = PathFinder.find_spec(f"{name}.__main__", where)
        if depth == len(parts):
            return Path(spec.origin) if spec is not None and spec.origin else None
    return None


def _problem(target: Target, folder: Path) -> Problem | None:
    if isinstance(target, Command) or callable(target):
        return None
    if not isinstance(target, str | os.PathLike) or not str(target).strip():
        said = "a function, the path of a script, a module's name, or Command(…)"
        return Problem("the target", shown(target), said)
    text = os.fspath(target)
    if not _is_path(text):
        there = module_file(text, folder) is not None
        said = "there is none of that name in the project or on sys.path"
        return None if there else Problem("the module", text, said)
    return _file_problem(text, folder)


def _file_problem(text: str, folder: Path) -> Problem | None:
    path = (folder / Path(text).expanduser()).absolute()
    if not path.is_file():
        return Problem("the script", text, f"there is no file {path}")
    if path.suffix != ".py" and not os.access(path, os.X_OK):
        return Problem("the script", text, "neither a .py file nor executable", f"chmod +x {path}")
    return None


def _is_path(text: str) -> bool:
    parts = text.split(".")
    dotted = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return text.endswith(".py") or not dotted


def _fits(name: str, pattern: str) -> bool:
    return any(fnmatchcase(each, pattern) for each in _spellings(name))


def _spellings(name: str) -> Mapping[str, None]:
    """Return a name, the last part of an image's path, and that without its tag or digest."""
    last = name.rpartition("/")[2]
    bare = last.partition("@")[0].partition(":")[0]
    found = dict.fromkeys([name, last, bare])
    return found if ":" in last else found | {f"{bare}:latest": None}


def _weight(pattern: str) -> int:
    """Return how much of a pattern is said, rather than left open."""
    return 2 * len(_WILD.sub("", pattern)) + (_WILD.search(pattern) is None)


TARGETS = Registry()
"""What `lab.register` fills."""
