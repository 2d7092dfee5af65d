"""A specification as the `%%tune` cell that means the same."""

from __future__ import annotations

import ast
import keyword
from typing import TYPE_CHECKING

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import line_of, shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from astraml_lab.spec import JobSpec

PLACEHOLDER = """# your training, with the names above; at each step:
# report({metrics})
"""


def cell_of(spec: JobSpec, body: str = "") -> str:
    """Return the cell: its line, one line per dimension, and the body.

    Raises:
        InvalidSpec: A dimension's name is no Python name, so no cell can assign it.
    """
    problems = [
        Problem(f"space.{name}", shown(name), "must be a Python name to be written in a cell")
        for name in spec.space.names()
        if not name.isidentifier() or keyword.iskeyword(name)
    ]
    if problems:
        raise InvalidSpec(problems, subject="the cell")
    metrics = ", ".join(f"{objective.metric}=…" for objective in spec.objectives)
    rest = body.strip("\n") or PLACEHOLDER.format(metrics=metrics or "loss=…").rstrip()
    lines = [line_of(spec), *(f"{name} = {spec.space[name]!r}" for name in spec.space.names())]
    return "\n".join([*lines, *([""] if spec.space.names() else []), rest]) + "\n"


def body_without(source: str, names: Collection[str]) -> str:
    """Return a cell's body without the lines that assign its dimensions."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    gone: set[int] = set()
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        if any(isinstance(target, ast.Name) and target.id in names for target in targets):
            gone.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    kept = [line for number, line in enumerate(source.splitlines(), 1) if number not in gone]
    return "\n".join(kept).strip("\n")
