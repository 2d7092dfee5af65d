"""Where a cell's text assigns its dimensions, and the text with those places changed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Assigned(NamedTuple):
    """A statement `name = call(…)` at the top of a cell."""

    name: str
    statement: ast.Assign | ast.AnnAssign
    call: ast.Call


class CellLines:
    """The text of a cell, with the places of its statements.

    Attributes:
        text: The source; each line has the end that Python's own parser counts.
        tree: What it means.

    Raises:
        SyntaxError: The source is no Python.
        ValueError: Neither, in another way: a null byte, say.
    """

    def __init__(self, source: str) -> None:
        self.text = source.replace("\r\n", "\n").replace("\r", "\n")
        self.tree = ast.parse(self.text)
        self._lines = self.text.split("\n")

    def assigned(self, names: Collection[str]) -> dict[str, Assigned]:
        """Return the first assignment of a call to each of these names."""
        found: dict[str, Assigned] = {}
        for statement in self.tree.body:
            each = assigned_in(statement)
            if each is not None and each.name in names:
                found.setdefault(each.name, each)
        return found

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Return where in the text a part begins and ends."""
        end = self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return self._offset(node.lineno, node.col_offset), end

    def of(self, node: ast.stmt | ast.expr) -> str:
        """Return the text of a part."""
        begin, end = self.span(node)
        return self.text[begin:end]

    def with_calls(self, written: Mapping[str, str]) -> str:
        """Return the text with these calls in place of those that the names were assigned; the rest stays."""
        text = self.text
        for name, each in reversed(self.assigned(written).items()):
            begin, end = self.span(each.call)
            text = text[:begin] + written[name] + text[end:]
        return text

    def _offset(self, line: int, column: int) -> int:
        """Return the place that `ast` gives by line and by bytes of UTF-8."""
        before = sum(len(each) + 1 for each in self._lines[: line - 1])
        within = self._lines[line - 1].encode("utf-8", "surrogatepass")[:column]
        return before + len(within.decode("utf-8", "surrogatepass"))


def assigned_in(statement: ast.stmt) -> Assigned | None:
    """Return what a statement assigns, where it is `name = call(…)`."""
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call)
        ):
            return Assigned(name, statement, call)
    return None
