"""Values on their way to another process: in an unlinked file whose descriptor travels.

A file holds a label (plain data, read before anything of the user's is unpickled), the value, and the source
lines of code that is in no file, so that a traceback in the other process shows them.
"""

from __future__ import annotations

import functools
import io
import linecache
import os
import pickle
import struct
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

import cloudpickle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FOOTER = struct.Struct("<Q")


class CannotTravel(Exception):
    """A value cannot leave this process; the message is one sentence."""


def pack(descriptor: int, value: object, *, label: object = None, shared: Sequence[object] = ()) -> None:
    """Write a value. Each of `shared` in it is written as a reference to what the other side has of it.

    Functions and classes travel by reference if the other side can import them, else by value with only the
    names that they use.

    Raises:
        CannotTravel: It holds a tensor on a GPU.
        Exception: Whatever the pickling of the user's objects raises.
    """
    with open(descriptor, "wb", closefd=False) as file, ExitStack() as scene:
        pickle.dump(label, file, protocol=pickle.HIGHEST_PROTOCOL)
        packer = _Packer(file, shared, scene)
        packer.dump(value)
        end = file.tell()
        pickle.dump(_lines_in_memory(packer.code_files), file, protocol=pickle.HIGHEST_PROTOCOL)
        file.write(_FOOTER.pack(end))


class Parcel:
    """A packed value at the other side. Readers of one descriptor do not disturb each other.

    Args:
        descriptor: The file; stays the caller's.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._file = io.BufferedReader(_Positioned(descriptor))
        self.label: Any = pickle.load(self._file)  # noqa: S301  (our own kernel wrote it)

    def value(self, shared: Sequence[object] = ()) -> Any:
        """Load the value; its code's source lines are known from then on. To be called once."""
        size = os.fstat(self._descriptor).st_size
        (lines_at,) = _FOOTER.unpack(os.pread(self._descriptor, _FOOTER.size, size - _FOOTER.size))
        lines: dict[str, Any] = pickle.load(io.BufferedReader(_Positioned(self._descriptor, lines_at)))  # noqa: S301
        linecache.cache.update(lines)
        return _Unpacker(self._file, shared).load()


class _Packer(cloudpickle.Pickler):  # type: ignore[misc]  # it publishes no types
    def __init__(self, file: BinaryIO, shared: Sequence[object], scene: ExitStack) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._shared = {id(value): index for index, value in enumerate(shared)}
        self._scene = scene
        self._seen: set[str] = set()
        self._tensor: Any = getattr(sys.modules.get("torch"), "Tensor", ())
        self.code_files: set[str] = set()

    def persistent_id(self, obj: object) -> int | None:
        return self._shared.get(id(obj))

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FunctionType):
            self.code_files.add(obj.__code__.co_filename)
            self._see_module(obj.__module__)
        elif isinstance(obj, type):
            self._see_module(obj.__module__)
        elif isinstance(obj, ModuleType):
            self._see_module(obj.__name__)
        elif isinstance(obj, self._tensor) and obj.device.type not in {"cpu", "meta"}:
            raise CannotTravel(f"holds a tensor on {obj.device}")
        return super().reducer_override(obj)

    def _see_module(self, name: str | None) -> None:
        if name and name not in self._seen:
            self._seen.add(name)
            if _only_in_memory(name):
                self._scene.callback(_BY_VALUE.drop, name)
                _BY_VALUE.take(name)


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: Any, shared: Sequence[object]) -> None:
        super().__init__(file)
        self._given = shared

    def persistent_load(self, pid: Any) -> object:
        return self._given[pid]


class _Positioned(io.RawIOBase):
    """Reads a descriptor from a position of its own: that of a descriptor is shared with whoever sent it."""

    def __init__(self, descriptor: int, position: int = 0) -> None:
        self._descriptor = descriptor
        self._position = position

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count


