"""What code writes into: a list that trials append to holds results and does not make the job another."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    Write = tuple[str, Hashable]

EVERYTHING = ...
"""Stands for the key of a write that may hit any part."""

_KEYED = frozenset({"pop", "setdefault"})
_MUTATING = _KEYED | {
    "add",
    "append",
    "appendleft",
    "clear",
    "discard",
    "extend",
    "extendleft",
    "fill",
    "insert",
    "popitem",
    "popleft",
    "partition",
    "put",
    "remove",
    "reverse",
    "sort",
    "update",
}


def writes(tree: ast.AST) -> Iterator[Write]:
    """Yield each name whose object the code changes, with the key or attribute that it changes.

    `CFG["lr"] = x` is `("CFG", "lr")`; `log.append(x)` and `log[n] = x` are `("log", EVERYTHING)`.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                yield from _written(node)
            case ast.AugAssign(target=ast.Name(id=name)):  # `history += [x]` changes the list in place
                yield name, EVERYTHING
            case ast.Call():
                for changed, key in _changed_by(node):
                    yield from _written(changed, key)


def _changed_by(call: ast.Call) -> Iterator[tuple[ast.expr, Hashable]]:
    """Yield what a call changes in place, with the key: by Python's, numpy's, pandas' and torch's habits."""
    given = {each.arg: each.value for each in call.keywords}
    if "out" in given:
        yield given["out"], EVERYTHING
    match call:
        case ast.Call(func=ast.Attribute(value=changed, attr=attr)) if attr in _MUTATING:
            for key in _keys(call, attr):
                yield changed, key
        case ast.Call(func=ast.Attribute(attr="shuffle"), args=[changed, *_]):
            yield changed, EVERYTHING
        case ast.Call(func=ast.Attribute(value=changed, attr=attr)) if "inplace" in given or (
            attr.endswith("_") and not attr.endswith("__")
        ):
            yield changed, EVERYTHING


def _keys(call: ast.Call, attr: str) -> list[Hashable]:
    """Return which keys `update`, `pop` … change."""
    match call.args:
        case [ast.Constant(value=key), *_] if attr in _KEYED:
            return [key]
        case [] | [ast.Dict()] if attr == "update":
            literal = call.args[0].keys if call.args and isinstance(call.args[0], ast.Dict) else []
            keys = [key.value if isinstance(key, ast.Constant) else EVERYTHING for key in literal]
            return [*keys, *(each.arg or EVERYTHING for each in call.keywords)]
    return [EVERYTHING]


def _written(node: ast.expr, key: Hashable = EVERYTHING) -> Iterator[Write]:
    """Follow `name.key[…].…` to the name and its first key."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute):
            key = node.attr
        else:
            key = node.slice.value if isinstance(node.slice, ast.Constant) else EVERYTHING
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id, key
