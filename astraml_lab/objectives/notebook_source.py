"""A notebook that runs as a trial, read at the door: its cells, its kernel, its declared parameters."""

from __future__ import annotations

import ast
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.credentials import is_a_secret
from astraml_lab.errors import InvalidSpec, Problem, one_of
from astraml_lab.objectives.sources import tree_digest
from astraml_lab.objectives.values import digest
from astraml_lab.spec import Categorical, Discrete, Float, Int, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from astraml_lab.spec import AnyDimension, Space

TAG = "parameters"
"""The tag of the cell after which papermill puts a run's values."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "float": (float, int),
    "int": (int,),
    "str": (str,),
}
"""By what a parameter is declared as: the values that it may get."""
_OLDEST = 4
_SUBJECT = "the notebook"
_RENEWED = "open it in JupyterLab and save it"


@dataclass(frozen=True)
class NotebookSource:
    """A notebook as it was when the job was asked for: later changes in its file reach no trial.

    Attributes:
        path: Its file.
        text: The notebook without its outputs, as JSON.
        cells: The code cells.
        declared: What the cell tagged `parameters` assigns: declared types by name, empty where none is.
        tagged: Whether there is such a cell.
        kernel: The Jupyter kernel that the notebook names; empty where it names none.
        language: What it is written in.
    """

    path: Path
    text: str
    cells: tuple[str, ...]
    declared: Mapping[str, str]
    tagged: bool
    kernel: str
    language: str

    @cached_property
    def digest(self) -> str:
        """A digest of the code, which outputs, comments and text cells do not change."""
        return digest("\n".join(map(_digest_of, self.cells)))

    def problems(self, space: Space, fixed: Mapping[str, Any], kernel: str) -> list[Problem]:
        """Find what would make each trial fail, or train something else than was asked for."""
        found = [*self._kernel_problems(kernel)]
        if (len(space) or fixed) and not self.tagged:
            said = f"{self.path.name} has no cell tagged `{TAG}`, after which a trial's values would go"
            return [*found, Problem("parameters", "", said, "tag the cell that assigns their defaults")]
        for name, dimension in space.dimensions.items():
            found += self._name_problems(f"space.{name}", name)
            found += self._dimension_problems(f"space.{name}", name, dimension)
            if name in fixed:
                found.append(Problem(f"parameters.{name}", shown(fixed[name]), "varies in the space already"))
        for name, value in fixed.items():
            found += self._name_problems(f"parameters.{name}", name)
            found += self._value_problems(f"parameters.{name}", name, value)
        return found

    def _name_problems(self, path: str, name: str) -> Iterator[Problem]:
        if name not in self.declared:
            listed = ", ".join(self.declared) or "none"
            said = f"{self.path.name} declares no such parameter; it declares: {listed}"
            yield Problem(path, "", said, nearest(name, self.declared))

    def _dimension_problems(self, path: str, name: str, dimension: AnyDimension) -> Iterator[Problem]:
        if isinstance(dimension, Categorical) and dimension.has_objects:
            said = "its choices are objects, which no notebook can be given"
            yield Problem(path, "", said, "let the notebook make them of the labels")
        takes = _TYPES.get(self.declared.get(name, ""), (object,))
        for odd in [each for each in _values(dimension) if not _fits(each, takes)][:1]:
            said = f"{self.path.name} declares it as {self.declared[name]}, and it may be {shown(odd)}"
            yield Problem(path, type(dimension).__name__, said)

    def _value_problems(self, path: str, name: str, value: Any) -> Iterator[Problem]:
        takes = _TYPES.get(self.declared.get(name, ""), (object,))
        if not _is_plain(value):
            yield Problem(
                path, shown(value), "a number, a text, a boolean, None, or lists and mappings of them"
            )
        elif is_a_secret(json.dumps(value)):
            said = "a key or a password, which would be stored with the job and in each executed notebook"
            yield Problem(path, "", said, "read it in the notebook, from where it is kept")
        elif isinstance(value, dict) and value.keys() == {"secret"}:
            said = "a secret would stand in the executed notebook"
            yield Problem(path, shown(value), said, "read it in the notebook, from where it is kept")
        elif not _fits(value, takes):
            said = f"{self.path.name} declares it as {self.declared[name]}"
            yield Problem(path, shown(value), said)

    def _kernel_problems(self, kernel: str) -> Iterator[Problem]:
        from jupyter_client.kernelspec import KernelSpecManager

        wanted = kernel or self.kernel
        known = sorted(KernelSpecManager().find_kernel_specs())
        if not wanted:
            hint = f'Notebook("{self.path.name}", kernel="{next(iter(known), "python3")}")'
            yield Problem("kernel", "", f"{self.path.name} names no kernel", hint)
        elif wanted not in known:
            yield Problem("kernel", shown(wanted), one_of(known), nearest(wanted, known))
        if self.language != "python":
            yield Problem("the language", self.language, "the trials of a job report from Python")


def read_notebook(path: Path, given: str) -> NotebookSource:
    """Read a notebook.

    Args:
        path: Its file.
        given: How the person wrote that.

    Raises:
        InvalidSpec: There is no such file, or it holds no notebook that could run.
    """
    if not path.is_file():
        raise InvalidSpec([Problem(_SUBJECT, given, f"there is no file {path}")])
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [(each["cell_type"], _text(each["source"]), _tags(each)) for each in content["cells"]]
        version = int(content["nbformat"])
        metadata = dict(content.get("metadata", {}))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        said = f"no notebook of format {_OLDEST} ({type(error).__name__}: {error})"
        raise InvalidSpec([Problem(_SUBJECT, given, said, _RENEWED)]) from None
    if version < _OLDEST:
        raise InvalidSpec([Problem(_SUBJECT, given, f"of format {version}", _RENEWED)])
    tagged = next((text for kind, text, tags in cells if kind == "code" and TAG in tags), None)
    named = metadata.get("kernelspec", {})
    language = metadata.get("language_info", {}).get("name") or named.get("language") or "python"
    return NotebookSource(
        path=path,
        text=_without_outputs(content),
        cells=tuple(text for kind, text, _ in cells if kind == "code" and text.strip()),
        declared=_declared(tagged or ""),
        tagged=tagged is not None,
        kernel=str(named.get("name", "")),
        language=str(language).lower(),
    )


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def _without_outputs(content: dict[str, Any]) -> str:
    cells = [
        {**each, "outputs": [], "execution_count": None} if each["cell_type"] == "code" else each
        for each in content["cells"]
    ]
    metadata = {name: value for name, value in content.get("metadata", {}).items() if name != "widgets"}
    return json.dumps({**content, "cells": cells, "metadata": metadata})


def _declared(source: str) -> dict[str, str]:
    """Return what a cell assigns at its top level, with the type that it declares, if it does.

    As papermill reads it: `lr: float = 0.1`, `lr = 0.1  # type: float`, `lr = 0.1`.
    """
    found: dict[str, str] = {}
    for node in _tree(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = ast.unparse(node.annotation).strip("'\"")
        elif isinstance(node, ast.Assign):
            names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and _is_stored(each)]
            found.update(dict.fromkeys(names, (node.type_comment or "").split("#")[0].strip()))
    return found


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _tree(source: str) -> ast.Module:
    """Parse a cell; the lines of magics and of the shell are no Python."""
    lines = ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines), type_comments=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _digest_of(cell: str) -> str:
    try:
        return tree_digest(ast.parse(cell))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # magics
        return digest("\n".join(line.rstrip() for line in cell.strip().splitlines()))


def _values(dimension: AnyDimension) -> tuple[Any, ...]:
    """Return values that stand for all that a dimension may give a notebook."""
    if isinstance(dimension, Float):
        return (float(dimension.low),)
    if isinstance(dimension, Int):
        return (dimension.low,)
    if isinstance(dimension, Discrete):
        return tuple(map(whole, dimension.values))
    return tuple(dimension.choices)


def whole(value: Any) -> Any:
    """Return a Discrete's whole number as an integer: notebooks read `32`, not `32.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _fits(value: Any, takes: tuple[type, ...]) -> bool:
    """Whether a value is of these types; Python takes `True` for a number, and nobody else does."""
    if value is None:
        return True
    return isinstance(value, takes) and (not isinstance(value, bool) or bool in takes or object in takes)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(each) for name, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)
