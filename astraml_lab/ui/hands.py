"""What a form does on the page around it: it puts a cell below its own, and has the browser store a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import traitlets

from astraml_lab.jobs.naming import tune_line
from astraml_lab.ui.page_widget import STATIC, PageWidget

if TYPE_CHECKING:
    from collections.abc import Callable


class Named(Protocol):
    """What of a job, or of its specification, a sentence names."""

    @property
    def name(self) -> str | None:
        """Its name, where it has one."""

    @property
    def project(self) -> str:
        """Its project."""


class Hands(PageWidget):
    """Reaches the notebook from its page; it also brings the form's style sheet.

    Args:
        on_inserted: Told whether the last cell is in the notebook; where it could not be put there, the page
            shows its text with a button to copy it.
    """

    _esm = STATIC / "hands.js"
    _css = STATIC / "form.css"
    named = traitlets.Unicode().tag(sync=True)
    """The form's name in a notebook: a page that loads a saved notebook looks for it."""
    words = traitlets.Unicode().tag(sync=True)
    """What a saved notebook holds in the form's place."""

    def __init__(self, on_inserted: Callable[[bool], object] = lambda _done: None) -> None:
        self._on_inserted = on_inserted
        super().__init__()

    def stand_for(self, form: str, job: Named, *, launched: bool = False) -> None:
        """Leave a sentence in a saved notebook, where nothing can be entered.

        Args:
            form: The name of the form in its notebook.
            job: What is entered, or runs.
            launched: Whether the form has launched it.
        """
        again = f"`{tune_line('form', job.name, job.project)}`" if job.name else "`%tune form`"
        if launched and job.name:
            show = tune_line("show", job.name, job.project)
            self.words = f"Launched from a form: `{show}` shows the job, {again} opens the form."
        else:
            self.words = f"A form was here, which needs its kernel: run this cell or {again} to open one."
        self.named = form

    def insert(self, source: str, below: str) -> None:
        """Put a cell below the one that shows the widget `below`."""
        self.send({"t": "insert", "source": source, "model": below})

    def reveal(self) -> None:
        """Have the page show the first field that is marked, and put the cursor there."""
        self.send({"t": "reveal"})

    def download(self, name: str, text: str, kind: str) -> None:
        """Have the browser store a file of a media type."""
        self.send({"t": "download", "name": name, "text": text, "kind": kind})

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("t") == "inserted":
            self._on_inserted(message.get("done") is True)
