"""What a page tells a widget of ours, in a real kernel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.patience import PATIENCE

if TYPE_CHECKING:
    from plugins.kernel import Kernel

VIEW = "application/vnd.jupyter.widget-view+json"
SHOW = f"""import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from plugins.fake_job import FakeJob, FakeReader, play
from astraml_lab.ui.presenter import NotebookPresenter
presenter = NotebookPresenter()
reader = FakeReader("digits", trials=12); play(reader, 6)
presenter.show(FakeJob(reader), live=True)"""


@pytest.mark.parametrize("subshell", ["the main one", "one that lives", "one that is gone"])
def test_a_page_is_answered_whatever_subshell_it_addresses(kernel: Kernel, subshell: str) -> None:
    ran = kernel.run(SHOW)
    assert ran.status == "ok", ran.text
    shown = next(content["data"][VIEW] for _, content in ran.outputs if VIEW in content.get("data", {}))
    header: dict[str, Any] = {}
    if subshell == "one that lives":
        header = {"subshell_id": _new_subshell(kernel)}
    elif subshell == "one that is gone":
        header = {"subshell_id": "gone"}

    _tell(kernel, shown["model_id"], {"t": "hello", "c": "a page"}, header)

    assert _heard(kernel, shown["model_id"])["t"] == "frame"


def _new_subshell(kernel: Kernel) -> str:
    client: Any = kernel.client
    client.control_channel.send(client.session.msg("create_subshell_request", {}))
    return str(client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"])


def _tell(kernel: Kernel, widget: str, content: dict[str, Any], header: dict[str, Any]) -> None:
    client: Any = kernel.client
    data = {"method": "custom", "content": content}
    message = client.session.msg("comm_msg", {"comm_id": widget, "data": data})
    message["header"] |= header
    client.shell_channel.send(message)


def _heard(kernel: Kernel, widget: str) -> dict[str, Any]:
    client: Any = kernel.client
    while True:
        message = client.get_iopub_msg(timeout=PATIENCE)
        content = message["content"]
        mine = message["msg_type"] == "comm_msg" and content["comm_id"] == widget
        if mine and content["data"].get("method") == "custom":
            found: dict[str, Any] = content["data"]["content"]
            return found
