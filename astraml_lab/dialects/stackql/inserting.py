"""INSERT: the body of a create request, from literals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from astraml_lab.dialects.credentials import is_inline_secret
from astraml_lab.dialects.stackql.catalogue import (
    BODY,
    COLUMNS,
    JOB,
    LOCATION,
    OUTPUT_ONLY,
    PROJECT,
    column_type,
    missing,
    require_resource,
)
from astraml_lab.dialects.stackql.errors import StackqlError, answered
from astraml_lab.dialects.stackql.selecting import literal, parent
from astraml_lab.dialects.vertex import VertexError, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREFIX = "data__"
_NOT_ALLOWED_IN_INSERT = ("with_", "with", "conflict", "alternative", "overwrite", "partition", "source")
_PLAIN_SELECT = frozenset({"expressions", "kind"})


def read_insert(tree: exp.Insert) -> tuple[str, dict[str, Any], list[str]]:
    """Return the parent, the body and the columns to return of a create request.

    Raises:
        StackqlError: It is no plain INSERT of one row of literals, or Vertex AI would refuse its body.
    """
    names = _names(tree)
    values = _row(tree)
    if len(names) != len(values):
        raise StackqlError("param-form", f"{len(names)} columns, but {len(values)} values")
    parameters: dict[str, str] = {}
    body: dict[str, Any] = {}
    for name, node in zip(names, values, strict=True):
        value = _value(name, node)
        if name in {PROJECT, LOCATION}:
            parameters[name] = str(value or "")
        elif value is not None:
            body[name] = value
    lacking = {name for name in (PROJECT, LOCATION) if not parameters.get(name)}
    if lacking:
        raise missing(lacking)
    _validate(body)
    return parent(parameters), body, returning(tree)


def returning(tree: exp.Expr) -> list[str]:
    """Return the columns that a RETURNING names."""
    clause = tree.args.get("returning")
    found: list[str] = []
    for each in clause.expressions if clause is not None else ():
        if isinstance(each, exp.Star):
            found += COLUMNS
        elif isinstance(each, exp.Column) and each.name in COLUMNS:
            found.append(each.name)
        else:
            raise StackqlError("unknown-resource", f"RETURNING names columns; {each.sql('sqlite')} is none")
    return found


def _names(tree: exp.Insert) -> list[str]:
    target = tree.this
    table = target.this if isinstance(target, exp.Schema) else target
    if not isinstance(table, exp.Table):
        raise StackqlError("unsupported-statement", "INSERT INTO names the resource and its columns")
    require_resource(".".join(part.name for part in table.parts))
    if any(tree.args.get(name) for name in _NOT_ALLOWED_IN_INSERT):
        raise StackqlError("unsupported-statement", "INSERT stands alone: no OR, no WITH, no ON CONFLICT")
    if not isinstance(target, exp.Schema):
        raise missing({PROJECT, LOCATION})
    names = [each.name.removeprefix(_PREFIX) for each in target.expressions]
    for name, each in zip(names, target.expressions, strict=True):
        if name in OUTPUT_ONLY or name == JOB:
            raise StackqlError("output-only", f"{each.name} is written by the service; leave it out")
        if name not in BODY and name not in {PROJECT, LOCATION}:
            raise StackqlError("output-only", f"{each.name} is no column that an INSERT may set")
        if names.count(name) > 1:
            raise StackqlError("param-form", f"{name} is given twice")
    return names


def _row(tree: exp.Insert) -> Sequence[exp.Expr]:
    source = tree.expression
    if isinstance(source, exp.Values):
        if len(source.expressions) != 1:
            raise StackqlError("unsupported-statement", "one INSERT creates one job: give one row of values")
        row = source.expressions[0]
        return row.expressions if isinstance(row, exp.Tuple) else [row]
    plain = isinstance(source, exp.Select) and all(
        name in _PLAIN_SELECT for name, given in source.args.items() if given
    )
    if not plain:
        raise StackqlError("unsupported-statement", "INSERT takes literals: SELECT 'a', 1 or VALUES ('a', 1)")
    return [each.this if isinstance(each, exp.Alias) else each for each in source.expressions]


def _value(name: str, node: exp.Expr) -> Any:
    value = literal(node)
    if value is None and not isinstance(node, exp.Null):
        raise StackqlError("param-form", f"{name} must be a literal")
    if column_type(name) != "object" or value is None:
        return value
    try:
        return json.loads(value, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (TypeError, ValueError, RecursionError) as error:
        raise StackqlError("param-form", f"{name} holds no JSON: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _validate(body: dict[str, Any]) -> None:
    if any(is_inline_secret(name, value) for name, value in _leaves("", body)):
        raise StackqlError("not-allowed", "a literal looks like a credential; keep it out of the statement")
    try:
        check(body)
    except VertexError as error:
        raise answered("param-form", error) from None


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    waiting = [(name, value)]
    while waiting:
        key, each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.items()
            if isinstance(each.get("name"), str):  # a variable of a container
                waiting.append((each["name"], each.get("value")))
        elif isinstance(each, list):
            waiting += [(key, one) for one in each]
        else:
            yield key, each
