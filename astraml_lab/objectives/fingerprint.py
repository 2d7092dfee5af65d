"""What makes two runs of a job the same job: digests of the code, of what it reaches, and of plain values.

Comments, white space and line numbers do not count: what is compared is the syntax tree.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import textwrap
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.references import inner_codes, outer_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SMALL = 100


def digest(text: str) -> str:
    """Return a short digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def tree_digest(tree: ast.AST) -> str:
    """Return a digest of code that comments, white space and line numbers do not change."""
    return digest(ast.dump(tree))


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names of the parts that differ, those of `new` first."""
    return [part for part in {**new, **old} if old.get(part) != new.get(part)]


def reached(used: Iterable[str], names: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest per notebook function, class and plain value that code using `used` reaches.

    Args:
        used: The names that the code reads.
        names: The notebook's namespace; what was defined elsewhere (an installed package) is not followed.
    """
    parts: dict[str, str] = {}
    home = names.get("__name__", "__main__")
    waiting = [(name, names[name]) for name in used if name in names]
    while waiting:
        name, value = waiting.pop(0)
        if type(value).__module__ == home:  # an object stands for its class
            value = type(value)
        part = _part(name, value, home)
        if part is not None and part[0] not in parts:
            parts[part[0]] = part[1]
            waiting += [(inner, names[inner]) for inner in _read_by(value) if inner in names]
    return parts


def _part(name: str, value: Any, home: str) -> tuple[str, str] | None:
    """Return the readable name and the digest of a value that counts."""
    if isinstance(value, type):
        return (f"class {value.__name__}", _class_digest(value)) if value.__module__ == home else None
    function = plain_function(value)
    if function is not None:
        return (f"function {name}", function_digest(function)) if function.__module__ == home else None
    return (f"`{name}`", digest(repr(value))) if _is_plain(value) else None


def function_digest(function: FunctionType) -> str:
    """Return a digest of a function: of its source, or of its bytecode where there is no source."""
    defaults = [repr(value) for value in function.__defaults__ or () if _is_plain(value)]
    return digest("\n".join([_function_text(function), *defaults]))


def _function_text(function: FunctionType) -> str:
    try:
        source = textwrap.dedent(inspect.getsource(function))
        return ast.dump(ast.parse(source))
    except (OSError, TypeError, SyntaxError, ValueError):  # made by exec(), or a lambda inside a call
        codes = inner_codes(function.__code__)
        return "\n".join(f"{code.co_code.hex()} {code.co_names} {_plain_constants(code)}" for code in codes)


def _plain_constants(code: CodeType) -> list[str]:
    return [repr(value) for value in code.co_consts if not isinstance(value, CodeType)]


def _class_digest(cls: type) -> str:
    """Digest a class member by member: Python before 3.13 finds no source of a notebook's class."""
    parts = [repr([base.__qualname__ for base in cls.__bases__])]
    parts += [f"{name} {function_digest(function)}" for name, function in _methods(cls)]
    parts += [f"{name} {value!r}" for name, value in vars(cls).items() if _is_plain(value, private=name)]
    parts.append(repr(sorted((name, str(kind)) for name, kind in _annotations(cls).items())))
    return digest("\n".join(parts))


def _annotations(cls: type) -> dict[str, Any]:
    return dict(vars(cls).get("__annotations__", {}))


def _methods(cls: type) -> Iterator[tuple[str, FunctionType]]:
    for name, member in vars(cls).items():
        getters = (member.fget, member.fset) if isinstance(member, property) else (member,)
        for getter in getters:
            function = plain_function(getter)
            if function is not None and function.__module__ == cls.__module__:
                yield name, function


def plain_function(value: Any) -> FunctionType | None:
    """Return the plain function behind decorators, methods and partials."""
    while isinstance(value, functools.partial | staticmethod | classmethod | MethodType):
        value = value.func if isinstance(value, functools.partial) else value.__func__
    if hasattr(type(value), "__wrapped__") or "__wrapped__" in getattr(value, "__dict__", {}):
        value = inspect.unwrap(value)
    return value if isinstance(value, FunctionType) else None


def _read_by(value: Any) -> list[str]:
    """Return the global names that a function or a class reads, its bases among them."""
    if isinstance(value, type):
        methods = [name for _, function in _methods(value) for name in outer_names(function.__code__)]
        return [*(base.__name__ for base in value.__bases__), *methods]
    function = plain_function(value)
    return [] if function is None else outer_names(function.__code__)


def _is_plain(value: Any, *, private: str = "", depth: int = 2) -> bool:
    """Whether a value is a number, a text, or a small tuple or list of them: what a change of counts."""
    if private.startswith("__"):
        return False
    if isinstance(value, tuple | list):
        return depth > 0 and len(value) <= _SMALL and all(_is_plain(item, depth=depth - 1) for item in value)
    return value is None or type(value) in {bool, int, float, complex, str, bytes}
