"""From the text of a cell to its search space and the code that each trial runs."""

from __future__ import annotations

import ast
import builtins
import re
import traceback
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from astraml_lab.dialects.credentials import is_a_secret
from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.bindings import outer_statements
from astraml_lab.objectives.dimensions import DimensionFinder
from astraml_lab.objectives.references import outer_names
from astraml_lab.objectives.typed_lines import remember
from astraml_lab.spec import Space
from astraml_lab.spec.problems import from_validation_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import CodeType

    from astraml_lab.spec import AnyDimension

_MAGIC = re.compile(r"\s*[%!]|[^#]*=\s*[%!]\s*\w|\s*\?|[^#]*\w\?{1,2}\s*$")
_NOT_AT_THE_TOP: tuple[tuple[tuple[type[ast.AST], ...], str], ...] = (
    ((ast.Await, ast.AsyncFor, ast.AsyncWith), "await"),
    ((ast.Return,), "return"),
    ((ast.Yield, ast.YieldFrom), "yield"),
)
_OURS = frozenset({"report", "trial", "device"})


class CellSyntaxError(InvalidSpec):
    """Python cannot read the cell; shown like any other syntax error, with line and caret."""

    def __init__(self, error: SyntaxError) -> None:
        where = f"line {error.lineno}" if error.lineno else "the cell"
        super().__init__([Problem(where, "", error.msg)], subject="the cell")
        self.error = error
        self._shown = "".join(traceback.format_exception_only(error)).rstrip()

    def __str__(self) -> str:
        return self._shown

    def _render_traceback_(self, *_ignored: object) -> list[str]:
        return [self._shown]


class CellMistakes(InvalidSpec):
    """Python can read the cell, we cannot.

    Attributes:
        searches: Whether it has dimensions.
    """

    def __init__(self, problems: Iterable[Problem], *, searches: bool) -> None:
        super().__init__(problems, subject="the cell")
        self.searches = searches


@dataclass(frozen=True)
class ParsedCell:
    """A cell, understood.

    Attributes:
        source: The text below the magic line.
        filename: The name that its lines have in tracebacks.
        space: What is searched.
        tree: The statements that each trial runs.
        code: The same, compiled once; line numbers are the editor's (the magic line is line 1).
        names: Notebook names that the body or the arguments of a dimension read.
    """

    source: str
    filename: str
    space: Space
    tree: ast.Module
    code: CodeType
    names: tuple[str, ...]

    @property
    def dimensions(self) -> dict[str, AnyDimension]:
        """The dimensions by name, as written."""
        return self.space.dimensions


def cell_filename(source: str, label: str = "cell") -> str:
    """Return the name of a cell in tracebacks: the same text under the same label has the same name."""
    return f"<tune {label} {zlib.crc32(source.encode('utf-8', 'surrogatepass')):08x}>"


def parse_cell(
    source: str, names: Mapping[str, Any], *, filename: str | None = None, space: Space | None = None
) -> ParsedCell:
    """Read a cell: find its dimensions, evaluate their arguments, compile the rest.

    Args:
        source: The text below the magic line.
        names: The notebook's names.
        filename: What tracebacks call the cell (default: made from the text).
        space: What the cell searched when it was launched: of its dimensions only the objects behind labels
            are evaluated again.

    Raises:
        CellSyntaxError: It is no Python.
        InvalidSpec: With every mistake in it, each with its line.
    """
    filename = filename or cell_filename(source)
    text = "\n" + source  # the magic line is line 1 of what the editor shows
    remember(filename, text)
    tree = _parse(text, filename)
    finder = DimensionFinder(names, space)
    finder.read(tree, filename)
    _check_top_level(tree, finder)
    if space is None:  # one that was launched is stored already
        _check_keys(tree, finder)
    space = _space(finder)
    if finder.problems:
        raise CellMistakes(sorted(finder.problems, key=_line_of), searches=bool(finder.lines))
    body = ast.Module(body=[_unguarded(statement) for statement in finder.body], type_ignores=[])
    code = _compile(body, filename, text)
    used = dict.fromkeys([*outer_names(code), *finder.used])
    free = [
        name
        for name in used
        if name not in space and name not in _OURS and (name in names or not hasattr(builtins, name))
    ]
    return ParsedCell(source, filename, space, body, code, tuple(free))


