"""Finds the search dimensions of a cell: top-level `name = Float(…)`, and all that only looks like one."""

from __future__ import annotations

import ast
import builtins
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.bindings import bindings
from astraml_lab.spec import CONSTRUCTORS, Categorical, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.spec import AnyDimension, Space

_PACKAGE = "astraml_lab"
_RESERVED = ("report", "trial", "device")
_OURS: dict[str, Any] = {constructor.__name__: constructor for constructor in CONSTRUCTORS}
_PLACES: tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], str], ...] = (
    ((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), "inside a function"),
    (ast.ClassDef, "inside a class"),
    (ast.If, "inside `if`"),
    ((ast.For, ast.AsyncFor), "inside `for`"),
    (ast.While, "inside `while`"),
    ((ast.With, ast.AsyncWith), "inside `with`"),
    ((ast.Try, ast.TryStar), "inside `try`"),
    (ast.Match, "inside `match`"),
    ((ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare), "in an expression"),
    ((ast.List, ast.ListComp), "in a list"),
    ((ast.Tuple, ast.Set, ast.SetComp, ast.GeneratorExp), "in a tuple or set"),
    ((ast.Dict, ast.DictComp), "in a dict"),
    (ast.NamedExpr, "in a walrus"),
    (ast.AugAssign, "in an augmented assignment"),
    (ast.Call, "in the arguments of a call"),
)


class Unknown:
    """Stands for a name that the cell binds to something that only the trial computes."""


