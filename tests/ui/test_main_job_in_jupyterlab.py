"""The main job as a person meets it: a real `%%tune` of a real training, in a real JupyterLab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from plugins.patience import Stopwatch

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

SETUP = """%load_ext astraml_lab
import torch
from torch import nn
from sklearn.datasets import load_digits
images, labels = (torch.tensor(part) for part in load_digits(return_X_y=True))
images = images.float() / 16"""
CELL = """%%tune --maximize accuracy --trials {trials} --parallel {parallel} --name {name} --seed 0
lr = Float(1e-3, 3e-1, log=True)
width = Int(8, 128, log=True)
activation = Categorical({{"relu": nn.ReLU, "gelu": nn.GELU}})

torch.set_num_threads(1)
{first}
model = nn.Sequential(nn.Linear(64, width), activation(), nn.Linear(width, 10)).to(device)
stepper = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
for epoch in range({epochs}):
    for rows in torch.randperm(1500, generator=trial.generator).split(64):
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        stepper.zero_grad(); loss.backward(); stepper.step()
    accuracy = (model(images[1500:]).argmax(1) == labels[1500:]).float().mean()
    print(f"epoch {{epoch}} accuracy {{accuracy:.3f}}")
    report(accuracy=accuracy, loss=loss)"""


def cell(name: str, *, trials: int, epochs: int, parallel: int = 1, first: str = "") -> str:
    return CELL.format(name=name, trials=trials, epochs=epochs, parallel=parallel, first=first)


def dashboard(notebook: NotebookPage, index: int = 1) -> Locator:
    return notebook.output(index).locator(".astraml")


def saved_output(notebook: NotebookPage, path: Path) -> dict[str, Any]:
    """Save until the PNG is drawn, which takes the page a moment."""
    data: dict[str, Any] = {}
    for _ in range(20):
        notebook.save()
        data = json.loads(path.read_text())["cells"][1]["outputs"][0]["data"]
        if "image/png" in data:
            break
        notebook.page.wait_for_timeout(500)
    return data


def test_a_job_is_watched_reloaded_stopped_beside_a_busy_cell_and_kept(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    busy = "import pathlib, time\nwhile not pathlib.Path('watched.done').exists(): time.sleep(0.1)"
    cells = [SETUP, cell("watched", trials=400, epochs=30), busy, "%tune", "%tune show watched"]
    path = jupyter_lab.write_notebook("watched.ipynb", cells)
    notebook.open("watched.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    expect(view.locator(".astraml-chip")).to_have_text("running")
    notebook.wait_for_trials(view, 2)
    expect(notebook.output(1)).not_to_contain_text("epoch 0 accuracy")
    notebook.screenshot("main-running")

    notebook.save()
    notebook.reload(view)
    notebook.wait_for_trials(view, 4)
    notebook.screenshot("main-after-reload")

    notebook.start_cell(2)
    view.get_by_role("button", name="Stop", exact=True).click()
    watch = Stopwatch()
    view.get_by_role("button", name="Stop now").click()
    expect(view.locator(".astraml-chip")).to_have_text("cancelled")
    seconds = watch.seconds
    assert seconds < 10
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    print(f"stop to ended, seen in the browser while a cell blocked: {seconds:.2f} s")  # noqa: T201 - a figure
    notebook.screenshot("main-stopped-beside-a-busy-cell")
    (jupyter_lab.root / "watched.done").touch()
    notebook.wait_until_idle()

    notebook.run_cell(3)
    expect(notebook.output(3)).to_contain_text("watched")
    notebook.run_cell(4)
    expect(notebook.output(4).locator(".js-plotly-plot").first).to_be_visible()
    notebook.save()
    outputs = json.loads(path.read_text())["cells"][4]["outputs"]
    assert any("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs)


@pytest.mark.slow
def test_a_finished_job_leaves_its_picture_in_the_saved_notebook(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    seen = "import pathlib, time\nwhile not pathlib.Path('kept.seen').exists(): time.sleep(0.05)"
    kept = cell("kept", trials=6, epochs=3, parallel=2, first=seen)
    path = jupyter_lab.write_notebook("kept.ipynb", [SETUP, kept])
    notebook.open("kept.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(dashboard(notebook).locator("tr[data-n]").first).to_be_visible()
    (jupyter_lab.root / "kept.seen").touch()
    expect(dashboard(notebook).locator(".astraml-chip")).to_have_text("succeeded")
    data = saved_output(notebook, path)
    assert {"application/vnd.plotly.v1+json", "image/png", "text/plain"} <= set(data)
    assert "application/vnd.jupyter.widget-view+json" not in data
    assert len(json.dumps(data)) < 300_000

    jupyter_lab.end_kernels()
    notebook.open("kept.ipynb")
    expect(notebook.output(1).locator(".js-plotly-plot, img").first).to_be_visible()
    expect(notebook.output(1)).not_to_contain_text("model not found")
    notebook.screenshot("main-reopened-without-kernel")
