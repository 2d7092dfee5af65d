"""Pictures of every state, in tests/screenshots/: of real jobs that train networks through `%%tune`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from plugins.lab_server import write_settings

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOAD = """%load_ext astraml_lab
import astraml_lab as lab
import pathlib, threading, time
import torch
from torch import nn
from sklearn.datasets import load_digits
torch.set_num_threads(1)
images, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
images = images.float() / 16
gate = threading.Event()"""
TUNE = """%%tune --maximize accuracy {options} --seed 0 --executor threads
lr = Float(1e-3, 1.0, log=True)
width = Int(4, 128, log=True)
activation = Categorical({{"relu": nn.ReLU, "gelu": nn.GELU}})
momentum = Float(0.5, 0.99)

model = nn.Sequential(nn.Linear(64, width), activation(), nn.Linear(width, 10)).to(device)
stepper = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
print(f"{{sum(each.numel() for each in model.parameters())}} parameters")
began = time.perf_counter()
for epoch in range(12):
    for rows in torch.randperm(1500, generator=trial.generator).split(64):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        stepper.zero_grad(); loss.backward(); stepper.step()
    accuracy = (model(images[1500:]).argmax(1) == labels[1500:]).float().mean()
    print(f"epoch {{epoch}} accuracy {{accuracy:.3f}}")
    if trial.number == 3 and epoch == 3:
        raise RuntimeError("the learning rate is too wild for this network")
    {extra}
    report(accuracy=accuracy, loss=loss{more})
    {wait}"""
LARGE = """import numpy as np, pandas as pd
rng, count = np.random.default_rng(0), 10_000
lr, width = 10 ** rng.uniform(-4, -1, count), rng.integers(16, 256, count)
accuracy = 0.95 - 0.08 * (np.log10(lr) + 2.4) ** 2 - 2 / width + rng.normal(0, 0.02, count)
table = pd.DataFrame(dict(lr=lr, width=width, act=rng.choice(["relu", "gelu"], count), accuracy=accuracy))
acts = lab.Categorical(["relu", "gelu"])
space = dict(lr=lab.Float(1e-4, 1e-1, log=True), width=lab.Int(16, 256), act=acts)
big = lab.import_trials(table, name="ten-thousand", space=space, maximize="accuracy")"""
COLOURED = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < data.length; at += 4) {
        const shades = data.slice(at, at + 3);
        if (data[at + 3] > 150 && Math.max(...shades) - Math.min(...shades) > 80) return true;
    }
    return false;
}"""
CONTRAST = "JupyterLab Dark High Contrast"


def tune(options: str, *, extra: str = "pass", more: str = "", wait: str = "pass") -> str:
    return TUNE.format(options=options, extra=extra, more=more, wait=wait)


def shown(notebook: NotebookPage, index: int) -> Locator:
    notebook.run_cell(index)
    view = notebook.output(index).locator(".astraml")
    view.scroll_into_view_if_needed()
    return view


def picture(notebook: NotebookPage, view: Locator, name: str) -> None:
    """Store what the view shows, once it has settled."""
    notebook.page.mouse.move(0, 0)
    notebook.page.wait_for_timeout(700)
    view.screenshot(path=notebook.screenshot(f"gallery-{name}"))


def every_tab(notebook: NotebookPage, view: Locator, name: str) -> None:
    for tab in view.get_by_role("tab").all():
        if tab.is_visible():
            tab.click()
            expect(view.locator(".astraml-plot")).to_be_visible()
            picture(notebook, view, f"{name}-{tab.inner_text().lower()}")
    view.get_by_role("tab").first.click()


def narrower(notebook: NotebookPage, view: Locator) -> None:
    """Store what is seen in smaller windows, where chart and table stay beside each other for long."""
    notebook.page.set_viewport_size({"width": 640, "height": 1100})
    picture(notebook, view, "narrow")
    notebook.page.set_viewport_size({"width": 1000, "height": 1100})
    picture(notebook, view, "small-screen")
    chart, trials = (
        view.locator(".astraml-charts").bounding_box(),
        view.locator(".astraml-trials").bounding_box(),
    )
    assert chart is not None
    assert trials is not None
    assert chart["y"] == pytest.approx(trials["y"], abs=2), "beside each other"
    notebook.page.set_viewport_size({"width": 1400, "height": 1100})


