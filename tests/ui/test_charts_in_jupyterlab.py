from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Download, Locator
    from plugins.lab_server import LabServer
    from plugins.notebook_page import NotebookPage

pytestmark = pytest.mark.browser

TESTS = Path(__file__).parents[1]
SHOW = f"""import sys; sys.path.insert(0, {str(TESTS)!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()
reader = FakeReader("charts", pareto={{pareto}}, trials=40); play(reader, 30)
reader.start(30, lr=0.01, width=64, act="relu", momentum=0.9); reader.report(30, 1, accuracy=0.4)
presenter.show(FakeJob(reader), live=True)"""
TABS = ["Metrics", "History", "Parallel", "Importance", "Slice", "Timeline"]
MARK = {
    "Metrics": ".scatterlayer .js-line",
    "History": ".scatterlayer path.point",
    "Pareto": ".scatterlayer path.point",
    "Parallel": ".astraml-thumb",
    "Importance": ".barlayer path",
    "Slice": ".subplot.x4y4 path.point",
    "Timeline": ".barlayer path",
}


def opened(
    lab: LabServer, notebook: NotebookPage, name: str, *, pareto: bool = False, theme: str = "light"
) -> Locator:
    lab.use_theme("dark" if theme == "dark" else "light")
    lab.write_notebook(f"{name}.ipynb", [SHOW.format(pareto=pareto)])
    notebook.open(f"{name}.ipynb")
    notebook.run_cell(0)
    view = notebook.output(0).locator(".astraml")
    expect(view.locator("tr[data-n='29']")).to_be_visible()
    return view


def open_tab(view: Locator, name: str) -> None:
    view.get_by_role("tab", name=name).click()
    expect(view.locator(f".astraml-plot {MARK[name]}").first).to_be_attached()


def selected(view: Locator) -> list[int]:
    """The trials that the table marks, of those that it shows."""
    rows = view.locator("tr[data-n][aria-selected='true']")
    return sorted(int(row.get_attribute("data-n") or -1) for row in rows.all())


def tool(notebook: NotebookPage, view: Locator, name: str, mode: str) -> None:
    """Choose what dragging does, and wait until the chart follows."""
    view.get_by_role("button", name=name).click()
    follows = "([view, mode]) => view.querySelector('.js-plotly-plot')?._fullLayout?.dragmode === mode"
    notebook.page.wait_for_function(follows, arg=[view.element_handle(), mode])


def drag(notebook: NotebookPage, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = notebook.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    mouse.move(*end, steps=3)
    mouse.up()


def corner(place: Locator) -> tuple[float, float, float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "pareto"), [("light", False), ("dark", True)])
def test_every_tab_draws(jupyter_lab: LabServer, notebook: NotebookPage, theme: str, *, pareto: bool) -> None:
    view = opened(jupyter_lab, notebook, f"tabs-{theme}", pareto=pareto, theme=theme)
    for tab in [*TABS, *(["Pareto"] if pareto else [])]:
        open_tab(view, tab)
        notebook.screenshot(f"charts-{tab.lower()}-{theme}")
    notebook.page.set_viewport_size({"width": 960, "height": 1200})
    for tab in TABS:
        open_tab(view, tab)
        notebook.screenshot(f"charts-{tab.lower()}-{theme}-narrow")


@pytest.mark.slow
def test_what_is_brushed_is_selected_by_mouse_and_by_keyboard(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    view = opened(jupyter_lab, notebook, "brush")
    open_tab(view, "Parallel")
    axis = view.get_by_role("group", name="act", exact=True)
    x, top, _, height = corner(axis.locator("line").first)
    drag(notebook, (x, top + 2), (x, top + height / 2))

    expect(axis.locator(".astraml-thumb.is-on")).to_have_count(2)
    expect(view.locator("tr[data-n='27']")).to_have_attribute("aria-selected", "true")
    words = view.locator("tr[data-n][aria-selected='true']").all_inner_texts()
    assert all("gelu" in text for text in words)
    assert all("complete" in text for text in words)
    notebook.screenshot("charts-brushed")
    assert download(notebook, view).suggested_filename == "charts-parallel.png"

    # A second axis, by keyboard: fewer trials are left.
    low = view.get_by_role("slider", name="lr, lower end of the marked range")
    low.focus()
    for _ in range(30):
        notebook.page.keyboard.press("ArrowUp")
    expect(low).to_have_attribute("aria-valuenow", "60")
    expect(view.locator("tr[data-n='27']")).to_have_attribute("aria-selected", "false")
    notebook.page.keyboard.press("Delete")
    expect(view.locator("tr[data-n='27']")).to_have_attribute("aria-selected", "true")

    # Moved by the keyboard, an axis keeps the focus; a trial that is picked elsewhere ends the brushing.
    low.press("Shift+ArrowRight")
    names = view.locator(".astraml-parallel-axes > g").evaluate_all(
        "axes => axes.map((axis) => axis.getAttribute('aria-label'))"
    )
    assert names[:2] == ["width", "lr"]
    expect(low).to_be_focused()
    view.locator("tr[data-n='27']").click()
    expect(view.locator(".astraml-thumb.is-on")).to_have_count(0)
    assert selected(view) == [27]


def test_a_box_and_a_click_select_and_a_selection_keeps_the_zoom(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    view = opened(jupyter_lab, notebook, "box")
    open_tab(view, "History")
    x, y, width, height = corner(view.locator(".astraml-plot .nsewdrag").first)
    tool(notebook, view, "Drag a box to select trials", "select")
    drag(notebook, (x + width * 0.6, y + 3), (x + width - 4, y + height - 4))
    expect(view.locator("tr[data-n='29']")).to_have_attribute("aria-selected", "true")
    several = selected(view)
    assert len(several) > 5
    assert min(several) > 15
    expect(view.locator(".selectionlayer path")).to_have_count(0)
    notebook.screenshot("charts-box")

    tool(notebook, view, "Drag to zoom", "zoom")
    drag(notebook, (x + width * 0.3, y + 3), (x + width * 0.7, y + height - 4))
    ticks = view.locator(".astraml-plot .xtick text")
    expect(ticks.filter(has_text=re.compile("^30$"))).to_have_count(0)
    zoomed = ticks.all_inner_texts()
    view.locator("tr[data-n='24']").click()
    expect(view.locator("tr[data-n='29']")).to_have_attribute("aria-selected", "false")
    assert ticks.all_inner_texts() == zoomed
    view.get_by_role("button", name="Show all of it again").click()
    expect(ticks.filter(has_text=re.compile("^30$"))).to_have_count(1)

    # The first point is that of trial 0, with the best so far upon it, which is trial 0's as well.
    px, py, pw, ph = corner(view.locator(".scatterlayer .trace").nth(1).locator("path.point").first)
    notebook.page.mouse.move(px + pw / 2 - 1, py + ph / 2)
    expect(view.locator(".hoverlayer .hovertext")).to_contain_text("trial")
    notebook.page.mouse.click(px + pw / 2, py + ph / 2)
    expect(view.locator("tr[data-n='0']")).to_have_attribute("aria-selected", "true")
    assert download(notebook, view).suggested_filename == "charts-history.png"


def download(notebook: NotebookPage, view: Locator) -> Download:
    with notebook.page.expect_download() as started:
        view.get_by_role("button", name="Download as PNG").click()
    assert started.value.path().read_bytes().startswith(b"\x89PNG")
    return started.value
