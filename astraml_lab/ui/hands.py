"""What a form does on the page around it: it puts a cell below its own, and has the browser store a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from astraml_lab.ui.page_widget import STATIC, PageWidget

if TYPE_CHECKING:
    from collections.abc import Callable


class Hands(PageWidget):
    """Reaches the notebook from its page; it also brings the form's style sheet.

    Args:
        on_inserted: Told whether the last cell is in the notebook; where it could not be put there, the page
            shows its text with a button to copy it.
    """

    _esm = STATIC / "hands.js"
    _css = STATIC / "form.css"

    def __init__(self, on_inserted: Callable[[bool], object] = lambda _done: None) -> None:
        self._on_inserted = on_inserted
        super().__init__()

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
