from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from plugins.patience import within

if TYPE_CHECKING:
    from playwright.sync_api import Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

TESTS = Path(__file__).parents[1]
FIRST = f"""import sys, threading; sys.path.insert(0, {str(TESTS)!r})
from plugins.fake_job import FakeJob, FakeReader, play
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
    jupyter_lab.write_notebook("running.ipynb", [FIRST, show("digits", trials=12)])
    notebook.open("running.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)

    expect(view.locator(".astraml-chip")).to_have_text("running")
    expect(view.locator(".js-line").first).to_be_attached()
    expect(view.locator(".astraml-count")).to_have_text(re.compile(r"^\d+/12 trials$"))
    expect(view.locator("tr[data-n]").first).to_be_visible()
    expect(view.locator("tr[data-n='9']")).to_be_visible()
    notebook.screenshot("dashboard-running-light-1400")
    view.locator("tr[data-n='2']").click()
    expect(view.locator(".astraml-detail")).to_contain_text("Trial 2")
    expect(view.locator(".astraml-log").last).to_contain_text("epoch")
    view.locator("tr[data-n='7']").click()
    expect(view.locator(".astraml-log.is-traceback")).to_contain_text("mat1 and mat2")
    notebook.screenshot("dashboard-detail-light-1400")


@pytest.mark.slow
def test_every_tab_draws_in_the_dark_theme_and_in_a_narrow_page(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("dark")
    jupyter_lab.write_notebook("narrow.ipynb", [FIRST, show("digits dark", pareto=True, trials=16)])
    notebook.open("narrow.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    expect(view.locator("tr[data-n='13']")).to_be_visible()

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


def test_stop_works_while_another_cell_is_running(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    jupyter_lab.use_theme("light")
    busy = """try:
    print(job.stopped.wait(120), flush=True); threading.Event().wait(120)
except KeyboardInterrupt:
    print("interrupted")"""
    jupyter_lab.write_notebook("stop.ipynb", [FIRST, show("stopme", trials=400), busy])
    notebook.open("stop.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    notebook.wait_for_trials(view, 1)
    notebook.start_cell(2)

    view.get_by_role("button", name="Stop", exact=True).click()
    expect(view.get_by_role("button", name="Stop now")).to_be_focused()
    notebook.screenshot("dashboard-stop-confirm")
    with within(20):
        view.get_by_role("button", name="Stop now").click()
        expect(view.locator(".astraml-chip")).to_have_text("cancelled")

    # The dashboard stays, and the cell still runs.
    expect(view.locator(".astraml-banner").first).to_contain_text("This view stays")
    expect(notebook.output(2)).to_contain_text("True")
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    (kernel,) = json.loads(jupyter_lab.ask("GET", "kernels"))
    jupyter_lab.ask("POST", f"kernels/{kernel['id']}/interrupt")
    expect(notebook.output(2)).to_contain_text("interrupted")


@pytest.mark.slow
def test_a_reload_brings_the_dashboard_back_and_the_picture_outlives_the_kernel(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    end = "reader.finish(); presenter.show(job, live=True)"
    path = jupyter_lab.write_notebook("reload-dashboard.ipynb", [FIRST, show("again", trials=12), end])
    notebook.open("reload-dashboard.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(dashboard(notebook).locator("tr[data-n='3']")).to_be_visible()
    notebook.save()

    view = dashboard(notebook)
    notebook.reload(view)
    expect(view.locator("tr[data-n='3']")).to_be_visible()
    expect(view.locator(".astraml-count")).to_contain_text("12/12")
    notebook.run_cell(2)
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    notebook.screenshot("dashboard-ended-after-reload")
    notebook.save()
    outputs = [cell["outputs"] for cell in json.loads(path.read_text())["cells"]]
    stored = outputs[2][0]["data"]
    assert "application/vnd.plotly.v1+json" in stored
    assert "text/html" not in stored
    assert "application/vnd.jupyter.widget-view+json" not in stored

    bare = json.loads(path.read_text())
    bare["cells"] = bare["cells"][2:]
    path.with_name("without-kernel.ipynb").write_text(json.dumps(bare))
    notebook.open("without-kernel.ipynb")  # its kernel is new and knows nothing of the job
    expect(notebook.output(0).locator(".js-plotly-plot, img").first).to_be_visible()
    notebook.screenshot("dashboard-final-picture")


def test_names_that_hold_markup_do_no_harm(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"> $\\\\frac{{1}}{{2}}$ %{{x}}"
    cell = f"""name = {evil!r}
reader = FakeReader(name, trials=2); job = FakeJob(reader)
reader.change(objectives=type(reader.view().objectives)(
    objective.model_copy(update={{"metric": name}}) for objective in reader.view().objectives))
