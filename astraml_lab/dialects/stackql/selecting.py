"""SELECT: which jobs each part of it asks for, and the same SELECT over tables that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from astraml_lab.dialects.stackql.catalogue import (
    IDENTIFIERS,
    JOB,
    LOCATION,
    OPTIONS,
    PARTS,
    PROJECT,
    missing,
    require_resource,
)
from astraml_lab.dialects.stackql.errors import StackqlError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMETERS = frozenset({*IDENTIFIERS, *OPTIONS})
_JSON_TABLES = frozenset({"json_each", "json_tree"})


@dataclass(frozen=True)
class Scope:
    """One table of the statement.

    Attributes:
        table: The name of the private table that takes its place.
        parameters: What its WHERE fixes: the identifiers and the options of a list.
    """

    table: str
    parameters: dict[str, str] = field(default_factory=dict)


def parent(parameters: dict[str, str]) -> str:
    """Return the `projects/…/locations/…` of identifiers."""
    return f"projects/{parameters[PROJECT]}/locations/{parameters[LOCATION]}"


def scopes(tree: exp.Expr) -> list[Scope]:
    """Put a private table in the place of each resource, and take the parameters out of the WHERE above it.

    Raises:
        StackqlError: unknown-resource, not-allowed, missing-params, param-form or unsupported-statement.
    """
    found: list[Scope] = []
    seen: set[int] = set()
    for table in list(tree.find_all(exp.Table)):
        if not _is_resource(table, tree):
            continue
        select = table.find_ancestor(exp.Select)
        if select is None or id(select) in seen:
            raise StackqlError(
                "unsupported-statement", "a SELECT names the resource once; join two in a WITH"
            )
        seen.add(id(select))
        alias = table.alias or PARTS[-1]
        parameters = take_parameters(select, alias)
        lacking = {PROJECT, LOCATION} - parameters.keys()
        if lacking:
            raise missing(lacking)
        _check_options(parameters)
        scope = Scope(f"r{len(found)}", parameters)
        table.replace(exp.Table(this=exp.to_identifier(scope.table), alias=exp.TableAlias(this=_name(alias))))
        found.append(scope)
    for column in tree.find_all(exp.Column):
        if column.args.get("db"):
            column.set("db", None)
            column.set("catalog", None)
    return found


def take_parameters(node: exp.Expr, alias: str = "") -> dict[str, str]:
    """Take `parameter = 'literal'` out of the top-level AND chain of a WHERE.

    Raises:
        StackqlError: param-form: a parameter stands anywhere else in the conditions.
    """
    where = node.args.get("where")
    found: dict[str, str] = {}
    rest: list[exp.Expr] = []
    for term in _terms(where.this) if where is not None else ():
        given = _parameter(term, alias)
        if given is None:
            rest.append(term)
        elif found.setdefault(*given) != given[1]:
            raise StackqlError("param-form", f"{given[0]} is given two values")
    joins = [join.args["on"] for join in node.args.get("joins") or () if join.args.get("on") is not None]
    for condition in (*rest, *joins):
        for column in condition.find_all(exp.Column):
            if _is_parameter(column, alias) and column.find_ancestor(exp.Select, exp.Delete) is node:
                raise StackqlError(
                    "param-form",
                    f"{column.name} must stand alone as {column.name} = 'value', joined to the rest by AND",
                )
    if where is not None:
        node.set("where", exp.Where(this=exp.and_(*rest, copy=False)) if rest else None)
    return found


def _is_resource(table: exp.Table, tree: exp.Expr) -> bool:
    if isinstance(table.this, exp.Dot):
        require_resource(".".join(part.name for part in table.parts))
    if not isinstance(table.this, exp.Identifier):
        name = table.this.name if isinstance(table.this, exp.Anonymous) else table.this.sql_name()
        if str(name).lower() not in _JSON_TABLES or table.args.get("db"):
            raise StackqlError(
                "not-allowed", f"the table function {name} is not allowed; JSON_EACH and JSON_TREE are"
            )
        return False
    parts = [part.name for part in table.parts]
    if len(parts) == 1 and any(cte.alias.lower() == parts[0].lower() for cte in tree.find_all(exp.CTE)):
        return False
    require_resource(".".join(parts))
    return True


def _terms(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the terms of an AND chain; iteratively, since a chain may be thousands long."""
    waiting = [condition]
    while waiting:
        each = waiting.pop()
        while isinstance(each, exp.Paren):
            each = each.this
        if isinstance(each, exp.And):
            waiting += [each.expression, each.this]
        else:
            yield each


def _parameter(term: exp.Expr, alias: str) -> tuple[str, str] | None:
    if not isinstance(term, exp.EQ):
        return None
    left, right = term.this.unnest(), term.expression.unnest()
    if not _is_parameter(left, alias):
        left, right = right, left
    if not _is_parameter(left, alias):
        return None
    value = literal(right)
    if value is None or isinstance(value, bool):
        raise StackqlError(
            "param-form", f"{left.name} must be compared with a literal: {left.name} = 'value'"
        )
    return left.name, str(value)


def _is_parameter(node: exp.Expr, alias: str) -> bool:
    return isinstance(node, exp.Column) and node.name in PARAMETERS and node.table in {"", alias or PARTS[-1]}


def literal(node: exp.Expr) -> Any:
    """Return the value of a literal; `None` for NULL and for anything that is no literal."""
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    negative = isinstance(node, exp.Neg)
    inner = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(inner, exp.Literal) or (negative and inner.is_string):
        return None
    if inner.is_string:
        return inner.this
    text = f"-{inner.this}" if negative else str(inner.this)
    try:
        return int(text)
    except ValueError:
        return float(text)


def _check_options(parameters: dict[str, str]) -> None:
    if JOB not in parameters:
        return
    for name in OPTIONS:
        if name in parameters:
            raise StackqlError("param-form", f"{name} goes with a list: leave it or {JOB} out")


def _name(alias: str) -> exp.Identifier:
    return exp.to_identifier(alias, quoted=True)
