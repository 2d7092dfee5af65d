"""What a trial runs: a cell, a function."""

from __future__ import annotations

from astraml_lab.objectives.attempt import TrialRun
from astraml_lab.objectives.base import Code
from astraml_lab.objectives.body import BodyKind, body_kind
from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import (
    CellMistakes,
    CellSyntaxError,
    ParsedCell,
    cell_filename,
    parse_cell,
)
from astraml_lab.objectives.fingerprint import changed, digest
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.objectives.places import Place, ProcessPlace, ThreadPlace

__all__ = [
    "BodyKind",
    "CellCode",
    "CellMistakes",
    "CellSyntaxError",
    "Code",
    "FunctionCode",
    "ParsedCell",
    "Place",
    "ProcessPlace",
    "ThreadPlace",
    "TrialRun",
    "body_kind",
    "cell_filename",
    "changed",
    "digest",
    "parse_cell",
]
