from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from astraml_lab.magics import load_ipython_extension, unload_ipython_extension
from astraml_lab.spec import Float
from astraml_lab.trial import report

LOADS_LIGHT = """
import sys
from IPython.core.interactiveshell import InteractiveShell
import astraml_lab.magics
print({"torch", "optuna", "sqlalchemy", "plotly", "ipywidgets", "papermill"} & set(sys.modules))
"""


def matchers(shell: Any) -> list[object]:
    assert shell.Completer is not None
    return list(shell.Completer.custom_matchers)


def test_unloading_takes_everything_back(shell: Any) -> None:
    before = matchers(shell)
    load_ipython_extension(shell)
    load_ipython_extension(shell)
    assert len(matchers(shell)) == len(before) + 1
    assert shell.user_ns["Float"] is Float
    assert shell.user_ns["report"] is report
    unload_ipython_extension(shell)
    assert matchers(shell) == before
    assert "Float" not in shell.user_ns
    assert shell.find_magic("tune", "cell") is shell.find_magic("tune", "line") is None


def test_names_of_the_user_are_neither_replaced_nor_removed(shell: Any) -> None:
    shell.user_ns["report"] = "mine"
    load_ipython_extension(shell)
    unload_ipython_extension(shell)
    assert shell.user_ns["report"] == "mine"


def test_the_heavy_imports_are_warmed_in_a_thread_that_ends(shell: Any) -> None:
    load_ipython_extension(shell)
    for thread in threading.enumerate():
        if thread.name == "astraml-warm-up":
            thread.join(120)
            assert not thread.is_alive()
    assert "optuna" in sys.modules
    unload_ipython_extension(shell)


def test_loading_itself_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS_LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
