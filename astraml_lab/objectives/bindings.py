"""Where the statements of a cell bind names: the cell's own scope only."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bindings(node: ast.AST, *, inside: bool = False) -> Iterator[tuple[str, ast.AST]]:
    """Yield each name that `node` binds, rebinds or deletes in the cell's scope, with the place.

    Args:
        node: A statement or a part of one.
        inside: Whether it is inside a function or class, where only `global` reaches the cell's names.
    """
    if isinstance(node, ast.Global) and inside:
        yield from ((name, node) for name in node.names)
    elif not inside:
        yield from ((name, node) for name in _bound_by(node))
    for child in ast.iter_child_nodes(node):
        yield from bindings(child, inside=inside or _has_own_scope(node, child))


def _has_own_scope(node: ast.AST, child: ast.AST) -> bool:
    if isinstance(node, _DEFINITIONS):  # decorators, defaults and bases belong to the cell's scope
        return isinstance(child, ast.stmt)
    if isinstance(node, ast.comprehension):  # its targets are its own; a walrus in it binds outside
        return child is node.target
    return isinstance(node, ast.Lambda)


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases]
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            return [name]
    return []


def outer_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of the cell's own scope: all but the insides of functions and classes."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, (*_DEFINITIONS, ast.Lambda)) and isinstance(child, ast.stmt | ast.expr)):
            yield from outer_statements(child)
