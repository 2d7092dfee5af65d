"""Two hours of training by the clock of a test, and the same job a week later, its half minutes merged."""

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

CLOCKS = """%load_ext astraml_lab
import functools, sys, time
import astraml_lab as lab
from astraml_lab.store import Store
from astraml_lab.ui.presenter import NotebookPresenter
import astraml_lab.lab
module = sys.modules["astraml_lab.lab.default"]
class Clock:
    "The machine's, and what was added to it."
    ahead = {ahead}
    def time(self):
        return time.time() + Clock.ahead
    def monotonic(self):
        return time.monotonic() + Clock.ahead
class Watched(Clock):
    "The dashboard's: it goes by the same time, but draws at its usual pace."
    def monotonic(self):
        return time.monotonic()
def pass_time(seconds):
    Clock.ahead += seconds
clock = Clock()
module.SystemClock = Clock
module.Store = functools.partial(Store, clock=clock)
from astraml_lab.jobs import presenter
shown = presenter()
shown.__init__(Watched())"""
DATA = """import torch
from torch import nn
from sklearn.datasets import load_digits
images, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
images = images.float() / 16"""
TUNE = """%%tune --maximize accuracy --trials 3 --name two-hours --seed 0 --prune off --executor threads
lr = Float(3e-3, 3e-1, log=True)
width = Int(8, 64, log=True)

torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)).to(device)
stepper = torch.optim.SGD(model.parameters(), lr=lr)
while True:
    rows = torch.randint(1500, (32,), generator=trial.generator)
    loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
    stepper.zero_grad(); loss.backward(); stepper.step()
    accuracy = (model(images[1500:]).argmax(1) == labels[1500:]).float().mean()
    report(accuracy=accuracy, loss=loss)
    pass_time(5)
    if trial.number == 2 and not later.is_set():
        later.wait(0.03)
    trial_steps[trial.number] = trial_steps.get(trial.number, 0) + 1
    if trial_steps[trial.number] >= 490:
        break"""
STEPS = "import threading\nlater = threading.Event(); trial_steps = {}"
WIDTHS = """job = lab.job("two-hours"); view = job.reader.windows(0, "loss")
while Clock.ahead > 86_400 and view.width == 30:  # windows are merged in the background
    time.sleep(0.1)
    view = job.reader.windows(0, "loss")
hours = (max(t.ended_at for t in job.reader.trials()[1]) - job.reader.view().started_at) / 3600
print("width", view.width, "windows", len(view.starts), "hours", round(hours, 1),
      "apart", bool((view.maxima > view.minima).any()))"""


def by_time(view: Locator) -> None:
    view.get_by_role("tab", name="Metrics").click()
    view.get_by_label("Metric", exact=True).select_option("loss")
    view.get_by_label("Horizontal axis").select_option("time")
    expect(view.locator(".scatterlayer .js-fill").first).to_be_attached()


def test_two_hours_are_drawn_by_half_minutes_and_days_later_by_five_minutes(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("two-hours.ipynb", [CLOCKS.format(ahead=0), DATA, STEPS, TUNE, WIDTHS])
    notebook.open("two-hours.ipynb")
    for index in range(4):
        notebook.run_cell(index)
    view = notebook.output(3).locator(".astraml")
    view.scroll_into_view_if_needed()  # what is out of sight draws nothing
    expect(view.locator("tr[data-n='2']")).to_be_visible()
    by_time(view)
    notebook.screenshot("two-hours-running")
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    notebook.run_cell(4)
    expect(notebook.output(4)).to_have_text(re.compile("width 30.0 windows 8[0-9] hours 2.[01] apart True"))
    jupyter_lab.end_kernels()

    week = 7 * 86_400
    cells = [CLOCKS.format(ahead=week), WIDTHS, "job.show(live=True)"]
    jupyter_lab.write_notebook("a-week-later.ipynb", cells)
    notebook.open("a-week-later.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    expect(notebook.output(1)).to_contain_text("width 300.0 windows")
    view = notebook.output(2).locator(".astraml")
    by_time(view)
    notebook.page.set_viewport_size({"width": 1400, "height": 1300})
    view.get_by_label("Metric", exact=True).scroll_into_view_if_needed()
    notebook.screenshot("two-hours-a-week-later")
