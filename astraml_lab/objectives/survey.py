"""One pickling pass into nothing: how large values are, what cannot leave the process, which code is theirs.

The pass asks the same reducers as the real pickling, but keeps no bytes and copies no array: numpy's and
torch's data are known by their size. It costs what the Python objects around them cost.
"""

from __future__ import annotations

import pickle
import sys
from collections import defaultdict, deque
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import cloudpickle

from astraml_lab.objectives.callables import cells, defaults, own_names

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROTOCOL = pickle.HIGHEST_PROTOCOL
_NOTHING: tuple[Any, ...] = (int, ())
"""What stands for an object that the pass has dealt with."""
_HANDED_OVER = frozenset({"__closure__", "__defaults__", "__kwdefaults__", "__globals__"})
"""Parts of a function that are weighed under names of their own."""


@dataclass(frozen=True)
class Item:
    """A value that travels.

    Attributes:
        name: What the code calls it.
        value: What it is.
        via: The functions through which the code reaches it, the nearest first; empty for its own names.
    """

    name: str
    value: Any
    via: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snag:
    """Something that cannot leave the process.

    Attributes:
        item: The value that is it or holds it.
        thing: The very object; the item's value where it cannot be told.
        error: What pickling it said.
        device: The GPU that it lives on, if this is why.
    """

    item: Item
    thing: Any
    error: str = ""
    device: str = ""


@dataclass(frozen=True)
class Survey:
    """What a pass found.

    Attributes:
        sizes: Bytes by name; what several names share counts for the first.
        snags: What cannot travel, the first of each value.
        files: The files of the code that travels by value.
        of_main: Functions and classes of `__main__` that travel by value.
    """

    sizes: Mapping[str, int]
    snags: tuple[Snag, ...]
    files: frozenset[str]
    of_main: Mapping[str, Any]


def survey(values: Mapping[str, Any]) -> Survey:
    """Look at values and at all that they take along; raises nothing on their account."""
    return _Pass().over(values)


class _Scale:
    """A file that weighs what is written to it."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, chunk: bytes) -> int:
        self.bytes += len(chunk)
        return len(chunk)

    def out_of_band(self, buffer: pickle.PickleBuffer) -> None:
        with buffer.raw() as view:
            self.bytes += view.nbytes


class _Pass(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle is untyped
    """Weighs item by item; what a function reads by name becomes an item of its own."""

    def __init__(self) -> None:
        self._scale = _Scale()
        super().__init__(self._scale, protocol=_PROTOCOL, buffer_callback=self._scale.out_of_band)
        self._waiting: deque[Item] = deque()
        self._item = Item("", None)
        self._snags: list[Snag] = []
        self._storages: set[int] = set()
        self._files: set[str] = set()
        self._of_main: dict[str, Any] = {}

    def over(self, values: Mapping[str, Any]) -> Survey:
        sizes: dict[str, int] = defaultdict(int)
        self._waiting.extend(Item(name, value) for name, value in values.items())
        while self._waiting:
            self._item = self._waiting.popleft()
            before = self._scale.bytes
            self._look_at(self._item.value)
            sizes[self._item.name] += self._scale.bytes - before
        self.clear_memo()  # it holds what reducers made
        return Survey(dict(sizes), tuple(self._snags), frozenset(self._files), self._of_main)

    def _look_at(self, value: Any) -> None:
        try:
            self.dump(value)
        except Exception as error:  # noqa: BLE001 - a user's object, or one that pickle itself refuses
            self._snag(value, str(error))

    def reducer_override(self, obj: Any) -> Any:
        """Take one object apart as the real pickling does; `pickle` calls it for all but plain data."""
        if isinstance(obj, FunctionType):
            return self._function(obj)
        if isinstance(obj, type):
            return self._by_value(obj, super().reducer_override(obj))
        if type(obj) is CodeType:
            self._files.add(obj.co_filename)
        if getattr(type(obj), "is_cuda", None) is not None and obj.is_cuda is True:
            self._snag(obj, device=str(obj.device))
            return _NOTHING
        taken = self._array(obj) or self._tensor(obj)
        return taken or self._object(obj)

    def _snag(self, thing: Any, error: str = "", device: str = "") -> None:
        """Note why the present item cannot travel; one reason is enough."""
        if not self._snags or self._snags[-1].item is not self._item:
            self._snags.append(Snag(self._item, thing, error, device))

    def _object(self, obj: Any) -> Any:
        reduce = self.dispatch_table.get(type(obj))
        try:
            return obj.__reduce_ex__(_PROTOCOL) if reduce is None else reduce(obj)
        except Exception as error:  # noqa: BLE001 - the object says in its own way that it cannot be pickled
            self._snag(obj, str(error))
            return _NOTHING

    def _by_value(self, obj: Any, reduced: Any) -> Any:
        """Note a function or class of the notebook: pickle looks it up in `__main__`, also in a process."""
        if isinstance(reduced, tuple) and obj.__module__ == "__main__":
            name = obj.__qualname__
            if getattr(sys.modules.get("__main__"), name, None) is obj:
                self._of_main[name] = obj
        return reduced

    def _function(self, function: FunctionType) -> Any:
        reduced = self._by_value(function, super().reducer_override(function))
        match reduced:
            case (make, args, (own, {"__globals__": dict() as around} as parts), *rest):
                label = function.__qualname__.rpartition("<locals>.")[2]
                user = self._item.name if label == "<lambda>" else label
                held = {**around, **dict(cells(function)), **defaults(function)}
                via = (user, *self._item.via)
                self._waiting.extend(Item(name, value, via) for name, value in held.items())
                kept = {name: part for name, part in parts.items() if name not in _HANDED_OVER}
                return (make, args, (own, kept), *rest)
        return reduced

    def _array(self, obj: Any) -> Any:
        """Weigh a numpy array, unless it holds objects."""
        kind = type(obj)
        if kind.__module__ != "numpy" or kind.__name__ != "ndarray" or obj.dtype.hasobject:
            return None
        self._scale.bytes += obj.nbytes
        return _NOTHING

    def _tensor(self, obj: Any) -> Any:
        """Weigh a torch tensor by its storage, which views share; pickling one copies it twice."""
        if not hasattr(type(obj), "untyped_storage"):
            return None
        try:
            storage = obj.untyped_storage()
            address, size = storage.data_ptr(), storage.nbytes()
        except Exception:  # noqa: BLE001 - sparse, quantized, fake …: pickling tells
            return None
        if address not in self._storages:
            self._storages.add(address)
            self._scale.bytes += size
        return dict, (own_names(obj),)
