"""The form: the third way to write a job, beside the cell and Python."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.core.getipython import get_ipython

from astraml_lab.errors import AstramlError, InvalidSpec, Problem
from astraml_lab.objectives.cell import CellCode
from astraml_lab.objectives.cell_source import parse_cell
from astraml_lab.objectives.function import FunctionCode
from astraml_lab.spec import (
    CONSTRUCTORS,
    AnyDimension,
    Definition,
    Float,
    Goal,
    JobSpec,
    Objective,
    option_fields,
    refuse_unbuilt,
    validate,
)
from astraml_lab.ui.cell_text import body_without, cell_of, written_dimensions
from astraml_lab.ui.form_fields import OptionField, complaint, said
from astraml_lab.ui.form_rows import DimensionRow, ObjectiveRow
from astraml_lab.ui.places import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astraml_lab.objectives.base import Code

MAIN = ("name", "project", "trials", "parallel", "gpus", "strategy", "prune")
_NOT_HERE = frozenset({"check", "form", "dry_run"})


class TuneForm(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """A job as a form.

    Args:
        spec: What it starts with.
        body: What runs: a function, or the body of a cell as text (default: the specification's own cell).
        lab: The facade that launches (default: `astraml_lab.lab`).

    Raises:
        InvalidSpec: The specification has several definitions, and a form holds one.
    """

    def __init__(
        self, spec: JobSpec | None = None, *, body: str | Callable[..., Any] = "", lab: Any = None
    ) -> None:
        self._lab = lab
        self._start = spec or JobSpec()
        if len(self._start.definitions) > 1:
            problem = Problem("definitions", str(len(self._start.definitions)), "the form holds one")
            raise InvalidSpec([problem], subject="the form")
        self.job: Any = None
        self._code = body if callable(body) else None
        self.body = widgets.Textarea(
            value=body if isinstance(body, str) and body else _body_of(self._start),
            placeholder="for epoch in range(10):\n    ...\n    report(accuracy=...)",
            tooltip="What each trial runs; the names of the space are its variables",
            layout=widgets.Layout(width="auto", height="140px"),
        )
        self.dimensions: list[DimensionRow] = []
        self.objectives: list[ObjectiveRow] = []
        self._dimension_box, self._objective_box = widgets.VBox(), widgets.VBox()
        fields = {name: info for name, info in option_fields().items() if name not in _NOT_HERE}
        self.options = {
            name: OptionField(name, info, getattr(self._start, name)) for name, info in fields.items()
        }
        self.message, self._goals_said = widgets.HTML(), widgets.HTML()
        self.cell = widgets.Textarea(
            layout=widgets.Layout(width="auto", height="180px", display="none"), tooltip="The job as a cell"
        )
        self.output = widgets.Output()
        self._shown = widgets.VBox()
        self._fill()
        super().__init__(self._parts(), layout=widgets.Layout(width="100%"))

    def spec(self) -> JobSpec:
        """Return the job that is entered.

        Raises:
            InvalidSpec: With every mistake in the form.
        """
        problems: list[Problem] = []
        space: dict[str, AnyDimension] = {}
        for row in self.dimensions:
            try:
                name, dimension = row.read()
            except InvalidSpec as error:
                name = row.name.value.strip() or "a dimension"
                problems += [
                    Problem(f"space.{name}.{p.path}", p.given, p.allowed, p.hint) for p in error.problems
                ]
                continue
            if name in space:
                problems.append(Problem(f"space.{name}", "", "this name is used twice"))
            space[name] = dimension
        objectives = [objective for row in self.objectives if (objective := row.read()) is not None]
        made = self._validated(space, objectives, problems)
        if problems or made is None:
            raise InvalidSpec(dict.fromkeys(problems), subject="the form")
        return made

    def check(self) -> bool:
        """Show every mistake beside its field; whether there is none."""
        try:
            spec = self.spec()
            refuse_unbuilt(spec)
        except AstramlError as error:
            self._complain(error)
            return False
        self._complain(None)
        goals = ", ".join(f"{objective.goal.value} {objective.metric}" for objective in spec.objectives)
        count = len(spec.space)
        dimensions = f"{count} dimension{'' if count == 1 else 's'}"
        self.message.value = said(
            f"✓ No mistakes: {dimensions}, {goals or 'no objective'}, {spec.trials} trials."
        )
        return True

    def write_as_cell(self) -> str:
        """Put the job into a new cell; the text is also shown here and returned."""
        try:
            text = self._cell(self.spec())
        except InvalidSpec as error:
            self._complain(error)
            return ""
        self.cell.value = text
        self.cell.layout.display = None
        shell = get_ipython()
        if shell is not None:
            shell.set_next_input(text)
        # A button's answer cannot carry a cell: the kernel hands it over with the next one that runs.
        self.message.value = said(
            "The cell is below; as a new cell it appears after the next one that you run."
        )
        return text

    def launch(self) -> Any:
        """Start the job and show it below the form; returns it, or `None` where something is wrong."""
        if not self.check():
            return None
        lab = self._lab if self._lab is not None else importlib.import_module("astraml_lab.lab")
        self.output.clear_output()
        place = widgets.Output()  # a job that was launched before keeps its own
        self._shown.children = (place,)
        with self.output, within(place):
            try:
                spec, code = self._program()
                self.job = lab.launch(spec.model_copy(update={"wait": False}), code)
            except AstramlError as error:
                self._complain(error)
                return None
        self.message.value = said(f"✓ Launched as {self.job.name}.")
        return self.job

    def _program(self) -> tuple[JobSpec, Code]:
        spec = self.spec()
        if self._code is not None:
            return spec, FunctionCode(self._code, spec.space, spec.objectives)
        if not self.body.value.strip():
            hint = "write it here, or give the form a function: TuneForm(body=train)"
            raise InvalidSpec([Problem("body", "", "nothing would run", hint)], subject="the form")
        shell = get_ipython()
        names: dict[str, Any] = {kind.__name__: kind for kind in CONSTRUCTORS}
        names |= shell.user_ns if shell is not None else {}
        source = self._cell(spec).partition("\n")[2]
        parsed = parse_cell(source, names)
        code = CellCode(parsed, names, job=spec.name or "")
        definition = spec.definitions[0].model_copy(update={"space": parsed.space, "program": code.program})
        return spec.model_copy(update={"definitions": (definition,)}), code

    def _cell(self, spec: JobSpec) -> str:
        """Write the cell; objects behind labels are spelled as in the cell that the form came from."""
        program = self._start.definitions[0].program
        source = program.source if program is not None and program.kind == "cell" else ""
        written = written_dimensions(source, self._start.space.names())
        same = {
            row.name.value.strip(): written[row.start_name]
            for row in self.dimensions
            if row.untouched and row.start_name in written
        }
        return cell_of(spec, self.body.value, same)

    def _validated(
        self, space: Mapping[str, AnyDimension], objectives: list[Objective], problems: list[Problem]
    ) -> JobSpec | None:
        values = {name: field.value() for name, field in self.options.items()}
        try:
            definition = validate(
                Definition,
                {
                    "name": self._start.definitions[0].name,
                    "space": dict(space),
                    "objectives": tuple(objectives),
                },
            )
        except InvalidSpec as error:
            problems += error.problems
            definition = Definition()
        try:
            return validate(JobSpec, {**values, "definitions": (definition,)})
        except InvalidSpec as error:
            problems += error.problems
            return None

    def _complain(self, error: AstramlError | None) -> None:
        problems = list(error.problems) if isinstance(error, InvalidSpec) else []
        for name, field in self.options.items():
            mine = [problem for problem in problems if problem.path.partition("[")[0] == name]
            field.complain("; ".join(map(str, mine)))
            problems = [problem for problem in problems if problem not in mine]
        for row in self.dimensions:
            place = f"space.{row.name.value.strip() or 'a dimension'}"
            mine = [
                p for p in problems if (p.path + ".").removeprefix("definitions[0].").startswith(place + ".")
            ]
            row.complain(mine)
            problems = [problem for problem in problems if problem not in mine]
        goals = [problem for problem in problems if _is_of_goals(problem)]
        self._goals_said.value = complaint("; ".join(f"{p.allowed}" for p in goals))
        lines = [str(problem) for problem in problems if problem not in goals]
        if error is not None and not isinstance(error, InvalidSpec):
            lines = [str(error)]
        elif error is not None and not lines:
            lines = ["Mend what is marked above."]
        self.message.value = "<br>".join(complaint(line) for line in lines)

    def _fill(self) -> None:
        for name, dimension in self._start.space.dimensions.items():
            self._add_dimension(name, dimension)
        for objective in self._start.objectives:
            self._add_objective(objective.metric, objective.goal)
        if not self.dimensions:
            self._add_dimension("lr", Float(1e-4, 1e-1, log=True))
        if not self.objectives:
            self._add_objective("", Goal.MAXIMIZE)

    def _parts(self) -> list[Any]:
        def add(text: str, action: Callable[[], object]) -> widgets.Button:
            button = widgets.Button(description=text, icon="plus", layout=widgets.Layout(width="150px"))
            button.on_click(lambda _button: action())
            return button

        others = [field.row for name, field in self.options.items() if name not in MAIN]
        accordion = widgets.Accordion([widgets.VBox(others)], titles=("More options",))
        program = [] if self._code is not None else [_heading("What each trial runs"), self.body]
        return [
            _heading("Search space"),
            self._dimension_box,
            add("Add dimension", lambda: self._add_dimension("", Float(0.0, 1.0))),
            _heading("Objectives"),
            self._objective_box,
            self._goals_said,
            add("Add objective", lambda: self._add_objective("", Goal.MINIMIZE)),
            *program,
            _heading("Options"),
            *(self.options[name].row for name in MAIN),
            accordion,
            self._buttons(),
            self.message,
            self.cell,
            self.output,
            self._shown,
        ]

    def _buttons(self) -> widgets.HBox:
        made = []
        actions: tuple[tuple[str, str, str, Callable[[], object]], ...] = (
            ("Check", "check", "", self.check),
            ("Write as cell", "code", "", self.write_as_cell),
            ("Launch", "play", "primary", self.launch),
        )
        for text, icon, style, action in actions:
            button = widgets.Button(description=text, icon=icon, button_style=style)
            button.on_click(lambda _button, action=action: action())
            made.append(button)
        return widgets.HBox(made, layout=widgets.Layout(margin="8px 0"))

    def _add_dimension(self, name: str, dimension: AnyDimension) -> None:
        def remove(row: DimensionRow) -> None:
            self.dimensions.remove(row)
            self._dimension_box.children = [each.row for each in self.dimensions]

        self.dimensions.append(DimensionRow(remove, name, dimension))
        self._dimension_box.children = [each.row for each in self.dimensions]

    def _add_objective(self, metric: str, goal: Goal) -> None:
        def remove(row: ObjectiveRow) -> None:
            self.objectives.remove(row)
            self._objective_box.children = [each.row for each in self.objectives]

        self.objectives.append(ObjectiveRow(remove, metric, goal))
        self._objective_box.children = [each.row for each in self.objectives]


def _is_of_goals(problem: Problem) -> bool:
    path = problem.path.removeprefix("definitions[0].")
    return path.partition("[")[0] in {"maximize", "minimize", "objectives"}


def _heading(text: str) -> widgets.HTML:
    return widgets.HTML(f'<div style="font-weight:600;margin:6px 0 2px">{text}</div>')


def _body_of(spec: JobSpec) -> str:
    program = spec.definitions[0].program
    if program is None or program.kind != "cell":
        return ""
    return body_without(program.source, spec.space.names())
