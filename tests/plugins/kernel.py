"""A real ipykernel, driven like a front end drives it."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel
from plugins.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

_OUTPUTS = frozenset({"stream", "display_data", "update_display_data", "execute_result", "error"})
_STARTS = 3
"""How often a kernel is started: what finds its ports free may lose them to another program."""


@dataclass
class Ran:
    """What one cell gave.

    Attributes:
        seconds: From the request to the reply.
        outputs: The messages with content, in order, as (type, content). Pieces of a stream that follow one
            another are one; what changes another cell's display is none.
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

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message of the cell as a front end does."""
        last, so_far = self.outputs[-1] if self.outputs else ("", {})
        if kind == "update_display_data" and _display(content) not in self._displays():
            return
        if kind == last == "stream" and content["name"] == so_far["name"]:
            so_far["text"] += content["text"]
        else:
            self.outputs.append((kind, content))

    def _displays(self) -> set[str | None]:
        return {_display(content) for kind, content in self.outputs if kind == "display_data"} - {None}


class Kernel:
    """A kernel and its client."""

    def __init__(self, home: Path) -> None:
        self.manager, self.client = _started(_environment(home))
        self.unread = deque[dict[str, Any]]()

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
            message = self.unread.popleft() if self.unread else client.get_iopub_msg(timeout=timeout)
            kind, mine = message["msg_type"], message["parent_header"].get("msg_id") == sent
            if mine and kind == "status" and message["content"]["execution_state"] == "idle":
                return ran
            if mine and kind in _OUTPUTS:
                ran.add(kind, message["content"])

    def begun(self, sent: str) -> None:
        """Wait until the kernel runs a cell that was sent: before that, an interrupt is lost."""
        client: Any = self.client
        begins = False
        while not begins:
            message = client.get_iopub_msg(timeout=PATIENCE)
            self.unread.append(message)
            begins = message["msg_type"] == "execute_input" and message["parent_header"].get("msg_id") == sent

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


def _started(environment: dict[str, str]) -> tuple[KernelManager, BlockingKernelClient]:
    for _ in range(_STARTS - 1):
        with contextlib.suppress(RuntimeError):
            return _started_once(environment)
    return _started_once(environment)


def _started_once(environment: dict[str, str]) -> tuple[KernelManager, BlockingKernelClient]:
    return start_new_kernel(
        startup_timeout=PATIENCE,
        kernel_name="python3",
        env=environment,
        extra_arguments=["--log-level=ERROR"],
    )


def _display(content: dict[str, Any]) -> str | None:
    found: str | None = content.get("transient", {}).get("display_id")
    return found


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
