from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

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
go_on.wait(120)"""


def field(output: Locator, label: str) -> Locator:
    return output.get_by_label(label, exact=True)


def type_in(place: Locator, text: str) -> None:
    place.click()
    place.press("Control+a")
    place.press_sequentially(text, delay=15)


@pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=pytest.mark.slow)])
def test_a_person_fills_in_the_form_writes_the_cell_and_launches(
    jupyter_lab: LabServer, notebook: NotebookPage, app: Literal["lab", "notebook"]
) -> None:
    jupyter_lab.use_theme("light")
    name = f"by hand in {app}"
    jupyter_lab.write_notebook(
        f"form-{app}.ipynb", [LOAD, "%tune form", "go_on.set()", f"lab.job({name!r}).state"]
    )
    notebook.page.set_viewport_size({"width": 1400, "height": 1400})
    notebook.open(f"form-{app}.ipynb", app)
    notebook.run_cell(0)
    notebook.run_cell(1)
    output = notebook.output(1).first
    expect(output.locator(".astraml-spark circle").first).to_be_visible()
    notebook.screenshot(f"form-new-{app}")

    # What is typed is judged beside its field, and nothing else is.
    type_in(field(output, "Trials"), "many")
    said = output.locator(".astraml-field", has=notebook.page.get_by_label("Trials", exact=True)).locator(
        ".astraml-said"
    )
    expect(said).to_contain_text("whole number")
    expect(output.locator(".is-mistake")).to_have_count(1)
    notebook.screenshot(f"form-complains-{app}")
    type_in(field(output, "Trials"), "3")
    expect(output.locator(".is-mistake")).to_have_count(0)

    output.get_by_role("button", name="Check").click()
    expect(output).to_contain_text("name the metric to tune")
    marked = output.locator(".astraml-said.is-mistake").first
    expect(marked).to_be_in_viewport()
    expect(output.locator("input:focus, textarea:focus, select:focus")).to_have_count(1)
    output.get_by_placeholder("metric that is reported").fill("accuracy")
    type_in(field(output, "Name"), name)
    output.locator(".astraml-code textarea").first.fill(BODY)
    output.get_by_role("button", name="Check").click()
    expect(output).to_contain_text("Configuration 0 ran on cpu")
    notebook.screenshot(f"form-checked-{app}")

    output.get_by_role("button", name="Write as cell").click()
    expect(output).to_contain_text("The cell is below this one")
    expect(notebook.cell(2).locator(".cm-content")).to_contain_text(
        f"%%tune --maximize accuracy --name '{name}' --trials 3"
    )
    output.get_by_role("button", name="Launch").click()
    expect(output.locator(".astraml-name")).to_be_visible()
    notebook.screenshot(f"form-launched-{app}")
    notebook.run_cell(3)
    output.locator(".astraml-name").scroll_into_view_if_needed()  # out of sight nothing is drawn anew
    expect(output.locator(".js-plotly-plot").first).to_be_visible()
    expect(output).to_contain_text("succeeded")
    output.get_by_role("button", name="Back to the form").click()
    expect(field(output, "Name")).to_have_value(name)
    notebook.run_cell(4)
    expect(notebook.output(4)).to_contain_text(re.compile("SUCCEEDED"))


@pytest.mark.slow
@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_list_of_jobs_is_live_and_its_buttons_work(
    jupyter_lab: LabServer, notebook: NotebookPage, app: Literal["lab", "notebook"]
) -> None:
    jupyter_lab.use_theme("light")
    load = LOAD + "\nimport time"
    short = (
        "%%tune --maximize accuracy --trials 2 --name 'over already'\nlr = Float(0, 1)\nreport(accuracy=lr)"
    )
    long = """%%tune --maximize accuracy --trials 40 --name endless
