"""The magics themselves: parse, hand over to the lab, display what it returns."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec
from astraml_lab.magics.commands import help_text, run_line
from astraml_lab.magics.form import tune_form
from astraml_lab.magics.help import cell_help
from astraml_lab.magics.readable import readable
from astraml_lab.magics.requests import run_request, run_sql
from astraml_lab.objectives import (
    BodyKind,
    CellCode,
    CellMistakes,
    CellSyntaxError,
    body_kind,
    cell_filename,
    parse_cell,
)
from astraml_lab.spec import Int, Space
from astraml_lab.spec.options import read_options

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from astraml_lab.magics.call import Lab
    from astraml_lab.spec import JobSpec

_ANY = Space({"x": Int(0, 1)})
"""Stands for the space of a cell whose dimensions have mistakes."""


class TuneMagics:
    """`%%tune`, `%tune`, `%%tunesql` and `%tunesql`.

    Args:
        shell: The notebook's IPython.
        lab: Where jobs are launched and found (default: this process's own lab).
    """

    def __init__(self, shell: InteractiveShell, lab: Lab | None = None) -> None:
        self._shell = shell
        self._given_lab = lab

    def register(self) -> None:
        """Make them known to IPython."""
        manager = self._shell.magics_manager
        manager.register_function(self.tune_cell, "cell", "tune")
        manager.register_function(self.tune_line, "line", "tune")
        manager.register_function(self.sql, "line_cell", "tunesql")

    @property
    def lab(self) -> Lab:
        """The lab; imported when the first magic needs it."""
        return self._given_lab or importlib.import_module("astraml_lab.lab")

    def tune_cell(self, line: str, cell: str) -> Any:
        """Run the cell as a hyperparameter search."""
        if body_kind(cell) is not BodyKind.PYTHON:
            return run_request(line, cell, self.lab)
        spec, code = self._read(line, cell)
        if spec.dry_run or spec.check:
            print(readable(spec) if spec.dry_run else self.lab.preflight(spec, code))  # noqa: T201 - what was asked for
            return None
        return tune_form(spec) if spec.form else self.lab.launch(spec, code)

    def tune_line(self, line: str) -> Any:
        """Look after tuning jobs."""
        answer = run_line(line, self.lab, self._shell)
        if not isinstance(answer, str):
            return answer
        print(answer)  # noqa: T201 - what was asked for
        return None

    def sql(self, line: str, cell: str = "") -> Any:
        """Answer SQL over jobs, trials and windows, or over `google.aiplatform.hyperparameter_tuning_jobs`.

            table = %tunesql SELECT name, state FROM jobs

        The answer of a SELECT is a DataFrame. `%%tunesql` takes a statement of several lines.
        """
        return run_sql(line, cell, self.lab)

    def _read(self, line: str, cell: str) -> tuple[JobSpec, CellCode]:
        """Read line and body; the mistakes of both are reported together."""
        options = read_options(line, self._shell.user_ns)
        name = options.fields.get("name", "")
        try:
            parsed = parse_cell(cell, self._shell.user_ns, filename=cell_filename(cell, name or "cell"))
        except InvalidSpec as error:
            searches = isinstance(error, CellMistakes) and error.searches
            problems = options.problems_with(_ANY if searches else Space({}))
            if isinstance(error, CellSyntaxError) and not problems:
                raise
            raise InvalidSpec([*problems, *error.problems], subject="the cell") from None
        code = CellCode(parsed, self._shell.user_ns, job=name)
        return options.spec(parsed.space, code.program), code


# What `%%tune?` and `%tune?` show.
TuneMagics.tune_cell.__doc__ = cell_help()
TuneMagics.tune_line.__doc__ = help_text()
