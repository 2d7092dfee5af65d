"""Which columns of a data set a task reads; looked for at the door where the data is a local file."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import Problem
from astraml_lab.objectives.finetune.files import DISK_DICT, kind_of, sorted_by_split
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_ENCODING = "utf-8-sig"
"""UTF-8; the mark that spreadsheets put at the beginning of a file is no part of a column's name."""


@dataclass(frozen=True)
class Role:
    """What a task reads from a column.

    Attributes:
        option: The setting that names the column.
        usual: How it is usually called, the likeliest first.
        optional: Whether the task works without it.
        what: What people call it.
    """

    option: str
    usual: tuple[str, ...]
    what: str
    optional: bool = False


def assign(
    roles: Sequence[Role], columns: Sequence[str], said: Mapping[str, Any]
) -> tuple[dict[str, str], list[Problem]]:
    """Find a column for each role.

    Args:
        roles: The task's.
        columns: Those of the data.
        said: The settings, which may name some.

    Returns:
        Columns by the role's option, and what is missing; the problems list the columns that there are.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    listed = ", ".join(columns) or "none"
    for role in roles:
        name = said.get(role.option)
        if name is not None and name not in columns:
            hint = nearest(str(name), columns)
            problems.append(Problem(role.option, shown(name), f"the data has the columns {listed}", hint))
        elif name is not None:
            found[role.option] = str(name)
        else:
            lower = {each.lower(): each for each in reversed(columns) if each not in found.values()}
            match = next((lower[usual] for usual in role.usual if usual in lower), None)
            if match is not None:
                found[role.option] = match
            elif not role.optional:
                usual = ", ".join(role.usual[:3])
                text = f"no column is called like {role.what} ({usual} …): the data has {listed}"
                problems.append(Problem(role.option, "", text, f"say {role.option}=…"))
    return found, problems


def local_columns(path: Path) -> list[str] | None:
    """Return the columns of local data, without loading it; None where they cannot be told so.

    Raises:
        ValueError: The data cannot be read.
    """
    try:
        return _columns(path)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error, KeyError, TypeError) as error:
        raise ValueError(str(error)) from None


def _columns(path: Path) -> list[str] | None:
    return _folders_columns(path) if path.is_dir() else _files_columns(path)


def _folders_columns(path: Path) -> list[str] | None:
    if (path / DISK_DICT).is_file():
        splits = json.loads((path / DISK_DICT).read_text())["splits"]
        return _columns(path / splits[0]) if splits else None
    if (path / "dataset_info.json").is_file():
        return list(json.loads((path / "dataset_info.json").read_text()).get("features") or ()) or None
    files = sorted_by_split(path)
    if not files:
        raise ValueError("the folder holds no data")
    return _columns(next(iter(files.values()))[0])


def _files_columns(path: Path) -> list[str] | None:
    match kind_of(path):
        case "csv":
            with path.open(newline="", encoding=_ENCODING) as file:
                return next(csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","), [])
        case "json":
            return _json_columns(path)
        case "parquet":
            import pyarrow.parquet

            return list(pyarrow.parquet.read_schema(path).names)
        case "text":
            return ["text"]
    return None


def _json_columns(path: Path) -> list[str] | None:
    with path.open(encoding=_ENCODING) as file:
        first = next((line for line in file if line.strip()), "")
    if first.lstrip().startswith("["):
        return None  # one document: to read it is to load it
    row = json.loads(first) if first else {}
    return list(row) if isinstance(row, dict) else None