lr = Float(0, 1)
for step in range(10_000):
    report(accuracy=lr); time.sleep(0.02)"""
    ask = "[(view.name, view.state.value) for view in lab.jobs()]"
    jupyter_lab.write_notebook(f"jobs-{app}.ipynb", [load, short, long, "%tune", ask])
    notebook.page.set_viewport_size({"width": 1400, "height": 1600})
    notebook.open(f"jobs-{app}.ipynb", app)
    for index in range(4):
        notebook.run_cell(index)
    table = notebook.output(3).locator(".astraml-jobs")
    row = table.locator("tbody tr", has_text="endless")
    table.scroll_into_view_if_needed()  # out of sight nothing moves
    expect(row.locator(".astraml-chip")).to_have_text("running")
    expect(table.locator("tbody tr", has_text="over already").locator(".astraml-chip")).to_have_text(
        "succeeded"
    )
    expect(row.locator("td").nth(3)).to_have_text(re.compile(r"^\d"))
    notebook.screenshot(f"jobs-{app}")

    notebook.page.set_viewport_size({"width": 1040, "height": 1600})
    table.scroll_into_view_if_needed()
    notebook.screenshot(f"jobs-narrow-{app}")
    notebook.page.set_viewport_size({"width": 1400, "height": 1600})

    row.get_by_role("button", name="Pause").click()
    expect(row.locator(".astraml-chip")).to_have_text("paused")
    row.get_by_role("button", name="Resume").click()
    expect(row.locator(".astraml-chip")).to_have_text("running")
    row.get_by_role("button", name="Show").click()
    notebook.output(3).locator(".astraml-main").scroll_into_view_if_needed()
    notebook.screenshot(f"jobs-opened-{app}")
    expect(notebook.output(3).locator(".astraml-name")).to_have_text("endless")
    row.get_by_role("button", name="Stop").click()
    expect(row.get_by_role("button", name="Stop now")).to_be_focused()
    notebook.screenshot(f"jobs-asks-{app}")
    notebook.page.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Stop now")).to_have_count(0)
    row.get_by_role("button", name="Stop").click()
    row.get_by_role("button", name="Stop now").click()
    expect(row.locator(".astraml-chip")).to_have_text("cancelled")
    row.get_by_role("button", name="Delete").click()
    row.get_by_role("button", name="Delete it").click()
    expect(row).to_have_count(0)
    notebook.run_cell(4)
    expect(notebook.output(4)).to_contain_text("('over already', 'SUCCEEDED')")
    expect(notebook.output(4)).not_to_contain_text("endless")


@pytest.mark.slow
def test_the_form_in_the_dark_and_in_a_narrow_page(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    jupyter_lab.use_theme("dark")
    evil = "<img src=x onerror=document.title=1>"
    form = f"""from astraml_lab.devices import FakeProbe
from astraml_lab.ui import TuneForm
form = TuneForm(probe=FakeProbe(2))
assert form.load('''%%tune --maximize accuracy --minimize latency --trials 40 --name "{evil}"
lr = Float(1e-5, 1e-1, log=True)
width = Int(1, 8, log=True)
optimizer = Categorical(["sgd", "adamw", "{evil}"])
momentum = Float(0.5, 0.999, scale="reverse_log", when={{"optimizer": "sgd"}})
batch = Discrete([32, 64, 128])
report(accuracy=lr, latency=1)'''), form.message.value
form"""
    jupyter_lab.write_notebook(
        "dark.ipynb", [LOAD, form, "lab.jobs('nobody')", "threading.Event().wait(120)"]
    )
    notebook.page.set_viewport_size({"width": 1400, "height": 1700})
    notebook.open("dark.ipynb")
    notebook.page.keyboard.press("Control+b")
    for index in range(3):
        notebook.run_cell(index)
    output = notebook.output(1).first
    expect(output.locator(".astraml-spark circle")).to_have_count(50)
    expect(notebook.output(2)).to_contain_text("No jobs yet")
    output.locator(".astraml-spark").first.scroll_into_view_if_needed()
    notebook.screenshot("form-dark-1400")
    output.get_by_role("button", name="Open…").click()
    notebook.page.set_viewport_size({"width": 800, "height": 2600})
    notebook.screenshot("form-dark-narrow")
    notebook.start_cell(3)  # the form hears while a cell runs
    expect(notebook.cell(3).locator(".jp-InputPrompt")).to_have_text("[*]:")
    type_in(field(output, "Trials"), "0")
    expect(output.locator(".is-mistake")).to_contain_text("greater than or equal to 1")
    expect(notebook.cell(3).locator(".jp-InputPrompt")).to_have_text("[*]:")
    assert notebook.page.locator("img[src='x']").count() == 0
    assert notebook.page.title() != "1"