class DimensionFinder:
    """Reads a cell statement by statement; collects dimensions, the rest, and every mistake with its line.

    Attributes:
        found: The dimensions by name.
        lines: The line of each name that was meant as a dimension.
        body: The statements that each trial runs.
        problems: What is wrong.
        used: Notebook names that the arguments of dimensions read.

    Args:
        names: The notebook's names.
        known: What the cell searched when it was launched; its dimensions are taken from there.
    """

    def __init__(self, names: Mapping[str, Any], known: Space | None = None) -> None:
        self.found: dict[str, AnyDimension] = {}
        self.lines: dict[str, int] = {}
        self.body: list[ast.stmt] = []
        self.problems: list[Problem] = []
        self.used: dict[str, None] = {}
        self._names = names
        self._known = known.dimensions if known is not None else {}
        self._local: dict[str, Any] = {}
        """Names bound in the cell so far: literals and our own imports by value, all else `Unknown`."""

    def read(self, tree: ast.Module, filename: str) -> None:
        """Sort the statements of a cell into dimensions and body."""
        for statement in tree.body:
            target, call = _single_assignment(statement)
            known = self._known_as(target)
            if call is not None and isinstance(target, ast.Name) and known is not None:
                self._take_over(target, call, known, filename)
            elif call is not None and self._is_constructor(call.func):
                self._dimension(target, call, filename)
            else:
                self._statement(statement)
        self._check_rebinding()

    def problem(self, node: ast.AST | int, subject: str, sentence: str, hint: str = "") -> None:
        """Note a mistake at the line of `node`."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 0)
        self.problems.append(Problem(f"line {line}: {subject}", "", sentence, hint))

    def _dimension(self, target: ast.expr | None, call: ast.Call, filename: str) -> None:
        if not isinstance(target, ast.Name):
            text = ast.unparse(target) if target is not None else ast.unparse(call)
            self.problem(call, text, "a dimension is assigned to a single name", "write `lr = Float(…)`")
            return
        name = target.id
        if name in self.lines:
            self.problem(target, name, f"is a dimension already, on line {self.lines[name]}")
            return
        self.lines[name] = target.lineno
        if name in _RESERVED:
            self.problem(target, name, "is ours in a trial and cannot be a dimension", f"try `{name}_`")
        else:
            before = len(self.problems)
            self._check_arguments(name, call)
            if len(self.problems) == before:
                self._evaluate(name, call, filename)

    def _known_as(self, target: ast.expr | None) -> AnyDimension | None:
        """Return what a target was when the cell was launched, if it was a dimension."""
        return self._known.get(target.id) if isinstance(target, ast.Name) else None

    def _take_over(self, target: ast.Name, call: ast.Call, known: AnyDimension, filename: str) -> None:
        """Take a dimension as it was at the launch, with the objects that its labels mean now."""
        name = target.id
        self.lines[name] = target.lineno
        self.found[name] = known
        self._check_arguments(name, call)
        choices = choices_of(call)
        if isinstance(known, Categorical) and choices is not None:
            value = self._value_of(name, choices, filename)
            if isinstance(value, dict):
                self.found[name] = Categorical(value, when=known.when)

    def _check_arguments(self, name: str, call: ast.Call) -> None:
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            own = {bound for node in ast.walk(argument) for bound in _argument_names(node)}
            self._misplaced(argument, "in the arguments of a call")
            for node in ast.walk(argument):
                if isinstance(node, ast.Name) and node.id not in own:
                    self._check_name(name, node)

    def _check_name(self, name: str, node: ast.Name) -> None:
        given = node.id
        if given in self.lines:
            self.problem(node, name, f"depends on the dimension `{given}`", "a condition is `when={…}`")
        elif self._local.get(given) is Unknown:
            self.problem(node, name, f"`{given}` is computed in this cell", "move it to a cell above")
        elif given not in self._local and given not in self._names and given not in _OURS:
            if not hasattr(builtins, given):
                hint = nearest(given, [key for key in self._names if not key.startswith("_")])
                self.problem(node, name, f"`{given}` is not defined", hint or "define it in a cell above")
        elif given in self._names and given not in self._local:
            self.used[given] = None

    def _evaluate(self, name: str, call: ast.Call, filename: str) -> None:
        """Evaluate a constructor call once, here in the main thread."""
        value = self._value_of(name, call, filename)
        if value is not None:
            self.found[name] = value

    def _value_of(self, name: str, expression: ast.expr, filename: str) -> Any:
        """Evaluate an expression of a dimension's line; `None` where that is a mistake."""
        namespace = {**_OURS, **self._names, **self._local, "__builtins__": builtins}
        try:
            code = compile(ast.Expression(expression), filename, "eval", dont_inherit=True)
            return eval(code, namespace)  # noqa: S307 - the user's own line, in the user's own kernel
        except InvalidSpec as error:
            for problem in error.problems:
                where = f"line {expression.lineno}: {name}.{problem.path}"
                self.problems.append(Problem(where, problem.given, problem.allowed, problem.hint))
        except Exception as error:  # noqa: BLE001 - whatever the user's expression raises is a mistake in the cell
            self.problem(expression, name, f"{type(error).__name__}: {error}")
        return None

    def _statement(self, statement: ast.stmt) -> None:
        self._misplaced(statement, "not assigned to a name")
        self.body.append(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(self._local.get(node.id), list | dict | set):
                self._local[node.id] = Unknown  # this statement may change it: only the trial knows its value
        for bound, _ in bindings(statement):
            self._local[bound] = Unknown
        self._local.update(_literal(statement) or _our_imports(statement) or self._alias(statement))

    def _check_rebinding(self) -> None:
        for statement in self.body:
            for name, node in bindings(statement):
                if name in self.lines:
                    place = f"is a dimension (line {self.lines[name]}) and must not be assigned or deleted"
                    self.problem(node, name, place, "use another name here")
                elif name in {"report", "trial"} and not _our_imports(statement):
                    self.problem(node, name, "is ours in a trial and must not be assigned", f"try `{name}_`")

    def _misplaced(self, node: ast.AST, place: str) -> None:
        """Note every constructor call below `node`: none of them stands where a dimension may."""
        if isinstance(node, ast.Call) and self._is_constructor(node.func):
            self.problem(
                node, ast.unparse(node), f"a dimension cannot stand {place}", "write `name = Float(…)`"
            )
            return
        if isinstance(node, ast.Assign) and len(node.targets) > 1:
            place = "in a chained assignment"
        place = next((words for kinds, words in _PLACES if isinstance(node, kinds)), place)
        for child in ast.iter_child_nodes(node):
            self._misplaced(child, place)

    def _alias(self, statement: ast.stmt) -> dict[str, Any]:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                return {name: self._resolve(value)} if self._is_constructor(value) else {}
        return {}

    def _is_constructor(self, function: ast.expr) -> bool:
        value = self._resolve(function)
        return isinstance(value, type) and value in CONSTRUCTORS

    def _resolve(self, node: ast.expr) -> Any:
        """Return what a name or a dotted name means before the cell runs, or `Unknown`."""
        if isinstance(node, ast.Name):
            for scope in (self._local, self._names, _OURS):
                if node.id in scope:
                    return scope[node.id]
        elif isinstance(node, ast.Attribute):
            base = self._resolve(node.value)
            if isinstance(base, ModuleType):
                # Never `getattr` on the modules of others: a lazy one would import half a library.
                ours = _is_ours(base.__name__)
                return getattr(base, node.attr, Unknown) if ours else vars(base).get(node.attr, Unknown)
        return Unknown


def choices_of(call: ast.Call) -> ast.expr | None:
    """Return the first argument of a constructor call: the choices of a `Categorical`."""
    named = (keyword.value for keyword in call.keywords if keyword.arg == "choices")
    return next(iter(call.args), None) or next(named, None)


def _single_assignment(statement: ast.stmt) -> tuple[ast.expr | None, ast.Call | None]:
    """Return target and call of `target = call`; the target is `None` for a chained assignment."""
    match statement:
        case ast.Assign(targets=[target], value=ast.Call() as call):
            return target, call
        case ast.AnnAssign(target=target, value=ast.Call() as call):
            return target, call
    return None, None


def _argument_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that an expression binds for itself: comprehension targets and lambda arguments."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg


def _literal(statement: ast.stmt) -> dict[str, Any]:
    """Return the value of a `name = literal` assignment, by name."""
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            try:
                return {name: ast.literal_eval(value)}
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return {}
    return {}


def _our_imports(statement: ast.stmt) -> dict[str, Any]:
    """Return what a cell imports from this very package: pasted cells bring their own import line."""
    match statement:
        case ast.Import(names=aliases):
            package = sys.modules[_PACKAGE]
            return {alias.asname or alias.name: package for alias in aliases if alias.name == _PACKAGE}
        case ast.ImportFrom(module=str(name), names=aliases, level=0) if (
            _is_ours(name) and name in sys.modules
        ):
            module = sys.modules[name]
            return {alias.asname or alias.name: getattr(module, alias.name, Unknown) for alias in aliases}
    return {}


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE
