"""A real ipykernel, driven like a front end drives it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel
from plugins.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OUTPUTS = frozenset({"stream", "display_data", "update_display_data", "execute_result", "error"})


@dataclass
class Ran:
    """What one cell gave.

    Attributes:
        seconds: From the request to the reply.
        outputs: The messages with content, in order, as (type, content).
        status: `ok` or `error`.
    """

    seconds: float
    outputs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    status: str = "ok"

    @property
    def text(self) -> str:
        """All that a reader of the cell would see as text."""
        parts = []
        for kind, content in self.outputs:
            if kind == "stream":
                parts.append(content["text"])
            elif kind == "error":
                parts.append("\n".join(content["traceback"]))
            else:
                parts.append(content["data"].get("text/plain", ""))
        return "\n".join(parts)


class Kernel:
    """A kernel and its client."""

    def __init__(self, home: Path) -> None:
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=_environment(home), extra_arguments=["--log-level=ERROR"]
        )

    @property
    def pid(self) -> int:
        """The process that it runs in."""
        provisioner: Any = self.manager.provisioner
        return int(provisioner.process.pid)

    def run(self, code: str, *, timeout: float = 2 * PATIENCE, allow_stdin: bool = True) -> Ran:
        """Run a cell and return what it gave; `allow_stdin=False` is what papermill sends."""
        began = time.perf_counter()
        return self.finish(self.start(code, allow_stdin=allow_stdin), timeout=timeout, began=began)

    def start(self, code: str, *, allow_stdin: bool = True) -> str:
        """Send a cell and return its message's id, for `finish`."""
        client: Any = self.client
        return str(client.execute(code, allow_stdin=allow_stdin))

    def finish(self, sent: str, *, timeout: float = 2 * PATIENCE, began: float = 0.0) -> Ran:
        """Wait for the end of a cell that was sent."""
        client: Any = self.client
        reply = _reply_to(client, sent, timeout)
        ran = Ran(time.perf_counter() - began, status=reply["content"]["status"])
        while True:
            message = client.get_iopub_msg(timeout=timeout)
            kind, mine = message["msg_type"], message["parent_header"].get("msg_id") == sent
            if mine and kind == "status" and message["content"]["execution_state"] == "idle":
                return ran
            if mine and kind in _OUTPUTS:
                ran.outputs.append((kind, message["content"]))

    def interrupt(self) -> None:
        """Press the interrupt button."""
        self.manager.interrupt_kernel()

    def restart(self, *, now: bool = True) -> None:
        """Restart the kernel: `now` kills the process, else it is asked to end, as by JupyterLab's menu."""
        self.manager.restart_kernel(now=now)
        self.client.wait_for_ready(timeout=PATIENCE)

    def late(self, seconds: float = 0.5) -> list[tuple[str, dict[str, Any]]]:
        """Return output messages of whatever cell that arrive within `seconds`."""
        client: Any = self.client
        found: list[tuple[str, dict[str, Any]]] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                message = client.get_iopub_msg(timeout=0.05)
            except Exception:  # noqa: BLE001, S112 - jupyter_client raises queue.Empty of its own making
                continue
            if message["msg_type"] in _OUTPUTS:
                found.append((message["msg_type"], message["content"]))
        return found

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def _reply_to(client: Any, sent: str, timeout: float) -> dict[str, Any]:
    while True:
        reply: dict[str, Any] = client.get_shell_msg(timeout=timeout)
        if reply["parent_header"].get("msg_id") == sent:
            return reply


def _environment(home: Path) -> dict[str, str]:
    import os

    return {**os.environ, "ASTRAML_HOME": str(home)}


@pytest.fixture
def kernel(home: Path) -> Iterator[Kernel]:
    """A fresh kernel whose lab lives in the test's own home."""
    made = Kernel(home)
    yield made
    made.close()
