"""A plain SELECT over tables of ours, in the same private SQLite as StackQL's statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from astraml_lab.dialects.stackql.errors import StackqlError
from astraml_lab.dialects.stackql.sandbox import run
from astraml_lab.dialects.stackql.source import one_statement

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from astraml_lab.dialects.stackql.catalogue import Table

_READS = frozenset({"SELECT", "WITH", "VALUES", "("})


def tables_of(text: str, known: Collection[str]) -> frozenset[str] | None:
    """Return which of the known tables a SELECT reads; `None` where the text is something else.

    Raises:
        StackqlError: The text holds several statements, or a quote that never ends.
    """
    statement = one_statement(text)
    if statement.verb not in _READS:  # sqlglot would warn of what it does not know
        return None
    try:
        trees = sqlglot.parse(statement.text, read="sqlite")
    except (SqlglotError, RecursionError, ValueError):
        return None
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query):
        return None
    named = {
        ".".join(part.name for part in table.parts).lower()
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier)
    }
    named -= {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    return frozenset(named) if named and named <= {name.lower() for name in known} else None


def select(
    text: str, tables: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, Sequence[str]]
) -> Table:
    """Run a SELECT over tables; see `sandbox.run`.

    Raises:
        StackqlError: It is no SELECT, it does what a question may not do, or it takes too long.
    """
    statement = one_statement(text)
    if statement.verb not in _READS - {"("}:
        raise StackqlError("unsupported-statement", f"{statement.verb} is not supported here; SELECT is")
    return run(statement.text, tables, columns)
