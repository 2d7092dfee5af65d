"""The executed notebook of a trial, one click away in the dashboard of a real JupyterLab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect
from plugins.notebooks import write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

HERE = "import os; os.environ['ASTRAML_HOME'] = os.path.abspath('lab data')"
TUNE = """
import astraml_lab as lab
job = lab.tune(notebook="train.ipynb", space={"lr": lab.Float(0.0, 1.0)}, maximize="score", trials=1,
               name="<b>digits</b>", wait=False)
"""
REPORT = "from astraml_lab import report\nprint('trained with', lr)\nreport(score=lr)"
WAIT = "job.wait(120); job.show(live=True)"


def opened(jupyter_lab: LabServer, notebook: NotebookPage, name: str, first: str) -> Locator:
    """Run a job of a notebook and return its dashboard with trial 0 opened."""
    write_notebook(jupyter_lab.root / "train.ipynb", "lr: float = 0.1", REPORT)
    jupyter_lab.write_notebook(name, [first, TUNE, WAIT])
    notebook.open(name)
    for cell in range(3):
        notebook.run_cell(cell)
    view = notebook.output(2).locator(".astraml")
    view.locator("tr[data-n='0']").click()
    return view


def test_it_opens_beside_the_page_where_the_server_has_it(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    view = opened(jupyter_lab, notebook, "open.ipynb", HERE)
    notebook.screenshot("executed-notebook-button")
    view.get_by_role("button", name="Open notebook").click()
    tab = notebook.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tabLabel", has_text="notebook.ipynb")
    expect(tab).to_be_visible()
    shown = notebook.page.locator(".jp-Notebook:visible", has_text="trained with")
    expect(shown.first).to_be_visible()
    notebook.screenshot("executed-notebook-opened")


def test_it_is_downloaded_where_the_server_has_it_not(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    view = opened(jupyter_lab, notebook, "store.ipynb", "pass")
    with notebook.page.expect_download() as download:
        view.get_by_role("button", name="Open notebook").click()
        # First, as this news does not stand for long.
        expect(view.locator(".astraml-detail")).to_contain_text("The executed notebook of trial 0:")
    assert download.value.suggested_filename.endswith("-trial-0.ipynb")
    stored = nbformat.read(Path(download.value.path()), as_version=4)
    assert "trained with" in stored.cells[-1].outputs[0].text
    notebook.screenshot("executed-notebook-stored")
