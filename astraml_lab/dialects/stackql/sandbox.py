"""A private SQLite in memory for a stranger's SELECT: it reads the tables made for it, and it ends."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.stackql.catalogue import Table
from astraml_lab.dialects.stackql.errors import StackqlError
from astraml_lab.dialects.stackql.text_functions import LONGEST_VALUE, SLOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS = 2.0
MOST_ROWS = 100_000
_STEPS = 2_000
_FUNCTIONS = frozenset(
    """
    -> ->> json json_array json_array_length json_each json_error_position json_extract json_group_array
    json_group_object json_insert json_object json_patch json_quote json_remove json_replace json_set
    json_tree json_type json_valid

    avg count group_concat max min string_agg sum total
    char concat concat_ws format glob hex instr length like lower ltrim octet_length printf quote replace
    rtrim soundex substr substring trim unicode upper
    date datetime julianday strftime time timediff unixepoch current_date current_time current_timestamp
    abs acos asin atan atan2 ceil ceiling cos degrees exp floor ln log log10 log2 mod pi pow power
    radians round sign sin sqrt tan trunc
    coalesce ifnull iif if nullif typeof likely unlikely likelihood
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
    """.split()  # noqa: SIM905 - a list of ninety strings is a page
)
"""Functions that read nothing but their arguments."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 1000,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})


def run(
    select: str,
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    columns: Mapping[str, Sequence[str]],
    *,
    seconds: float = SECONDS,
) -> Table:
    """Run a SELECT over tables of the given columns; objects are JSON text, what a row lacks is NULL.

    Args:
        select: The statement.
        tables: Rows by the table's name.
        columns: Columns by the table's name.
        seconds: The statement is ended after this time.

    Raises:
        StackqlError: not-allowed: a function or table off the list, too many rows, or out of time.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        for name, rows in tables.items():
            _fill(connection, name, rows, columns[name])
        for name, (arguments, function) in SLOW.items():
            connection.create_function(name, arguments, function, deterministic=True)
        # These virtual tables declare themselves through the authorizer, so they do it before there is one.
        connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')").fetchall()
        connection.set_authorizer(_authorize)
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        return _fetch(connection, select, seconds)


def _fill(
    connection: sqlite3.Connection, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    connection.execute(f'CREATE TABLE "{name}" ({listed})')
    connection.executemany(
        f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(columns))})',  # noqa: S608 - names of ours
        ([_cell(row.get(column)) for column in columns] for row in rows),
    )


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def _authorize(action: int, first: str | None, second: str | None, *_where: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and not (first or "").lower().startswith("sqlite_"):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _fetch(connection: sqlite3.Connection, select: str, seconds: float) -> Table:
    try:
        cursor = connection.execute(select)
        rows = cursor.fetchmany(MOST_ROWS + 1)
    except UnicodeEncodeError:
        raise StackqlError(
            "unsupported-statement", "the query holds half of a surrogate pair, which is no character"
        ) from None
    except (sqlite3.Error, MemoryError, OverflowError) as error:
        raise _refusal(error, seconds) from None
    if len(rows) > MOST_ROWS:
        raise StackqlError("not-allowed", f"the answer has more than {MOST_ROWS:,} rows; add a LIMIT")
    return Table(tuple(each[0] for each in cursor.description), tuple(map(tuple, rows)))


def _refusal(error: Exception, seconds: float) -> StackqlError:
    said = str(error)
    if "interrupted" in said:
        return StackqlError("not-allowed", f"the query ran longer than {seconds:g} s and was ended")
    if said.startswith(("no such column", "ambiguous column")):
        return StackqlError("unknown-resource", f"could not find column: {said.partition(': ')[2]}")
    if said.startswith("no such table"):
        return StackqlError("unknown-resource", f"could not find resource: {said.partition(': ')[2]}")
    if said.startswith("no such function") or "not authorized" in said or "prohibited" in said:
        return StackqlError("not-allowed", f"this is not allowed in a query: {said}")
    too_big = isinstance(error, sqlite3.DataError | MemoryError)
    if too_big or "too big" in said or "user-defined function" in said:
        return StackqlError("not-allowed", "a value, or what a text function is given, is too long")
    return StackqlError("unsupported-statement", f"the query cannot be run: {said}")
