"""A PNG of a figure, if kaleido and a browser happen to be there: never required, never noisy, never slow."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from astraml_lab import optional

SECONDS = 20.0
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
# Kaleido starts a browser and threads of its own: in a child they can be ended for certain.
_CHILD = """
import json, sys
import plotly.io
figure = json.load(open(sys.argv[1]))
height = figure["layout"].get("height", 420)
image = plotly.io.to_image(figure, format="png", width=1100, height=height, validate=False)
open(sys.argv[2], "wb").write(image)
"""


def png_of(figure: dict[str, Any], seconds: float = SECONDS) -> str | None:
    """Return the figure as base64 PNG, or `None` where it cannot be had in time."""
    if not optional.installed("kaleido") or not has_browser():
        return None
    with tempfile.TemporaryDirectory(prefix="astraml-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "figure.json"), Path(folder, "figure.png")
        source.write_text(json.dumps(figure))
        if not _draw([sys.executable, "-c", _CHILD, str(source), str(target)], seconds):
            return None
        with contextlib.suppress(OSError):
            return base64.b64encode(target.read_bytes()).decode("ascii")
    return None


def has_browser() -> bool:
    """Whether a browser is where kaleido looks for one."""
    return "BROWSER_PATH" in os.environ or any(shutil.which(name) for name in _BROWSERS)


def _draw(command: list[str], seconds: float) -> bool:
    with (
        contextlib.suppress(OSError),
        subprocess.Popen(  # noqa: S603  our own interpreter and a constant program
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as child,
    ):
        try:
            return child.wait(seconds) == 0
        except BaseException as interruption:
            _end(child)
            if not isinstance(interruption, subprocess.TimeoutExpired):
                raise
    return False


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and the browser that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
