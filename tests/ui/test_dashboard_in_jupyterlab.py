from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
FIRST = f"""import sys, threading; sys.path.insert(0, {str(HERE)!r})
from fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()"""
SHOW = """reader = FakeReader({name!r}, pareto={pareto}, trials={trials}); job = FakeJob(reader)
threading.Thread(target=play, args=(reader, {trials}), kwargs={{"pause": {pause}}}, daemon=True).start()
presenter.show(job, live=True)"""


def show(name: str, *, pareto: bool = False, trials: int = 40, pause: float = 0.05) -> str:
    return SHOW.format(name=name, pareto=pareto, trials=trials, pause=pause)


def dashboard(notebook: NotebookPage, cell: int = 1) -> Locator:
    return notebook.output(cell).locator(".astraml")


def test_a_running_job_is_drawn_and_a_trial_can_be_opened(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    jupyter_lab.write_notebook("running.ipynb", [FIRST, show("digits")])
    notebook.open("running.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)

    expect(view.locator(".astraml-chip")).to_have_text("running")
    expect(view.locator(".js-line").first).to_be_attached()
    expect(view.locator(".astraml-count")).to_have_text(re.compile(r"^\d+/40 trials$"))
    expect(view.locator("tr[data-n]").first).to_be_visible()
    expect(view.locator("tr[data-n='9']")).to_be_visible(timeout=30_000)
    notebook.screenshot("dashboard-running-light-1400")
    view.locator("tr[data-n='2']").click()
    expect(view.locator(".astraml-detail")).to_contain_text("Trial 2")
    expect(view.locator(".astraml-log").last).to_contain_text("epoch")
    view.locator("tr[data-n='7']").click()
    expect(view.locator(".astraml-log.is-traceback")).to_contain_text("mat1 and mat2")
    notebook.screenshot("dashboard-detail-light-1400")


def test_every_tab_draws_in_the_dark_theme_and_in_a_narrow_page(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("dark")
    jupyter_lab.write_notebook("narrow.ipynb", [FIRST, show("digits dark", pareto=True)])
    notebook.open("narrow.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    expect(view.locator("tr[data-n='13']")).to_be_visible(timeout=30_000)

    notebook.screenshot("dashboard-metrics-dark-1400")
    view.get_by_role("tab", name="Pareto").click()
    expect(view.locator(".scatterlayer path.point").first).to_be_attached()
    notebook.screenshot("dashboard-pareto-dark-1400")
    view.get_by_role("tab", name="Timeline").click()
    expect(view.locator(".barlayer path").first).to_be_attached()
    notebook.page.set_viewport_size({"width": 960, "height": 1200})
    notebook.screenshot("dashboard-timeline-dark-narrow")
    view.get_by_role("tab", name="Metrics").click()
    view.get_by_label("Horizontal axis").select_option("time")
    expect(view.locator(".scatterlayer .trace").first).to_be_attached()
    notebook.screenshot("dashboard-time-dark-narrow")
