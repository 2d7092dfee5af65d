"""Notebook values as text: settings are read out, arrays and tables hashed, models and long lists left alone.

Libraries are known by the names of their types and never imported; a tensor on a GPU is never touched.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections import deque
from enum import Enum
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    EllipsisType,
    MappingProxyType,
    MethodType,
    SimpleNamespace,
)
from typing import Any

from astraml_lab.objectives.callables import own_names

MOST_DATA = 64 * 2**20
"""Bytes of arrays and tables that are hashed for one job: some 50 ms."""
SETTING = 2_048
"""Bytes up to which an array counts as a setting, such as the weights of classes, and not as data."""
_MOST_TEXT = 64 * 1024
_MOST_ITEMS = 500
_BYTES_PER_OBJECT = 256
"""What hashing a Python object in a table costs, in bytes of an array."""
_LITERALS = (bool, float, complex, range, EllipsisType)
_SUBCLASSED = (int, float, complex, str, bytes)
_PRINTABLE = frozenset({"datetime", "decimal", "fractions", "uuid"})
_PLAIN = "biufcmM"
"""The kinds of numpy types that are plain numbers."""
_HASHABLE = frozenset(
    {"string", "bytes", "integer", "floating", "boolean", "date", "datetime", "datetime64", "empty"}
)
"""What pandas calls the contents of columns of objects that it hashes alike in every kernel."""
_TORCH_WORDS = frozenset({"dtype", "device", "memory_format", "layout"})
_RECORDS = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__")


def digest(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def leaf(value: Any) -> str | None:
    """Return the text of a number, a string, a small array …; `None` for data and for what has parts."""
    kind = type(value)
    if kind in {str, bytes, bytearray}:
        return repr(value) if len(value) <= _MOST_TEXT else None
    if kind is int:
        return f"{value:x}"  # a long number has no decimal repr
    if value is None or kind in _LITERALS or kind.__module__ in _PRINTABLE:
        return repr(value)
    if issubclass(kind, Enum):
        return None
    return next(filter(None, (read(value) for read in _READERS)), None)


def weight(value: Any) -> int:
    """Return what reading a value costs, in numbers of usual length; for data see `size`."""
    return 1 + (len(value) // 256 if isinstance(value, str | bytes | bytearray) else 0)


def size(value: Any) -> int:
    """Return how many bytes are hashed to compare an array or a table; 0 for any other value."""
    kind = type(value)
    if is_table(value):
        dtypes = list(value.dtypes) if kind.__name__ == "DataFrame" else [value.dtype]
        dtypes += [value.index.dtype] if hasattr(value, "index") else []
        return len(value) * sum(each.itemsize if _is_plain(each) else _BYTES_PER_OBJECT for each in dtypes)
    if kind.__name__ in {"ndarray", "Tensor"} or _is_array(kind):
        return int(value.nbytes)
    return 0


def is_table(value: Any) -> bool:
    """Whether a value is a pandas `DataFrame`, `Series` or index."""
    kind = type(value)
    return kind.__module__.partition(".")[0] == "pandas" and hasattr(kind, "memory_usage")


def children(value: Any) -> tuple[str, list[tuple[Any, Any]]] | None:
    """Return the kind and the keyed parts of a value that holds others, if these are few."""
    kind = type(value)
    pairs: Any
    if issubclass(kind, dict | MappingProxyType):
        pairs = dict(value).items() if kind is MappingProxyType else dict.items(value)
    elif issubclass(kind, list | tuple | deque | set | frozenset):
        pairs = enumerate(value) if len(value) <= _MOST_ITEMS else None
    elif issubclass(kind, Enum):
        return f"{kind.__qualname__}.{value._name_}", [("value", value._value_)]
    elif kind is functools.partial:
        pairs = [("function", value.func), *enumerate(value.args), *value.keywords.items()]
    elif kind is MethodType:
        pairs = [("function", value.__func__), ("object", value.__self__)]
    elif _is_record(kind):
        pairs = attributes(value)
    else:
        return None
    if pairs is None or (hasattr(pairs, "__len__") and len(pairs) > _MOST_ITEMS):
        return None
    return kind.__qualname__, list(pairs)


def attributes(value: Any) -> list[tuple[str, Any]]:
    """Return what an object itself holds, by name; no property is called."""
    slots = (vars(base).get("__slots__", ()) for base in type(value).__mro__)
    names = [name for group in slots for name in ((group,) if isinstance(group, str) else group)]
    held = {name: getattr(value, name) for name in names if name != "__dict__" and hasattr(value, name)}
    return list({**held, **own_names(value)}.items())


def _is_record(kind: type) -> bool:
    """Whether instances are bundles of fields: namespaces, dataclasses, attrs and pydantic models."""
    if issubclass(kind, SimpleNamespace) or any(hasattr(kind, mark) for mark in _RECORDS):
        return True
    return any((base.__module__, base.__name__) == ("argparse", "Namespace") for base in kind.__mro__)


def _of_python(value: Any) -> str | None:
    if type(value) is BuiltinFunctionType:
        return f"{value.__module__}.{value.__qualname__}"
    return f"{type(value).__name__} {value}" if isinstance(value, PurePath) else None


def _numpy_names(kind: type) -> set[str]:
    return {base.__name__ for base in kind.__mro__ if base.__module__ == "numpy"}


def _is_array(kind: type) -> bool:
    return "ndarray" in _numpy_names(kind)


def _of_numpy(value: Any) -> str | None:
    names = _numpy_names(type(value))
    if "ufunc" in names:
        return f"numpy.{value.__name__}"
    if "dtype" in names:
        return f"numpy.{value}"
    if not names & {"ndarray", "generic"} or value.dtype.hasobject:
        return None
    return f"{value.dtype} {value.shape} {_hash(value)}"


def _of_torch(value: Any) -> str | None:
    kind = type(value)
    if kind.__module__ != "torch":
        return None
    if kind.__name__ in _TORCH_WORDS:
        return repr(value)
    if kind.__name__ != "Tensor" or value.device.type != "cpu" or value.requires_grad:
        return None
    data = value.reshape(-1).view(sys.modules["torch"].uint8).numpy()
    return f"{value.dtype} {tuple(value.shape)} {_hash(data)}"


def _of_pandas(value: Any) -> str | None:
    """Return the text of a table, column by column; `None` where it holds other than numbers and texts."""
    if not is_table(value):
        return None
    frame = type(value).__name__ == "DataFrame"
    columns = [value.iloc[:, number] for number in range(value.shape[1])] if frame else [value]
    texts = [_column(each) for each in ([value.index, *columns] if hasattr(value, "index") else columns)]
    labels = repr(list(value.columns)) if frame else repr(value.name)
    return None if None in texts else f"{type(value).__name__} {labels} {texts}"


def _column(column: Any) -> str | None:
    if _is_plain(column.dtype):
        return f"{column.dtype} {_hash(column.to_numpy())}"
    pandas = sys.modules["pandas"]
    values = column.to_numpy(dtype=object)
    if pandas.api.types.infer_dtype(values, skipna=True) not in _HASHABLE:
        return None  # other objects are hashed by their `str`, which may be an address
    return f"{column.dtype} {_hash(pandas.util.hash_array(values, categorize=False))}"


def _is_plain(dtype: Any) -> bool:
    return "dtype" in _numpy_names(type(dtype)) and dtype.kind in _PLAIN


def _hash(array: Any) -> str:
    """Return a digest of an array's numbers; what numpy itself makes is not copied for it."""
    data = array.reshape(-1).view("u1") if type(array).__name__ == "ndarray" else array.tobytes()
    return hashlib.sha256(data).hexdigest()


def _of_subclass(value: Any) -> str | None:
    """Return the text of a user's own kind of number or string."""
    base = next((base for base in _SUBCLASSED if issubclass(type(value), base)), None)
    if base is None or (base in {str, bytes} and len(value) > _MOST_TEXT):
        return None
    return f"{type(value).__qualname__} {base.__repr__(value)}"


_READERS = (_of_python, _of_numpy, _of_torch, _of_pandas, _of_subclass)
