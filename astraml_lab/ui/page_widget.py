"""What our widgets share: they hear their page while a cell runs, and let no exception out into one."""

from __future__ import annotations

import logging
from abc import abstractmethod
from pathlib import Path
from typing import Any

import anywidget

STATIC = Path(__file__).parent / "static"
_log = logging.getLogger(__name__)


class PageWidget(anywidget.AnyWidget):
    """A widget with a page of its own."""

    def __init__(self) -> None:
        super().__init__()
        answer_in_subshell(self.comm)
        self.on_msg(self._on_message)

    @abstractmethod
    def _hear(self, message: dict[str, Any]) -> None:
        """Act on a message of the page, which is believed in nothing."""

    def _on_message(self, _widget: object, content: Any, _buffers: object) -> None:
        try:
            if isinstance(content, dict):
                self._hear(content)
        except Exception:  # noqa: BLE001  logged: an exception here would be printed into whatever cell runs
            _log.exception("A message for a %s was dropped.", type(self).__name__)


def answer_in_subshell(comm: Any) -> None:
    """Let a comm's messages be handled while a cell runs.

    JupyterLab addresses them to a subshell, but ipykernel 7.4 sends them to the shell that last published on
    the comm, which is the main one (`ipykernel.comm.comm.BaseComm._reply_subshell_for`). Elsewhere there is
    nothing to mend.

    The main shell also takes what is addressed to a subshell that is gone. ipykernel drops that, and the page
    would stand still for good: JupyterLab 4.6 has the comms of a page share a subshell, and ends it too early
    where one of them went before a busy kernel had answered (`CommHandler._closePerCommTargetSubshell`).
    """

    def route(_data: object, subshell: str | None) -> str | None:
        known = comm.kernel.shell_channel_thread.manager.list_subshell()
        return subshell if subshell in known else None

    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = route  # noqa: SLF001  the hook has no public name
