"""What kind of text a cell holds: Python to run, or a job request as JSON or YAML."""

from __future__ import annotations

import ast
import json
import keyword
import re
from enum import StrEnum

from astraml_lab.errors import InvalidSpec, Problem

_FIELD = re.compile(r"[A-Za-z_][\w.-]*")
_YAML_START = re.compile(r"\s*(#.*\n\s*)*(---|[{]|[\"']?[\w.-]+[\"']?:(\s|$))")
_DEEP = "nested too deeply"


class BodyKind(StrEnum):
    """How a cell's body is read."""

    PYTHON = "python"
    JSON = "json"
    YAML = "yaml"


def body_kind(body: str) -> BodyKind:
    """Tell a job request from Python code.

    A body is JSON if it starts with `{` and parses as JSON; else Python if it parses and is more than bare
    annotations (`trials: 20`); else YAML if it is a mapping of field names. What parses as none of them is
    Python by default: `parse_cell` then shows where it breaks.

    Raises:
        InvalidSpec: It parses as nothing, and looks like a request rather than like code.
    """
    if body.lstrip().startswith("{") and not _json_complaint(body):
        return BodyKind.JSON
    python = _python_complaint(body)
    if not python:
        return BodyKind.PYTHON
    yaml = _yaml_complaint(body)
    if not yaml:
        return BodyKind.YAML
    if not _YAML_START.match(body) or _first_word_is_python(body):
        return BodyKind.PYTHON
    request = (
        Problem("as JSON", "", _json_complaint(body))
        if body.lstrip().startswith("{")
        else Problem("as a YAML request", "", yaml)
    )
    raise InvalidSpec([request, Problem("as Python", "", python)], subject="the cell's body")


def _yaml_complaint(body: str) -> str:
    """Say why the body is no YAML request, or nothing if it is one; lines count from the magic line."""
    import yaml

    try:
        document = yaml.safe_load("\n" + body)
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return f"{where}{error.problem or error}"
    except (yaml.YAMLError, ValueError) as error:
        return " ".join(str(error).split())
    except RecursionError:
        return _DEEP
    if not isinstance(document, dict):
        return "not a mapping of fields"
    strange = [key for key in document if not _is_field(key)]
    return f"{strange[0]!r} is no field name" if strange else ""


def _is_field(key: object) -> bool:
    return isinstance(key, str) and _FIELD.fullmatch(key) is not None and not keyword.iskeyword(key)


def _json_complaint(body: str) -> str:
    try:
        json.loads(body)
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            return f"line {error.lineno + 1}: {error.msg}"
        return str(error)
    except RecursionError:
        return _DEEP
    return ""


def _python_complaint(body: str) -> str:
    try:
        tree = ast.parse("\n" + body)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        return f"line {line}: {getattr(error, 'msg', error)}" if line else str(error)
    except (RecursionError, MemoryError):  # what the parser raises when its stack is full
        return _DEEP
    if tree.body and all(_does_nothing(node) for node in tree.body):
        return "annotations without a value and a bare dict do nothing"
    return ""


def _does_nothing(node: ast.stmt) -> bool:
    return (isinstance(node, ast.AnnAssign) and node.value is None) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Dict)
    )


def _first_word_is_python(body: str) -> bool:
    words = re.findall(r"^[ \t]*([A-Za-z_]\w*)", body, re.MULTILINE)
    return bool(words) and keyword.iskeyword(words[0])
