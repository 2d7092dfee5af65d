from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from astraml_lab.objectives import CellCode
from astraml_lab.spec import Categorical, Float, JobSpec

if TYPE_CHECKING:
    from magics.conftest import Notebook

CELL = """%%tune --minimize loss --trials 3 --name digits
lr = Float(0.1, 1.0, log=True)
act = Categorical(acts)

report(loss=f(lr))
"""


def test_a_cell_is_launched(notebook: Notebook) -> None:
    notebook.run("def f(x):\n    return x\nacts = ['a', 'b']")
    notebook.run(CELL)
    ((spec, code),) = notebook.lab.launched
    assert spec.space.dimensions == {"lr": Float(0.1, 1.0, log=True), "act": Categorical(["a", "b"])}
    assert (spec.name, spec.trials) == ("digits", 3)
    assert isinstance(code, CellCode)
    assert spec.definitions[0].program == code.program
    assert code.program.source == CELL.partition("\n")[2]
    assert set(code.program.names) == {"f", "acts"}
    assert set(code.fingerprint()) == {"the cell", "function f", "`acts`"}


def test_ipython_fills_in_variables_on_the_line(notebook: Notebook) -> None:
    notebook.run("n = 7")
    notebook.run("%%tune --trials $n --minimize {'lo' + 'ss'}\nlr = Float(0.0, 1.0)\nreport(loss=lr)")
    ((spec, _),) = notebook.lab.launched
    assert spec.trials == 7
    assert spec.objectives[0].metric == "loss"


def test_the_names_that_cells_use_are_there_without_shadowing_the_users(notebook: Notebook) -> None:
    assert "Float" in notebook.shell.user_ns
    assert "report" not in notebook.run("%who")


def test_the_mistakes_of_line_and_cell_are_shown_together_without_a_traceback(notebook: Notebook) -> None:
    shown = notebook.refused("%%tune --trails 3\nif True:\n    lr = Float(0, 1)")
    assert "2 mistakes in the cell, nothing was started" in shown
    assert "--trails" in shown
    assert "line 3:" in shown
    assert "Traceback" not in shown
    assert not notebook.lab.launched


def test_a_syntax_error_is_shown_with_the_cells_line_and_caret(notebook: Notebook) -> None:
    shown = notebook.refused("%%tune --minimize loss\nx = 1\ny = = 2")
    assert "line 3" in shown
    assert "    y = = 2\n        ^" in shown
    assert "SyntaxError: invalid syntax" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("body", ['{"name": "digits"}\n', "name: digits\ntrials: 3\n"])
def test_a_request_is_submitted_as_it_is(notebook: Notebook, body: str) -> None:
    notebook.run("%%tune\n" + body)
    assert notebook.lab.submitted == [body]
    assert "a request takes no options" in notebook.refused("%%tune --trials 3\n" + body)


def test_a_dry_run_prints_the_specification_and_launches_nothing(notebook: Notebook) -> None:
    printed = notebook.run(
        CELL.replace("Categorical(acts)", "Categorical(['a'])").replace("%%tune", "%%tune --dry-run")
    )
    data = yaml.safe_load(printed)
    assert data["trials"] == 3
    spec = JobSpec.model_validate(data)
    assert spec.space["lr"] == Float(0.1, 1.0, log=True)
    assert "source: |" in printed
    assert not notebook.lab.launched


def test_a_check_prints_what_the_preflight_found_and_launches_nothing(notebook: Notebook) -> None:
    printed = notebook.run("%%tune --check --name x --minimize loss\nlr = Float(0.0, 1.0)\nreport(loss=lr)")
    assert printed.strip() == "x would try, by CellCode"
    assert not notebook.lab.launched


def test_the_form_is_refused_or_opened_but_nothing_is_launched(notebook: Notebook) -> None:
    notebook.run("%%tune --form --minimize loss\nlr = Float(0.0, 1.0)\nreport(loss=lr)")
    assert not notebook.lab.launched


def test_the_help_lists_options_and_commands(notebook: Notebook) -> None:
    for kind, words in (("cell", "--max-runtime"), ("line", "%tune best [JOB] [--insert]")):
        magic = notebook.shell.find_magic("tune", kind)
        assert magic is not None
        assert words in (magic.__doc__ or "")


def test_a_missing_objective_is_told_with_the_other_mistakes(notebook: Notebook) -> None:
    said = notebook.refused("%%tune --trails 3 --prune medain --target 3\nlr = Float(2.0, 1.0)\nreport(x=lr)")
    assert "5 mistakes in the cell, nothing was started" in said
    for part in ("--trails;", "--prune is", "--target is 3", "--maximize; name the metric", "line 2: lr"):
        assert part in said
    said = notebook.refused("%%tune --maximize a --maximize a --prune medain\nlr = Float(1.0, 2.0)")
    assert "2 mistakes" in said


def test_a_typo_in_the_code_is_shown_as_python_shows_it(notebook: Notebook) -> None:
    said = notebook.refused("%%tune --maximize x\nlr = Float(1.0, 2.0\nreport(x=lr)")
    assert "SyntaxError" in said
    assert "YAML" not in said
