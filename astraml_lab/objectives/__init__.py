"""What a trial runs: a cell, a function, a script, a notebook."""

from __future__ import annotations

from astraml_lab.objectives.attempt import TrialRun
from astraml_lab.objectives.base import Code
from astraml_lab.objectives.body import BodyKind, body_kind
from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_lines import CellLines
from astraml_lab.objectives.cell_source import (
    CellMistakes,
    CellSyntaxError,
    ParsedCell,
    cell_filename,
    parse_cell,
)
from astraml_lab.objectives.finetune import Finetune
from astraml_lab.objectives.fingerprint import changed, digest
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.objectives.function_call import call_in, call_of, notebook_argument
from astraml_lab.objectives.kinds import KINDS, Asks, Made, ObjectiveKind
from astraml_lab.objectives.notebook import (
    EXECUTED,
    Notebook,
    NotebookCode,
    is_notebook,
    notebook_again,
    notebook_job,
)
from astraml_lab.objectives.places import Place, ProcessPlace, ThreadPlace
from astraml_lab.objectives.reported import metric_names
from astraml_lab.objectives.script import (
    ScriptCode,
    finetune_job,
    grace_of,
    script_again,
    script_definition,
    script_job,
    stand_ins,
)
from astraml_lab.objectives.script_targets import TARGETS, Command
from astraml_lab.objectives.script_uris import INPUTS
from astraml_lab.objectives.storage import STORAGES, storage_options

__all__ = [
    "EXECUTED",
    "INPUTS",
    "KINDS",
    "STORAGES",
    "TARGETS",
    "Asks",
    "BodyKind",
    "CellCode",
    "CellLines",
    "CellMistakes",
    "CellSyntaxError",
    "Code",
    "Command",
    "Finetune",
    "FunctionCode",
    "Made",
    "Notebook",
    "NotebookCode",
    "ObjectiveKind",
    "ParsedCell",
    "Place",
    "ProcessPlace",
    "ScriptCode",
    "ThreadPlace",
    "TrialRun",
    "body_kind",
    "call_in",
    "call_of",
    "cell_filename",
    "changed",
    "digest",
    "finetune_job",
    "grace_of",
    "is_notebook",
    "metric_names",
    "notebook_again",
    "notebook_argument",
    "notebook_job",
    "parse_cell",
    "script_again",
    "script_definition",
    "script_job",
    "stand_ins",
    "storage_options",
]
