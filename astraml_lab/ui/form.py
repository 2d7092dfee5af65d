"""The form: the third way to write a job, beside the cell and Python."""

from __future__ import annotations

import contextlib
import functools
import html
import importlib
import logging
import threading
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from astraml_lab.devices import SystemProbe
from astraml_lab.errors import AstramlError, InvalidSpec, Problem
from astraml_lab.objectives import Asks, metric_names
from astraml_lab.spec import (
    INSTEAD_OF_RUNNING,
    AnyDimension,
    Float,
    Goal,
    JobSpec,
    Program,
    option_fields,
    refuse_unbuilt,
)
from astraml_lab.ui.cell_text import cell_of, written_dimensions
from astraml_lab.ui.debounce import Debounce
from astraml_lab.ui.form_fields import OptionField, complaint, marked, said
from astraml_lab.ui.form_layout import button, devices_words, option_sections, section, shown_if
from astraml_lab.ui.form_lists import GoalsPart, SpacePart
from astraml_lab.ui.form_opening import Opening
from astraml_lab.ui.form_program import ProgramPart
from astraml_lab.ui.form_reading import Findings, read
from astraml_lab.ui.form_text import job_in, json_of, summary_of
from astraml_lab.ui.hands import Hands
from astraml_lab.ui.page_widget import answer_in_subshell
from astraml_lab.ui.places import within

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from astraml_lab.devices import Probe
    from astraml_lab.objectives import Code

_FIRST: dict[str, AnyDimension] = {"lr": Float(1e-4, 1e-1, log=True)}
"""What a new job starts with."""
_TYPING = 0.35
"""Seconds without a key after which what is entered is judged."""


_log = logging.getLogger(__name__)