class _ByValue:
    """The modules whose functions travel by value for the length of a pickling.

    cloudpickle keeps them in one registry of the process: what the user registered there stays.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: Counter[str] = Counter()

    def take(self, name: str) -> None:
        with self._lock:
            if name not in self._uses and name in cloudpickle.list_registry_pickle_by_value():
                return
            self._uses[name] += 1
            cloudpickle.register_pickle_by_value(sys.modules[name])

    def drop(self, name: str) -> None:
        with self._lock:
            if name not in self._uses:
                return
            self._uses[name] -= 1
            if not self._uses[name]:
                del self._uses[name]
                if name in sys.modules:
                    cloudpickle.unregister_pickle_by_value(sys.modules[name])


_BY_VALUE = _ByValue()


def _only_in_memory(name: str) -> bool:
    """Whether another process could not import what `sys.modules` holds under `name`: a cell's module."""
    root = name.partition(".")[0]
    if root in {"__main__", "builtins"} or name not in sys.modules:
        return False  # cloudpickle knows these
    # Not `importlib.util.find_spec`: for a module that is loaded it does not search. And each time anew: the
    # notebook may have changed its folder or `sys.path` meanwhile.
    for finder in sys.meta_path:
        try:
            if finder.find_spec(root, None) is not None:
                return False
        except (ImportError, AttributeError, ValueError):
            continue
    return True


def _lines_in_memory(files: set[str]) -> dict[str, Any]:
    return {
        name: linecache.cache[name] for name in files if name in linecache.cache and not Path(name).exists()
    }


def explain(error: BaseException, value: object, name: str, shared: Sequence[object] = ()) -> str:
    """Say in one sentence why `value` could not be packed, naming the smallest part of it that cannot."""
    path, thing = _culprit(value, name, lambda part: _packable(part, shared))
    if isinstance(error, CannotTravel):
        return f"`{path}` {error}: move it to the CPU before the job, the trial moves it back"
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")
    why = " ".join(str(error).split()) or type(error).__name__
    return f"`{path}` ({kind}) cannot be sent to a process: {why}"


def _packable(value: object, shared: Sequence[object]) -> bool:
    with ExitStack() as scene:
        try:
            _Packer(_Nowhere(), shared, scene).dump(value)  # type: ignore[arg-type]  # it only writes
        except Exception:  # noqa: BLE001  (that is the question)
            return False
        return True


class _Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


_DEEPEST = 16


def _culprit(value: object, name: str, fine: Callable[[object], bool]) -> tuple[str, object]:
    path, thing, seen = name, value, {id(value)}
    for _ in range(_DEEPEST):
        parts = [(where, part) for where, part in _parts(thing, path) if id(part) not in seen]
        found = next(((where, part) for where, part in parts if not fine(part)), None)
        if found is None:
            break
        path, thing = found
        seen.add(id(thing))
    return path, thing


def _parts(thing: Any, path: str) -> list[tuple[str, object]]:
    if isinstance(thing, FunctionType):
        return _names_of(thing)
    if isinstance(thing, dict):
        return [(f"{path}[{key!r:.40}]", part) for key, part in thing.items()]
    if isinstance(thing, list | tuple):
        return [(f"{path}[{index}]", part) for index, part in enumerate(thing)]
    if isinstance(thing, functools.partial):
        return [(path, thing.func), (path, thing.args), (path, thing.keywords)]
    parts = [(f"{path}.{key}", part) for key, part in getattr(thing, "__dict__", {}).items()]
    if hasattr(thing, "__func__"):
        parts += [(path, thing.__self__), (path, thing.__func__)]
    return parts


def _names_of(function: FunctionType) -> list[tuple[str, object]]:
    """Return what a function takes from around it: closure, globals that its code names, defaults."""
    parts: list[tuple[str, object]] = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with_value = cell.cell_contents if _filled(cell) else None
        parts.append((name, with_value))
    codes = [function.__code__]
    for code in codes:
        codes += [part for part in code.co_consts if hasattr(part, "co_names")]
        parts += [
            (name, function.__globals__[name]) for name in code.co_names if name in function.__globals__
        ]
    parts += [("a default", part) for part in function.__defaults__ or ()]
    return parts


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
