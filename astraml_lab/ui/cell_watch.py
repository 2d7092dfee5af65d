"""Whether a cell is running: then a kernel without subshells hears nothing from its views."""

from __future__ import annotations

import functools
from typing import Any

from IPython.core.getipython import get_ipython


class CellWatch:
    """Follows the start and end of cells."""

    def __init__(self) -> None:
        self.running = False

    def attach(self, shell: Any) -> None:
        """Listen to the shell's own events."""
        shell.events.register("pre_run_cell", self._on_start)
        shell.events.register("post_run_cell", self._on_end)

    def _on_start(self, *_ignored: object) -> None:
        self.running = True

    def _on_end(self, *_ignored: object) -> None:
        self.running = False


@functools.cache
def cell_watch() -> CellWatch:
    """Return the watch of this process, attached if there is a shell."""
    watch = CellWatch()
    shell = get_ipython()
    if shell is not None:
        watch.attach(shell)
    return watch
