"""The live dashboard in a real Notebook 7, which has no panels around its one document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from plugins.patience import until

if TYPE_CHECKING:
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

FIRST = f"""import sys, threading; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()
reader = FakeReader("digits", trials=200); job = FakeJob(reader)
threading.Thread(target=play, args=(reader, 200), kwargs={{"pause": 0.05}}, daemon=True).start()
presenter.show(job, live=True)"""
BUSY = "print(job.stopped.wait(120), flush=True)"


@pytest.mark.slow
def test_a_job_is_watched_reloaded_and_stopped_beside_a_busy_cell(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("seven.ipynb", [FIRST, BUSY])
    notebook.open("seven.ipynb", "notebook")
    notebook.run_cell(0)
    view = notebook.output(0).locator(".astraml")

    expect(view.locator(".astraml-chip")).to_have_text("running")
    notebook.wait_for_trials(view, 3)
    view.get_by_label("Filter the trials").fill("complete")
    view.locator("tr[data-n]").last.click()
    number = view.locator("tr[aria-selected='true']").get_attribute("data-n")
    expect(view.locator(".astraml-detail")).to_contain_text(re.compile(rf"Trial {number}(?!\d)"))
    notebook.screenshot("notebook-7-running")
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy = view.locator(".astraml-detail").get_by_role("button", name=re.compile("^Cop"))
    read = "navigator.clipboard.readText()"
    notebook.page.evaluate("navigator.clipboard.writeText('')")
    copy.click()
    until(lambda: notebook.page.evaluate(read))
    assert set(json.loads(notebook.page.evaluate(read))) >= {"lr", "width"}
    # A page that came over http has no such clipboard, and copies as well.
    notebook.page.evaluate("navigator.clipboard.writeText('')")
    notebook.page.evaluate("navigator.clipboard.writeText = undefined")
    expect(copy).to_have_text("Copy parameters")
    copy.click()
    until(lambda: notebook.page.evaluate(read))
    assert set(json.loads(notebook.page.evaluate(read))) >= {"lr", "width"}
    notebook.save()
    notebook.reload(view)
    notebook.wait_for_trials(view, 3)
    expect(view.locator(".astraml-count")).to_have_text(re.compile(r"^\d+/200 trials"))
    notebook.start_cell(1)
    view.get_by_role("button", name="Stop", exact=True).click()
    view.get_by_role("button", name="Stop now").click()
    expect(notebook.output(1)).to_contain_text("True")
    expect(view.locator(".astraml-chip")).to_have_text("cancelled")
    notebook.screenshot("notebook-7-stopped-after-reload")
