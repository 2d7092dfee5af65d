"""What a person sees when kernels come and go: a real job, a real JupyterLab, a real restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOAD = "%load_ext astraml_lab"
HELPERS = """import pathlib, time
def rate(lr, epoch, number):
    while number == {held} and epoch > 1 and not pathlib.Path("{name}.on").exists():
        time.sleep(0.05)
    time.sleep(0.15)
    return 1 - abs(lr - 0.05) * 5 / epoch"""
CELL = """%%tune --maximize accuracy --trials {trials} --name {name} --seed 0 --prune off
lr = Float(1e-3, 1e-1, log=True)
width = Int(8, 128, log=True)
for epoch in range(1, {epochs}):
    report(accuracy=rate(lr, epoch, trial.number))
    print(f"epoch {{epoch}}")"""


def cell(name: str, *, trials: int, epochs: int | str = 9) -> str:
    return CELL.format(name=name, trials=trials, epochs=epochs)


def helpers(name: str, held: int | None = None) -> str:
    """Define what the job calls; its trial `held` goes on once the file NAME.on is there."""
    return HELPERS.format(name=name, held=held)


def dashboard(notebook: NotebookPage, index: int) -> Locator:
    return notebook.output(index).locator(".astraml")


def banner(view: Locator) -> Locator:
    return view.locator(".astraml-header .astraml-banner")


def restart(notebook: NotebookPage) -> None:
    """Restart the kernel by the menu, as a person does."""
    notebook.page.get_by_role("menuitem", name="Kernel", exact=True).click()
    notebook.page.get_by_role("menuitem", name=re.compile("^Restart Kernel…")).click()
    notebook.page.get_by_role("button", name="Confirm Kernel Restart").click()


def test_after_a_restart_the_view_stands_still_and_a_button_takes_the_job_over(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    name = "survivor"
    define = helpers(name, held=2)
    cells = [LOAD, define, cell(name, trials=8), LOAD, f"%tune show {name}", define]
    jupyter_lab.write_notebook("restarted.ipynb", cells)
    notebook.open("restarted.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    first = dashboard(notebook, 2)
    expect(first.locator("tr[data-n='2']")).to_be_visible()

    restart(notebook)

    expect(first.locator(".astraml-chip")).to_have_text("kernel restarted")
    expect(banner(first)).to_contain_text(f"%tune resume {name}")
    expect(first.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    clock = first.locator(".astraml-time").inner_text()
    notebook.screenshot("recovery-restarted-light-1400")
    notebook.wait_until_idle()
    notebook.run_cell(3)
    notebook.run_cell(4)
    view = dashboard(notebook, 4)
    expect(view.locator(".astraml-chip")).to_have_text("stale")
    expect(banner(view)).to_contain_text("Its kernel is gone; what had finished is kept.")
    expect(view.get_by_role("button", name="Pause")).to_have_count(0)
    expect(view.get_by_role("button", name="End it")).to_be_visible()
    expect(view.locator("tr[data-n='2']")).to_contain_text("cut off")
    notebook.screenshot("recovery-stale-light-1400")
    view.get_by_role("button", name="Resume").click()
    expect(banner(view)).to_contain_text("First run the cells that define rate")
    notebook.screenshot("recovery-refused-light-1400")
    assert first.locator(".astraml-time").inner_text() == clock

    notebook.run_cell(5)
    view.get_by_role("button", name="Resume").click()
    expect(view.locator(".astraml-chip")).to_have_text("running")
    expect(view.locator("tr[data-n='2'] .astraml-attempt")).to_have_text("2nd")
    expect(banner(view)).to_be_hidden()
    expect(view.locator(".astraml-notes")).to_contain_text("went on after 2 finished trials")
    notebook.screenshot("recovery-resumed-light-1400")
    (jupyter_lab.root / f"{name}.on").touch()
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    expect(view).to_contain_text("8/8 trials")


def test_another_notebook_pauses_resumes_and_stops_the_job(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("dark")
    # One trial ends and is drawn; what is stopped, run again and paused lasts.
    tune = cell("shared", trials=300, epochs="6000 if trial.number else 30")
    jupyter_lab.write_notebook("owner.ipynb", [LOAD, helpers("shared"), tune])
    jupyter_lab.write_notebook("watcher.ipynb", [LOAD, "%tune show shared"])
    notebook.open("owner.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    notebook.open("watcher.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook, 1)
    expect(view.locator(".astraml-where")).to_have_text(re.compile(r"^runs in kernel .+:\d+$"))
    expect(view.locator(".js-line").first).to_be_attached()
    notebook.screenshot("elsewhere-running-dark-1400")
    view.locator("tr[data-n='1']").click()
    view.get_by_role("button", name="Stop trial").click()
    expect(view.locator("tr[data-n='1'] td[data-state='STOPPED']")).to_be_visible()
    view.get_by_role("button", name="Run again").click()
    expect(view.locator(".astraml-detail .astraml-banner")).to_contain_text("tries the parameters of trial")
    view.get_by_role("button", name="Debug").click()
    expect(view.locator(".astraml-command")).to_have_text("%tune debug shared 1")
    notebook.screenshot("elsewhere-detail-dark-1400")
    view.get_by_role("button", name="Close").click()

    view.get_by_role("button", name="Pause").click()
    expect(view.locator(".astraml-chip")).to_have_text("paused")
    expect(banner(view)).to_contain_text("Paused by hand")
    notebook.page.set_viewport_size({"width": 620, "height": 1200})
    notebook.page.keyboard.press("Control+b")
    notebook.screenshot("elsewhere-paused-dark-620")
    view.get_by_role("button", name="Resume").click()
    expect(view.locator(".astraml-chip")).to_have_text("running")
    view.get_by_role("button", name="Stop", exact=True).click()
    view.get_by_role("button", name="Stop now").click()
    expect(view.locator(".astraml-chip")).to_have_text("cancelled")


def test_the_view_of_a_deleted_job_says_so(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    define, tune = helpers("doomed", held=0), cell("doomed", trials=2, epochs=3)
    cells = [LOAD, define, tune, "%tune wait doomed", "%tune delete doomed"]
    jupyter_lab.write_notebook("deleted.ipynb", cells)
    notebook.open("deleted.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    view = dashboard(notebook, 2)
    expect(view.locator("tr[data-n='0']")).to_be_visible()
    (jupyter_lab.root / "doomed.on").touch()
    notebook.run_cell(3)
    expect(notebook.output(3)).to_contain_text("2/2 trials")
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    notebook.run_cell(4)
    expect(banner(view)).to_have_text("The job was deleted: this view shows how it stood.")
    expect(view.locator(".astraml-chip")).to_have_text("deleted")
    expect(view.get_by_role("button", name="More trials")).to_have_count(0)
    notebook.screenshot("recovery-deleted-light-1400")
