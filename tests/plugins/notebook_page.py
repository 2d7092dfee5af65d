"""One notebook in one JupyterLab page, driven the way a person does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import expect
from plugins.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page
    from plugins.lab_server import LabServer

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
LOADS = 3
"""JupyterLab gives up on a widget whose kernel does not answer within 4 s; a person loads the page again."""
EXECUTED = re.compile(r"^\[\d+\]:$")


class NotebookPage:
    """A page that shows one notebook; `page` is playwright's own object, for everything that is not here."""

    def __init__(self, page: Page, server: LabServer) -> None:
        self.page = page
        self._server = server
        expect.set_options(timeout=1_000 * PATIENCE)

    def open(
        self, name: str, app: Literal["lab", "notebook"] = "lab", *, view: Locator | None = None
    ) -> None:
        """Show the notebook `name` of the server's root folder and wait until its kernel is ready.

        Args:
            name: The file.
            app: JupyterLab, or Notebook 7, which the same server offers.
            view: What of a kernel that runs already has to come with the page.
        """
        # A workspace of its own: what other tests left open is not opened again.
        workspace = re.sub(r"\W", "-", name)
        place = f"lab/workspaces/{workspace}/tree" if app == "lab" else "notebooks"
        url = f"{self._server.url}/{place}/{name}?token={self._server.token}"
        self._load(lambda: self.page.goto(url), view)

    def reload(self, view: Locator | None = None) -> None:
        """Load the page again, as F5 does; the kernel lives on, and `view` has to come back with the page."""
        self._load(self.page.reload, view)

    def cell(self, index: int) -> Locator:
        """The cell at `index`, from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """The output area of the cell at `index`."""
        return self.cell(index).locator(".jp-OutputArea")

    def start_cell(self, index: int) -> None:
        """Run the cell at `index` without waiting for its end."""
        editor = self.cell(index).locator(".cm-content")
        editor.click()
        expect(editor).to_be_focused()
        self.page.keyboard.press("Control+Enter")

    def run_cell(self, index: int) -> None:
        """Run the cell at `index` and wait until it has ended."""
        prompt = self._prompt(index)
        before = prompt.inner_text()
        self.start_cell(index)
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(EXECUTED)

    def wait_until_idle(self) -> None:
        """Wait until the kernel is connected and has nothing to do."""
        indicator = self.page.locator(".jp-Notebook-ExecutionIndicator").first
        expect(indicator).to_have_attribute("data-status", "idle")

    def wait_for_trials(self, view: Locator, finished: int) -> None:
        """Wait until that many trials of a dashboard have ended; the table keeps only the rows in sight."""
        count = "([view, least]) => parseInt(view.querySelector('.astraml-count').textContent) >= least"
        expect(view.locator("tr[data-n]").first).to_be_visible()
        self.page.wait_for_function(count, arg=[view.element_handle(), finished])

    def save(self) -> None:
        """Save the notebook and wait until the file is written."""
        with self.page.expect_response(
            lambda response: response.request.method == "PUT" and "/api/contents/" in response.url
        ):
            self.page.keyboard.press("Control+s")

    def screenshot(self, name: str) -> Path:
        """Store what the page shows as tests/screenshots/`name`.png."""
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def _load(self, load: Callable[[], object], view: Locator | None) -> None:
        for _ in range(LOADS):
            load()
            self._wait_until_shown()
            if view is None:
                return
            expect(view.or_(self.page.get_by_text("model not found")).first).to_be_attached()
            if view.count():
                return
            print("JupyterLab gave up on a widget: the page is loaded again")  # noqa: T201 - seen where it is often
        raise AssertionError(f"JupyterLab gave up on a widget {LOADS} times")

    def _wait_until_shown(self) -> None:
        # The execution indicator reads "idle" before there is a kernel: wait for the kernel's name first.
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)
        name = self.page.locator(".jp-Toolbar-kernelName").first
        expect(name).to_contain_text("Python 3")
        self.wait_until_idle()

    def _prompt(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-InputPrompt")
