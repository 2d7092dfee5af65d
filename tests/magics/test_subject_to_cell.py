"""`%%tune --subject-to` in a shell, with a job that really runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.completer import provisionalcompleter

import astraml_lab as lab
from astraml_lab.magics import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from magics.conftest import Notebook

CELL = """
x = Float(0.0, 1.0)
report(accuracy=x, latency_ms=100 * x)
"""


@pytest.fixture
def real(notebook: Notebook) -> Notebook:
    """Run jobs, in place of the recording lab."""
    unload_ipython_extension(notebook.shell)
    load_ipython_extension(notebook.shell)
    return notebook


def test_a_cell_finds_the_best_within_its_limits(real: Notebook) -> None:
    real.shell.user_ns["limit"] = 60
    line = '%%tune --maximize accuracy --subject-to "latency_ms <= limit" --trials 8 --seed 1 --name within'
    real.run(f"{line} --wait{CELL}")
    job: Any = lab.job("within").wait(120)
    assert list(map(str, job.spec.subject_to)) == ["latency_ms <= 60"]
    values = [view.values[0] for view in job.reader.trials()[1]]
    assert job.best.view().values == (max(value for value in values if value <= 0.6),)
    assert f"latency_ms {100 * max(values):.6g} is not at most 60" in "".join(job.df["reason"])
    assert f"trial {job.best.number}" in real.run("%tune best within")


def test_a_cell_with_limits_that_nothing_keeps_says_so(real: Notebook) -> None:
    said = real.run(
        f"%%tune --maximize accuracy --subject-to latency_ms <= -1 --trials 2 --name none --wait{CELL}"
    )
    assert "no trial keeps to latency_ms <= -1" in said
    assert "no trial keeps to latency_ms <= -1" in real.refused("%tune best none")


def test_what_is_no_limit_is_refused_at_the_cell(notebook: Notebook) -> None:
    said = notebook.refused(f'%%tune --maximize accuracy --subject-to "latency_ms < 20"{CELL}')
    assert '--subject-to is "latency_ms < 20"; METRIC <= NUMBER or METRIC >= NUMBER' in said
    assert "(latency_ms <= 20)" in said
    assert notebook.lab.launched == []


def test_the_help_and_tab_know_it(notebook: Notebook) -> None:
    assert '--subject-to "METRIC <= NUMBER"' in notebook.run("%tune help") + notebook.run("%%tune?")
    offered = {
        "%%tune --subject-to lat": "latency_ms",
        '%%tune --subject-to "lat': "latency_ms",
        "%%tune --subject-to=lat": "latency_ms",
        "%%tune --subj": "--subject-to",
    }
    with provisionalcompleter():
        for line, wanted in offered.items():
            found = notebook.shell.Completer.completions(line + CELL, len(line))
            assert [each.text for each in found] == [wanted], line
