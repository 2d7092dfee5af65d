"""A statement of StackQL, answered from a list of Vertex resources alone: nothing is changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from astraml_lab.dialects.stackql.catalogue import (
    COLUMNS,
    IDENTIFIERS,
    JOB,
    Table,
    describe,
    missing,
    no_method,
    require_resource,
    show_methods,
)
from astraml_lab.dialects.stackql.errors import StackqlError, answered
from astraml_lab.dialects.stackql.executing import read_call
from astraml_lab.dialects.stackql.inserting import read_insert
from astraml_lab.dialects.stackql.sandbox import run
from astraml_lab.dialects.stackql.selecting import Scope, parent, scopes, take_parameters
from astraml_lab.dialects.stackql.source import Statement, one_statement
from astraml_lab.dialects.vertex import VertexError
from astraml_lab.dialects.vertex.listing import Query, id_of, list_jobs, matching, parent_of
from astraml_lab.dialects.vertex.resources import cancel_effect, check_delete, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Resource = Mapping[str, Any]

DESPATCHED = "The operation was despatched successfully"
_READS = frozenset({"SELECT", "WITH", "("})
_SHOW = re.compile(r"SHOW\s+(?P<extended>EXTENDED\s+)?METHODS\s+(?:IN|FROM)\s+(?P<name>\S+)", re.IGNORECASE)
_DESCRIBE = re.compile(r"DESC(?:RIBE)?\s+(?P<extended>EXTENDED\s+)?(?P<name>\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Effect:
    """What a statement would do; who owns the jobs does it.

    Attributes:
        op: create, delete, cancel or `_list`.
        name: The job that is deleted or cancelled.
        names: The jobs that are listed.
        parent: Where a job is created.
        body: The job that is created, a HyperparameterTuningJob that passed all checks.
        effect: The state that a cancel brings about, or `none` if the job has ended.
        returning: The columns of the new job to answer with.
        message: What is said when it is done.
    """

    op: str
    name: str = ""
    names: tuple[str, ...] | None = None
    parent: str = ""
    body: Mapping[str, Any] | None = None
    effect: str = ""
    returning: tuple[str, ...] = ()
    message: str = DESPATCHED

    def as_dict(self) -> dict[str, Any]:
        """Return it as data: what it is about, and nothing that is not said."""
        listed = {
            "name": self.name,
            "names": None if self.names is None else list(self.names),
            "parent": self.parent,
            "body": None if self.body is None else dict(self.body),
            "effect": self.effect,
            "returning": list(self.returning),
        }
        kept = {key: value for key, value in listed.items() if value or (key == "names" and value == [])}
        return {"op": self.op, **kept}


def answer(text: str, jobs: Sequence[Mapping[str, Any]]) -> Table | Effect:
    """Answer one statement from `jobs`, resources as `get` returns them.

    Raises:
        StackqlError: The statement is refused; its `code` says why.
    """
    statement = one_statement(text)
    if statement.verb in {"EXEC", "EXECUTE"}:
        return _execute(statement, jobs)
    if statement.verb == "SHOW":
        return _show(statement.text)
    if statement.verb in {"DESCRIBE", "DESC"}:
        return _describe(statement.text)
    if statement.verb in {"UPDATE", "REPLACE"}:
        raise no_method(statement.verb)
    if statement.verb not in {*_READS, "INSERT", "DELETE"}:
        raise _unsupported(statement.verb)
    tree = _parse(statement.text).unnest()
    if isinstance(tree, exp.Insert):
        where, body, columns = read_insert(tree)
        return Effect("create", parent=where, body=body, returning=tuple(columns))
    if isinstance(tree, exp.Delete):
        return _delete(tree, jobs)
    if isinstance(tree, exp.Query) and not any(tree.find_all(exp.Insert, exp.Update, exp.Delete)):
        return _select(tree, jobs)
    raise no_method("UPDATE") if isinstance(tree, exp.Update) else _unsupported(statement.verb)


def _unsupported(verb: str) -> StackqlError:
    return StackqlError(
        "unsupported-statement",
        f"{verb or 'this'} is not supported; SELECT, INSERT, DELETE, EXEC, SHOW METHODS and DESCRIBE are",
    )


def _parse(text: str) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(text, read="sqlite") if tree is not None]
    except (SqlglotError, RecursionError, ValueError) as error:
        said = next(iter(str(error).splitlines()), "")[:200]
        raise StackqlError("unsupported-statement", f"the statement cannot be read: {said}") from None
    if len(trees) != 1:
        raise StackqlError("multi-statement", "one statement at a time")
    return trees[0]


def _select(tree: exp.Query, jobs: Sequence[Resource]) -> Table:
    if any(each.args.get("locks") for each in tree.find_all(exp.Query)):
        raise _unsupported("SELECT FOR UPDATE")
    try:
        found = scopes(tree)
        sql = tree.sql(dialect="sqlite")
    except RecursionError:
        raise StackqlError("unsupported-statement", "the statement is nested too deeply") from None
    rows = {scope.table: _rows(scope, jobs) for scope in found}
    return run(sql, rows, dict.fromkeys(rows, COLUMNS))


def _rows(scope: Scope, jobs: Sequence[Resource]) -> list[dict[str, Any]]:
    its_id = scope.parameters.get(JOB)
    found = _listed(scope.parameters, jobs) if its_id is None else [dict(_get(scope.parameters, jobs))]
    return [{**each, **_identifiers(each, scope)} for each in found]


def _identifiers(resource: Resource, scope: Scope) -> dict[str, str]:
    values = (scope.parameters[IDENTIFIERS[0]], scope.parameters[IDENTIFIERS[1]])
    return dict(zip(IDENTIFIERS, (*values, scope.parameters.get(JOB) or id_of(resource)), strict=True))


def _listed(parameters: dict[str, str], jobs: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return one page if its size was asked for, else all: StackQL goes from page to page by itself."""
    size = parameters.get("pageSize", "")
    if size and not re.fullmatch(r"-?\d{1,10}", size):
        raise StackqlError("param-form", f"pageSize must be a whole number, not {size!r}")
    query = Query(
        parent=parent(parameters),
        filter=parameters.get("filter", ""),
        page_size=int(size or 0),
        page_token=parameters.get("pageToken", ""),
        read_mask=_mask(parameters.get("readMask", "")),
    )
    try:
        if size:
            return list(list_jobs(jobs, query)["hyperparameterTuningJobs"])
        return matching(jobs, query)
    except VertexError as error:
        raise answered("param-form", error) from None


