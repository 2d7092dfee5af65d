"""A job of 10,000 trials in the browser: an update costs little, and every mark answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from plugins.main_thread import watched
from plugins.patience import within

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TESTS = Path(__file__).parents[1]
JOB = f"""import sys; sys.path.insert(0, {str(TESTS)!r})
import astraml_lab.ui.dashboard
from plugins import large_job
from plugins.fake_job import FakeJob
from astraml_lab.ui.presenter import NotebookPresenter
reader = large_job.moving(10_000)"""
SHOW = "NotebookPresenter().show(FakeJob(reader), live=True)"
MARKED = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((part, at) => at % 4 === 3 && part > 0);
}"""
BUSY = 300
"""Milliseconds of an update here: the budget is 100, on a machine with nothing else to do."""


def test_ten_thousand_trials_are_drawn_as_marks_that_answer_and_cost_little(
    browser: Browser, jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("large.ipynb", [JOB, SHOW])
    notebook.open("large.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = notebook.output(1).locator(".astraml")
    with within(15):
        expect(view.locator("tr[data-n]").nth(12)).to_be_attached()
    table = view.locator("table[role=grid]")
    expect(table).to_have_attribute("aria-rowcount", re.compile(r"^10\d{3}$"))

    # A trial keeps its row while others come above it.
    number = view.locator("tr[data-n]").nth(5).evaluate("row => (window.kept = row).dataset.n")
    lower = "() => [...window.kept.parentNode.querySelectorAll('tr[data-n]')].indexOf(window.kept) >= 7"
    notebook.page.wait_for_function(lower)
    assert notebook.page.evaluate("window.kept.dataset.n") == number

    view.get_by_role("tab", name="History").click()
    canvas = view.locator("canvas.astraml-plot-marks")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(MARKED)
    assert view.locator(".scatterlayer path.point").count() < 30
    work = watched(browser, notebook.page, 4)
    assert work.mean < BUSY
    assert work.longest < BUSY

    # Plotly still knows where the marks are: what lies under the mouse is said, a click and a box select.
    box = view.locator(".nsewdrag").bounding_box()
    assert box
    notebook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(view.locator(".hoverlayer")).to_contain_text("trial")
    notebook.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(view.locator("tr[aria-selected=true]")).to_have_count(1)
    notebook.screenshot("large-history")
