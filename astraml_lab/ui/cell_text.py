"""A specification as the `%%tune` cell that means the same."""

from __future__ import annotations

import ast
import json
import keyword
import re
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives import CellLines
from astraml_lab.spec import Categorical, line_of, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from astraml_lab.spec import JobSpec

PLACEHOLDER = """# your training, with the names above; at each step:
# report({metrics})
"""
_SEMICOLON = re.compile(r"[ \t\f]*;[ \t\f]*")
_REST = re.compile(r"[ \t\f]*(#[^\n]*)?(\n|\Z)")


def cell_of(spec: JobSpec, body: str = "", written: Mapping[str, str] | None = None) -> str:
    """Return the cell: its line, one line per dimension, and the body.

    Args:
        spec: The job.
        body: What each trial runs.
        written: How a cell spells dimensions whose choices are objects (`written_dimensions`).

    Raises:
        InvalidSpec: What no cell can say, such as a name that is no Python name.
    """
    written = written or {}
    problems = list(_problems(spec, written))
    if problems:
        raise InvalidSpec(problems, subject="the cell")
    rest = body.strip("\n") or PLACEHOLDER.format(metrics=_report(spec)).rstrip()
    lines = [line_of(spec)]
    for name, dimension in spec.space.dimensions.items():
        labelled = isinstance(dimension, Categorical) and dimension.has_objects
        lines.append(f"{name} = {written[name] if labelled else repr(dimension)}")
    return "\n".join([*lines, *([""] if len(spec.space) else []), rest]) + "\n"


def body_without(source: str, names: Collection[str]) -> str:
    """Return a cell's body without the statements that assign its dimensions."""
    try:
        lines = CellLines(source)
    except (SyntaxError, ValueError):
        return source
    gone = [each.statement for each in lines.assigned(names).values()]
    kept = ast.Module([statement for statement in lines.tree.body if statement not in gone], [])
    text = lines.text
    for statement in reversed(gone):
        text = _cut(text, *lines.span(statement))
    if not _means(text, kept):  # a backslash at the end of the line before, say
        text = ast.unparse(kept)
    return text.strip("\n")


def written_dimensions(source: str, names: Collection[str]) -> dict[str, str]:
    """Return how a cell spells each of its dimensions: `Float(1e-4, 1e-1, log=True)`."""
    try:
        lines = CellLines(source)
    except (SyntaxError, ValueError):
        return {}
    return {name: lines.of(each.call) for name, each in lines.assigned(names).items()}


def _problems(spec: JobSpec, written: Mapping[str, str]) -> list[Problem]:
    problems = []
    if len(spec.definitions) > 1:
        count = str(len(spec.definitions))
        problems.append(Problem("definitions", count, "a cell holds one", "export it as a request"))
    for name, dimension in spec.space.dimensions.items():
        path = f"space.{name}"
        if not name.isidentifier() or keyword.iskeyword(name):
            problems.append(Problem(path, shown(name), "must be a Python name to be written in a cell"))
        elif isinstance(dimension, Categorical) and dimension.has_objects and name not in written:
            hint = "write the choices there as labels and objects"
            problems.append(Problem(path, "", "its choices are objects, which have no text", hint))
    return problems


def _report(spec: JobSpec) -> str:
    names = [objective.metric for objective in spec.objectives] or ["loss"]
    if all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        return ", ".join(f"{name}=..." for name in names)
    return "{" + ", ".join(f"{json.dumps(name)}: ..." for name in names) + "}"


def _cut(text: str, start: int, end: int) -> str:
    """Take a statement out, and its line where nothing else is on it."""
    semicolon = _SEMICOLON.match(text, end)
    end = semicolon.end() if semicolon else end
    line = text.rfind("\n", 0, start) + 1
    before, rest = text[line:start], _REST.match(text, end)
    if rest and not before.strip():
        return text[:line] + text[rest.end() :]
    if rest:
        return text[:line] + before.rstrip().removesuffix(";").rstrip() + text[end:]
    return text[:start] + text[end:]


def _means(text: str, tree: ast.Module) -> bool:
    try:
        return ast.dump(ast.parse(text)) == ast.dump(tree)
    except SyntaxError:
        return False