def _mask(text: str) -> str:
    """Keep the name in any answer: the row's identifiers are read from it."""
    return f"{text},name" if text.strip() and "*" not in text else text


def _get(parameters: dict[str, str], jobs: Sequence[Resource]) -> Resource:
    where, its_id = parent(parameters), parameters[JOB]
    for each in jobs:
        if parent_of(each) == where and id_of(each) == its_id:
            return each
    raise answered("not-found", not_found(f"{where}/hyperparameterTuningJobs/{its_id}"))


def _delete(tree: exp.Delete, jobs: Sequence[Resource]) -> Effect:
    table = tree.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise _unsupported("this DELETE")
    require_resource(".".join(part.name for part in table.parts))
    if tree.args.get("returning") is not None:
        raise StackqlError("not-allowed", "returning from asynchronous delete is disallowed")
    extra = [name for name, given in tree.args.items() if given and name not in {"this", "where"}]
    parameters = take_parameters(tree, table.alias)
    lacking = {*IDENTIFIERS} - parameters.keys()
    if lacking:
        raise missing(lacking)
    if extra or tree.args.get("where") is not None or len(parameters) > len(IDENTIFIERS):
        raise StackqlError("param-form", f"DELETE takes {', '.join(IDENTIFIERS)} = 'value' and nothing else")
    job = _get(parameters, jobs)
    try:
        check_delete(job)
    except VertexError as error:
        raise answered("failed-precondition", error) from None
    return Effect("delete", name=str(job["name"]))


def _execute(statement: Statement, jobs: Sequence[Resource]) -> Effect:
    call = read_call(statement.text)
    if call.method.name == "_list":
        found = _listed(call.variables, jobs)
        return Effect("_list", names=tuple(str(each["name"]) for each in found))
    job = _get(call.variables, jobs)
    return Effect("cancel", name=str(job["name"]), effect=cancel_effect(job))


def _show(text: str) -> Table:
    match = _SHOW.fullmatch(text)
    if match is None:
        raise _unsupported("this SHOW")
    require_resource(match["name"])
    return show_methods(extended=match["extended"] is not None)


def _describe(text: str) -> Table:
    match = _DESCRIBE.fullmatch(text)
    if match is None:
        raise _unsupported("this DESCRIBE")
    require_resource(match["name"])
    return describe(extended=match["extended"] is not None)
