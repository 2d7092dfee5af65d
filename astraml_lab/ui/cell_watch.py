"""Whether a cell is running: then a kernel without subshells hears nothing from its views."""

from __future__ import annotations

import threading
from typing import Any

from IPython.core.getipython import get_ipython


class CellWatch:
    """Follows the start and end of cells while anybody wants to know. Thread-safe."""

    def __init__(self) -> None:
        self.running = False
        self._users = 0
        self._shell: Any = None
        self._lock = threading.Lock()

    def attach(self, shell: Any = None) -> None:
        """Listen to the events of a shell (default: this process's own, if there is one)."""
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            self._shell = get_ipython() if shell is None else shell
            if self._shell is not None:
                # The cell that runs now has started before: what is being answered tells of it.
                self.running = _answers_a_cell(self._shell)
                self._shell.events.register("pre_run_cell", self._on_start)
                self._shell.events.register("post_run_cell", self._on_end)

    def detach(self) -> None:
        """Stop listening when the last has lost interest."""
        with self._lock:
            self._users -= 1
            if self._users or self._shell is None:
                return
            self._shell.events.unregister("pre_run_cell", self._on_start)
            self._shell.events.unregister("post_run_cell", self._on_end)
            self._shell, self.running = None, False

    def _on_start(self, *_ignored: object) -> None:
        self.running = True

    def _on_end(self, *_ignored: object) -> None:
        self.running = False


def _answers_a_cell(shell: Any) -> bool:
    """Whether the kernel is answering a request to run a cell; a terminal's shell answers none."""
    asked: dict[str, Any] = (shell.get_parent() if hasattr(shell, "get_parent") else None) or {}
    return bool(asked.get("header", {}).get("msg_type") == "execute_request")


WATCH = CellWatch()
"""The watch of this process."""
