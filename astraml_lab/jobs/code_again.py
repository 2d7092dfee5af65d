"""The code of a stored job, found again in a kernel that has not run its cell."""

from __future__ import annotations

import ast
import shlex
import sys
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Conflict, InvalidSpec, NotFound
from astraml_lab.jobs.naming import tune_line
from astraml_lab.objectives import (
    CellCode,
    FunctionCode,
    cell_filename,
    notebook_again,
    parse_cell,
    script_again,
)
from astraml_lab.spec import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from astraml_lab.objectives import Code
    from astraml_lab.spec import JobSpec, Program
    from astraml_lab.store import GenerationRecord

_MORE = 10
"""So many further trials a sentence suggests."""
_AS_STORED = {"new": False, "replace": False, "check": False, "form": False, "dry_run": False}


def code_of(spec: JobSpec, names: Mapping[str, Any] | None = None) -> tuple[JobSpec, Code]:
    """Make a stored job's code from its text and from what the notebook defines now.

    The space stays the stored one, whatever its bounds were computed from; only the objects behind labels
    come from the notebook.

    Args:
        spec: What was asked for.
        names: The notebook's names (default: those of `__main__`).

    Returns:
        The specification, with the objects in it, and the code.

    Raises:
        Conflict: Something is missing in this kernel, or the code cannot be found again; with what to do.
    """
    names = vars(sys.modules["__main__"]) if names is None else names
    program = spec.definitions[0].program
    if program is None or not program.source:
        raise Conflict(f"the code of {spec.name} is not in the store: run what launched it, and it goes on")
    again = {"cell": _cell, "function": _function}.get(program.kind, _script)
    return again(spec, program, names)


def refuse_imported(spec: JobSpec) -> None:
    """Refuse to run a job that is a table or a study of elsewhere.

    Raises:
        Conflict: With how a job starts from it.
    """
    if spec.definitions[0].program is None:
        name = shlex.quote(str(spec.name))
        raise Conflict(
            f"{spec.name} was imported and has no code to run: a cell with `--name {name}`, or with "
            f"`--warm-start {name}`, starts from its trials"
        )


def refuse_spent(found: GenerationRecord, spec: JobSpec, used: int, trials: int | None) -> None:
    """Refuse to go on with a job that has nothing left to do.

    Args:
        found: The job.
        spec: What was asked for so far.
        used: How many trials count already.
        trials: What is asked for now.

    Raises:
        Conflict: With what to type for more.
    """
    done = max(used, spec.trials) if found.state is JobState.SUCCEEDED else used
    if found.state is JobState.STALE or (trials or spec.trials) > done:
        return
    more = tune_line("resume", found.name, found.project, f"--trials {done + _MORE}")
    said = f": {found.reason}" if found.reason else ""
    raise Conflict(f"{found.name} is {found.state} after {used} trials{said}. `{more}` runs more.")


def _cell(spec: JobSpec, program: Program, names: Mapping[str, Any]) -> tuple[JobSpec, Code]:
    missing = [name for name in program.names if name not in names]
    if missing:
        raise _undefined(spec, missing)
    filename = cell_filename(program.source, spec.name or "cell")
    try:
        cell = parse_cell(program.source, names, filename=filename, space=spec.space)
    except InvalidSpec as error:
        raise Conflict(f"the cell of {spec.name} cannot be read again: {error}") from None
    definition = spec.definitions[0].model_copy(update={"space": cell.space})
    again = spec.model_copy(update={**_AS_STORED, "definitions": (definition,)})
    return again, CellCode(cell, names, job=spec.name or "")


def _function(spec: JobSpec, program: Program, names: Mapping[str, Any]) -> tuple[JobSpec, Code]:
    name = _name_of(program.source)
    if name is None or program.objects:
        why = "its function has no name" if name is None else f"`{program.objects[0]}` stands for objects"
        raise Conflict(
            f"{spec.name} cannot be taken up by its name ({why}): run what launched it, and it goes on"
        )
    if not callable(names.get(name)):
        raise _undefined(spec, [name, *(each for each in program.names if each not in names)])
    try:
        code = FunctionCode(names[name], spec.space, spec.objectives)
    except InvalidSpec as error:
        raise Conflict(f"`{name}` is not the function that {spec.name} tunes any more: {error}") from None
    missing = [each for each in program.names if each not in code.program.names]
    if missing and code.program.source == program.source:
        raise _undefined(spec, missing)
    return spec.model_copy(update=_AS_STORED), code


def _script(spec: JobSpec, program: Program, _names: Mapping[str, Any]) -> tuple[JobSpec, Code]:
    again = notebook_again if program.kind == "notebook" else script_again
    try:
        return spec.model_copy(update=_AS_STORED), again(spec)
    except (InvalidSpec, NotFound) as error:
        raise Conflict(f"what {spec.name} runs is not here: {error}") from None


def _name_of(source: str) -> str | None:
    """Return the name that a function's source defines, if it is that of a plain function."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a lambda within its line
        return None
    match statements:
        case [ast.FunctionDef(name=name)]:
            return name
    return None


def _undefined(spec: JobSpec, missing: Iterable[str]) -> Conflict:
    listed = ", ".join(f"`{name}`" for name in missing)
    then = tune_line("resume", str(spec.name), spec.project)
    return Conflict(f"first run the cells that define {listed}, then `{then}`: {spec.name} uses them")
