"""What each trial runs: the part of the form that asks for it, one kind of objective at a time."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.core.getipython import get_ipython

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives import KINDS, Asks, Made, ObjectiveKind
from astraml_lab.ui.cell_text import body_without
from astraml_lab.ui.form_fields import complaint, marked, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.spec import JobSpec, Program

_LINE = re.compile(r"line (\d+)")
_DEFINED = re.compile(r"\s*(?:@[^\n]*\n\s*)*(?:async\s+)?def\s+(\w+)")


class ProgramPart:
    """Asks what runs.

    Args:
        on_change: Called after each key.
        given: A function that the notebook need not know.
    """

    def __init__(self, on_change: Callable[[], object], given: Callable[..., Any] | None = None) -> None:
        self.given = {} if given is None else {_name(given): given}
        self._start: Program | None = None
        self.kind = widgets.Dropdown(description="Run", tooltip="What each trial runs")
        marked(self.kind, "astraml-wide")
        self.body = widgets.Textarea(
            placeholder="for epoch in range(10):\n    ...\n    report(accuracy=...)",
            tooltip="What each trial runs; the names of the space are its variables",
            continuous_update=True,
        )
        marked(self.body, "astraml-code")
        self.choice = marked(widgets.Dropdown(tooltip="Which one"), "astraml-choice")
        self.line = marked(widgets.Text(tooltip="Which one", continuous_update=True), "astraml-choice")
        self._said = widgets.HTML()
        first = marked(widgets.HBox([self.kind, self.choice, self.line]), "astraml-controls")
        self.rows = [first, self.body, self._said]
        self.refresh()
        self.kind.value = "function" if self.given else "cell"
        self._show()
        self.kind.observe(lambda _change: self._show(), "value")
        for control in (self.kind, self.body, self.choice, self.line):
            control.observe(lambda _change: on_change(), "value")

    @property
    def chosen(self) -> ObjectiveKind:
        """The kind that is chosen."""
        return KINDS[self.kind.value]

    @property
    def entered(self) -> str:
        """What is entered for it."""
        control = {Asks.BODY: self.body, Asks.CHOICE: self.choice, Asks.LINE: self.line}[self.chosen.asks]
        return str(control.value or "")

    def set(self, program: Program | None, names: list[str]) -> None:
        """Show what a job runs; of a cell, the statements that assign the dimensions `names` stay out."""
        self._start = program
        kind = program.kind if program is not None and program.kind in KINDS else "cell"
        source = program.source if program is not None else ""
        self.refresh()
        self.kind.value = kind
        asks = self.chosen.asks
        if asks is Asks.BODY:
            self.body.value = body_without(source, names)
        elif asks is Asks.LINE:
            self.line.value = source
        else:
            found = _DEFINED.match(source)
            self._choose(found[1] if found else source.strip())
        self._show()

    def refresh(self) -> None:
        """Offer what the registry and the notebook have now."""
        kinds = tuple((each.title, each.name) for each in KINDS)
        if self.kind.options != kinds:
            self.kind.options = kinds
        if self.kind.value is not None and self.chosen.asks is Asks.CHOICE:
            offers = tuple(dict.fromkeys([*self.given, *self.chosen.offers(self.names())]))
            chosen = self.choice.value
            if chosen and chosen not in offers:
                offers = (*offers, chosen)
            if self.choice.options != offers:
                self.choice.options = offers
                self.choice.value = chosen if chosen in offers else next(iter(offers), None)

    def names(self) -> dict[str, Any]:
        """Return the notebook's names, and the function that the form was given."""
        shell = get_ipython()
        return {**(shell.user_ns if shell is not None else {}), **self.given}

    def made(self, spec: JobSpec, source: str) -> Made:
        """Make the code.

        Args:
            spec: The job.
            source: Of statements, the whole cell below the magic line.

        Raises:
            InvalidSpec: With every mistake; lines are those of the text field.
        """
        if not self.entered.strip():
            hint = {
                Asks.BODY: "write it here, or choose a function",
                Asks.CHOICE: "run the cell that defines one, or pass it: TuneForm(body=train)",
            }
            problem = Problem("the program", "", "nothing would run", hint.get(self.chosen.asks, ""))
            raise InvalidSpec([problem], subject="the form")
        if self.chosen.asks is not Asks.BODY:
            return self.chosen.make(self.entered, self.as_given(spec), self.names())
        self._refuse_bad_syntax()
        offset = source[: source.index(self.entered.strip("\n"))].count("\n") + 1
        try:
            return self.chosen.make(source, spec, self.names())
        except InvalidSpec as error:
            raise InvalidSpec(
                [_shifted(each, offset) for each in error.problems], subject="the form"
            ) from None

    def as_given(self, spec: JobSpec) -> JobSpec:
        """Add what the job that is shown ran: a line has no place for variables or a notebook's kernel."""
        if self._start is None or self.chosen.asks is not Asks.LINE or self._start.kind != self.chosen.name:
            return spec
        own = spec.definitions[0].model_copy(update={"program": self._start})
        return spec.model_copy(update={"definitions": (own,)})

    def complain(self, problems: list[Problem]) -> None:
        """Say what is wrong with it; else what the kind means."""
        words = complaint("; ".join(map(str, problems))) or said(self.chosen.help)
        if self._said.value != words:
            self._said.value = words

    def _refuse_bad_syntax(self) -> None:
        try:
            ast.parse(self.entered)
        except SyntaxError as error:
            where = f"line {error.lineno}" if error.lineno else "the body"
            raise InvalidSpec([Problem(where, "", error.msg)], subject="the form") from None
        except ValueError as error:  # a null byte
            raise InvalidSpec([Problem("the body", "", str(error))], subject="the form") from None

    def _choose(self, name: str) -> None:
        if name and name not in self.choice.options:
            self.choice.options = (*self.choice.options, name)
        self.choice.value = name or None

    def _show(self) -> None:
        asks = self.chosen.asks
        for control, when in ((self.body, Asks.BODY), (self.choice, Asks.CHOICE), (self.line, Asks.LINE)):
            control.layout.display = None if asks is when else "none"
        self.refresh()
        self._said.value = said(self.chosen.help)


def _name(function: Any) -> str:
    name = str(getattr(function, "__name__", type(function).__name__))
    return name if name.isidentifier() else "function"


def _shifted(problem: Problem, offset: int) -> Problem:
    """Count lines from the first of the text field."""
    found = _LINE.match(problem.path)
    if not found or int(found[1]) <= offset:
        return problem
    return replace(problem, path=f"line {int(found[1]) - offset}{problem.path[found.end() :]}")