def _parse(text: str, filename: str) -> ast.Module:
    """Parse the cell; lines that only IPython understands are found one after the other."""
    lines = text.split("\n")
    magics: list[Problem] = []
    while True:
        try:
            tree = ast.parse("\n".join(lines), filename)
        except SyntaxError as error:
            number = error.lineno or 0
            if not (0 < number <= len(lines) and _MAGIC.match(lines[number - 1])):
                if not magics:
                    raise _as_cell_error(error, text) from None
                magics.append(Problem(f"line {number}", "", error.msg))
                break
            line = lines[number - 1]
            magics.append(_magic(number, line.strip()))
            lines[number - 1] = line[: len(line) - len(line.lstrip())] + "pass"
        except ValueError as error:  # a null byte, before Python 3.12
            raise InvalidSpec([Problem("the cell", "", str(error))], subject="the cell") from None
        except (RecursionError, MemoryError):  # what the parser raises when its stack is full
            raise InvalidSpec([Problem("the cell", "", "nested too deeply")], subject="the cell") from None
        else:
            break
    if magics:
        raise InvalidSpec(magics, subject="the cell")
    if not tree.body:
        raise InvalidSpec([Problem("the cell", "", "has no code below its first line")], subject="the cell")
    return tree


def _magic(number: int, line: str) -> Problem:
    return Problem(
        f"line {number}: {line}",
        "",
        "magics and shell commands do not run in a trial",
        "move it to a cell above",
    )


def _compile(body: ast.Module, filename: str, text: str) -> CodeType:
    try:
        return compile(body, filename, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _as_cell_error(error, text) from None


def _as_cell_error(error: SyntaxError, text: str) -> CellSyntaxError:
    if error.text is None and error.lineno:  # the compiler found it, not the parser
        error.text = text.split("\n")[error.lineno - 1]
    return CellSyntaxError(error)


def _check_top_level(tree: ast.Module, finder: DimensionFinder) -> None:
    for node in outer_statements(tree):
        word = next((word for kinds, word in _NOT_AT_THE_TOP if isinstance(node, kinds)), None)
        if word is not None:
            finder.problem(node, word, "does not work at the top level of a trial", "put it into a function")


def _check_keys(tree: ast.Module, finder: DimensionFinder) -> None:
    """Refuse text that can be nothing but a key or a password: the cell is stored with its job."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_a_secret(node.value):
            hint = '`%tune secret set NAME` keeps it; in the cell it is trial.secret("NAME")'
            finder.problem(node, "a key or a password", "would be stored with the job", hint)


def _space(finder: DimensionFinder) -> Space:
    """Build the space; its conditions are judged only where every dimension is there to be named."""
    if len(finder.found) == len(finder.lines):
        try:
            return Space(finder.found)
        except ValidationError as error:
            for problem in from_validation_error(error):
                name = re.split(r"\W", problem.path)[0]
                finder.problems.append(replace(problem, path=f"line {finder.lines[name]}: {problem.path}"))
    return Space({})


def _unguarded(statement: ast.stmt) -> ast.stmt:
    """Let `if __name__ == "__main__":` of a pasted script run: a trial's module has a name of its own."""
    match statement:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[right])) if (
            isinstance(right, ast.Constant) and right.value == "__main__"
        ):
            always = ast.copy_location(ast.Constant(value=True), statement.test)
            return ast.copy_location(ast.If(always, statement.body, statement.orelse), statement)
    return statement


def _line_of(problem: Problem) -> int:
    found = re.match(r"line (\d+)", problem.path)
    return int(found[1]) if found else 0
