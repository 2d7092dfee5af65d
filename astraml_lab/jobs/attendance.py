"""Whether a person is at the keyboard: a `%%tune` cell returns at once for them, and waits for a machine."""

from __future__ import annotations

import os
import sys

_YES = frozenset({"1", "true", "yes", "on"})


def attended() -> bool:
    """Return whether somebody would see a display change after the call returns.

    `ASTRAML_HEADLESS` (1 or 0) decides if it is set. In a kernel, a front end that takes no input (papermill,
    nbconvert) is a machine. Elsewhere a terminal with a prompt is a person, a script is not.
    """
    forced = os.environ.get("ASTRAML_HEADLESS", "").strip().lower()
    if forced:
        return forced not in _YES
    shell = _shell()
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin", True))
    return shell is not None or bool(sys.flags.interactive or hasattr(sys, "ps1"))


def in_kernel() -> bool:
    """Whether the code runs in a Jupyter kernel."""
    return getattr(_shell(), "kernel", None) is not None


def _shell() -> object | None:
    """Return IPython's shell, where there is one; imports nothing."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
