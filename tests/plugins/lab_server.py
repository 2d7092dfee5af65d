"""A real JupyterLab server for the browser tests."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import nbformat
from plugins.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SECONDS_TO_START = 90.0
SECONDS_TO_ANSWER = 15.0
"""While it starts; then it is asked again."""
STARTS = 3
"""How often it is started: the port that was found free may be lost to another program."""
# JupyterLab now and then never ends by itself after a page was closed; its kernels are gone by then.
SECONDS_TO_END = 5.0

# By settings file: all cells are in the page at once, and the network is asked for no news.
SETTINGS: dict[str, dict[str, object]] = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
}


@dataclass(frozen=True)
class LabServer:
    """Where a running JupyterLab is reached, and the folders that its kernels use."""

    url: str
    token: str
    root: Path
    """The folder that JupyterLab shows."""
    home: Path
    """ASTRAML_HOME of its kernels."""
    settings: Path

    def write_notebook(self, name: str, cells: Sequence[str]) -> Path:
        """Put a notebook with these code cells where JupyterLab shows it."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        path = self.root / name
        nbformat.write(notebook, path)
        return path

    def use_theme(self, theme: Literal["light", "dark"]) -> None:
        """Choose the theme of the pages that are opened from now on."""
        write_settings(self.settings, "apputils-extension/themes", {"theme": f"JupyterLab {theme.title()}"})

    def end_kernels(self) -> None:
        """Shut down every kernel, so that none takes the next test's cores."""
        deadline = time.monotonic() + PATIENCE
        while kernels := json.loads(self.ask("GET", "kernels")):
            for kernel in kernels:
                try:
                    self.ask("DELETE", f"kernels/{kernel['id']}")
                except urllib.error.HTTPError:  # one that is being restarted cannot be ended at that moment
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)

    def ask(self, method: str, path: str, *, seconds: float = PATIENCE) -> bytes:
        """Send one request to the server's own interface, with its token."""
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310  loopback
            answer: bytes = response.read()
            return answer


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[LabServer]:
    """Start JupyterLab on loopback with all of its files in `folder`, and end it, and its kernels, again."""
    placed = _place(folder)
    with contextlib.ExitStack() as ends:
        for _ in range(STARTS):
            server = replace(placed, url=f"http://127.0.0.1:{_free_port()}")
            process = _start(server, folder)
            ends.callback(_end, process)
            if _answers(server, process):
                break
            if process.poll() is None:
                raise RuntimeError(f"JupyterLab does not answer:\n{(folder / 'server.log').read_text()}")
        else:
            raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'server.log').read_text()}")
        yield server
        server.end_kernels()


def write_settings(folder: Path, name: str, values: dict[str, object]) -> None:
    """Store a user's settings for one plug-in of JupyterLab."""
    path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def _place(folder: Path) -> LabServer:
    server = LabServer(
        url="",
        token=secrets.token_hex(16),
        root=folder / "notebooks",
        home=folder / "home",
        settings=folder / "settings",
    )
    server.root.mkdir()
    for name, values in SETTINGS.items():
        write_settings(server.settings, name, values)
    return server


def _start(server: LabServer, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "server.log").open("ab") as log:
        return subprocess.Popen(_command(server), env=_environment(server, folder), stdout=log, stderr=log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _command(server: LabServer) -> list[str]:
    options = {
        "LabApp.extension_manager": "readonly",  # the other one asks the network
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": server.url.rpartition(":")[2],
        "ServerApp.port_retries": "0",
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "ServerApp.root_dir": str(server.root),
    }
    return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]


def _environment(server: LabServer, folder: Path) -> dict[str, str]:
    own = {
        "ASTRAML_HOME": server.home,
        "IPYTHONDIR": folder / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": server.settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
    }
    # The token travels in the environment: a command line is readable by every user of the machine.
    return {**os.environ, **{name: str(path) for name, path in own.items()}, "JUPYTER_TOKEN": server.token}


def _answers(server: LabServer, process: subprocess.Popen[bytes]) -> bool:
    """Wait until a server that was started answers, and tell whether it does."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            server.ask("GET", "status", seconds=SECONDS_TO_ANSWER)
            return True
        time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