class TuneForm(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """A job as a form.

    Whatever a button does, a method does: `check()`, `write_as_cell()`, `launch()`, `save()`, `load(text)`.

    Args:
        spec: What it starts with.
        body: What runs: a function, or the body of a cell as text (default: the specification's own).
        lab: The facade that launches (default: `astraml_lab.lab`).
        probe: Looks for GPUs (default: at this machine).
        patience: Seconds without a key after which what is entered is judged.

    Raises:
        InvalidSpec: The specification has several definitions, and a form holds one.
    """

    def __init__(
        self,
        spec: JobSpec | None = None,
        *,
        body: str | Callable[..., Any] = "",
        lab: Any = None,
        probe: Probe | None = None,
        patience: float = _TYPING,
    ) -> None:
        self._lab = lab
        self.job: Any = None
        self._lock = threading.RLock()
        self._filling = True
        self._soon = Debounce(patience, self._review, self._lock)
        self._touched: set[Hashable] = set()
        self._judged = False
        self.space = SpacePart(self._entered)
        self.goals = GoalsPart(functools.partial(self._entered, "objectives"))
        self.program = ProgramPart(lambda: self._entered("program"), body if callable(body) else None)
        self.options = {
            name: OptionField(name, info, getattr(JobSpec(), name), functools.partial(self._entered, name))
            for name, info in option_fields().items()
            if name not in INSTEAD_OF_RUNNING
        }
        self.message = widgets.HTML()
        self.hands = Hands(self._inserted)
        self._shown = widgets.VBox()
        self.opening = Opening(self.load)
        self._devices = devices_words((probe or SystemProbe()).list())
        super().__init__(self._parts())
        marked(self, "astraml-form")
        self.hands.stand_for(self.model_id or "", spec or JobSpec())
        self._fill(spec or JobSpec())
        if isinstance(body, str) and body:
            self.program.body.value = body
        self._filling = False
        self._listen()

    # what is entered

    def spec(self) -> JobSpec:
        """Return the job that is entered.

        Raises:
            InvalidSpec: With every mistake in the form.
        """
        found = self._read()
        if found.spec is None:
            raise InvalidSpec(dict.fromkeys(found.problems), subject="the form")
        return found.spec

    def load(self, text: str) -> bool:
        """Show the job of a `%%tune` cell, a cell that calls `tune`, or JSON; whether it could be read."""
        try:
            self._fill(job_in(text, self.program.names()))
        except AstramlError as error:
            self._refuse(error)
            return False
        self._judged = True
        self._review()
        self.message.value = said("✓ The fields show that job now.", "good")
        return True

    def save(self) -> str:
        """Return the job as JSON, and have the browser store it; empty where something is wrong."""
        try:
            spec = self._with_program(self.spec())
        except AstramlError as error:
            self._complain(error)
            return ""
        text = json_of(spec)
        self.hands.download(f"{spec.name or 'job'}.json", text, "application/json")
        return text

    # what can be done with it

    def check(self) -> bool:
        """Show every mistake beside its field; without one, try a configuration. Whether all is well."""
        try:
            spec, code = self._valid()
        except AstramlError as error:
            self._complain(error)
            return False
        self._complain(None)
        if code is None:
            self.message.value = said(
                f"✓ {summary_of(spec)} Nothing would run yet: say what each trial runs.", "good"
            )
            return True
        self.message.value = said(f"{summary_of(spec)} Trying the first configuration…")
        try:
            found = self._facade().preflight(spec, code)
        except AstramlError as error:
            self._refuse(error)
            return False
        tried = f'<pre class="astraml-said">{html.escape(str(found))}</pre>'
        self.message.value = said(f"✓ {summary_of(spec)}", "good") + tried
        return True

    def write_as_cell(self) -> str:
        """Put the job into a new cell below this one; the text is returned too."""
        try:
            text = self._cell(self.spec())
        except AstramlError as error:
            self._complain(error)
            return ""
        self._complain(None)
        self.hands.insert(text.rstrip("\n"), self.model_id)
        return text

    def launch(self) -> Any:
        """Start the job and show it in the form's place; returns it, or `None` where something is wrong."""
        try:
            spec, code = self._valid()
            if code is None:
                spec, code = self._program(spec)  # says what is missing
        except AstramlError as error:
            self._complain(error)
            return None
        self._complain(None)
        place = self._place()
        with within(place):
            try:
                self.job = self._facade().launch(spec.model_copy(update={"wait": False}), code)
            except AstramlError as error:
                self._complain(error)
                return None
        self.message.value = said(f"✓ Launched as {self.job.name}.", "good")
        self.hands.stand_for(self.model_id or "", self.job, launched=True)
        self._turn(launched=True)
        return self.job

    # how

    def _place(self) -> Any:
        """Return a new place for a job: one that was launched before must not end in it."""
        before, self._shown.children = self._shown.children, (widgets.Output(),)
        for each in before:
            each.close()
        return self._shown.children[0]

    def _facade(self) -> Any:
        return self._lab if self._lab is not None else importlib.import_module("astraml_lab.lab")

    def _valid(self) -> tuple[JobSpec, Code | None]:
        """Return the job with its code, where anything is entered that could run.

        Raises:
            InvalidSpec: With every mistake.
            NotBuiltYet: An option is of a later version.
        """
        spec = self.spec()
        refuse_unbuilt(spec)
        return self._program(spec) if self.program.entered.strip() else (spec, None)

    def _program(self, spec: JobSpec) -> tuple[JobSpec, Code]:
        made = self.program.made(spec, self._source(spec))
        return _defining(spec, space=made.space, program=made.code.program), made.code

    def _with_program(self, spec: JobSpec) -> JobSpec:
        """Add what runs, as far as text can say it."""
        if not self.program.entered.strip():
            return spec
        with contextlib.suppress(AstramlError):
            return self._program(spec)[0]
        if self.program.chosen.asks is not Asks.BODY:
            return spec
        return _defining(spec, program=Program(kind="cell", source=self._source(spec)))

    def _source(self, spec: JobSpec) -> str:
        return self._cell(spec).partition("\n")[2] if self.program.chosen.asks is Asks.BODY else ""

    def _cell(self, spec: JobSpec) -> str:
        """Write the cell; objects behind labels are spelled as in the cell that the form came from."""
        kind = self.program.chosen
        if kind.write is not None:
            return kind.write(self.program.entered, self.program.as_given(spec))
        program = self._start.definitions[0].program
        source = program.source if program is not None and program.kind == "cell" else ""
        written = written_dimensions(source, self._start.space.names())
        same = {
            row.entered_name: written[row.start_name]
            for row in self.space.rows
            if row.untouched and row.start_name in written
        }
        return cell_of(spec, self.program.body.value if kind.asks is Asks.BODY else "", same)

    def _read(self) -> Findings:
        return read(self.space.rows, self.goals.rows, self.options, self._start.definitions[0].name)

    def _entered(self, what: Hashable) -> None:
        if self._filling:
            return
        self._touched.add(what)
        if what is None:  # a row that is new
            self._listen()
        self._soon.ask()

    def _review(self) -> None:
        """Judge what is entered: beside what was touched, and beside everything after the first check."""
        with self._told(), self._lock:
            self.program.refresh()
            self._offer()
            found = self._read()
            problems = list(found.problems)
            in_program: list[Problem] = []
            if "program" in self._touched or self._judged:
                in_program = self._program_problems(found.spec)
            self._distribute(problems, in_program, self._judged)
            if not self._judged or "is-mistake" in self.message.value:
                self.message.value = ""

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say in the form what goes wrong on a thread of its own: nobody else would hear of it."""
        try:
            yield
        except AstramlError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001  said and logged
            _log.exception("What is entered in a form could not be judged.")
            what = f"{type(error).__name__}: {error}"
            self.message.value = complaint(f"This could not be judged ({what}): change what each trial runs.")

    def _program_problems(self, spec: JobSpec | None) -> list[Problem]:
        if spec is None or not self.program.entered.strip():
            return []
        try:
            self._program(spec)
        except InvalidSpec as error:
            return list(error.problems)
        return []

    def _complain(self, error: AstramlError | None) -> None:
        """Show the mistakes that a button found, all of them."""
        with self._lock:
            self._soon.cancel()
            self._judged = True
            problems = list(error.problems) if isinstance(error, InvalidSpec) else []
            rest = self._distribute(problems, [], everywhere=True)
            if error is not None and not isinstance(error, InvalidSpec):
                self._refuse(error)
            elif rest:
                self.message.value = "<br>".join(complaint(str(each)) for each in rest)
            elif error is not None:
                self.message.value = complaint("Mend what is marked above.")
                self.hands.reveal()
            else:
                self.message.value = ""

    def _refuse(self, error: AstramlError) -> None:
        self.message.value = f'<pre class="astraml-said is-mistake">{html.escape(str(error))}</pre>'

    def _distribute(
        self,
        problems: list[Problem],
        in_program: list[Problem],
        everywhere: bool,  # noqa: FBT001 - of this class only
    ) -> list[Problem]:
        """Say each mistake beside its field; returns those that have none."""
        found = Findings(None, tuple(problems))

        def due(what: Hashable) -> bool:
            return everywhere or what in self._touched

        for name, field in self.options.items():
            mine = found.of_option(name)
            field.complain("; ".join(map(str, mine)) if due(name) else "")
        for row in self.space.rows:
            mine = found.of_row(row.entered_name)
            row.complain(mine if due(id(row)) else ())
        self.goals.complain(found.of_goals() if due("objectives") else ())
        about_program = [*found.of_program(), *in_program]
        self.program.complain(about_program if due("program") else [])
        return found.unplaced(self.options, [row.entered_name for row in self.space.rows])

    def _offer(self) -> None:
        """Offer what fits: conditions on other dimensions, metrics that the body reports."""
        self.space.draw()
        self.goals.offer(
            metric_names(self.program.body.value) if self.program.chosen.asks is Asks.BODY else []
        )

    # how it looks

    def _fill(self, spec: JobSpec) -> None:
        """Show a job in place of what is here.

        Raises:
            InvalidSpec: It has several definitions.
        """
        if len(spec.definitions) > 1:
            problem = Problem("definitions", str(len(spec.definitions)), "the form holds one")
            raise InvalidSpec([problem], subject="the form")
        with self._lock:
            self._filling, self._start = True, spec
            self._touched.clear()
            new = spec.definitions == JobSpec().definitions
            self.space.set(_FIRST.items() if new else spec.space.dimensions.items())
            self.goals.set(spec.objectives)
            if new:
                self.goals.add("", Goal.MAXIMIZE)
            for name, field in self.options.items():
                field.set(getattr(spec, name))
                field.complain("")
            program = spec.definitions[0].program
            if program is not None or not self.program.given:
                self.program.set(program, spec.space.names())
            self._offer()
            self._filling = False

    def _parts(self) -> list[Any]:
        self._entry = widgets.VBox(
            [
                section("What each trial runs", self.program.rows),
                self.space.section,
                self.goals.section,
                *option_sections(self.options, self._devices),
                self._buttons(),
                self.opening.section,
            ]
        )
        again = button("Back to the form", "arrow-left", lambda: self._turn(launched=False))
        self._bar = marked(widgets.HBox([again]), "astraml-actions")
        shown_if(self._bar, when=False)
        return [self._entry, self._bar, marked(self.message, "astraml-message"), self.hands, self._shown]

    def _buttons(self) -> Any:
        self._check_button = button(
            "Check", "check", self._check_aside, tip="Look for mistakes, try one step"
        )
        made = [
            self._check_button,
            button("Write as cell", "code", self.write_as_cell, tip="Put the job into a cell below"),
            button("Launch", "play", self.launch, style="primary", tip="Start the job"),
            marked(widgets.HTML(), "astraml-gap"),
            button("Open…", "folder-open", self.opening.toggle, tip="Read a cell or JSON into the form"),
            button("Save as JSON", "download", self.save, tip="Have the browser store the job"),
        ]
        return marked(widgets.HBox(made), "astraml-actions")

    def _check_aside(self) -> None:
        """Check on a thread of its own: a first step of a training can last, and the kernel stays usable."""

        def run() -> None:
            try:
                with self._told():
                    self.check()
            finally:
                self._check_button.disabled = False

        self._check_button.disabled = True
        threading.Thread(target=run, name="astraml-form-check", daemon=True).start()

    def _turn(self, *, launched: bool) -> None:
        shown_if(self._entry, when=not launched)
        shown_if(self._bar, when=launched)
        (self.add_class if launched else self.remove_class)("is-launched")

    def _inserted(self, done: bool) -> None:  # noqa: FBT001 - a callback
        words = "✓ The cell is below this one." if done else "✓ The cell is below: copy it into the notebook."
        self.message.value = said(words, "good")

    def _listen(self) -> None:
        """Let what is entered be heard while a cell runs."""
        waiting: list[Any] = [self]
        while waiting:
            widget = waiting.pop()
            waiting += getattr(widget, "children", ())
            if widget.comm is not None:
                answer_in_subshell(widget.comm)


def _defining(spec: JobSpec, **changes: Any) -> JobSpec:
    """Return the job with these parts of its definition in place of its own."""
    return spec.model_copy(update={"definitions": (spec.definitions[0].model_copy(update=changes),)})
