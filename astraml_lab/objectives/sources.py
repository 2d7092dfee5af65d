"""The code of a function as a digest: of its syntax tree where there is source, else of its bytecode."""

from __future__ import annotations

import ast
import functools
import linecache
from dataclasses import dataclass, replace
from itertools import chain
from types import CodeType
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.references import inner_codes, rebound_names
from astraml_lab.objectives.values import digest
from astraml_lab.objectives.writes import writes

if TYPE_CHECKING:
    from types import FunctionType

    from astraml_lab.objectives.writes import Write


@dataclass(frozen=True)
class Source:
    """What a function does.

    Attributes:
        digest: Comments, white space and line numbers do not change it.
        writes: What it writes into, as far as its source says so.
        rebinds: The names around it that it assigns itself: they hold its state.
    """

    digest: str
    writes: tuple[Write, ...] = ()
    rebinds: frozenset[str] = frozenset()


def tree_digest(tree: ast.AST) -> str:
    """Return a digest of code that comments, white space and line numbers do not change."""
    return digest(ast.dump(tree))


def read_source(function: FunctionType) -> Source:
    """Read a function; a lambda shares its line with others, so that only its bytecode is its own."""
    code = function.__code__
    found = None if code.co_name == "<lambda>" else _parsed(_lines(code), code.co_name)
    if found is None:
        return Source(digest(_code_text(code)), (), rebound_names(code))
    return replace(found, rebinds=found.rebinds.difference(code.co_cellvars))


def _lines(code: CodeType) -> str:
    """Return the lines from the first decorator to the last statement."""
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename)
    ends = (end or 0 for part in inner_codes(code) for _, end, _, _ in part.co_positions())
    return "".join(lines[code.co_firstlineno - 1 : max(ends, default=0)])


@functools.lru_cache(maxsize=1024)
def _parsed(text: str, name: str) -> Source | None:
    nested = "if True:\n" if text[:1].isspace() else ""
    try:
        tree = ast.parse(nested + text)
    except (SyntaxError, ValueError):  # it ends in a long docstring, or the file was changed meanwhile
        return None
    inner: list[Any] = tree.body[0].body if nested else tree.body  # type: ignore[attr-defined]  # the `if` above
    if len(inner) != 1 or getattr(inner[0], "name", "") != name:
        return None
    declared = [node.names for node in ast.walk(inner[0]) if isinstance(node, ast.Global | ast.Nonlocal)]
    written = tuple(dict.fromkeys(writes(inner[0])))
    return Source(tree_digest(inner[0]), written, frozenset(chain.from_iterable(declared)))


def _code_text(code: CodeType) -> str:
    return "\n".join(map(_one_code_text, inner_codes(code)))


def _one_code_text(code: CodeType) -> str:
    arguments = code.co_argcount + code.co_kwonlyargcount
    words = (code.co_names, code.co_freevars, code.co_varnames[:arguments], code.co_posonlyargcount)
    constants = [_constant(value) for value in code.co_consts if not isinstance(value, CodeType)]
    return f"{code.co_code.hex()} {code.co_exceptiontable.hex()} {code.co_flags} {words} {constants}"


def _constant(value: Any) -> str:
    """Return a constant's text; the order of a set differs from process to process."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_constant, value)))}}}"
    return f"{value:x}" if type(value) is int else repr(value)
