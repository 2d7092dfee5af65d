"""Files of a data set: their kinds, and which split each belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DISK_DICT = "dataset_dict.json"
"""What `DatasetDict.save_to_disk` leaves in its folder."""
DISK = "state.json"
"""What `Dataset.save_to_disk` leaves in its folder."""
_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".txt": "text",
}
KNOWN = "CSV, TSV, JSON lines, Parquet, text, or a folder that `save_to_disk` wrote"
_SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
    "test": "test",
}


def kind_of(path: Path) -> str:
    """Return how a file is read: csv, json, parquet or text, by its name or else its beginning."""
    known = _KINDS.get(path.suffix.lower())
    if known:
        return known
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(b"PAR1"):
        return "parquet"
    return "json" if start.lstrip().startswith((b"{", b"[")) else "csv"


def sorted_by_split(path: Path) -> dict[str, list[Path]]:
    """Return the files of a file or folder by split; where no name says one, all are for training."""
    if path.is_file():
        return {"train": [path]}
    files = [each for each in sorted(path.rglob("*")) if each.is_file() and _is_data(each, path)]
    found: dict[str, list[Path]] = {}
    for each in files:
        split = _split_of(each, path)
        if split:
            found.setdefault(split, []).append(each)
    if found:
        return found
    return {"train": files} if files else {}


def _is_data(path: Path, root: Path) -> bool:
    inside = path.relative_to(root)
    hidden = any(part.startswith((".", "_")) for part in inside.parts)
    return not hidden and path.stat().st_size > 0 and (path.suffix.lower() in _KINDS or not path.suffix)


def _split_of(path: Path, root: Path) -> str:
    """Return the split that a file's or its folder's name begins with: `train-00000-of-00002.parquet`."""
    for part in reversed(path.relative_to(root).parts):
        word = part.lower().replace("_", "-").replace(".", "-").partition("-")[0]
        if word in _SPLITS:
            return _SPLITS[word]
    return ""
