"""Tables from files and data frames, cell by cell in Python's own types; a blank is `None`."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, NotFound, Problem
from astraml_lab.spec import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

READABLE = ".csv, .tsv, .jsonl, .ndjson or .parquet"
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?", re.IGNORECASE)
_BLANKS = frozenset({"", "nan", "none", "na", "n/a", "null", "-", "<na>"})
"""What stands for no value in a column of numbers or truths; in one of texts only an empty cell does."""
_TRUTHS = {"true": True, "false": False}
_LARGEST_CELL = 2**27


@dataclass(frozen=True)
class Table:
    """Columns of one length.

    Attributes:
        label: What people call it: `sweep.csv`.
        stem: What a job made of it may be called, or empty.
        columns: The cells by name: numbers, texts, truths, `None`; of a data frame whatever it holds.
        hints: What the maker of the table says of its columns, where it does.
    """

    label: str
    stem: str
    columns: dict[str, list[Any]]
    hints: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return max((len(cells) for cells in self.columns.values()), default=0)


def is_table_file(text: str) -> bool:
    """Whether the name of a file says that it holds a table."""
    return Path(text).suffix.lower() in _READERS


def read_table(source: Any) -> Table:
    """Read a table.

    Args:
        source: The path of a file, or a pandas `DataFrame`.

    Raises:
        NotFound: There is no such file.
        InvalidSpec: It is no table, or one without rows.
    """
    is_path = isinstance(source, str | Path)
    table = _read_file(Path(source).expanduser()) if is_path else _read_frame(source)
    if not len(table):
        raise refused(table.label, "has no rows")
    return table


def refused(path: str, *words: str) -> InvalidSpec:
    """Return the error of a source that cannot be read."""
    return InvalidSpec([Problem(path, "", *words)], subject="the table")


def _read_file(path: Path) -> Table:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise refused(path.name, f"no table that can be read: {READABLE}, a DataFrame or an Optuna study")
    if not path.is_file():
        near = [each.name for each in path.parent.glob("*") if is_table_file(each.name)]
        hint = nearest(path.name, near)
        raise NotFound(f"no file {path} (from {Path.cwd()}){f': {hint}' if hint else ''}")
    try:
        return reader(path)
    except (OSError, UnicodeError) as error:
        raise refused(path.name, f"cannot be read: {error}") from error


def _read_text(path: Path) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        first = lines.readline()
        lines.seek(0)
        # A quoted header may hold the others; the one that cuts it most often is meant
        mark = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
        csv.field_size_limit(_LARGEST_CELL)
        try:
            header, *rows = [row for row in csv.reader(lines, delimiter=mark) if row] or [[]]
        except csv.Error as error:
            raise refused(path.name, f"cannot be read: {error}") from error
    names = [name.strip() for name in header]
    _refuse_twins(path.name, [name for name in names if name])
    long = [number for number, row in enumerate(rows, 1) if len(row) > len(names)]
    if long:
        cells = len(rows[long[0] - 1])
        raise refused(path.name, f"row {long[0]} has {cells} cells, the header {len(names)}")
    padded = [row + [""] * (len(names) - len(row)) for row in rows]
    texts = zip(names, zip(*padded, strict=True), strict=True) if padded else ()
    # An unnamed column is the index that pandas writes
    return Table(path.name, path.stem, {name: _typed(cells) for name, cells in texts if name})


def _read_json_lines(path: Path) -> Table:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise refused(path.name, f"line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise refused(path.name, f"line {number} is {shown(row)}, not an object with names and values")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return Table(path.name, path.stem, {name: _cells([row.get(name) for row in rows]) for name in names})


def _read_parquet(path: Path) -> Table:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise refused(path.name, "Parquet needs pyarrow", "pip install pyarrow, or save it as CSV") from error
    except ValueError as error:
        raise refused(path.name, f"cannot be read: {error}") from error
    return _of_frame(frame, path.name, path.stem)


def _read_frame(source: Any) -> Table:
    import pandas as pd

    if not isinstance(source, pd.DataFrame):
        what = f"is a {type(source).__name__}"
        raise refused("source", f"{what}; import takes a file ({READABLE}), a DataFrame or an Optuna study")
    return _of_frame(source, "a DataFrame", "")


def _of_frame(frame: pd.DataFrame, label: str, stem: str) -> Table:
    import pandas as pd

    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [_flat(name) for name in frame.columns]
    _refuse_twins(label, names)
    columns: dict[str, list[Any]] = {}
    for position, name in enumerate(names):
        series = frame.iloc[:, position]
        blank = pd.isna(series).tolist()
        cells = series.tolist()
        columns[name] = _cells([None if gone else cell for gone, cell in zip(blank, cells, strict=True)])
    hints = frame.attrs.get("astraml", {})
    return Table(label, stem, columns, dict(hints) if isinstance(hints, dict) else {})


def _flat(name: Any) -> str:
    """Return the name of a column; Optuna's may have two levels."""
    return "_".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)


def _refuse_twins(label: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise refused(label, f"has several columns called {', '.join(twice)}")


def _cells(values: list[Any]) -> list[Any]:
    """Return a column in Python's own types, blanks as `None`."""
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    return _whole_again([None if value != value or value == "" else value for value in plain])  # noqa: PLR0124 - NaN


def _typed(texts: Sequence[str]) -> list[Any]:
    """Read a column of texts as what all of it can be: whole numbers, numbers, truths, or texts."""
    given = [text.strip() for text in texts]
    words = {text for text in given if text.lower() not in _BLANKS}
    readings: tuple[tuple[Callable[[str], object], Callable[[str], Any]], ...] = (
        (_WHOLE.fullmatch, int),
        (_NUMBER.fullmatch, float),
        (lambda text: text.lower() in _TRUTHS, lambda text: _TRUTHS[text.lower()]),
    )
    for fits, read in readings:
        if all(fits(word) for word in words):
            return _whole_again([None if text.lower() in _BLANKS else read(text) for text in given])
    return [text or None for text in texts]


def _whole_again(cells: list[Any]) -> list[Any]:
    """Undo what pandas does to whole numbers in a column with blanks: 16 became 16.0."""
    floats = [cell for cell in cells if cell is not None]
    if len(floats) == len(cells) or not all(isinstance(cell, float) and cell.is_integer() for cell in floats):
        return cells
    return [None if cell is None else int(cell) for cell in cells]


_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
}
