"""Where inside a value an object is, as the expression that a person would write."""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.callables import defaults
from astraml_lab.objectives.values import attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    Step = tuple[str, Any]
    """An expression and what it stands for."""

_MOST_OBJECTS = 20_000
_MOST_ITEMS = 1_000
_LONGEST_KEY = 40
_LEAVES = (str, bytes, bytearray, int, float, complex, type(None), ModuleType)


def path_to(name: str, value: Any, thing: Any) -> tuple[Step, ...]:
    """Return the way from a value to an object inside it, shortest first found: `cfg`, `cfg.db`, ….

    Where the object is not found, the value itself is all.
    """
    seen = {id(value): value}  # keeps what it holds alive: an id must not come twice
    waiting: deque[tuple[Step, ...]] = deque([((name, value),)])
    while waiting and len(seen) < _MOST_OBJECTS:
        path = waiting.popleft()
        if path[-1][1] is thing:
            return path
        with contextlib.suppress(Exception):  # a user's class may raise at any touch
            for expression, part in _parts(*path[-1]):
                if id(part) not in seen and not isinstance(part, _LEAVES):
                    seen[id(part)] = part
                    waiting.append((*path, (expression, part)))
    return ((name, value),)


def _parts(expression: str, value: Any) -> Iterator[Step]:
    """Yield what a value holds, and its class last: a class of the notebook may hold something, too."""
    if isinstance(value, dict):
        for key, item in list(dict.items(value))[:_MOST_ITEMS]:
            yield f"{expression}[{_key(key)}]", item
    elif isinstance(value, list | tuple | deque):
        for index, item in enumerate(list(value)[:_MOST_ITEMS]):
            yield f"{expression}[{index}]", item
    elif isinstance(value, set | frozenset):
        yield from ((f"{expression}{{…}}", item) for item in list(value)[:_MOST_ITEMS])
    elif isinstance(value, MethodType):
        yield f"{expression}.__self__", value.__self__
    elif isinstance(value, functools.partial):
        yield f"{expression}.func", value.func
        yield from ((f"{expression}.args[{index}]", item) for index, item in enumerate(value.args))
        yield from ((f"{expression}.keywords[{key!r}]", item) for key, item in value.keywords.items())
    elif isinstance(value, FunctionType):
        yield from ((f"{expression}({key}=…)", item) for key, item in defaults(value).items())
    members = list(vars(value).items()) if isinstance(value, type) else attributes(value)
    yield from ((f"{expression}.{name}", item) for name, item in members)
    if type(value).__module__ != "builtins":
        yield type(value).__qualname__, type(value)


def _key(key: Any) -> str:
    text = repr(key) if isinstance(key, str | int | float | tuple | None) else "…"
    return text if len(text) <= _LONGEST_KEY else "…"
