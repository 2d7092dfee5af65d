from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser


def test_a_cell_runs_in_a_real_jupyterlab(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    jupyter_lab.write_notebook("smoke.ipynb", ["1+1", "import os; os.environ['ASTRAML_HOME']"])

    notebook.open("smoke.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)

    assert notebook.output(0).inner_text().split() == ["[1]:", "2"]
    assert str(jupyter_lab.home) in notebook.output(1).inner_text()
    assert notebook.screenshot("smoke").stat().st_size > 0


def test_a_saved_output_is_there_after_a_reload_in_the_dark_theme(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    path = jupyter_lab.write_notebook("reload.ipynb", ["print('still here')"])
    jupyter_lab.use_theme("dark")

    notebook.open("reload.ipynb")
    notebook.run_cell(0)
    notebook.save()
    assert "still here\\n" in path.read_text()
    notebook.reload()

    expect(notebook.output(0)).to_contain_text("still here")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    notebook.screenshot("smoke-dark")