def test_real_jobs_in_every_state(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    held = "gate.wait() if trial.number == 0 and epoch == 0 else None"
    first_dozen = """time.sleep(0.1)
    while trial.number > 11 and not pathlib.Path('digits.on').exists(): time.sleep(0.05)"""
    cells = [
        LOAD,
        tune("--trials 20 --name empty", extra=held),
        "lab.job('empty').stop(); gate.set()",
        tune("--trials 30 --name digits --prune median --parallel 2", wait=first_dozen),
        "%tune show digits",
        tune(
            "--minimize seconds --trials 10 --name front",
            more=", seconds=time.perf_counter() - began + width / 1000",
        ),
        "lab.job('front').wait().show(live=True)",
        LARGE,
        "big.show(live=True)",
    ]
    jupyter_lab.write_notebook("gallery.ipynb", cells)
    notebook.page.set_viewport_size({"width": 1400, "height": 1100})
    notebook.open("gallery.ipynb")
    notebook.page.keyboard.press("Control+b")
    notebook.run_cell(0)
    view = shown(notebook, 1)
    expect(view.locator(".astraml-chip")).to_have_text("running")
    picture(notebook, view, "empty")
    notebook.run_cell(2)
    view = shown(notebook, 3)
    expect(view.locator("tr[data-n='9']")).to_be_attached()
    picture(notebook, view, "running")
    view.locator("tr[data-n='3']").click()
    expect(view.locator(".astraml-log.is-traceback")).to_contain_text("too wild")
    picture(notebook, view, "failed-trial")
    view.locator("tr[data-n='3']").click()
    (jupyter_lab.root / "digits.on").touch()
    expect(view.locator("td[data-state='PRUNED']").first).to_be_attached()
    view.locator("tr", has=view.page.locator("td[data-state='PRUNED']")).first.click()
    expect(view.locator(".astraml-detail")).to_contain_text("pruned")
    picture(notebook, view, "pruned-trial")
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    notebook.run_cell(4)
    expect(notebook.output(4).locator(".js-plotly-plot").first).to_be_visible()
    picture(notebook, notebook.output(4), "finished-picture")
    notebook.page.set_viewport_size({"width": 640, "height": 1100})
    picture(notebook, notebook.output(4), "finished-picture-640")
    notebook.page.set_viewport_size({"width": 1400, "height": 1100})
    view.scroll_into_view_if_needed()
    every_tab(notebook, view, "finished")
    for number in (29, 28, 27):
        view.locator(f"tr[data-n='{number}']").click(modifiers=["ControlOrMeta"])
    picture(notebook, view, "side-by-side")
    narrower(notebook, view)

    notebook.run_cell(5)
    view = shown(notebook, 6)
    view.get_by_role("tab", name="Pareto").click()
    picture(notebook, view, "pareto")
    notebook.run_cell(7)
    view = shown(notebook, 8)
    expect(view.locator("table[aria-rowcount='10001']")).to_be_visible()
    every_tab(notebook, view, "ten-thousand")
    assert view.locator("tr[data-n]").count() < 60


@pytest.mark.parametrize("theme", ["JupyterLab Dark", CONTRAST])
def test_a_real_job_in_other_themes(jupyter_lab: LabServer, notebook: NotebookPage, theme: str) -> None:
    name = re.sub(r"\W+", "-", theme.lower())
    first_dozen = "gate.wait() if trial.number > 11 else time.sleep(0.1)"
    started = tune(f"--trials 40 --name {name} --prune median --parallel 2", wait=first_dozen)
    cells = [LOAD, started, "%tune", "%tune form"]
    write_settings(jupyter_lab.settings, "apputils-extension/themes", {"theme": theme})
    jupyter_lab.write_notebook(f"{name}.ipynb", cells)
    notebook.page.set_viewport_size({"width": 1400, "height": 1100})
    notebook.open(f"{name}.ipynb")
    notebook.page.keyboard.press("Control+b")
    expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    notebook.run_cell(0)
    view = shown(notebook, 1)
    expect(view.locator("tr[data-n='7']")).to_be_attached()
    view.locator("tr[data-n='6']").click()
    picture(notebook, view, name)
    view.locator("tr[data-n='3']").click()
    view.get_by_role("tab", name="Parallel").click()
    view.get_by_role("button", name="More to do with this job").click()
    picture(notebook, view, f"{name}-failed-trial")
    assert view.locator(".astraml-parallel-lines").evaluate(COLOURED), "a trial without a line dims none"
    notebook.page.keyboard.press("Escape")
    notebook.run_cell(2)
    table = notebook.output(2).locator(".astraml-jobs")
    expect(table.locator("tbody tr")).not_to_have_count(0)
    table.scroll_into_view_if_needed()
    table.get_by_role("button", name=re.compile("^Stop")).first.click()
    picture(notebook, table, f"{name}-list")
    notebook.run_cell(3)
    form = notebook.output(3).locator(".astraml-form")
    form.get_by_role("button", name="Check").click()
    expect(form.locator(".is-mistake").first).to_be_visible()
    picture(notebook, form, f"{name}-form")
