"""What a notebook's file holds of a live view, at any moment, and what the page shows of it meanwhile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
FIRST = f"""import sys, threading; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter(); reader = FakeReader("digits", trials=12); job = FakeJob(reader)
play(reader, 6); presenter.show(job, live=True)"""
LIST = """from astraml_lab.jobs import JobList
other = FakeReader("<b>digits & $x$", trials=12); play(other, 6)
presenter.show_list(JobList(lambda: [other.view()], lambda view: job))"""
FORM = """from astraml_lab.spec import JobSpec
from astraml_lab.ui.form import TuneForm
TuneForm(JobSpec(name="digits"))"""
END = "reader.finish()"


def stored(path: Path, cell: int = 0) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())["cells"][cell]["outputs"][0]["data"]
    return data


def chip(notebook: NotebookPage, words: str) -> Locator:
    view = notebook.output(0).locator(".astraml")
    expect(view.locator(".astraml-chip")).to_have_text(words)
    return view


def saved_with(notebook: NotebookPage, path: Path, *kinds: str) -> dict[str, Any]:
    """Save until the file holds these kinds of data: a picture takes a moment to be drawn."""
    for _ in range(40):
        notebook.save()
        data = stored(path)
        if set(kinds) <= set(data):
            return data
        notebook.page.wait_for_timeout(250)
    raise AssertionError(sorted(data))


@pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=pytest.mark.slow)])
def test_the_view_stays_on_the_page_and_the_file_holds_the_picture(
    jupyter_lab: LabServer, notebook: NotebookPage, app: Any
) -> None:
    jupyter_lab.use_theme("light")
    path = jupyter_lab.write_notebook(f"stays-{app}.ipynb", [FIRST, END])
    notebook.open(path.name, app)
    notebook.run_cell(0)
    view = chip(notebook, "running")
    expect(view.locator("tr[data-n='5']")).to_be_visible()
    running = saved_with(notebook, path, PLOTLY)
    assert WIDGET not in running
    assert re.search(r"running at \d{4}-\d\d-\d\d", json.dumps(running))
    view.locator("tr[data-n='3']").click()
    expect(view.locator("tr[data-n='3']")).to_have_attribute("aria-selected", "true")

    notebook.reload(view)

    view = chip(notebook, "running")
    expect(view.locator("tr[data-n='3']")).to_have_attribute("aria-selected", "true")
    notebook.run_cell(1)
    chip(notebook, "succeeded")
    view.locator("tr[data-n='4']").click()
    expect(view.locator(".astraml-detail")).to_contain_text("Trial 4")
    view.get_by_role("tab", name="History").click()
    expect(view.locator(".scatterlayer path.point").first).to_be_attached()
    final = saved_with(notebook, path, PLOTLY, "image/png")
    assert WIDGET not in final
    assert "text/html" not in final
    assert "6/12 trials" in json.dumps(final[PLOTLY])
    expect(view.locator(".astraml-banner").first).to_be_hidden()
    notebook.screenshot(f"saved-stays-{app}")

    notebook.reload(view)
    view = chip(notebook, "succeeded")
    view.locator("tr[data-n='2']").click()
    saved_with(notebook, path, PLOTLY, "image/png")

    path.with_name(f"reopened-{app}.ipynb").write_text(path.read_text())
    notebook.open(f"reopened-{app}.ipynb", app)  # its kernel is new and knows nothing of the job
    expect(notebook.output(0).locator(".js-plotly-plot, img").first).to_be_visible()
    assert "model not found" not in notebook.output(0).inner_text()
    notebook.screenshot(f"saved-reopened-{app}")


@pytest.mark.slow
@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_form_and_a_list_of_jobs_leave_words_that_need_no_kernel(
    jupyter_lab: LabServer, notebook: NotebookPage, app: Any
) -> None:
    path = jupyter_lab.write_notebook(f"words-{app}.ipynb", [FIRST, LIST, FORM])
    notebook.open(path.name, app)
    for cell in range(3):
        notebook.run_cell(cell)
    listed, form = notebook.output(1), notebook.output(2)
    expect(listed.get_by_role("button", name="Show")).to_be_visible()
    expect(form.get_by_role("button", name="Launch")).to_be_visible()

    notebook.save()

    table, sentence = stored(path, 1), stored(path, 2)
    assert set(table) == {"text/plain", "text/html"}
    assert '<td style="text-align:left">6/12</td>' in "".join(table["text/html"])
    assert "&lt;b&gt;digits" in "".join(table["text/html"])
    assert "6/12" in "".join(table["text/plain"])
    assert set(sentence) == {"text/plain"}
    assert "`%tune form digits`" in "".join(sentence["text/plain"])

    notebook.reload(form.get_by_role("button", name="Launch"))  # with the kernel: both are back
    expect(listed.get_by_role("button", name="Show")).to_be_visible()
    expect(form.get_by_role("button", name="Launch")).to_be_visible()
    notebook.save()
    assert WIDGET not in stored(path, 1)

    path.with_name(f"read-{app}.ipynb").write_text(path.read_text())
    notebook.open(f"read-{app}.ipynb", app)
    expect(notebook.output(1).get_by_role("cell", name="6/12")).to_be_visible()
    expect(notebook.output(2)).to_contain_text("%tune form digits")
    assert "model not found" not in notebook.page.inner_text("body")
    notebook.output(2).scroll_into_view_if_needed()
    notebook.screenshot(f"saved-words-{app}")


@pytest.mark.slow
def test_a_kernel_that_is_restarted_after_the_end_leaves_the_picture(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    path = jupyter_lab.write_notebook("stays-restart.ipynb", [FIRST, END])
    notebook.open(path.name)
    notebook.run_cell(0)
    chip(notebook, "running")
    notebook.run_cell(1)
    view = chip(notebook, "succeeded")
    saved_with(notebook, path, PLOTLY)
    notebook.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    notebook.page.get_by_role("menuitem", name=re.compile("^Restart Kernel…")).click()
    notebook.page.get_by_role("button", name="Confirm Kernel Restart").click()
    expect(view).to_have_count(0)
    expect(notebook.output(0).locator(".js-plotly-plot").first).to_be_visible()
