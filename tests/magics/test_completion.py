from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from IPython.core.completer import provisionalcompleter

from astraml_lab.objectives import metric_names

if TYPE_CHECKING:
    from magics.conftest import FakeJob, Notebook

BODY = '\nreport({"val/acc": f(g(1), x=2), "b": 3}, step=e)\ntrial.report(loss=float(loss), seconds=t\n'


def offers(notebook: Notebook, line: str, body: str = BODY) -> list[str]:
    """Return what Tab offers at the end of the first line of a cell."""
    with provisionalcompleter():
        found = list(notebook.shell.Completer.completions(line + body, len(line)))
    return [completion.text for completion in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%%tune --tria", ["--trials", "--trial-timeout"]),
        ("%%tune --trials 3 --no-", ["--no-wait"]),
        ("%%tune --strategy gr", ["grid"]),
        ("%%tune --strategy=q", ["qmc"]),
        ("%%tune --prune ", ["auto", "off", "median", "percentile", "asha", "hyperband"]),
        ("%%tune --maximize ", ["val/acc", "b", "loss", "seconds"]),
        ("%%tune --maximize lo", ["loss"]),
        ("%tune lo", ["logs"]),
        ("%tune show di", ["digits"]),
        ("%tune show ", ["digits", "'my job'"]),
        ("%tune best digits --in", ["--insert"]),
        ("%tune examples pa", ["pareto"]),
        ("%tune logs digits ", ["0", "1"]),
        ("%tune logs 'my job' ", ["0", "1"]),
        ("%tune logs --lines 5 digits 1", ["1"]),
        ("%tune export digits ", ["cell", "csv", "optuna", "astraml", "sagemaker", "vertex"]),
        ("%tune show --project ", ["default"]),
        ("%%tune --name di", ["digits"]),
        ("%%tune --warm-start old,di", ["digits"]),
    ],
)
def test_tab_offers_what_fits(
    notebook: Notebook, digits: FakeJob, old: FakeJob, line: str, expected: list[str]
) -> None:
    old.name = "my job"
    digits.name = "digits"
    assert set(offers(notebook, line)) == set(expected)


def test_the_body_of_a_cell_is_left_to_ipython(notebook: Notebook) -> None:
    source = "%%tune --minimize loss\nreport(lo"
    with provisionalcompleter():
        found = [each.text for each in notebook.shell.Completer.completions(source, len(source))]
    assert not any(text.startswith("--") for text in found)


def test_a_broken_lab_offers_nothing_and_prints_nothing(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook.lab.known.append(None)  # type: ignore[arg-type]  # that is what breaks it
    offers(notebook, "%tune show ")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("report(loss=f(a, b=(1, 2)))", ["loss"]),
        ("report({'x': 1}, y=2, step=3)", ["x", "y"]),
        ("if a == b: report(acc=", ["acc"]),
        ("print(loss=3)", []),
    ],
)
def test_metrics_are_read_from_unfinished_text(body: str, names: list[str]) -> None:
    assert metric_names(body) == names
