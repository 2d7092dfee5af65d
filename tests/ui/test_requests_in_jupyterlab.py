"""What a person sees of requests in JupyterLab: the report, in both themes; the job; the list; refusals."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from playwright.sync_api import expect
from plugins.sagemaker_requests import DEFINITION, a_request, several

if TYPE_CHECKING:
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[1] / "dialects"
SAGEMAKER: dict[str, Any] = json.loads((EXAMPLES / "sagemaker/examples/sm-d01.json").read_text())["request"]
VERTEX: dict[str, Any] = json.loads((EXAMPLES / "vertex/requests/vx-d01.json").read_text())["request"]
EVIL = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>' + "x" * 500
LOAD = """%load_ext astraml_lab
import astraml_lab as lab
import json, threading, time
go_on = threading.Event()
def train(trial):
    go_on.wait(120)
    for epoch in range(5):
        time.sleep(0.05)
        trial.report({"validation:rmse": trial.params["eta"] + 1 / (epoch + 1), "accuracy": 0.5})
lab.register("xgboost:*", train)"""


def secured() -> dict[str, Any]:
    request = copy.deepcopy(SAGEMAKER)
    request["TrainingJobDefinition"] |= {
        "EnableNetworkIsolation": True,
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    }
    return request


def translated(request: dict[str, Any]) -> str:
    return f"lab.translate(json.loads({json.dumps(json.dumps(request))}))"


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_report_is_clear_in_both_themes(
    jupyter_lab: LabServer, notebook: NotebookPage, theme: Literal["light", "dark"]
) -> None:
    jupyter_lab.use_theme(theme)
    cells = [LOAD, translated(secured()), translated(VERTEX)]
    jupyter_lab.write_notebook(f"report-{theme}.ipynb", cells)
    notebook.page.set_viewport_size({"width": 1400, "height": 1300})
    notebook.open(f"report-{theme}.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    report = notebook.output(1)

    expect(report.get_by_role("alert")).to_contain_text("trials are NOT cut off from the network here")
    expect(report).to_contain_text("here the function train runs")
    expect(report.locator("details")).not_to_have_attribute("open", "")
    notebook.page.wait_for_timeout(300)
    report.screenshot(path=notebook.screenshot(f"report-{theme}"))
    paper, ink = report.locator("div[style]").first.evaluate(
        "each => { const style = getComputedStyle(each); return [style.backgroundColor, style.color]; }"
    )
    assert _light(paper) == (theme == "light")
    assert _light(ink) == (theme == "dark")

    report.locator("summary").click()
    expect(report).to_contain_text("TrainingJobDefinition.AlgorithmSpecification.TrainingImage")
    notebook.screenshot(f"report-unfolded-{theme}")
    notebook.run_cell(2)
    expect(notebook.output(2).get_by_role("alert")).to_contain_text("nothing here runs it yet")
    notebook.output(2).screenshot(path=notebook.screenshot(f"report-vertex-{theme}"))


def test_a_submitted_request_says_what_became_of_it_on_its_dashboard_and_in_the_list(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    body = json.dumps(secured(), indent=1)
    cells = [LOAD, f"%%tune\n{body}", "%tune", "go_on.set()\njob = lab.job()\njob.wait()\njob.request"]
    cells.append("%tune export r-xgb-abalone-01 sagemaker")
    jupyter_lab.write_notebook("submitted.ipynb", cells)
    notebook.page.set_viewport_size({"width": 1400, "height": 1300})
    notebook.open("submitted.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    output = notebook.output(1)
    output.locator(".astraml").scroll_into_view_if_needed()  # the kernel tells nothing while nobody looks

    said = "made of a SageMaker request: 5 fields approximated, 2 fields without effect, 2 security promises"
    expect(output.locator(".astraml-badge").first).to_have_text("SageMaker")
    expect(output.locator(".astraml-notes")).to_contain_text(f"{said} NOT kept: job.request")
    expect(output).to_contain_text("Warning: TrainingJobDefinition.VpcConfig: trials run in this machine")
    notebook.page.wait_for_timeout(500)
    output.screenshot(path=notebook.screenshot("submitted-dashboard"))

    notebook.run_cell(2)
    expect(notebook.output(2).locator(".astraml-badge")).to_have_text("SageMaker")
    cut = (
        notebook.output(2)
        .locator("th:has(.astraml-badge)")
        .evaluate("each => each.scrollWidth > each.clientWidth")
    )
    assert not cut
    notebook.output(2).screenshot(path=notebook.screenshot("submitted-list"))
    notebook.run_cell(3)
    expect(notebook.output(3)).to_contain_text("Approximated (5 fields)")
    notebook.run_cell(4)
    expect(notebook.output(4)).to_contain_text('"HyperParameterTuningJobName": "r-xgb-abalone-01"')


@pytest.mark.slow
def test_hostile_words_of_a_request_are_shown_and_do_nothing(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    request = a_request({f"{DEFINITION}.StaticHyperParameters": {EVIL[:250]: EVIL}})
    many = several("left", "right")
    cells = [LOAD, *map(translated, (request, many))]
    jupyter_lab.write_notebook("hostile-report.ipynb", cells)
    notebook.open("hostile-report.ipynb")
    for index in range(3):
        notebook.run_cell(index)
    report = notebook.output(1)

    expect(report).to_contain_text("<img src=x")
    assert notebook.page.evaluate("window.owned") is None
    assert report.locator("img, script").count() == 0
    wide = "each => each.scrollWidth > each.clientWidth + 1"
    assert not report.locator(".jp-OutputArea-output").first.evaluate(wide)
    report.screenshot(path=notebook.screenshot("report-hostile"))
    notebook.output(2).screenshot(path=notebook.screenshot("report-several"))


@pytest.mark.slow
def test_refusals_are_sentences(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    broken = secured()
    broken["HyperParameterTuningJobConfig"]["Strategy"] = "Guess"
    astraml = "project_id: p-demo\nmodel: bert\nmodle: x\ndataset: s3://b/d\nhyperparams: {lr: -1}\n"
    unmapped = json.dumps(secured()).replace("xgboost:1", "catboost:1").replace("abalone", "cat")
    cells = [LOAD, f"%%tune\n{json.dumps(broken)}", f"%%tune\n{astraml}", f"%%tune\n{unmapped}"]
    jupyter_lab.write_notebook("refused.ipynb", cells)
    notebook.page.set_viewport_size({"width": 1400, "height": 1300})
    notebook.open("refused.ipynb")
    for index in range(4):
        notebook.run_cell(index)

    expect(notebook.output(1)).to_contain_text("SageMakerError: 1 validation error detected")
    expect(notebook.output(2)).to_contain_text("/modle")
    expect(notebook.output(3)).to_contain_text("lab.register('catboost:*', train)")
    for index in (1, 2, 3):
        expect(notebook.output(index)).not_to_contain_text("Traceback")
    notebook.screenshot("refused")


def _light(colour: str) -> bool:
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return red + green + blue > 3 * 128
