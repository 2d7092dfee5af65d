"""`astraml.toml`: what a project runs in place of what its requests name, and where its inputs are.

[targets]
"xgboost:*" = "train.py"
"trainer" = { command = ["python", "-m", "trainer.task"] }

[inputs]
"s3://bucket/prefix" = "data/"

[storage."s3://bucket"]
endpoint_url = "http://127.0.0.1:9000"
key = { secret = "s3-key" }
secret = { secret = "s3-secret" }

[models]
"bert-base" = "models/bert"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.script_targets import Command, Registry
from astraml_lab.objectives.script_uris import Inputs
from astraml_lab.objectives.storage import Storages
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "astraml.toml"
_TABLES = ("targets", "inputs", "storage", "models")


@dataclass(frozen=True)
class Project:
    """What a project says.

    Attributes:
        folder: Where its file is; without one, the folder that was asked for.
        targets: Its `[targets]`.
        inputs: Its `[inputs]`.
        storages: Its `[storage]`.
        models: Its `[models]`: a folder, or a hub's id, by the name that stands for it.
    """

    folder: Path
    targets: Registry = field(default_factory=Registry)
    inputs: Inputs = field(default_factory=Inputs)
    storages: Storages = field(default_factory=Storages)
    models: dict[str, str] = field(default_factory=dict)


def project_of(folder: Path) -> Project:
    """Read the project file of a folder or of the nearest one above; paths in it start from where it is.

    Raises:
        InvalidSpec: It cannot be read, with every mistake.
    """
    file = next((each / NAME for each in (folder, *folder.parents) if (each / NAME).is_file()), None)
    if file is None:
        return Project(folder)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidSpec([Problem(str(file), "", "is no UTF-8 text")], subject=NAME) from None
    except (OSError, ValueError) as error:
        raise InvalidSpec([Problem(str(file), "", str(error))], subject=NAME) from None
    project = Project(file.parent)
    problems = [
        *(Problem(name, "", "no such table", _hint(name)) for name in data if name not in _TABLES),
        *_each(
            data, "targets", lambda name, value: project.targets.register(name, _target(value), file.parent)
        ),
        *_each(data, "inputs", lambda name, value: project.inputs.register(name, _text(value), file.parent)),
        *_each(data, "storage", project.storages.register),
        *_each(data, "models", lambda name, value: project.models.update({name: _text(value)})),
    ]
    if problems:
        raise InvalidSpec(problems, subject=str(file))
    return project


def _each(data: dict[str, Any], table: str, take: Callable[[str, Any], None]) -> list[Problem]:
    entries = data.get(table, {})
    if not isinstance(entries, dict):
        return [Problem(table, shown(entries), f"a table: [{table}]")]
    problems = []
    for name, value in entries.items():
        try:
            take(name, value)
        except InvalidSpec as error:
            problems += [_placed(f'{table}."{name}"', each) for each in error.problems]
    return problems


def _placed(path: str, problem: Problem) -> Problem:
    """Say where in the file a mistake is."""
    if problem.path in {"the pattern", "the prefix"}:  # that is the path
        return replace(problem, path=path, given="", allowed=f"{problem.path} must be {problem.allowed}")
    inside = "" if problem.path.startswith("the ") else f".{problem.path}"
    return replace(problem, path=path + inside)


def _hint(name: str) -> str:
    known = ", ".join(f"[{each}]" for each in _TABLES)
    return nearest(name, _TABLES) or f"there are {known}"


def _target(value: Any) -> str | Command:
    match value:
        case str():
            return value
        case {"command": True, **rest} if not rest:
            return Command()
        case {"command": [*words], **rest} if (
            not rest and words and all(isinstance(each, str) for each in words)
        ):
            return Command(*words)
    said = 'a path, a module, { command = true } or { command = ["python", "train.py"] }'
    hints = [nearest(name, ["command"]) for name in value] if isinstance(value, dict) else []
    hint = next((each for each in hints if each and "command" not in value), "")
    raise InvalidSpec([Problem("the target", shown(value), said, hint)])


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise InvalidSpec([Problem("the folder", shown(value), "a path")])
