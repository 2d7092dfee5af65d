"""The kinds of objective: what a job can run, by name. Whoever asks for a job (a form) asks for these."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.objectives.finetune import KIND, Finetune, finetune_of
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.objectives.function_call import call_of, notebook_argument
from astraml_lab.objectives.notebook import notebook_job, notebook_of
from astraml_lab.objectives.script import finetune_job, script_job
from astraml_lab.spec import nearest, quoted, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from astraml_lab.objectives.base import Code
    from astraml_lab.spec import JobSpec, Space


class Asks(StrEnum):
    """How a person says what runs."""

    BODY = "body"
    """The statements of a cell."""
    CHOICE = "choice"
    """One of what the notebook offers."""
    LINE = "line"
    """One line, such as a path."""


@dataclass(frozen=True)
class Made:
    """What was made of what a person said: the code, and the space as the code has it."""

    space: Space
    code: Code


@dataclass(frozen=True)
class ObjectiveKind:
    """A kind of objective.

    Attributes:
        name: `Program.kind` of its code.
        title: What people call it.
        help: What it means, in a sentence.
        asks: How it is entered.
        make: Makes the code of what was entered, the job, and the notebook's names; of statements it gets all
            of the cell below the magic line.
        offers: What the notebook's names offer, the likeliest first.
        write: Writes the cell that runs the same; `None` where a `%%tune` cell with the statements does.
    """

    name: str
    title: str
    help: str
    asks: Asks
    make: Callable[[str, JobSpec, Mapping[str, Any]], Made]
    offers: Callable[[Mapping[str, Any]], Sequence[str]] = lambda _names: ()
    write: Callable[[str, JobSpec], str] | None = None


class ObjectiveKinds:
    """The registry: kinds by name, in the order in which they are offered."""

    def __init__(self) -> None:
        self._kinds: dict[str, ObjectiveKind] = {}

    def register(self, kind: ObjectiveKind) -> None:
        """Add a kind, or replace the one of its name."""
        self._kinds[kind.name] = kind

    def remove(self, name: str) -> None:
        """Take a kind away."""
        self._kinds.pop(name, None)

    def __iter__(self) -> Iterator[ObjectiveKind]:
        return iter(self._kinds.values())

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __getitem__(self, name: str) -> ObjectiveKind:
        return self._kinds[name]


def functions_of(names: Mapping[str, Any]) -> list[str]:
    """Return the notebook's functions: those written in it first, the newest foremost, then imported ones."""
    found = [
        (name, value)
        for name, value in names.items()
        if inspect.isfunction(value) and not name.startswith("_") and not _is_ours(value)
    ]
    own = [name for name, value in found if value.__module__ == "__main__"]
    return [*reversed(own), *sorted(name for name, _ in found if name not in own)]


def _is_ours(function: Any) -> bool:
    return str(function.__module__).partition(".")[0] in {"astraml_lab", "IPython", "ipykernel"}


def _cell(text: str, spec: JobSpec, names: Mapping[str, Any]) -> Made:
    parsed = parse_cell(text, names)
    return Made(parsed.space, CellCode(parsed, names, job=spec.name or ""))


def _function(text: str, spec: JobSpec, names: Mapping[str, Any]) -> Made:
    found = names.get(text.strip())
    if not callable(found):
        hint = nearest(text, functions_of(names)) or "run the cell that defines it"
        problem = Problem("the function", shown(text), "the notebook has no such function", hint)
        raise InvalidSpec([problem], subject="the job")
    return Made(spec.space, FunctionCode(found, spec.space, spec.objectives))


def _script(text: str, spec: JobSpec, _names: Mapping[str, Any]) -> Made:
    own, code = script_job(text.strip(), spec)
    return Made(own.space, code)


def _script_cell(text: str, spec: JobSpec) -> str:
    return call_of(quoted(text.strip()), spec)


def _asked(text: str, spec: JobSpec) -> Finetune:
    """Read a fine-tuning; variables have no place on the line: they stay those of the job."""
    asked = Finetune.from_line(text)
    program = spec.definitions[0].program
    if program is not None and program.kind == KIND and program.script is not None:
        asked.env = finetune_of(program.script).env
    return asked


def _finetune(text: str, spec: JobSpec, _names: Mapping[str, Any]) -> Made:
    own, code = finetune_job(_asked(text, spec), spec)
    return Made(own.space, code)


def _finetune_cell(text: str, spec: JobSpec) -> str:
    return call_of(repr(_asked(text, spec)), spec)


def _notebook(text: str, spec: JobSpec, _names: Mapping[str, Any]) -> Made:
    program = spec.definitions[0].program
    same = program is not None and program.kind == "notebook" and program.source == text.strip()
    own, code = notebook_job(notebook_of(program) if same else text.strip(), spec)
    return Made(own.space, code)


def _notebook_cell(text: str, spec: JobSpec) -> str:
    return call_of(notebook_argument(text.strip(), spec.definitions[0].program), spec)


KINDS = ObjectiveKinds()
"""The registry of this process."""
KINDS.register(
    ObjectiveKind(
        "cell",
        "the cell's body",
        "Statements that report; the space's names are variables.",
        Asks.BODY,
        _cell,
    )
)
KINDS.register(
    ObjectiveKind(
        "function",
        "a function of the notebook",
        "Its parameters come from the space; `trial` and `report` are ours.",
        Asks.CHOICE,
        _function,
        functions_of,
        call_of,
    )
)
KINDS.register(
    ObjectiveKind(
        "script",
        "a script",
        "The path of a script, or a module's name: it gets the space's names as arguments, `--lr 0.1`, and "
        "prints its metrics, `accuracy=0.9`, or calls `astraml_lab.report`.",
        Asks.LINE,
        _script,
        write=_script_cell,
    )
)
KINDS.register(
    ObjectiveKind(
        KIND,
        "a transformer to fine-tune",
        "A model, a data set, then settings: `bert-base data.csv task=classification`; the space varies "
        "settings such as lr, and the objective is eval_loss, eval_accuracy …",
        Asks.LINE,
        _finetune,
        write=_finetune_cell,
    )
)
KINDS.register(
    ObjectiveKind(
        "notebook",
        "a notebook",
        "The path of a notebook: each trial executes it in a kernel of its own, with the space's names as "
        "parameters, which a cell tagged `parameters` declares; it calls `astraml_lab.report`.",
        Asks.LINE,
        _notebook,
        write=_notebook_cell,
    )
)
