"""Functions and classes taken apart: what they wrap, hold and define."""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_WRAPPERS = 20  # wrappers may form a circle


def plain_function(value: Any) -> FunctionType | None:
    """Return the plain function behind decorators, methods and partials."""
    for _ in range(_MOST_WRAPPERS):
        if isinstance(value, functools.partial):
            value = value.func
        elif isinstance(value, MethodType):
            value = value.__func__
        else:
            code = code_behind(value)
            if not isinstance(code, FunctionType):
                return None
            if wrapped_by(code) is None:
                return code
            value = wrapped_by(code)
    return None


def code_behind(value: Any) -> FunctionType | type | None:
    """Return the function or class that a value is or wraps: `functools.cache`, `staticmethod` …."""
    for _ in range(_MOST_WRAPPERS):
        if isinstance(value, FunctionType | type):
            return value
        method = isinstance(value, staticmethod | classmethod)
        value = value.__func__ if method else wrapped_by(value)
        if value is None:
            break
    return None


def cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the free variables of a function with what they hold at present."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def defaults(function: FunctionType) -> dict[str, Any]:
    """Return the defaults of a function's parameters by name."""
    values = function.__defaults__ or ()
    code = function.__code__
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return {**dict(zip(names, values, strict=True)), **(function.__kwdefaults__ or {})}


def methods(cls: type) -> Iterator[tuple[str, FunctionType]]:
    """Yield the plain functions that a class itself defines, those of properties among them."""
    for name, member in vars(cls).items():
        inner = (member.fget, member.fset) if isinstance(member, property) else (member,)
        for each in (member.func,) if isinstance(member, functools.cached_property) else inner:
            function = plain_function(each)
            if function is not None and function.__module__ == cls.__module__:
                yield name, function


def wrapped_by(value: Any) -> Any:
    """Return what a decorator's product wraps, or `None`."""
    return own_names(value).get("__wrapped__")


def own_names(value: Any) -> dict[str, Any]:
    """Return an object's own `__dict__`, or nothing where it has none."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return dict(found) if isinstance(found, dict) else {}
