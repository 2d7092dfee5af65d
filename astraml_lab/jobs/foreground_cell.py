"""The source of a cell that runs one configuration of a job in the foreground: to step through, to change."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound
from astraml_lab.objectives import CellLines
from astraml_lab.objectives.dimensions import choices_of
from astraml_lab.spec import FailureKind, quoted, state_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from astraml_lab.spec import JobSpec, ParamValue, Program, TrialView

_WHOLE = {"script": "a script", "finetune": "a fine-tuning", "notebook": "a notebook"}
"""What runs as a whole, by the kind of its program."""
_OWN = "nothing is stored; %debug steps into an error"


def risk(view: TrialView) -> str:
    """Say what running a trial in the foreground may do to this kernel; empty where there is no danger."""
    if view.kind is not FailureKind.CRASHED:
        return ""
    return f"Trial {view.number} ended its whole process; in the foreground that may end this kernel."


def foreground_cell(spec: JobSpec, view: TrialView, call: str) -> str:
    """Return the source of the cell.

    Args:
        spec: The job.
        view: The trial.
        call: The arguments that name the trial to `foreground`: `"digits", 7`.

    Raises:
        NotFound: There is no text to write it from.
    """
    name, program = spec.name, spec.definitions[0].program
    if program is None or not program.source:
        raise NotFound(f"the code of {name} is not in the store: no cell can be written for it")
    if program.kind in _WHOLE:
        what = _WHOLE[program.kind]
        raise NotFound(f"{name} runs {what}, which no cell can step through: run it by hand with the values")
    head = [f"# {name}, trial {view.number}, {state_words(view)}: here in the foreground; {_OWN}"]
    head += [f"# {risk(view)}"] if risk(view) else []
    if program.kind == "function":
        return "\n".join([*head, *_function(program, view, str(name), call)])
    return "\n".join([*head, *_cell(program, view, spec.space.names(), call)])


# a function


def function_of(program: Program, name: str) -> ast.FunctionDef:
    """Return the function of the job `name`.

    Raises:
        NotFound: It has no name that a cell could call, such as a `lambda`.
    """
    try:
        (function,) = ast.parse(program.source).body
    except (SyntaxError, ValueError):
        function = None
    if not isinstance(function, ast.FunctionDef):
        raise NotFound(f"the function of {name} has no name: no cell can be written for it")
    return function


def _function(program: Program, view: TrialView, name: str, call: str) -> list[str]:
    function = function_of(program, name)
    labels = [each for each in program.objects if view.params.get(each) is not None]
    lines = [f"# {each}: put the object here that the label stands for" for each in labels]
    listed = "".join(f"    {quoted(each)}: {value!r},\n" for each, value in view.params.items())
    return [
        "from astraml_lab import foreground",
        "",
        *lines,
        f"params = {{\n{listed}}}" if listed else "params = {}",
        f"with foreground({call}, params=params) as trial:",
        f"    print({function.name}({', '.join(_arguments(function, view.params))}))",
    ]


def _arguments(function: ast.FunctionDef, params: Mapping[str, ParamValue]) -> Iterable[str]:
    given = function.args
    ours = {"trial": "trial", "report": "trial.report"}
    in_order = [each.arg for each in (*given.posonlyargs, *given.args)]
    by_place = max(len(given.posonlyargs), int(in_order[:1] == ["trial"]))
    yield from (ours.get(name, f'params["{name}"]') for name in in_order[:by_place])
    named = [*in_order[by_place:], *(each.arg for each in given.kwonlyargs)]
    yield from (f"{name}={ours[name]}" for name in named if name in ours)
    wanted = [name for name in params if name in named or (given.kwarg and name not in in_order)]
    if wanted and wanted == list(params):
        yield "**params"
    else:
        yield from (f'{name}=params["{name}"]' for name in wanted)


# a cell


def _cell(program: Program, view: TrialView, names: Collection[str], call: str) -> list[str]:
    lines = CellLines(program.source)
    tree, dimensions = lines.tree, lines.assigned(names)
    future = [each for each in tree.body if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    out = [*future, *(each.statement for each in dimensions.values())]
    body = [each for each in tree.body if each not in out]
    used = {node.id for each in body for node in ast.walk(each) if isinstance(node, ast.Name)}
    listed = ", ".join(f'"{name}": {name}' for name in dimensions)
    params = f", params={{{listed}}}" if dimensions else ""
    calls = {name: each.call for name, each in dimensions.items()}
    return [
        *map(ast.unparse, future),
        f"from astraml_lab import foreground{', report' if 'report' in used else ''}",
        "",
        *_assignments(calls, program, view, tree),
        f"with foreground({call}{params}) as trial:",
        *(["    device = trial.device"] if "device" in used else []),
        _indented(lines.text.split("\n"), out, body),
    ]


def _assignments(
    calls: Mapping[str, ast.Call], program: Program, view: TrialView, tree: ast.Module
) -> list[str]:
    """Return an assignment per dimension, with what was searched as a comment."""
    found = []
    needed: set[str] = set()
    for name, call in calls.items():
        value, objects = repr(view.params[name]), choices_of(call)
        if name in program.objects and objects is not None and view.params[name] is not None:
            needed |= {node.id for node in ast.walk(objects) if isinstance(node, ast.Name)}
            text = ast.unparse(objects)
            whole = isinstance(objects, ast.Dict | ast.Name | ast.Attribute | ast.Call)
            value = f"{text}[{value}]" if whole else f"({text})[{value}]"
        found.append(f"{name} = {value}  # {ast.unparse(call)}")
    above = [each for each in tree.body if _assigned(each) in needed]
    return [*map(ast.unparse, above), *found, *([""] if found else [])]


def _assigned(statement: ast.stmt) -> str | None:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return None


def _indented(lines: Sequence[str], out: Sequence[ast.stmt], body: list[ast.stmt]) -> str:
    """Return the body with its comments; where indentation would change it (long strings), written anew."""
    gone = {number for each in out for number in range(each.lineno, (each.end_lineno or each.lineno) + 1)}
    kept = "\n".join(line for number, line in enumerate(lines, 1) if number not in gone)
    text = textwrap.indent(kept.strip("\n"), "    ")
    wanted = [ast.dump(each) for each in body]
    try:
        (block,) = ast.parse(f"with x:\n{text}\n").body
        same = [ast.dump(each) for each in block.body] == wanted  # type: ignore[attr-defined]  # a `with`
    except (SyntaxError, ValueError):
        same = False
    if same and body:
        return text
    return textwrap.indent("\n".join(map(ast.unparse, body)) or "pass", "    ")
