"""Names and values that are markup, script, quotes or very long: shown as they are, and nothing runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 10_000
EVIL = (
    '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
    "<svg onload='window.owned=1'></svg>\"'`${window.owned=1}</textarea> %{x} $\\frac{1}{2}$ 🤖"
)
FIRST = f"""import sys, dataclasses; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from plugins.fake_job import FakeJob, FakeReader
from astraml_lab.jobs import JobList
from astraml_lab.spec import Categorical, FailureKind, Float, Space, TrialState
from astraml_lab.ui.form import TuneForm
from astraml_lab.ui.presenter import NotebookPresenter
EVIL = {EVIL!r}
LONG = EVIL + "x" * {LONG}
presenter = NotebookPresenter()"""
JOB = """reader = FakeReader(EVIL, trials=12, pareto={pareto}); job = FakeJob(reader)
objectives = reader.view().objectives
changed = tuple(each.model_copy(update=dict(metric=EVIL + str(at))) for at, each in enumerate(objectives))
space = Space({{EVIL: Float(0.0, 1.0), LONG: Categorical([EVIL, LONG])}})
reader.change(objectives=type(objectives)(changed), space=space, param_names=(EVIL, LONG),
              note="; ".join([EVIL, LONG]), tags={{EVIL: LONG}}, reason=LONG, project=EVIL)
for number in range(12):
    reader.start(number, **{{EVIL: number / 12, LONG: LONG if number % 2 else EVIL}})
    for step in (1, 2, 3):
        found = {{each.metric: step * number / (at + 1) for at, each in enumerate(changed)}}
        reader.report(number, step, **found, **{{LONG: 1.0}})
    reader.logs[number] = [EVIL, LONG]
    ends = dict(reason=LONG, traceback=LONG, notes=(EVIL, LONG), device=EVIL)
    if number == 11:
        reader.end(number, TrialState.FAILED, kind=FailureKind.EXCEPTION, **ends)
    elif number < 10:
        reader.end(number, **ends)
presenter.show(job, live=True)"""
LIST = """presenter.show_list(JobList(lambda: [reader.view()], lambda view: job))"""
FORM = """from astraml_lab.lab import build_spec
from astraml_lab.spec import objectives_of
tags = {"why": EVIL, "long": LONG}
spec = build_spec({"act": Categorical([EVIL, LONG])}, objectives_of(EVIL, ()), dict(tag=tags))
TuneForm(spec, body=f"# {LONG}\\nact = 1\\nreport({{EVIL!r}}=1)")"""
END = "reader.finish(reason=LONG); presenter.show(job, live=True)"


def unharmed(page: Page) -> None:
    """Nothing ran, nothing became an element, nothing is wider than the page."""
    assert page.evaluate("window.owned") is None
    places = ("img[src='x']", "script", "[onload]", "[onerror]")
    bad = ", ".join(f".jp-OutputArea {each}" for each in places)
    assert page.locator(bad).count() == 0
    wide = page.evaluate(
        """() => [...document.querySelectorAll(".jp-OutputArea-output")]
            .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)"""
    )
    assert wide == []


@pytest.mark.parametrize("pareto", [False, True])
def test_hostile_names_are_shown_and_do_nothing(
    jupyter_lab: LabServer, notebook: NotebookPage, *, pareto: bool
) -> None:
    page = notebook.page
    jupyter_lab.write_notebook("hostile.ipynb", [FIRST, JOB.format(pareto=pareto), LIST, FORM, END])
    page.set_viewport_size({"width": 1400, "height": 1400})
    notebook.open("hostile.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view = notebook.output(1).locator(".astraml")
    view.scroll_into_view_if_needed()
    expect(view.locator("tr[data-n='11']")).to_be_attached()
    unharmed(page)

    view.locator("tr[data-n='11']").click()
    expect(view.locator(".astraml-log").last).to_contain_text("<img")
    unharmed(page)
    notebook.screenshot(f"hostile-detail-{'pareto' if pareto else 'single'}")
    view.locator("tr[data-n='3']").click(modifiers=["ControlOrMeta"])
    expect(view.locator(".astraml-detail")).to_contain_text("2 trials side by side")
    unharmed(page)
    notebook.screenshot(f"hostile-beside-{'pareto' if pareto else 'single'}")
    for tab in view.get_by_role("tab").all():
        if tab.is_visible():
            tab.click()
            page.wait_for_timeout(400)
            for point in view.locator(".scatterlayer path.point").locator("visible=true").all()[:1]:
                point.hover(force=True)
            notebook.screenshot(f"hostile-{'pareto' if pareto else 'single'}-{tab.inner_text().lower()}")
            unharmed(page)
    view.get_by_role("button", name="Columns").click()
    unharmed(page)
    page.keyboard.press("Escape")
    view.get_by_role("button", name="More to do with this job").click()
    unharmed(page)
    page.keyboard.press("Escape")

    notebook.run_cell(2)
    expect(notebook.output(2)).to_contain_text("<img")
    notebook.screenshot(f"hostile-list-{'pareto' if pareto else 'single'}")
    unharmed(page)
    notebook.run_cell(3)
    expect(notebook.output(3).get_by_role("button", name="Check")).to_be_visible()
    notebook.screenshot(f"hostile-form-{'pareto' if pareto else 'single'}")
    unharmed(page)
    notebook.run_cell(4)
    expect(notebook.output(4).locator(".js-plotly-plot").first).to_be_attached()
    page.wait_for_timeout(500)
    unharmed(page)
    notebook.screenshot(f"hostile-picture-{'pareto' if pareto else 'single'}")
