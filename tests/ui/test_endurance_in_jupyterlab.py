"""A long day: two windows, a network that fails, a notebook that is closed and opened again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from plugins.notebook_page import NotebookPage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocketRoute
    from plugins.lab_server import LabServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = f"""import sys, threading; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()
reader = FakeReader("digits", trials=4000); job = FakeJob(reader)
threading.Thread(target=play, args=(reader, 4000), kwargs=dict(pause=0.1, epochs=9), daemon=True).start()
presenter.show(job, live=True)"""
CHOSEN = "print(job.selection.numbers)"
STILL = f"""import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.jobs import JobList
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()
reader = FakeReader("digits", trials=12); job = FakeJob(reader)
play(reader, 6); presenter.show(job, live=True)"""
LIST = "presenter.show_list(JobList(lambda: [reader.view()], lambda view: job))"


def dashboard(notebook: NotebookPage) -> Locator:
    return notebook.output(0).locator(".astraml")


def finished(view: Locator) -> int:
    """Return how many trials have ended."""
    expect(view.locator(".astraml-count")).to_contain_text("/")
    return int(view.locator(".astraml-count").inner_text().partition("/")[0])


def moves(notebook: NotebookPage, view: Locator) -> None:
    """Wait until more trials have ended."""
    notebook.wait_for_trials(view, finished(view) + 2)


def test_two_windows_show_one_job_and_each_sees_what_the_other_does(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("windows.ipynb", [FIRST, CHOSEN])
    notebook.open("windows.ipynb")
    notebook.run_cell(0)
    first = dashboard(notebook)
    notebook.wait_for_trials(first, 3)
    notebook.save()
    other = NotebookPage(notebook.page.context.new_page(), jupyter_lab)
    second = dashboard(other)
    other.open("windows.ipynb", view=second)
    for each, view in ((notebook, first), (other, second)):
        moves(each, view)

    second.locator("tr[data-n]").last.click()
    number = second.locator("tr[aria-selected='true']").get_attribute("data-n")
    expect(first.locator(f"tr[data-n='{number}']")).to_have_attribute("aria-selected", "true")
    expect(first.locator(".astraml-detail")).to_contain_text(re.compile(rf"Trial {number}(?!\d)"))
    first.get_by_role("button", name="Pause").click()
    expect(second.locator(".astraml-chip")).to_have_text("paused")
    other.screenshot("endurance-second-window")
    second.get_by_role("button", name="Stop", exact=True).click()
    second.get_by_role("button", name="Stop now").click()
    ended = first.locator(".astraml-chip", has_text="cancelled").or_(
        notebook.output(0).get_by_text("cancelled")
    )
    expect(ended.first).to_be_attached()
    expect(
        second.locator(".astraml-chip", has_text="cancelled")
        .or_(other.output(0).get_by_text("cancelled"))
        .first
    ).to_be_attached()


class Network:
    """The wires between a page and its kernels, which can be cut."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._cut = False
        self._open: list[WebSocketRoute] = []
        page.route_web_socket(re.compile(r"/api/kernels/"), self._connect)

    def _connect(self, wire: WebSocketRoute) -> None:
        if self._cut:
            wire.close(code=1011, reason="cut")
            return
        wire.connect_to_server()
        self._open.append(wire)

    def cut(self) -> None:
        """Close all, and let none be opened."""
        self._cut = True
        self._page.context.set_offline(True)
        for wire in self._open:
            wire.close(code=1011, reason="cut")
        self._open.clear()

    def mend(self) -> None:
        """Let pages through again."""
        self._cut = False
        self._page.context.set_offline(False)


def test_views_whose_first_word_is_lost_say_it_again(jupyter_lab: LabServer, notebook: NotebookPage) -> None:
    losing = False

    def connect(wire: WebSocketRoute) -> None:
        server = wire.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            said = message.encode() if isinstance(message, str) else message
            if not (losing and b'"hello"' in said):
                server.send(message)

        wire.on_message(pass_on)

    notebook.page.route_web_socket(re.compile(r"/api/kernels/"), connect)
    jupyter_lab.write_notebook("still.ipynb", [STILL, LIST])
    notebook.open("still.ipynb")
    notebook.run_cell(0)
    notebook.run_cell(1)
    view, jobs = dashboard(notebook), notebook.output(1).locator(".astraml-jobs")
    trial, button = view.locator("tr[data-n='3']"), jobs.get_by_role("button", name="Show")
    expect(trial).to_be_visible()
    expect(button).to_be_visible()
    notebook.save()

    losing = True
    notebook.reload(jobs)
    expect(view).to_be_attached()
    notebook.page.wait_for_timeout(4_000)
    expect(trial).to_have_count(0)
    expect(jobs).to_contain_text("Asking the kernel for its jobs")
    losing = False

    expect(trial).to_be_visible()
    expect(button).to_be_visible()


def test_after_a_cut_of_the_network_the_view_says_so_and_comes_back_by_itself(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    network = Network(notebook.page)
    jupyter_lab.write_notebook("cut.ipynb", [FIRST, CHOSEN])
    notebook.open("cut.ipynb")
    notebook.run_cell(0)
    view = dashboard(notebook)
    notebook.wait_for_trials(view, 3)

    network.cut()

    banner = view.locator(".astraml-header .astraml-banner")
    expect(banner).to_contain_text("No word from the kernel for a while")
    expect(banner).to_contain_text("%tune show digits")
    expect(view.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    notebook.screenshot("endurance-cut")
    network.mend()
    expect(banner).to_be_hidden()
    moves(notebook, view)
    notebook.page.get_by_role("dialog").get_by_role(
        "button", name="Close"
    ).click()  # JupyterLab tells of the cut too
    view.get_by_role("button", name="Pause").click()
    expect(view.locator(".astraml-chip")).to_have_text("paused")


def test_a_notebook_that_is_closed_and_opened_again_shows_the_job_that_went_on(
    jupyter_lab: LabServer, notebook: NotebookPage
) -> None:
    jupyter_lab.write_notebook("closed-notebook.ipynb", [FIRST, CHOSEN])
    notebook.open("closed-notebook.ipynb")
    notebook.run_cell(0)
    view = dashboard(notebook)
    notebook.wait_for_trials(view, 3)
    view.locator("tr[data-n]").last.click()
    number = view.locator("tr[aria-selected='true']").get_attribute("data-n")
    expect(view.locator(".astraml-detail")).to_contain_text(re.compile(rf"Trial {number}(?!\d)"))
    before = finished(view)
    notebook.save()
    notebook.page.goto("about:blank")
    notebook.page.wait_for_timeout(4_000)

    notebook.open("closed-notebook.ipynb", view=view)

    notebook.wait_for_trials(view, before + 2)
    expect(view.locator(".astraml-detail")).to_contain_text(re.compile(rf"Trial {number}(?!\d)"))
    moves(notebook, view)
    notebook.run_cell(1)
    expect(notebook.output(1)).to_have_text(f"({number},)")
