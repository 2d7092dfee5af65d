from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

LOAD = """%load_ext astraml_lab
import astraml_lab as lab, threading
go_on = threading.Event()
def train(lr, width, report):
    for step in range(3):
        report(accuracy=lr * width + step)"""
BODY = """for step in range(3):
    report(accuracy=lr + step)
go_on.wait(60)"""


def field(output: Locator, label: str) -> Locator:
    return output.get_by_label(label, exact=True)


def type_in(place: Locator, text: str) -> None:
    place.click()
    place.press("Control+a")
    place.press_sequentially(text, delay=15)


def test_a_person_fills_in_the_form_writes_the_cell_and_launches(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    jupyter_lab.write_notebook("form.ipynb", [LOAD, "%tune form", "go_on.set()", "lab.job('by hand').state"])
    notebook.page.set_viewport_size({"width": 1400, "height": 1400})
    notebook.open("form.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    output = notebook.output(1).first
    expect(output.locator(".astraml-spark circle").first).to_be_visible()
    notebook.screenshot("form-new-light-1400")

    # What is typed is judged beside its field, and nothing else is.
    type_in(field(output, "Trials"), "many")
    said = output.locator(".astraml-field", has=notebook.page.get_by_label("Trials", exact=True)).locator(
        ".astraml-said"
    )
    expect(said).to_contain_text("valid integer")
    expect(output.locator(".is-mistake")).to_have_count(1)
    notebook.screenshot("form-complains-light-1400")
    type_in(field(output, "Trials"), "3")
    expect(output.locator(".is-mistake")).to_have_count(0)

    output.get_by_role("button", name="Check").click()
    expect(output).to_contain_text("name the metric to tune")
    output.get_by_placeholder("metric that is reported").fill("accuracy")
    type_in(field(output, "Name"), "by hand")
    output.locator(".astraml-code textarea").first.fill(BODY)
    output.get_by_role("button", name="Check").click()
    expect(output).to_contain_text("Configuration 0 ran on cpu")
    notebook.screenshot("form-checked-light-1400")

    output.get_by_role("button", name="Write as cell").click()
    expect(output).to_contain_text("The cell is below this one")
    expect(notebook.cell(2).locator(".cm-content")).to_contain_text(
        "%%tune --maximize accuracy --name 'by hand' --trials 3"
    )
    output.get_by_role("button", name="Launch").click()
    expect(output.locator(".astraml-name")).to_be_visible()
    notebook.screenshot("form-launched-light-1400")
    notebook.run_cell(3)
    expect(output.locator(".js-plotly-plot").first).to_be_visible(timeout=20_000)
    expect(output).to_contain_text("succeeded")
    output.get_by_role("button", name="Back to the form").click()
    expect(field(output, "Name")).to_have_value("by hand")
    notebook.run_cell(4)
    expect(notebook.output(4)).to_contain_text(re.compile("SUCCEEDED"))
