"""`%load_ext astraml_lab`: the magics, their completion, and the names that cells use."""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import TYPE_CHECKING, Any

from astraml_lab.magics.completion import matcher
from astraml_lab.magics.magic import TuneMagics
from astraml_lab.spec import CONSTRUCTORS
from astraml_lab.trial import report

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from astraml_lab.magics.call import Lab

__all__ = ["TuneMagics", "load_ipython_extension", "unload_ipython_extension"]

_NAMES: dict[str, Any] = {**{each.__name__: each for each in CONSTRUCTORS}, "report": report}
# What the first `%%tune` needs; together they bring SQLAlchemy, Optuna, the widgets and scipy.
_WARM = ("astraml_lab.lab", "astraml_lab.ui.presenter", "astraml_lab.search.auto.proposing")


def load_ipython_extension(shell: InteractiveShell, lab: Lab | None = None) -> None:
    """Register the magics and their completion, and put the names that cells use into the notebook.

    Args:
        shell: The notebook's IPython.
        lab: Where jobs are launched and found (default: this process's own lab).
    """
    unload_ipython_extension(shell)
    magics = TuneMagics(shell, lab)
    magics.register()
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(matcher(lambda: magics.lab))
    missing = {name: value for name, value in _NAMES.items() if name not in shell.user_ns}
    shell.push(missing, interactive=False)  # type: ignore[no-untyped-call]  # IPython's own
    # No daemon: one that the interpreter's end kills inside an import may take the process down with it.
    threading.Thread(target=_warm_up, name="astraml-warm-up").start()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take back all that loading did, but for names that the user has given another meaning."""
    for name in ("tune", "tunesql"):
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop(name, None)
        vars(shell.magics_manager.user_magics).pop(name, None)
    if shell.Completer is not None:
        matchers = shell.Completer.custom_matchers
        matchers[:] = [each for each in matchers if getattr(each, "matcher_identifier", "") != "astraml_tune"]
    shell.drop_by_id(_NAMES)  # type: ignore[no-untyped-call]  # IPython's own


def _warm_up() -> None:
    """Import what the first job needs, so that its cell does not wait for it; failures show up there.

    Not torch: scipy looks for it in `sys.modules`, so that a cell which uses scipy, or imports scikit-learn,
    while another thread imports torch fails with "partially initialized module 'torch'".
    """
    for module in _WARM:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