reader.start(0, **{{name: name, "width": 3}})
reader.report(0, 1, **{{name: 0.5}}); reader.report(0, 2, **{{name: 0.6}})
reader.logs[0] = [name]; reader.end(0, reason=name)
presenter.show(job, live=True)"""
    jupyter_lab.write_notebook(
        "markup.ipynb", [FIRST, cell, "reader.finish(reason=name); presenter.show(job, live=True)"]
    )
    notebook.open("markup.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    view.locator("tr[data-n='0']").click()
    expect(view.locator(".astraml-log").last).to_contain_text("<img")
    view.get_by_role("tab", name="History").click()
    expect(view.locator(".scatterlayer path.point").first).to_be_attached()
    view.locator(".scatterlayer path.point").first.hover(force=True)
    notebook.run_cell(2)
    expect(view.locator(".astraml-chip")).to_have_text("succeeded")
    expect(notebook.output(2).locator(".js-plotly-plot").first).to_be_visible()

    assert notebook.page.locator("img[src='x'], img[onerror]").count() == 0
    assert notebook.page.title() != "owned"


@pytest.mark.slow
def test_a_large_job_fills_its_table_and_keeps_it_small_on_the_page(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    large = """reader = FakeReader("large", trials=3000); job = FakeJob(reader)
play(reader, 1000, epochs=9); presenter.show(job, live=True)"""
    empty = """waiting = FakeReader("waiting", trials=20); presenter.show(FakeJob(waiting), live=True)"""
    jupyter_lab.write_notebook("large.ipynb", [FIRST, large, empty])
    notebook.page.set_viewport_size({"width": 1540, "height": 1000})
    notebook.open("large.ipynb")
    notebook.page.keyboard.press("Control+b")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    expect(view.locator("table[aria-rowcount='1001']")).to_be_visible()
    expect(view.locator(".astraml-keys")).to_contain_text("band: ")
    assert view.locator("tr[data-n]").count() < 60
    notebook.run_cell(2)
    expect(dashboard(notebook, 2).locator(".astraml-plot .astraml-empty")).to_contain_text("will appear here")

    view.get_by_label("Filter the trials").fill("pruned gelu")
    expect(view.locator(".astraml-trials [role=status]")).to_contain_text("of 1000")
    view.locator("th button", has_text="accuracy").click()
    expect(view.locator("th[aria-sort='descending']")).to_have_text("accuracy")
    expect(view.locator("tr[data-n] td[data-state]").first).to_have_text("pruned")
    view.locator("tr[data-n]").first.click()
    expect(view.locator(".astraml-detail")).to_be_visible()
    notebook.screenshot("dashboard-large-1540")
    view.get_by_role("button", name="Close").click()
    notebook.page.set_viewport_size({"width": 740, "height": 1500})
    notebook.screenshot("dashboard-large-narrow")


@pytest.mark.slow
def test_a_job_that_is_held_says_why_and_trials_that_are_tried_again_say_so(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.use_theme("light")
    troubled = """from plugins.fake_job import trouble
reader = FakeReader("held"); job = FakeJob(reader)
play(reader, 6); trouble(reader); presenter.show(job, live=True)"""
    jupyter_lab.write_notebook("held.ipynb", [FIRST, troubled, "job.resume(); job.pause()"])
    notebook.open("held.ipynb")
    notebook.page.keyboard.press("Control+b")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = dashboard(notebook)
    banner = view.locator(".astraml-header .astraml-banner")
    expect(banner).to_contain_text("Paused: the disk of /home/ann")
    expect(view.get_by_role("button", name="Resume")).to_be_hidden()
    expect(view.locator(".astraml-notes li")).to_have_count(5)
    expect(view.locator(".astraml-notes")).to_contain_text("1.24 GB on disk")
    expect(view.locator("tr[data-n='11']")).to_contain_text("waits for its 2nd attempt: attempt 1 failed")
    expect(view.locator("tr[data-n='8'] td[data-state='FAILED']")).to_have_text("out of memory")
    notebook.screenshot("held-disk-light-1400")
    notebook.page.set_viewport_size({"width": 620, "height": 1400})
    notebook.screenshot("held-disk-light-620")
    notebook.page.set_viewport_size({"width": 1000, "height": 1400})
    view.locator("tr[data-n='10']").click()
    detail = view.locator(".astraml-detail")
    expect(detail).to_contain_text("running · 2nd attempt")
    expect(detail).to_contain_text("350 MB on disk")
    notebook.screenshot("held-detail-light-1000")
    detail.get_by_role("button", name="Stop trial").click()
    expect(view.locator("tr[data-n='10']")).to_contain_text("stopped by you")
    detail.get_by_role("button", name="Run again").click()
    expect(detail).to_contain_text("Trial 12 tries the parameters of trial 10 next")
    notebook.run_cell(2)
    expect(banner).to_contain_text("Paused by hand")
    view.get_by_role("button", name="Resume").click()
    expect(view.locator(".astraml-chip")).to_have_text("running")


def test_a_view_that_is_closed_leaves_nothing_behind(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    clear = "from IPython.display import clear_output, display\nclear_output()"
    jupyter_lab.write_notebook("closed.ipynb", [FIRST, show("closing", trials=400), clear])
    notebook.open("closed.ipynb")
    notebook.page.evaluate(
        """() => {
            window.open_listeners = 0;
            for (const [name, change] of [["addEventListener", 1], ["removeEventListener", -1]]) {
                const original = document[name];
                document[name] = function (type, ...rest) {
                    if (type === "visibilitychange") window.open_listeners += change;
                    return original.call(this, type, ...rest);
                };
            }
        }"""
    )
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(dashboard(notebook).locator(".js-line").first).to_be_attached()
    assert notebook.page.evaluate("window.open_listeners") == 1
    notebook.cell(1).locator(".jp-InputPrompt").click()
    notebook.page.evaluate(
        """() => document.querySelectorAll(".jp-Notebook .astraml").forEach((each) => (window.seen = each))"""
    )
    notebook.page.get_by_role("menuitem", name="Edit").click()
    notebook.page.get_by_role("menuitem", name="Clear Cell Output").click()
    expect(notebook.page.locator(".astraml")).to_have_count(0)
    assert notebook.page.evaluate("window.open_listeners") == 0
    assert notebook.page.evaluate("window.seen.querySelectorAll('.js-plotly-plot').length") == 0
