from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plugins.kernel import Kernel, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator

CELL = """%%tune --maximize score --trials 3 --name {name} {options}
x = Float(0.0, 1.0)

import time
for step in range(3):
    time.sleep(0.05)
    print("trial", trial.number, "says hello")
    report(score=x * helper(step), loss=1.0)
"""
LAB = "import astraml_lab as lab\n"
FAILING = "%%tune --maximize score --trials 2\nx = Float(0, 1)\nreport(score=1 / 0)"
WIDGET = "application/vnd.jupyter.widget-view+json"
HELPER = "%load_ext astraml_lab\ndef helper(step):\n    return step + 1"
HELD = """%load_ext astraml_lab
import threading
go = threading.Event()
def helper(step):
    assert go.wait(120)
    return step + 1"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all of them: a person runs one cell after the other, too."""
    made = Kernel(tmp_path_factory.mktemp("home"))
    yield made
    made.close()


def cell(name: str, options: str = "") -> str:
    return CELL.format(name=name, options=options)


def said(ran: Ran) -> str:
    """Return what the cell wrote: pictures of its jobs may come in between."""
    return Ran(0, [(kind, content) for kind, content in ran.outputs if kind in {"stream", "error"}]).text


def test_the_cell_returns_at_once_and_its_prints_land_in_no_cell(kernel: Kernel) -> None:
    assert kernel.run(HELD).status == "ok"

    launched = kernel.run(cell("hello"))
    assert launched.status == "ok", launched.text
    assert said(kernel.run(f"{LAB}print(lab.job('hello').state)")).strip() == "RUNNING"
    meanwhile = kernel.run("go.set()\nprint('mine')")
    assert [content["text"] for kind, content in meanwhile.outputs if kind == "stream"] == ["mine\n"]
    waited = kernel.run(f"{LAB}job = lab.job('hello').wait()\nprint(job.trials[1].log.tail())")
    assert waited.text.count("trial 1 says hello") == 3
    assert "says hello" not in launched.text + meanwhile.text
    assert all("says hello" not in str(content) for _, content in kernel.late())


def test_a_cell_that_nobody_watches_waits_and_shows_the_picture(kernel: Kernel) -> None:
    kernel.run(HELPER, allow_stdin=False)
    ran = kernel.run(cell("alone"), allow_stdin=False)

    assert ran.status == "ok", ran.text
    updates = [content for kind, content in ran.outputs if kind == "update_display_data"]
    assert "application/vnd.plotly.v1+json" in updates[-1]["data"]
    assert all(
        "application/vnd.jupyter.widget-view+json" not in content.get("data", {})
        for _, content in ran.outputs
    )
    assert "3/3 trials" in ran.text


def test_a_failed_job_fails_the_cell_that_nobody_watches(kernel: Kernel) -> None:
    kernel.run(HELPER, allow_stdin=False)
    ran = kernel.run(
        "%%tune --maximize score --trials 2\nx = Float(0, 1)\nreport(score=1 / 0)", allow_stdin=False
    )

    assert ran.status == "error"
    assert "ZeroDivisionError" in said(ran)
    assert "line 3" in said(ran)
    assert "report(score=1 / 0)" in said(ran)
    assert "astraml_lab/" not in said(ran)


def test_the_users_traceback_has_the_cells_lines(kernel: Kernel) -> None:
    kernel.run(HELPER)
    kernel.run("%%tune --maximize score --trials 1 --name broken\nx = Float(0, 1)\n\n\nreport(score=x / 0)")
    ran = kernel.run("import astraml_lab as lab\nprint(lab.job('broken').wait().trials[0].traceback)")

    assert "line 5" in said(ran)
    assert "report(score=x / 0)" in said(ran)
    assert "astraml_lab/" not in said(ran)


def test_all_mistakes_are_said_at_once_without_a_traceback(kernel: Kernel) -> None:
    kernel.run(HELPER)
    ran = kernel.run("%%tune --trails 3 --prune medain\nx = Float(1, 0)\nreport(score=x)")

    assert ran.status == "error"
    assert "Traceback" not in said(ran)
    for words in ("--trails", "--trials", "medain", "median", "must not be above high"):
        assert words in said(ran)


def test_names_of_the_notebook_are_seen_and_nothing_leaks_back(kernel: Kernel) -> None:
    kernel.run(HELPER)
    kernel.run("step = 'mine'")
    kernel.run(cell("leak"))
    ran = kernel.run(f"{LAB}lab.job('leak').wait()\nprint(step, 'x' in globals(), 'time' in globals())")

    assert said(ran).strip() == "mine False False"


def test_after_a_restart_the_cell_names_the_helpers_that_are_missing(kernel: Kernel) -> None:
    kernel.run(HELPER)
    kernel.run(cell("again"))
    kernel.run("import astraml_lab as lab\nlab.job('again').wait()")
    kernel.run("del helper")
    refused = kernel.run(cell("again").replace("--trials 3", "--trials 5"))
    assert "first run the cells that define helper" in refused.text

    kernel.run(HELPER)
    more = kernel.run(cell("again").replace("--trials 3", "--trials 5"))
    assert more.status == "ok", more.text
    ran = kernel.run("print(len(lab.job('again').wait().trials), lab.job('again').generation)")
    assert said(ran).strip() == "5 1"


def test_the_preflight_stores_nothing(kernel: Kernel) -> None:
    kernel.run(HELPER)
    ran = kernel.run(cell("dry", "--check"))

    assert "The job is valid." in said(ran)
    assert "score" in said(ran)
    assert "no job" in kernel.run("import astraml_lab as lab\nlab.job('dry')").text


def test_papermills_variables_reach_the_options(kernel: Kernel) -> None:
    kernel.run(HELPER + "\ntrials = 2")
    kernel.run(cell("vars").replace("--trials 3", "--trials $trials"))
    ran = kernel.run("import astraml_lab as lab\nprint(len(lab.job('vars').wait().trials))")

    assert said(ran).strip() == "2"
