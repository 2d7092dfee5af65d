"""Where a job is read into the form: pasted, or from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from astraml_lab.ui.form_fields import marked
from astraml_lab.ui.form_layout import button, section, shown_if

if TYPE_CHECKING:
    from collections.abc import Callable

_PASTED = """%%tune --maximize accuracy --trials 40
lr = Float(1e-4, 1e-1, log=True)
…

or {"name": …}"""


class Opening:
    """Asks for a text; it closes once that could be read.

    Args:
        load: Reads it; whether it could.
    """

    def __init__(self, load: Callable[[str], bool]) -> None:
        self._load = load
        tip = "A %%tune cell, a cell that calls tune(…), or a job as JSON"
        self.source = widgets.Textarea(placeholder=_PASTED, tooltip=tip)
        self.file = widgets.FileUpload(accept=".json,.py,.txt", description="From a file", tooltip=tip)
        self.file.observe(lambda _change: self._read_file(), "value")
        read = button("Read into the form", "arrow-up", lambda: self._read(self.source.value))
        line = marked(widgets.HBox([read, self.file]), "astraml-controls")
        parts = [marked(self.source, "astraml-code"), line]
        self.section = section("Open a job", parts, "paste a cell or JSON, or choose a file")
        shown_if(self.section, when=False)

    def toggle(self) -> None:
        """Open it, or close it."""
        shown_if(self.section, when=self.section.layout.display == "none")

    def _read(self, text: str) -> None:
        if self._load(text):
            shown_if(self.section, when=False)

    def _read_file(self) -> None:
        if self.file.value:
            text = bytes(self.file.value[0]["content"]).decode("utf-8", "replace")
            self.file.value = ()
            self._read(text)
