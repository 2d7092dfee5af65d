"""Every control of the dashboard, pressed in a real JupyterLab, and what it did in the kernel."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

TESTS = Path(__file__).parents[1]
FAKE = f"""import sys, threading; sys.path.insert(0, {str(TESTS)!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()
reader = FakeReader("digits", trials=40); job = FakeJob(reader); play(reader, 20)"""
SHOW = "presenter.show(job, live=True)"
THREE = """import time
while len(job.selection.numbers) != 3: time.sleep(0.05)
print(job.selection.numbers)"""
REAL = """%load_ext astraml_lab
import threading
import astraml_lab as lab
gate = {"open": threading.Event()}"""
CELL = """%%tune --maximize score --trials 4 --name {name} --seed 0 --prune off
lr = Float(1e-3, 1e-1, log=True)
act = Categorical(["relu", "gelu"])
momentum = Float(0.0, 0.9, when={{"act": "relu"}})

for step in range(3):
    report(score=lr * step, loss=1 - lr)
while not gate["open"].wait(0.05):
    report(score=lr)"""

BUSY = """import time
while not lab.job({name!r}).selection.numbers:
    time.sleep(0.05)
print("chosen:", list(lab.job({name!r}).selected.index), flush=True)
gate["open"].wait()"""


def dashboard(notebook: NotebookPage, cell: int = 1) -> Locator:
    return notebook.output(cell).locator(".astraml")


def row(view: Locator, number: int) -> Locator:
    return view.locator(f"tr[data-n='{number}']")


def menu(view: Locator, entry: str) -> None:
    view.get_by_role("button", name="More to do with this job").click()
    view.get_by_role("menuitem", name=entry).click()


def source(notebook: NotebookPage, cell: int) -> str:
    return "\n".join(notebook.cell(cell).locator(".cm-line").all_inner_texts())


def test_rows_are_selected_by_mouse_keys_and_python_and_filtered(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("select.ipynb", [FAKE, SHOW, THREE, "job.selection.choose([3, 8, 9])"])
    notebook.open("select.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    chosen = view.locator("tr[aria-selected='true']")
    told = view.locator(".astraml-chosen")
    keyboard = notebook.page.keyboard

    row(view, 15).click()
    expect(told).to_have_text("1 selected · clear")
    notebook.save()
    keyboard.press("d")
    keyboard.press("d")  # deletes a cell where the notebook hears it
    row(view, 12).click(modifiers=["Shift"])
    expect(chosen).to_have_count(4)
    row(view, 10).click(modifiers=["ControlOrMeta"])
    expect(told).to_have_text("5 selected · clear")
    expect(view.locator(".astraml-detail")).to_contain_text("5 trials side by side")
    notebook.screenshot("controls-side-by-side-light")
    row(view, 15).click()
    keyboard.press("ArrowDown")
    keyboard.press("Shift+ArrowDown")
    keyboard.press("Shift+ArrowDown")
    expect(told).to_have_text("3 selected · clear")
    expect(row(view, 12)).to_have_attribute("aria-selected", "true")
    notebook.run_cell(2)
    expect(notebook.output(2)).to_have_text("(14, 13, 12)")

    view.get_by_label("Filter the trials").fill("act=relu accuracy>0.5")
    expect(view.locator(".astraml-trials [role=status]")).to_have_text(re.compile(r"^\d+ of 20$"))
    row(view, int(view.locator("tr[data-n]").first.get_attribute("data-n") or 0)).click()
    keyboard.press("Control+a")
    expect(told).to_have_text(f"{view.locator('tr[data-n]').count()} selected · clear")
    keyboard.press("End")
    expect(told).to_have_text("1 selected · clear")
    keyboard.press("Escape")
    expect(told).to_be_hidden()
    view.get_by_label("Filter the trials").fill("lrr<0.1")
    expect(view.locator(".astraml-trials [role=status]")).to_have_text("no column “lrr”")
    notebook.screenshot("controls-bad-filter")
    view.get_by_label("Filter the trials").fill("")

    notebook.run_cell(3)
    expect(told).to_have_text("3 selected · clear")
    expect(row(view, 8)).to_have_attribute("aria-selected", "true")

    view.get_by_role("button", name="Columns").click()
    view.get_by_role("menuitemcheckbox", name="loss").click()
    notebook.screenshot("controls-columns")
    expect(view.get_by_role("columnheader", name="loss")).to_be_visible()
    keyboard.press("Escape")
    view.get_by_role("button", name="Open trial 8").or_(view.locator("[data-open='8']")).first.click()
    expect(view.locator(".astraml-detail")).to_contain_text("Trial 8")


def begin(
    jupyter_lab: LabServer, notebook: NotebookPage, name: str, app: Literal["lab", "notebook"]
) -> Locator:
    """Start a real job whose first trial waits at the gate."""
    ask = f"job = lab.job({name!r}); print(job.view().trials, list(job.selected.index), job.state)"
    busy = BUSY.format(name=name)
    cells = [REAL, CELL.format(name=name), busy, ask]
    jupyter_lab.write_notebook(f"{name}.ipynb", cells)
    notebook.open(f"{name}.ipynb", app)
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    expect(row(view, 0)).to_contain_text("running")
    return view


def said(view: Locator) -> Locator:
    return view.locator(".astraml-header .astraml-banner")


@pytest.mark.parametrize("app", ["lab", pytest.param("notebook", marks=pytest.mark.slow)])
def test_every_control_of_a_job_works_beside_a_busy_cell(
    jupyter_lab: LabServer, notebook: NotebookPage, app: Literal["lab", "notebook"]
) -> None:
    view = begin(jupyter_lab, notebook, f"busy-{app}", app)
    notebook.start_cell(2)

    menu(view, "More trials…")
    view.get_by_label("How many more trials").fill("3")
    notebook.screenshot("controls-more-trials")
    view.get_by_role("button", name="Add").click()
    expect(said(view)).to_contain_text(f"busy-{app} runs up to 7 trials now.")
    expect(view.locator(".astraml-count")).to_have_text("0/7 trials")

    menu(view, "Try values…")
    form = view.get_by_role("form", name="Try these values next")
    form.get_by_label("lr").fill("5")
    expect(form).to_contain_text("must be 0.001 to 0.1")
    form.get_by_label("act").select_option("gelu")
    expect(form.get_by_label("momentum")).to_be_disabled()
    notebook.screenshot("controls-try-form")
    form.get_by_label("lr").fill("0.0123")
    form.get_by_role("button", name="Try next").click()
    expect(said(view)).to_contain_text("tries these values next.")
    expect(form).to_be_hidden()

    view.get_by_role("button", name="Pause").click()
    expect(view.locator(".astraml-chip")).to_have_text("paused")
    view.get_by_role("button", name="Resume").click()
    expect(view.locator(".astraml-chip")).to_have_text("running")
    row(view, 0).click()
    view.get_by_role("button", name="Stop trial").click()
    expect(notebook.output(2)).to_have_text("chosen: [0]")
    expect(row(view, 0)).to_contain_text("stopped")
    expect(row(view, 1)).to_contain_text("0.0123")
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")

    view.get_by_role("button", name="Stop", exact=True).click()
    view.get_by_role("button", name="Stop now").click()
    expect(view.locator(".astraml-chip")).to_have_text("cancelled")
    (kernel,) = json.loads(jupyter_lab.ask("GET", "kernels"))
    jupyter_lab.ask("POST", f"kernels/{kernel['id']}/interrupt")
    notebook.wait_until_idle()
    notebook.run_cell(3)
    expect(notebook.output(3)).to_have_text("7 [0] CANCELLED")


@pytest.mark.slow
@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_what_writes_cells_and_files_works_after_a_reload(
    jupyter_lab: LabServer, notebook: NotebookPage, app: Literal["lab", "notebook"]
) -> None:
    name = f"again-{app}"
    view = begin(jupyter_lab, notebook, name, app)
    row(view, 0).click()
    view.get_by_role("button", name="Stop trial").click()
    expect(row(view, 0)).to_contain_text("stopped")
    notebook.save()
    notebook.reload(view)
    expect(row(view, 0)).to_have_attribute("aria-selected", "true")  # the kernel knows it

    view.get_by_role("button", name="Run again").click()
    expect(view.locator(".astraml-detail")).to_contain_text("tries the parameters of trial 0")
    with notebook.page.expect_download() as download:
        menu(view, "Download CSV")
    assert download.value.suggested_filename == f"{name}.csv"
    assert Path(download.value.path()).read_text().startswith("number,state,lr,act,momentum,score")

    with notebook.page.expect_download() as download:
        view.get_by_role("button", name="Download as PNG").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")

    menu(view, "Narrow to the selected trial")
    expect(notebook.cell(2).locator(".cm-content")).to_contain_text(f"--name {name}-narrow")
    assert f"# {name}, around trial 0" in source(notebook, 2)
    view.get_by_role("button", name="As cell").click()
    expect(notebook.cell(2).locator(".cm-content")).to_contain_text(f'with foreground("{name}", 0')
    view.get_by_role("button", name="Try near this").click()
    form = view.get_by_role("form", name="Try these values next")
    expect(form.get_by_label("lr")).to_have_value(re.compile(r"0\.\d+"))
    form.get_by_role("button", name="Cancel").click()
    expect(view.get_by_role("button", name="Try near this")).to_be_focused()

    notebook.run_cell(5)
    expect(notebook.output(5)).to_have_text("5 [0] RUNNING")
    notebook.save()
    cells = json.loads((jupyter_lab.root / f"{name}.ipynb").read_text())["cells"]
    assert [cell["cell_type"] for cell in cells] == ["code"] * 6


@pytest.mark.slow
def test_a_finished_job_is_looked_around_in_and_goes_on(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    ended = "%load_ext astraml_lab\nimport astraml_lab as lab"
    tune = "%%tune --maximize score --trials 3 --name over --seed 0 --wait\nx = Float(0, 1)\nreport(score=x)"
    jupyter_lab.write_notebook("over.ipynb", [ended, tune, "%tune show over --live"])
    notebook.open("over.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    view = dashboard(notebook, 2)
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    row(view, 2).click()
    expect(view.locator(".astraml-detail")).to_contain_text("Trial 2")
    menu(view, "Best values as a cell")
    expect(notebook.cell(3).locator(".cm-content")).to_contain_text("# over, trial")
    expect(said(view)).to_contain_text("The new cell below")
    menu(view, "More trials…")
    view.get_by_role("button", name="Add").click()
    expect(view.locator(".astraml-count")).to_have_text("13/13 trials")
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    menu(view, "Download CSV")  # an answer later no picture has taken its place
    expect(said(view)).to_contain_text("over.csv is downloaded")


@pytest.mark.slow
def test_two_views_follow_each_other_and_a_cell_is_inserted_in_notebook_7(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("seven.ipynb", [FAKE, SHOW, SHOW, "print(job.selection.numbers)"])
    notebook.page.set_viewport_size({"width": 1200, "height": 2600})  # both are in sight: others draw later
    notebook.open("seven.ipynb", "notebook")
    for index in range(3):
        notebook.run_cell(index)
    one, other = dashboard(notebook, 1), dashboard(notebook, 2)
    row(one, 12).click()
    expect(row(other, 12)).to_have_attribute("aria-selected", "true")
    row(other, 9).click(modifiers=["ControlOrMeta"])
    expect(row(one, 9)).to_have_attribute("aria-selected", "true")
    row(one, 15).click()
    expect(other.locator("tr[aria-selected='true']")).to_have_count(1)
    expect(other.locator(".astraml-chosen")).to_have_text("1 selected · clear")
    notebook.run_cell(3)
    expect(notebook.output(3)).to_have_text("(15,)")
    menu(one, "Best values as a cell")  # below the view where it was pressed
    expect(notebook.cell(2).locator(".cm-content")).to_have_text("lr = 0.25")
    notebook.screenshot("controls-notebook-7")


@pytest.mark.slow
def test_rows_that_arrive_move_nothing_that_is_read(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    more = "for number in range(20, 60): reader.start(number, lr=0.01); reader.end(number)"
    jupyter_lab.use_theme("dark")
    jupyter_lab.write_notebook("still.ipynb", [FAKE, SHOW, more])
    notebook.page.set_viewport_size({"width": 1000, "height": 1100})
    notebook.open("still.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    row(view, 9).click()
    row(view, 7).click(modifiers=["Shift"])
    scroll = view.locator(".astraml-scroll")
    scroll.evaluate("each => { each.scrollTop = 150; }")
    distance = """each => each.querySelector("tr[data-n='9']").getBoundingClientRect().top
        - each.getBoundingClientRect().top"""
    before = scroll.evaluate(distance)
    notebook.run_cell(2)
    expect(view.locator("table[aria-rowcount='61']")).to_be_visible()
    assert scroll.evaluate(distance) == pytest.approx(before, abs=1)
    assert scroll.evaluate("each => each.scrollTop") > 1000
    menu_button = view.get_by_role("button", name="More to do with this job")
    menu_button.focus()
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("ArrowDown")
    expect(view.get_by_role("menuitem", name="Try values…")).to_be_focused()
    notebook.screenshot("controls-menu-dark-narrow")
    notebook.page.keyboard.press("Enter")
    expect(view.get_by_role("form", name="Try these values next")).to_be_visible()
    notebook.screenshot("controls-form-dark-narrow")
    notebook.page.keyboard.press("Escape")
    expect(menu_button).to_be_focused()
    view.locator(".astraml-beside").scroll_into_view_if_needed()
    notebook.screenshot("controls-side-by-side-dark-narrow")
