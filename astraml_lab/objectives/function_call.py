"""A job that tunes a function, as the cell that calls `tune` for it; and back."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.finetune import Finetune, finetune_definition
from astraml_lab.objectives.notebook import Notebook, is_notebook, notebook_definition, notebook_of
from astraml_lab.objectives.script import script_definition
from astraml_lab.spec import (
    CONSTRUCTORS,
    Constraint,
    Definition,
    Goal,
    JobSpec,
    Program,
    changed_options,
    objectives_of,
    quoted,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_WITH_MORE = "notebook=Notebook("
_FINETUNE = Finetune.__name__


def call_of(name: str, spec: JobSpec, *, labelled: Collection[str] = ()) -> str:
    """Write the cell that tunes the function `name`.

    Args:
        name: The function; a script as a string literal; a fine-tuning as the call that makes it; a notebook
            as `notebook_argument` writes it.
        spec: The job.
        labelled: Dimensions whose objects whoever gets the cell puts in place of their labels: it says so.

    Raises:
        InvalidSpec: Choices are objects, which have no text.
    """
    refused = [each for each in spec.space.with_objects() if each not in labelled]
    if refused:
        said, hint = "its choices are objects, which have no text", "write them there as labels and objects"
        raise InvalidSpec([Problem(f"space.{each}", "", said, hint) for each in refused], subject="the cell")
    labels = [each for each in labelled if each in spec.space]
    used = {type(each).__name__ for each in spec.space.dimensions.values()}
    starts = {f"{_FINETUNE}(": _FINETUNE, _WITH_MORE: Notebook.__name__}
    names = sorted(used.union(word for start, word in starts.items() if name.startswith(start)))
    arguments = [name or "train", *_arguments(spec)]
    lines = [
        f"from astraml_lab import {', '.join([*names, 'tune'])}",
        "",
        *(f"# {each}: put the objects here that the labels stand for" for each in labels),
        "job = tune(",
        *(f"    {each}," for each in arguments),
        ")",
    ]
    return "\n".join(lines) + "\n"


def notebook_argument(path: str, program: Program | None) -> str:
    """Write the argument that names a notebook.

    Args:
        path: The notebook.
        program: What the job runs, for what the notebook is given beside a trial's values.
    """
    same = program is not None and program.kind == "notebook" and program.source == path
    known = notebook_of(program) if same else None
    more = [quoted(path)]
    if known is not None and known.kernel:
        more.append(f"kernel={quoted(known.kernel)}")
    if known is not None and known.parameters:
        more.append(f"parameters={dict(known.parameters)!r}")
    return f"notebook={quoted(path)}" if len(more) == 1 else f"{_WITH_MORE}{', '.join(more)})"


def call_in(text: str, names: Mapping[str, Any]) -> JobSpec | None:
    """Read such a cell; `None` where no statement of the text calls `tune`.

    Args:
        text: The cell.
        names: What the arguments of the dimensions may name.

    Raises:
        InvalidSpec: With every mistake in the call.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    found = next((each for each in ast.walk(tree) if _is_tune(each)), None)
    if not isinstance(found, ast.Call) or not (found.args or _named_notebook(found)):
        return None
    try:
        return _spec_of(found, names)
    except TypeError as error:  # the call itself would fail the same way
        raise InvalidSpec([Problem("the call", "", str(error))], subject="the cell") from None


def _spec_of(call: ast.Call, names: Mapping[str, Any]) -> JobSpec:
    of_notebook = _named_notebook(call)
    given = _named(call, names, but="notebook")
    if len(call.args) > 1:
        given["space"] = _value("space", call.args[1], names)
    objectives = objectives_of(given.pop("maximize", ()), given.pop("minimize", ()))
    space = given.pop("space", None) or {}
    definition = validate(Definition, {"space": space, "objectives": objectives})
    match of_notebook or call.args[0]:
        case ast.Constant(value=str(path)) if of_notebook or is_notebook(path):
            definition = notebook_definition(Notebook(path), definition)
        case ast.Call() as made if _called(made) == Notebook.__name__:
            plain = [_value("notebook", each, names) for each in made.args]
            definition = notebook_definition(Notebook(*plain, **_named(made, names)), definition)
        case ast.Constant(value=str(path)):
            definition = script_definition(path, definition)
        case ast.Call(args=[model, data, *_]) as made if _called(made) == _FINETUNE:
            plain = [_value(what, each, names) for what, each in (("the model", model), ("the data", data))]
            definition = finetune_definition(Finetune(*plain, **_named(made, names)), definition)
        case function:
            program = Program(kind="function", source=ast.unparse(function))
            definition = definition.model_copy(update={"program": program})
    return validate(JobSpec, {**given, "definitions": (definition,)})


def _arguments(spec: JobSpec) -> Iterator[str]:
    if len(spec.space):
        rows = [f"        {quoted(name)}: {each!r}," for name, each in spec.space.dimensions.items()]
        yield "\n".join(["space={", *rows, "    }"])
    for goal in Goal:
        metrics = [each.metric for each in spec.objectives if each.goal is goal]
        if metrics:
            yield f"{goal.value}={quoted(metrics[0]) if len(metrics) == 1 else repr(metrics)}"
    for option, value in changed_options(spec).items():
        yield f"{option}={_spelled(value)}"


def _spelled(value: Any) -> str:
    if isinstance(value, tuple) and any(isinstance(each, Constraint) for each in value):
        texts = [quoted(str(each)) for each in value]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return quoted(str(value)) if isinstance(value, str) else repr(value)


def _is_tune(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _called(node) == "tune"


def _called(call: ast.Call) -> str:
    """Return the last word of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else str(getattr(call.func, "id", ""))


def _named_notebook(call: ast.Call) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == "notebook"), None)


def _value(name: str, node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Read an argument: a literal, or calls of our constructors; nothing else is evaluated."""
    known = {each.__name__: each for each in CONSTRUCTORS}
    match node:
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {
                _value(name, key, names): _value(name, value, names)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
        case ast.Call(args=args):
            if _called(node) in known:
                plain = [_value(name, each, names) for each in args]
                return known[_called(node)](*plain, **_named(node, names))
    try:
        return ast.literal_eval(node)
    except (ValueError, SyntaxError):
        pass
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    raise _unreadable(name, node)


def _named(call: ast.Call, names: Mapping[str, Any], but: str = "") -> dict[str, Any]:
    """Read the arguments of a call that have names."""
    found = {}
    for each in call.keywords:
        if each.arg is None:
            raise _unreadable("the call", each.value)
        if each.arg != but:
            found[each.arg] = _value(each.arg, each.value, names)
    return found


def _unreadable(name: str, node: ast.expr) -> InvalidSpec:
    problem = Problem(name, ast.unparse(node), "only plain values and dimensions can be read back")
    return InvalidSpec([problem], subject="the cell")
