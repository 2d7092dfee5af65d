"""A specification as the `%%tune` cell that means the same."""

from __future__ import annotations

import ast
import keyword
import shlex
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.spec import JobSpec, LaunchOptions, format_duration, option_fields, parse_duration, shown

if TYPE_CHECKING:
    from collections.abc import Collection

PLACEHOLDER = """# your training, with the names above; at each step:
# report({metrics})
"""
_DURATIONS = frozenset({"max_runtime", "trial_timeout", "window"})


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


def line_of(spec: JobSpec) -> str:
    """Return the magic line: what differs from the defaults."""
    words = ["%%tune"]
    for objective in spec.objectives:
        words += _pair(f"--{objective.goal.value}", objective.metric)
    defaults = JobSpec.model_construct()
    for name in option_fields():
        value = getattr(spec, name)
        if name not in {"check", "form", "dry_run"} and value != getattr(defaults, name):
            words += _option(name, value)
    return " ".join(words)


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


def _option(name: str, value: Any) -> list[str]:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        if name in LaunchOptions.model_fields and value:
            return [flag]
        return [flag if value else "--no-" + name.replace("_", "-")]
    if isinstance(value, dict):
        return [word for key, text in value.items() for word in _pair(flag, f"{key}={text}")]
    if isinstance(value, tuple):
        return _pair(flag, ",".join(map(str, value)))
    return _pair(flag, text_of(name, value))


def _pair(flag: str, value: str) -> list[str]:
    # A value that looks like an option is tied to its own.
    return [f"{flag}={shlex.quote(value)}"] if value.startswith("-") else [flag, shlex.quote(value)]


def text_of(name: str, value: Any) -> str:
    """Spell an option's value as a person would."""
    if name in _DURATIONS and value is not None:
        short = format_duration(value).replace(" ", "")
        return short if parse_duration(short) == value else repr(value).removesuffix(".0")
    if isinstance(value, dict):
        return ", ".join(f"{key}={text}" for key, text in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value}"
