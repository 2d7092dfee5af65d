"""Fixtures of the browser tests: Debian's Chromium, a JupyterLab server, and a page that shows a notebook."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright
from plugins.lab_server import running_lab
from plugins.notebook_page import NotebookPage
from plugins.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from plugins.lab_server import LabServer

# As root Chromium has no sandbox; the rest keeps it from asking the network for anything.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium; without one the test says so and skips."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs Debian's chromium (`apt-get install chromium`)")
    return path


@pytest.fixture(scope="session")
def jupyter_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab server for the whole run."""
    with running_lab(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One headless Chromium for the whole run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, with no cookies of another test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(1_000 * PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def notebook(page: Page, jupyter_lab: LabServer) -> Iterator[NotebookPage]:
    """A page of the JupyterLab server, in its light theme, ready to open a notebook."""
    jupyter_lab.use_theme("light")
    yield NotebookPage(page, jupyter_lab)
    jupyter_lab.end_kernels()
